"""The balancing loss over the global batch: columns of all ranks, with gradients."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from hawkeye_core.model.balance_loss import Columns


def gather_columns(columns: Columns, group: dist.ProcessGroup | None = None) -> Columns:
    """Columns of all ranks beside one another, in the order of the ranks; ranks may have unequally many.

    Gradients are those of the sum of all ranks' losses: what a rank gets for its columns is added up over ranks. When
    every rank computes the same L_bc from the result and gradients are *averaged* over ranks, as
    DistributedDataParallel and FSDP do, the average is exactly the gradient of L_bc of the whole batch in one process.

    Args:
        columns: Of this rank.
        group: Process group; the default one (Accelerate's) if not given.

    Returns:
        The columns themselves where nothing is distributed.
    """
    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size(group) == 1:
        return columns
    experts = columns.coefficient.shape[0]
    rows = torch.cat([columns.coefficient, columns.log_importance, columns.peak[None]]).T  # [M, 2 N + 1]
    gathered = _GatherRows.apply(rows, _counts(rows, group), group).T
    coefficient, log_importance, peak = gathered.split([experts, experts, 1])
    return Columns(coefficient, log_importance, peak[0].detach())


def _counts(rows: Tensor, group: dist.ProcessGroup | None) -> list[int]:
    mine = torch.tensor([len(rows)], device=rows.device)
    counts = [torch.empty_like(mine) for _ in range(dist.get_world_size(group))]
    dist.all_gather(counts, mine, group=group)
    return [int(count) for count in counts]


class _GatherRows(torch.autograd.Function):
    """[m, C] of each rank -> [sum of m, C]; backward adds up over ranks and keeps the own part."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, counts: list[int], group: dist.ProcessGroup | None) -> Tensor:
        ctx.counts, ctx.group = counts, group
        padded = rows.new_zeros(max(counts), rows.shape[1])  # collectives want equal shapes
        padded[: len(rows)] = rows
        parts = [torch.empty_like(padded) for _ in counts]
        dist.all_gather(parts, padded, group=group)
        return torch.cat([part[:count] for part, count in zip(parts, counts, strict=True)])

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        total = grads[0].contiguous().clone()
        dist.all_reduce(total, group=ctx.group)
        return total.split(ctx.counts)[dist.get_rank(ctx.group)], None, None
