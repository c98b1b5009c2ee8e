"""Which checkpoint of a run is meant: the last, the best, or one by name."""

from __future__ import annotations

from pathlib import Path

from hawkeye_core.errors import WeightsError
from hawkeye_core.model.saving import TRAINABLE

FINAL, FOLDER, BEST = "checkpoint", "checkpoints", "best"
"""Folder of a run's final checkpoint, folder of the others, and how the best one's name begins."""


def locate_checkpoint(run: str | Path, which: str = "last") -> Path:
    """Folder of a checkpoint.

    Args:
        run: A run's folder, or a checkpoint itself.
        which: ``last`` (the final one of a finished run), ``best`` (by F2 on the test split), or a name such as
            ``step-000100``.

    Raises:
        WeightsError: There is no such checkpoint; it says which there are.
    """
    run = Path(run)
    if which == "last":
        if _is_checkpoint(run):
            return run
        found = [run / FINAL]
    elif which == BEST:
        found = sorted((run / FOLDER).glob(f"{BEST}-*"))
    else:
        found = [run / FOLDER / which] if Path(which).name == which else []
    if found and _is_checkpoint(found[-1]):
        return found[-1]
    known = sorted(path.name for path in (run / FOLDER).glob("[!.]*") if _is_checkpoint(path))
    have = [*(["last"] if _is_checkpoint(run / FINAL) else []), *known]
    if not have:
        raise WeightsError("holds no checkpoint of Hawkeye", path=run, remedy="train first (`hawkeye train`)")
    advice = "; `eval_every` in training keeps the best" if which == BEST else ""
    raise WeightsError(f"has no checkpoint {which!r}", path=run, remedy=f"there are: {', '.join(have)}{advice}")


def _is_checkpoint(folder: Path) -> bool:
    return (folder / TRAINABLE).is_file() and (folder / "config.json").is_file()
