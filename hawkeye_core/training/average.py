"""One model of several: the mean of the weights of runs that began alike and saw their windows in another order.

Runs of one start with different seeds end in one basin, and the middle of it is better than where any of them ended,
for the price of none at prediction (Wortsman et al., *Model soups*, ICML 2022).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import yaml
from safetensors.torch import save_file
from torch import Tensor
from transformers import AutoTokenizer

from hawkeye_core.atomic import write_text
from hawkeye_core.digest import sha256_of
from hawkeye_core.errors import ConfigError, WeightsError
from hawkeye_core.model.config import HawkeyeConfig
from hawkeye_core.model.saving import TRAINABLE
from hawkeye_core.training.checkpoint import whole_folder
from hawkeye_core.training.locate import FINAL, locate_checkpoint
from hawkeye_core.training.record import CONFIG, RECORD, RunRecord, fresh_folder, git_commit, read_record, write_json
from hawkeye_core.weights import load_state_dict


def average_runs(runs: Sequence[str | Path], out: str | Path) -> Path:
    """A run's folder whose checkpoint is the mean of the last checkpoints of others.

    Args:
        runs: Two at least, finished, with equal models on equal features.
        out: Folder of the new run; an earlier one there is kept under a numbered name.

    Returns:
        The folder.

    Raises:
        ConfigError: Fewer than two runs, or runs that differ in more than their seed and what they read in which order.
        WeightsError: A run has no checkpoint, or tensors of other names or shapes.
    """
    if len(runs) < 2:
        raise ConfigError("an average takes two runs at least", remedy="train again with another `seed`")
    folders, records = [locate_checkpoint(run) for run in runs], [read_record(run) for run in runs]
    for run, record in zip(runs[1:], records[1:], strict=True):
        _require_alike(records[0], record, path=run)
    state = mean_state([folder / TRAINABLE for folder in folders])
    out = Path(out)
    fresh_folder(out)
    with whole_folder(out / FINAL) as temporary:
        save_file(state, temporary / TRAINABLE, metadata={"format": "pt"})
        HawkeyeConfig.from_pretrained(folders[0]).save_pretrained(temporary)
        AutoTokenizer.from_pretrained(folders[0]).save_pretrained(temporary)
    settings = records[0].settings | {"run": str(out)}
    write_text(out / CONFIG, yaml.safe_dump(settings, sort_keys=False))
    steps = sum(record.steps for record in records)
    spent = sum(_seconds(Path(run)) for run in runs)
    write_text(out / "metrics.jsonl", json.dumps({"step": steps, "averaged": len(runs), "seconds": spent}) + "\n")
    averaged = {f"averaged {n}": sha256_of(folder / TRAINABLE) for n, folder in enumerate(folders, 1)}
    changed = {
        "settings": settings, "inputs": records[0].inputs | averaged, "steps": steps, "result": {},
        "git_commit": git_commit(Path(__file__).parent),
    }  # fmt: skip
    write_json(out / RECORD, records[0].model_copy(update=changed).model_dump(mode="json"))
    return out


def mean_state(paths: Sequence[Path]) -> dict[str, Tensor]:
    """The mean of the tensors of several files, read one at a time, summed in float32, in the type of the first.

    Raises:
        WeightsError: Names or shapes differ.
    """
    first = load_state_dict(paths[0])
    total = {name: value.float() for name, value in first.items()}
    for path in paths[1:]:
        state = load_state_dict(path)
        wrong = sorted(
            name for name in first.keys() | state.keys()
            if name not in first or name not in state or first[name].shape != state[name].shape
        )  # fmt: skip
        if wrong:
            raise WeightsError(
                f"{len(wrong)} tensors are not those of {paths[0]} (first: {', '.join(wrong[:3])})",
                path=path, remedy="average runs of one model",
            )  # fmt: skip
        for name, value in total.items():
            value += state[name].float()
    return {name: (value / len(paths)).to(first[name].dtype) for name, value in total.items()}


def _require_alike(first: RunRecord, other: RunRecord, *, path: str | Path) -> None:
    """The middle of two runs means something only where both began at one place and have one model."""
    if other.status != "finished":
        raise ConfigError(f"is {other.status}", path=path, remedy="finish it: `hawkeye train --resume`")
    differing = [
        name
        for name, same in (
            ("model", first.settings["model"] == other.settings["model"]),
            ("backbone", first.settings["backbone"] == other.settings["backbone"]),
            ("lora", first.settings["lora"] == other.settings["lora"]),
            ("start", first.inputs.get("start") == other.inputs.get("start")),
            ("features", first.fingerprints == other.fingerprints),
        )
        if not same
    ]
    if differing:
        raise ConfigError(
            f"differs from the first run in {', '.join(differing)}", path=path,
            remedy="average runs that differ in `seed` (or data of the same features) only",
        )  # fmt: skip


def _seconds(run: Path) -> float:
    try:
        rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
        return round(sum(float(row.get("seconds", 0.0)) for row in rows), 1)
    except (OSError, ValueError, AttributeError, TypeError):  # it says how long, and decides nothing
        return 0.0
