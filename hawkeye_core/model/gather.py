"""The balancing loss over the global batch: columns of all ranks."""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor

from hawkeye_core.model.balance_loss import Columns


def gather_columns(columns: Columns, group: dist.ProcessGroup | None = None) -> list[Columns]:
    """Columns of each rank, in the order of the ranks; ranks may have unequally many.

    This rank's are ``columns`` itself, with gradients, those of the others are constants. L_bc of all of them joined
    (:func:`~hawkeye_core.model.balance_loss.join_columns`) has on each rank the gradient of that rank's part, and the
    *sum* over ranks is the gradient of L_bc of the whole batch in one process. Where gradients are averaged over
    ranks, as DistributedDataParallel and FSDP do, the loss is multiplied by the number of ranks.

    Args:
        columns: Of this rank.
        group: Process group; the default one (Accelerate's) if not given.

    Returns:
        ``[columns]`` where nothing is distributed.
    """
    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size(group) == 1:
        return [columns]
    experts = columns.coefficient.shape[0]
    rows = torch.cat([columns.coefficient, columns.log_importance, columns.peak[None]]).T.detach()  # [M, 2 N + 1]
    found = [Columns(*(t[0] if i == 2 else t for i, t in enumerate(part.T.split([experts, experts, 1]))))
             for part in _gather_rows(rows, group)]  # fmt: skip
    found[dist.get_rank(group)] = columns
    return found


def _gather_rows(rows: Tensor, group: dist.ProcessGroup | None) -> list[Tensor]:
    """[m, C] of each rank; collectives want equal shapes."""
    mine = torch.tensor([len(rows)], device=rows.device)
    counts = [torch.empty_like(mine) for _ in range(dist.get_world_size(group))]
    dist.all_gather(counts, mine, group=group)
    padded = rows.new_zeros(max(int(count) for count in counts), rows.shape[1])
    padded[: len(rows)] = rows
    parts = [torch.empty_like(padded) for _ in counts]
    dist.all_gather(parts, padded, group=group)
    return [part[: int(count)] for part, count in zip(parts, counts, strict=True)]
