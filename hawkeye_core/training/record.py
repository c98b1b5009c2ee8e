"""What a run was made of: ``run.json``, read back by the evaluation, and the run's folder."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from feature_store.fingerprint import FAMILIES
from feature_store.store import FeatureStore
from hawkeye_core.errors import ConfigError, WeightsError
from hawkeye_core.settings import Settings

RECORD = "run.json"
PACKAGES = ("torch", "transformers", "accelerate", "torch-geometric", "safetensors", "tokenizers", "numpy")


class RunRecord(Settings):
    """``run.json``: enough to make the run again, and to say what its numbers are worth."""

    status: str
    """`running` or `finished`."""
    settings: dict[str, Any]
    """The run's settings."""
    seed: int
    """Decides new weights and the order of the windows."""
    fingerprints: dict[str, str]
    """Digest of the features by family."""
    untrained: tuple[str, ...]
    """Parts whose networks had random weights: families of features, `backbone`."""
    annotations_sha256: str
    """Of the annotation file."""
    windows: int
    """Training windows."""
    parameters: int
    """Trained parameters."""
    environment: dict[str, str]
    """Versions of Python, the platform and the packages that compute."""
    git_commit: str | None
    """Commit of the working tree, with `+changes` if files differ; none outside a repository."""
    result: dict[str, float] = Field(default_factory=dict)
    """Last losses."""


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
    temporary = path.with_name(f".{path.name}.tmp-{os.getpid()}")
    temporary.write_text(json.dumps(value, indent=2, allow_nan=False) + "\n")
    os.replace(temporary, path)


def read_record(run: str | Path) -> RunRecord:
    """The record of a run.

    Raises:
        WeightsError: There is none, or it is not one.
    """
    path = Path(run) / RECORD
    try:
        return RunRecord.model_validate_json(path.read_text())
    except FileNotFoundError as error:
        raise WeightsError("no such training run", path=path, remedy="train first (`hawkeye train`)") from error
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        raise WeightsError(f"is not the record of a training run: {error}", path=path) from error


def _git(folder: Path, *arguments: str) -> str:
    result = subprocess.run(
        ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True, timeout=10
    )
    return result.stdout.strip()
