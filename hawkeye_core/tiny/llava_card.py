"""The small Video-LLaVA into the package: its folder, and a card for the tower and one for the language model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from hawkeye_core.digest import sha256_of
from hawkeye_core.errors import WeightsError
from hawkeye_core.tiny.card import Card, best_metrics, new_card, read_card, write_card
from hawkeye_core.tiny.config import SHIPPED
from hawkeye_core.tiny.llava_folder import replace_folder
from hawkeye_core.tiny.shipped import LLAVA, ShippedName
from hawkeye_core.training.record import RECORD

GOOD_FOR = "the demo, tests and ablations on ReconSim, where it stands for Video-LLaVA"
NOT_FOR = "real video: it has seen drawn scenes only and knows a few hundred words; it was never told what is anomalous"

DATA: dict[ShippedName, str] = {
    "vision": "ReconSim: moments of random videos with boxes, classes, actions, joints and relations of what is seen",
    "language": "ReconSim: random videos, cut and joined, with questions on plain actions and relations and their "
    "answers (when, what, in which order, a description, what is not there); sentences of people's deeds without a "
    "video; no anomalous segment, category or reason of a video",
}
THINGS = (
    "ReconSim: moments of random videos with boxes and classes of what is seen; what people do and how things stand to "
    "each other was never told"
)
"""What a tower of things alone has learned from (``told=things``)."""


def publish_llava(language_run: str | Path, vision_run: str | Path, *, folder: Path) -> list[Card]:
    """Copy the model that a run wrote into the package's weights, with ``vision.md`` and ``language.md`` beside it.

    Args:
        language_run: Run of the language model; holds the whole model.
        vision_run: Run of the tower it was trained on.
        folder: Where weights and cards lie.

    Raises:
        WeightsError: The run has not written its model yet.
    """
    source = Path(language_run) / LLAVA
    if not (source / "model.safetensors").is_file():
        raise WeightsError("holds no model yet", path=source, remedy="train it with `hawkeye tiny train language`")
    folder.mkdir(parents=True, exist_ok=True)
    replace_folder(folder / LLAVA, lambda temporary: shutil.copytree(source, temporary))
    runs: tuple[tuple[ShippedName, str | Path], ...] = (("vision", vision_run), ("language", language_run))
    return [_card(name, Path(run), folder) for name, run in runs]


def _card(name: ShippedName, run: Path, folder: Path) -> Card:
    record = json.loads((run / RECORD).read_text())
    earlier = folder / f"{name}.json"
    going_on = record["settings"]["start"] == SHIPPED and earlier.is_file()
    data = THINGS if record["settings"].get("told") == "things" else DATA[name]
    card = new_card(
        name, sha256_of(folder / LLAVA / "model.safetensors"), record, metrics=best_metrics(run),
        about=(data, GOOD_FOR, NOT_FOR), before=[read_card(earlier).model_dump()] if going_on else [],
    )  # fmt: skip
    write_card(card, folder)
    return card
