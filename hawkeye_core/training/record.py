"""What a run was made of: ``run.json``, read back by the evaluation, and the run's folder."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from feature_store.fingerprint import FAMILIES
from feature_store.store import FeatureStore
from hawkeye_core.atomic import write_text
from hawkeye_core.errors import ConfigError, WeightsError
from hawkeye_core.settings import Settings
from hawkeye_core.training.config import TrainSettings

RECORD = "run.json"
CONFIG = "config.yaml"
PACKAGES = ("torch", "transformers", "accelerate", "torch-geometric", "safetensors", "tokenizers", "numpy")


class RunRecord(Settings):
    """``run.json``: enough to make the run again, and to say what its numbers are worth."""

    status: str
    """`running`, `stopped` (asked to, with a checkpoint) or `finished`."""
    settings: dict[str, Any]
    """The run's settings."""
    seed: int
    """Decides new weights and the order of the windows."""
    fingerprints: dict[str, str]
    """Digest of the features by family."""
    untrained: tuple[str, ...]
    """Parts whose networks had random weights before any stage: families of features, `backbone`."""
    inputs: dict[str, str]
    """SHA-256 of what else was read, by name: tables, the backbone's tensors, the weights it began with."""
    samples: int
    """Training samples: windows, in stage 1 pairs of an epoch."""
    parameters: int
    """Trained parameters."""
    steps: int = 0
    """Optimiser steps of the whole run."""
    processes: int = 1
    """How many trained together."""
    weights: str = "whole"
    """What processes shared of the model: nothing (`whole`), weights (`fsdp2`), gradients and optimiser (`zero2`)."""
    device: str = "cpu"
    """Kind of device."""
    environment: dict[str, str]
    """Versions of Python, the platform and the packages that compute."""
    git_commit: str | None
    """Commit of the working tree, with `+changes` if files differ; none outside a repository."""
    result: dict[str, float] = Field(default_factory=dict)
    """Last losses, and the best F2 with its step where it was measured."""

    def facts(self) -> dict[str, Any]:
        """All that decides the results, by name."""
        return TrainSettings.model_validate(self.settings).deciding() | {
            "processes": self.processes,
            "weights": self.weights,
            "device": self.device,
            "samples": self.samples,
            **{name: digest[:12] for name, digest in self.inputs.items()},
            **{f"features of {family}": digest[:12] for family, digest in self.fingerprints.items()},
        }

    def identity(self) -> str:
        """Digest of :meth:`facts`."""
        return hashlib.sha256(json.dumps(self.facts(), sort_keys=True).encode()).hexdigest()


def require_same_run(recorded: RunRecord, now: RunRecord, *, path: str | Path) -> None:
    """Check that a resumed run would give what the interrupted one would have given.

    Raises:
        ConfigError: Something that decides the results has changed.
    """
    before, after = recorded.facts(), now.facts()
    changed = [key for key in sorted(before | after) if before.get(key) != after.get(key)]
    if changed:
        differences = "; ".join(f"{key} was {before.get(key)}, now {after.get(key)}" for key in changed)
        raise ConfigError(f"cannot be resumed: {differences}", path=path, remedy=_remedy(changed, recorded))


def _remedy(changed: Sequence[str], recorded: RunRecord) -> str:
    before = recorded.facts()
    if "processes" in changed or "weights" in changed:
        way = f"start it with {before['processes']} processes (`accelerate launch --num_processes`)"
        if "weights" in changed:
            way += " and " + {"fsdp2": "fsdp2.yaml", "zero2": "deepspeed.yaml"}.get(before["weights"], "ddp.yaml")
    else:
        keys = [key for key in changed if key in TrainSettings.model_validate(recorded.settings).deciding()]
        way = f"give {' '.join(f'{key}={before[key]}' for key in keys)}" if keys else "give back what it was begun with"
    return f"{way}, or train anew in another folder (leave out --resume, set `run`)"


def environment() -> dict[str, str]:
    """Versions of Python, the platform and the packages that compute."""
    return {"python": platform.python_version(), "platform": platform.platform()} | {
        name: version(name) for name in PACKAGES
    }


def git_commit(folder: Path) -> str | None:
    """Commit of the repository a folder lies in, ``+changes`` behind it if tracked files differ."""
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        return commit + ("+changes" if _git(folder, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def untrained_parts(record: RunRecord) -> tuple[str, ...]:
    """What about a run was untrained, in words."""
    families = [family for family in FAMILIES if family in record.untrained]
    marks = (f"untrained features ({', '.join(families)})",) if families else ()
    return (*marks, "untrained backbone") if BACKBONE in record.untrained else marks


def store_fingerprints(store: FeatureStore) -> tuple[dict[str, str], tuple[str, ...]]:
    """Digest by family of the features a reader gets, and the families whose networks were untrained."""
    chosen = store.choose()
    untrained = tuple(f for f in FAMILIES if not store.fingerprints(f)[chosen[f]].trained)
    return {str(family): digest for family, digest in chosen.items()}, untrained


def fresh_folder(run: str | Path) -> Path:
    """An empty folder for a run; an earlier run of that name is renamed to ``NAME.1``, ``NAME.2`` ...

    Raises:
        ConfigError: There are other things in the folder.
    """
    folder = Path(run)
    if folder.exists() and not (folder.is_dir() and (not any(folder.iterdir()) or (folder / RECORD).is_file())):
        raise ConfigError("holds other things than a run", path=folder, remedy="set `run` to a new folder")
    if (folder / RECORD).is_file():
        number = 1
        while (kept := folder.with_name(f"{folder.name}.{number}")).exists():
            number += 1
        os.replace(folder, kept)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write whole or not at all."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def read_record(run: str | Path) -> RunRecord:
    """The record of a run.

    Raises:
        WeightsError: There is none, or it is not one, or its settings are another version's.
    """
    path = Path(run) / RECORD
    try:
        record = RunRecord.model_validate_json(path.read_text())
    except FileNotFoundError as error:
        raise WeightsError("no such training run", path=path, remedy="train first (`hawkeye train`)") from error
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        raise WeightsError(f"is not the record of a training run: {error}", path=path) from error
    try:
        TrainSettings.model_validate(record.settings)
    except ValidationError as error:
        keys = ", ".join(".".join(map(str, one["loc"])) for one in error.errors())
        raise WeightsError(
            f"has settings that this version of Hawkeye does not know or take: {keys}", path=path,
            remedy=f"use the version that trained it (commit {record.git_commit or 'unknown'}), or train again",
        ) from error  # fmt: skip
    return record


def _git(folder: Path, *arguments: str) -> str:
    result = subprocess.run(
        ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True, timeout=10
    )
    return result.stdout.strip()


BACKBONE = "backbone"
"""Name of the language model among inputs and untrained parts."""
