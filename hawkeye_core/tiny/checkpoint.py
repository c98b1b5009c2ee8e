"""Files of a run: the checkpoint to resume from, weights, and rows of metrics; each written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from hawkeye_core.atomic import replacing
from hawkeye_core.errors import WeightsError

CHECKPOINT = "checkpoint.pt"
METRICS = "metrics.jsonl"
LAST = "last.safetensors"
"""The averaged weights of the last evaluation."""
BEST = "best.safetensors"
"""Those of the evaluation with the highest measure."""


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a temporary file beside ``path``; flush it to disk and rename it."""
    with replacing(path) as temporary:
        write(temporary)


def save_weights(state: Mapping[str, Tensor], path: Path) -> None:
    """A state dict as safetensors."""
    tensors = {name: value.detach().contiguous() for name, value in state.items()}
    write_whole(path, lambda temporary: save_file(tensors, temporary))


def save_checkpoint(state: Mapping[str, Any], folder: Path) -> None:
    """Everything a run needs to go on; see :func:`load_checkpoint`."""
    write_whole(folder / CHECKPOINT, lambda temporary: torch.save(dict(state), temporary))


def load_checkpoint(folder: Path) -> dict[str, Any]:
    """Tensors and plain values of a run's checkpoint; nothing in the file is executed.

    Raises:
        WeightsError: There is none.
    """
    path = folder / CHECKPOINT
    if not path.is_file():
        raise WeightsError("no checkpoint to go on from", path=path, remedy="leave out `resume=true`")
    content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return content


def append_row(folder: Path, row: Mapping[str, Any]) -> None:
    """One more line of ``metrics.jsonl``."""
    with open(folder / METRICS, "a") as file:
        file.write(json.dumps(row) + "\n")


def drop_rows_behind(folder: Path, *, step: int) -> None:
    """Take away the rows that a resumed run will write again."""
    path = folder / METRICS
    lines = path.read_text().splitlines() if path.is_file() else []
    kept = [line for line in lines if json.loads(line)["step"] <= step]
    write_whole(path, lambda temporary: temporary.write_text("".join(f"{line}\n" for line in kept)))
