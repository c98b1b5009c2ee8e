"""All that a run needs to go on: a checkpoint with optimiser, schedule, generators and position, and its hashes."""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from transformers import PreTrainedTokenizerBase

from hawkeye_core.errors import ConfigError, WeightsError
from hawkeye_core.model.hawkeye import HawkeyeModel
from hawkeye_core.settings import Settings
from hawkeye_core.training.checkpoint import WEIGHTS, whole_folder, write_model
from hawkeye_core.training.locate import BEST, FOLDER
from hawkeye_core.training.record import write_json
from hawkeye_core.weights import load_state_dict

MANIFEST, POSITION, OPTIMIZER = "manifest.json", "position.json", "optimizer.pt"


class Position(Settings):
    """Where a run stands."""

    step: int
    """Optimiser steps done."""
    epoch: int
    """Epoch of the next window; follows from ``step``, stands here for the reader."""
    windows_done: int
    """Windows of that epoch that were used."""
    evaluated: int = -1
    """Step of the last evaluation."""
    loss: float | None
    """Of the last step; none before the first."""
    test_loss: float | None = None
    """Of the last evaluation."""
    best_f2: float | None = None
    """Highest F2 so far."""
    best_step: int | None = None
    """Its step."""
    metrics_bytes: int
    """Length of ``metrics.jsonl``; what a killed run wrote behind it is cut off."""
    identity: str
    """Digest of all that decides the results (``RunRecord.identity``)."""


@dataclass(frozen=True)
class RunState:
    """A checkpoint that was read and checked."""

    folder: Path
    position: Position
    tensors: dict[str, torch.Tensor]
    optimizer: dict[str, Any]
    schedule: dict[str, Any]
    rng: list[dict[str, Any]]  # of each process


def save_run_state(
    run: Path, *, model: HawkeyeModel, tokenizer: PreTrainedTokenizerBase, tensors: dict[str, torch.Tensor],
    optimizer: dict[str, Any], schedule: dict[str, Any], rng: Sequence[dict[str, Any]], position: Position,
) -> Path:  # fmt: skip
    """Write ``checkpoints/step-NNNNNN``: under a temporary name, hashed, flushed to disk, renamed."""
    folder = run / FOLDER / f"step-{position.step:06d}"
    with whole_folder(folder) as temporary:
        write_model(model, tokenizer, temporary, state=tensors)
        torch.save({"optimizer": optimizer, "schedule": schedule, "rng": list(rng)}, temporary / OPTIMIZER)
        write_json(temporary / POSITION, position.model_dump(mode="json"))
        write_json(temporary / MANIFEST, {path.name: _sha256(path) for path in sorted(temporary.iterdir())})
    return folder


def checkpoints_of(run: Path) -> list[Path]:
    """Checkpoints to resume from, oldest first; half-written ones have other names."""
    return sorted(path for path in (run / FOLDER).glob("step-*") if path.is_dir())


def keep_last(run: Path, count: int) -> None:
    """Remove all but the last ``count`` checkpoints, and what killed runs left half-written."""
    for path in (*checkpoints_of(run)[:-count], *(run / FOLDER).glob(".*")):
        shutil.rmtree(path, ignore_errors=True)


def keep_best(run: Path, step: int) -> None:
    """Remove all best checkpoints but that of ``step``."""
    for path in (run / FOLDER).glob(f"{BEST}-*"):
        if path.name != best_name(step):
            shutil.rmtree(path, ignore_errors=True)


def best_name(step: int) -> str:
    """Folder of the best checkpoint."""
    return f"{BEST}-{step:06d}"


def load_run_state(run: Path, *, name: str = "", identity: str) -> RunState | None:
    """Read and check the last checkpoint of a run, or the one of that name; None if the run has none yet.

    Raises:
        ConfigError: There is none of that name.
        WeightsError: It is damaged, or of another run; the one before is offered.
    """
    known = checkpoints_of(run)
    if name and name not in [path.name for path in known]:
        raise ConfigError(
            f"has no checkpoint {name!r}",
            path=run,
            remedy=f"there are: {', '.join(path.name for path in known) or 'none'}",
        )
    if not known:
        return None
    folder = run / FOLDER / name if name else known[-1]
    remedy = _offer([path for path in known if path.name < folder.name])
    _check_hashes(folder, remedy=remedy)
    try:
        position = Position.model_validate_json((folder / POSITION).read_text())
        rest = torch.load(folder / OPTIMIZER, map_location="cpu", weights_only=True)
        state = RunState(folder, position, load_state_dict(folder / WEIGHTS), *_parts(rest))
    except (OSError, ValidationError, RuntimeError, EOFError, KeyError, TypeError, pickle.UnpicklingError) as error:
        raise WeightsError(f"cannot be read as a checkpoint: {error}", path=folder, remedy=remedy) from error
    if position.identity != identity:
        raise WeightsError("belongs to another run or to other settings", path=folder, remedy=remedy)
    return state


def _parts(rest: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
    return rest["optimizer"], rest["schedule"], rest["rng"]


def _offer(before: Sequence[Path]) -> str:
    if not before:
        return "there is none before it: start anew (leave out --resume)"
    return f"take the one before: add resume_from={before[-1].name}"


def _check_hashes(folder: Path, *, remedy: str) -> None:
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        names = {path.name for path in folder.iterdir()} - {MANIFEST}
        wrong = sorted(name for name in names | set(manifest) if manifest.get(name) != _hash_or_none(folder / name))
    except (OSError, UnicodeDecodeError, ValueError, AttributeError) as error:
        raise WeightsError(f"has no manifest that can be read: {error}", path=folder, remedy=remedy) from error
    if wrong or WEIGHTS not in manifest or POSITION not in manifest or OPTIMIZER not in manifest:
        raise WeightsError(f"is damaged: {', '.join(wrong) or 'files are missing'}", path=folder, remedy=remedy)


def _hash_or_none(path: Path) -> str | None:
    return _sha256(path) if path.is_file() else None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:  # not the cached digest of hawkeye_core.weights: this one looks for damage
        return hashlib.file_digest(file, "sha256").hexdigest()
