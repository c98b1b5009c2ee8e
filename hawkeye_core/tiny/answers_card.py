"""The finished small Hawkeye into the package: both stages done on drawn videos, ready to answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer

from hawkeye_core.digest import sha256_of
from hawkeye_core.errors import WeightsError
from hawkeye_core.model.config import HawkeyeConfig
from hawkeye_core.model.saving import TRAINABLE
from hawkeye_core.tiny.card import Card, new_card, read_card, write_card
from hawkeye_core.tiny.config import SHIPPED
from hawkeye_core.tiny.graph_origin import graph_origin
from hawkeye_core.tiny.llava_folder import replace_folder
from hawkeye_core.tiny.shipped import ANSWERS, BEGINNINGS, PLAIN
from hawkeye_core.training.locate import locate_checkpoint
from hawkeye_core.training.record import RECORD, RunRecord, read_record

RESULTS = "results.json"
MEASURES = ("fnr", "f2", "precision", "recall")

DATA = (
    "ReconSim: videos of a drawn world with their anomalous segments, categories and reasons, pose and scene graphs "
    "{graphs}; begun with `hawkeye`"
)
PLAIN_DATA = (
    "ReconSim: videos of a drawn world with their anomalous segments, categories and reasons, without scene modules; "
    "begun with `language`"
)
PLAIN_GOOD_FOR = "what plain Video-LLaVA begins with where `hawkeye-answers` is tuned to other videos (`make demo`)"
GOOD_FOR = "trying out `hawkeye ground`, `chat`, `app` and `watch` on drawn videos, and their tests"
NOT_FOR = "real video: it has seen drawn scenes only, and what it says of others means nothing"


def publish_answers(run: str | Path, evaluation: str | Path, *, folder: Path) -> Card:
    """Copy a run's last checkpoint in half precision as ``hawkeye-answers/``, with a card of how it was evaluated.

    One without scene modules becomes ``hawkeye-plain/``.

    Args:
        run: Of stage 2 on the package's Video-LLaVA.
        evaluation: Folder of its `hawkeye eval` on videos that it has not learned from.
        folder: Where weights and cards lie.

    Raises:
        WeightsError: The run has no checkpoint, another backbone, or was not evaluated.
    """
    checkpoint, record = locate_checkpoint(run), read_record(run)
    config = HawkeyeConfig.from_pretrained(checkpoint)
    if config.base != SHIPPED:
        raise WeightsError(
            f"its backbone is {config.base!r}", path=checkpoint,
            remedy="train it with `backbone.base=shipped`: the package's model answers on the package's Video-LLaVA",
        )  # fmt: skip
    metrics = _metrics(Path(evaluation))
    state = {name: v.half() if v.is_floating_point() else v for name, v in load_file(checkpoint / TRAINABLE).items()}

    def write(temporary: Path) -> None:
        temporary.mkdir()
        save_file(state, temporary / TRAINABLE, metadata={"format": "pt"})
        config.save_pretrained(temporary)
        AutoTokenizer.from_pretrained(checkpoint).save_pretrained(temporary)

    name = ANSWERS if config.scene else PLAIN
    replace_folder(folder / name, write)
    settings: dict[str, Any] = dict(record.settings)
    trained = sum(value.numel() for value in state.values())
    counted = _counted(run, record) | {"settings": settings, "parameters": trained}
    made = DATA.format(graphs=graph_origin([settings["store"]])) if config.scene else PLAIN_DATA
    about = made, GOOD_FOR if config.scene else PLAIN_GOOD_FOR, NOT_FOR
    card = new_card(name, sha256_of(folder / name / TRAINABLE), counted, metrics=metrics, about=about,
                    before=_before(settings["start"], folder))  # fmt: skip
    write_card(card, folder)
    return card


def _metrics(evaluation: Path) -> dict[str, float]:
    """FNR, F2, mAP of the run and, to compare, of "all positive"; in parts of one."""
    path = evaluation / RESULTS
    if not path.is_file():
        raise WeightsError("the run was not evaluated", path=path, remedy="`hawkeye eval --run RUN --out FOLDER` first")
    rows = json.loads(path.read_text())["rows"]
    found: dict[str, float] = {}
    for prefix, row in (("", rows[0]), ("all_positive_", next(r for r in rows if r["name"] == "all positive"))):
        found |= {f"{prefix}{name}": float(row[name]) for name in MEASURES if row[name] is not None}
        found[f"{prefix}map"] = float(row["mean_ap"]["mean"])
    return found


def _counted(run: str | Path, record: RunRecord) -> dict[str, Any]:
    """What a run took."""
    samples = record.steps * int(record.settings["batch_size"])
    return {"steps": record.steps, "samples": samples, "minutes": _minutes(Path(run))}


def _before(start: str, folder: Path) -> list[dict[str, Any]]:
    """What a run began with: perhaps stage 1, then weights of the package, with all that led to them."""
    if start in BEGINNINGS:
        card = folder / f"{BEGINNINGS[start]}.json"
        return [read_card(card).model_dump()] if card.is_file() else []
    if not (Path(start) / RECORD).is_file():
        return []
    loop = json.loads((Path(start) / RECORD).read_text())
    if "task" in loop:  # of `hawkeye tiny train scene`
        counted = {name: loop[name] for name in ("steps", "samples", "minutes", "hardware")}
        return [counted, *_before(loop["settings"]["start"], folder)]
    record = read_record(start)
    return [_counted(start, record), *_before(record.settings["start"], folder)]


def _minutes(run: Path) -> float:
    """That its steps took."""
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return round(sum(row.get("seconds", 0.0) for row in rows) / 60, 1)
