"""The pose task: batches by number, shapes, losses that a network can lower."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
import torch

from hawkeye_core.tiny import pose_task as module
from hawkeye_core.tiny.pose_samples import random_sample
from hawkeye_core.tiny.pose_task import PoseTask, collate

from .stick_figures import stick_frame, stick_frames


@pytest.fixture
def task(monkeypatch):
    monkeypatch.setattr(module, "labelled_frames", lambda seed, **_: stick_frames(seed))
    return PoseTask(batch=16, side=96)


def test_batch_k_is_a_function_of_seed_and_k(task):
    from_zero = list(islice(task.batches(3, 0), 5))
    from_two = list(islice(task.batches(3, 2), 3))
    for one, two in zip(from_zero[2:], from_two, strict=True):
        assert torch.equal(one.images, two.images)
        assert torch.equal(one.targets().heat[1], two.targets().heat[1])
        assert torch.equal(one.targets().cells, two.targets().cells)
    assert not torch.equal(from_zero[0].images, from_zero[3].images)
    assert not torch.equal(from_zero[0].images, next(task.batches(4, 0)).images)


def test_shapes_and_padding():
    rng = np.random.default_rng(0)
    samples = [random_sample(stick_frame(rng, people=p), rng, side=96, input_size=256, zoom=(1, 1)) for p in (0, 1, 3)]
    batch = collate(samples)
    assert batch.images.shape == (3, 3, 96, 96)
    targets = batch.targets()
    assert [m.shape for m in targets.heat] == [(3, 17, 24, 24), (3, 17, 48, 48)]
    assert targets.cells.shape == (3, 3, 17)
    assert (targets.cells[0] == -1).all()
    assert (targets.cells[1, 1:] == -1).all()
    assert not targets.heat[0][0].any()


def test_a_few_steps_on_one_batch_lower_every_loss(task):
    batch = next(task.batches(0, 0))
    optimiser = torch.optim.AdamW(task.model.parameters(), lr=2e-3)
    values = []
    for _ in range(12):
        losses = task.losses(batch)
        values.append({name: value.item() for name, value in losses.items()})
        optimiser.zero_grad()
        torch.stack(list(losses.values())).sum().backward()
        optimiser.step()
    assert values[-1]["heat_4"] < 0.5 * values[0]["heat_4"]
    assert values[-1]["heat_2"] < 0.5 * values[0]["heat_2"]


def test_training_in_bfloat16_loses_about_the_same_and_keeps_float32(task):
    """On the same weights and batch; the losses and what the optimiser sees are float32."""
    batch = next(task.batches(seed=0, start=0))
    half = PoseTask(batch=16, side=96, bfloat16=True)
    half.model.load_state_dict(task.model.state_dict())
    exact, rough = ({name: loss.item() for name, loss in one.losses(batch).items()} for one in (task, half))
    assert exact != rough
    for name, value in exact.items():
        assert rough[name] == pytest.approx(value, rel=0.1, abs=0.02), name
    sum(half.losses(batch).values()).backward()
    assert {p.grad.dtype for p in half.model.parameters() if p.grad is not None} == {torch.float32}
