"""L_bc of two processes equals that of one with the whole batch, in value and in the averaged gradient."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from hawkeye_core.model.balance_loss import balance_columns, balance_loss, join_columns
from hawkeye_core.model.gather import gather_columns

FORMS = [("softmax", "printed"), ("exp", "printed"), ("exp", "ratio")]
SPLITS = {"equal": [slice(0, 2), slice(2, 4)], "unequal": [slice(0, 3), slice(3, 4)]}


def scene() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(0)
    tokens = torch.randn(4, 5, 2, 6, generator=g)
    mask = torch.arange(5) < torch.tensor([[5], [3], [1], [4]])
    return tokens, mask, torch.randn(6, 2, generator=g) * 0.2


def loss_of(router: torch.Tensor, tokens: torch.Tensor, mask: torch.Tensor, form: str, cv: str) -> torch.Tensor:
    logits = tokens @ router
    columns = balance_columns(logits, logits.softmax(-1), mask, tau=0.07, form=form)
    return balance_loss(join_columns(gather_columns(columns)).weigh(form), cv=cv)


def rank_main(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    tokens, mask, start = scene()
    found = {}
    for name, parts in SPLITS.items():
        for form, cv in FORMS:
            router = torch.nn.Linear(6, 2, bias=False)
            router.weight.data = start.T.clone()
            wrapped = torch.nn.parallel.DistributedDataParallel(router)
            logits = wrapped(tokens[parts[rank]])
            columns = balance_columns(logits, logits.softmax(-1), mask[parts[rank]], tau=0.07, form=form)
            loss = balance_loss(join_columns(gather_columns(columns)).weigh(form), cv=cv)
            (loss * 2).backward()  # the gradients of the two processes are averaged, not added
            found[name, form, cv] = (loss.detach(), router.weight.grad.T.clone())
    torch.save(found, Path(folder) / f"{rank}.pt")
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_equal_one_with_the_whole_batch(tmp_path) -> None:
    mp.spawn(rank_main, args=(str(tmp_path),), nprocs=2)
    tokens, mask, start = scene()
    for rank in (0, 1):
        found = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        assert len(found) == 6
        for (_, form, cv), (loss, slope) in found.items():
            router = start.clone().requires_grad_()
            expected = loss_of(router, tokens, mask, form, cv)
            torch.testing.assert_close(loss, expected.detach())
            torch.testing.assert_close(slope, torch.autograd.grad(expected, router)[0], atol=1e-6, rtol=1e-4)


def test_the_loss_of_a_part_is_not_that_of_the_batch() -> None:
    """What would be computed without gathering differs, so the test above can fail."""
    tokens, mask, router = scene()
    whole = loss_of(router, tokens, mask, "softmax", "printed")
    parts = [loss_of(router, tokens[part], mask[part], "softmax", "printed") for part in SPLITS["equal"]]
    assert abs(float(sum(parts)) / 2 - float(whole)) > 1e-3 * float(whole)


def test_one_process_gathers_nothing() -> None:
    tokens, mask, router = scene()
    logits = tokens @ router
    columns = balance_columns(logits, logits.softmax(-1), mask, tau=0.07, form="softmax")
    assert gather_columns(columns) == [columns]
