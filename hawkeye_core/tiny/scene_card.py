"""Scene modules into the package: the checkpoint that training begins with, and the language model within it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoTokenizer, VideoLlavaForConditionalGeneration

from hawkeye_core.digest import sha256_of
from hawkeye_core.errors import WeightsError
from hawkeye_core.model.config import HawkeyeConfig
from hawkeye_core.model.saving import TRAINABLE
from hawkeye_core.tiny.card import Card, best_weights, new_card, read_card, write_card
from hawkeye_core.tiny.config import SHIPPED
from hawkeye_core.tiny.graph_origin import graph_origin
from hawkeye_core.tiny.llava_card import DATA, GOOD_FOR, NOT_FOR
from hawkeye_core.tiny.llava_folder import TOWERS, language_state, replace_folder, write_llava
from hawkeye_core.tiny.shipped import HAWKEYE, LLAVA
from hawkeye_core.training.record import RECORD

MODEL, BACKBONE = "hawkeye.", "backbone."
CONSTANTS = ("scene.actions.tokens.attention.skeleton",)
"""Tensors of a run that are no parameters."""
PLAIN_METRIC = "plain_"

ABOUT = (
    "ReconSim: videos of drawn worlds with pose and scene graphs {graphs}, made less certain than they are; "
    "labels of frames: actions, relations, both of one person; {questions}; no anomalous segment, category or reason"
)
QUESTIONS = "questions on them and their answers, a quarter of the batches without scene modules"
NO_QUESTIONS = "the language model as it was"


def publish_scene(run: str | Path, *, folder: Path, metrics: Mapping[str, float], config: HawkeyeConfig) -> list[Card]:
    """Write a run's best weights as ``hawkeye/`` with a card; likewise its language model, if the run trained it.

    Args:
        run: Of ``hawkeye tiny train scene``.
        folder: Where weights and cards lie; holds the Video-LLaVA that the run began with, or a newer one if the run
            learned labels alone.
        metrics: Measured with these very weights; those without scene modules begin with ``plain_``.
        config: Of the model.

    Raises:
        WeightsError: The run has no weights yet, or the package no Video-LLaVA.
    """
    llava = folder / LLAVA
    if not (llava / "model.safetensors").is_file():
        raise WeightsError("the package holds no Video-LLaVA to update", path=llava, remedy="`hawkeye tiny card llava`")
    state = load_file(best_weights(run))
    whole = {name.removeprefix(MODEL): value.half() for name, value in state.items() if name.startswith(MODEL)}
    parameters = {name: value for name, value in whole.items() if name not in CONSTANTS}
    record = json.loads((Path(run) / RECORD).read_text())
    asked = bool(record["settings"]["questions"])
    if not asked:  # the run did not train the language model: that of the package, should it be newer than the run
        parameters |= {f"{BACKBONE}{name}": value.half() for name, value in language_state(llava).items()}

    def write(temporary: Path) -> None:
        temporary.mkdir()
        save_file(parameters, temporary / TRAINABLE, metadata={"format": "pt"})
        config.save_pretrained(temporary)

    replace_folder(folder / HAWKEYE, write)
    graphs = graph_origin(record["settings"].get("stores", ()))
    about = ABOUT.format(questions=QUESTIONS if asked else NO_QUESTIONS, graphs=graphs), GOOD_FOR, NOT_FOR
    own = {name: value for name, value in metrics.items() if not name.startswith(PLAIN_METRIC)}
    digest = sha256_of(folder / HAWKEYE / TRAINABLE)
    cards = [new_card("hawkeye", digest, record, metrics=own, about=about, before=_earlier(folder, record))]
    if asked:
        update_language(llava, {k.removeprefix(BACKBONE): v for k, v in parameters.items() if k.startswith(BACKBONE)})
        cards.append(_language_card(folder, record, metrics))
    for card in cards:
        write_card(card, folder)
    return cards


def _language_card(folder: Path, record: Mapping[str, Any], metrics: Mapping[str, float]) -> Card:
    before = read_card(folder / "language.json")
    plain = {k.removeprefix(PLAIN_METRIC): v for k, v in metrics.items() if k.startswith(PLAIN_METRIC)}
    about = f"{DATA['language']}; then as a part of `hawkeye`", GOOD_FOR, NOT_FOR
    digest = sha256_of(folder / LLAVA / "model.safetensors")
    return new_card(
        "language", digest, record, metrics=plain, about=about, before=[before.model_dump()],
        parameters=before.parameters,
    )  # fmt: skip


def update_language(folder: Path, language: Mapping[str, Tensor]) -> None:
    """Put projector and language model in the place of those in a Video-LLaVA's folder; tower and words stay."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    whole = VideoLlavaForConditionalGeneration.from_pretrained(folder).state_dict()
    tower = {k.removeprefix(TOWERS[0]): v for k, v in whole.items() if k.startswith(TOWERS[0])}
    write_llava(folder, tokenizer, tower=tower, language=language)


def _earlier(folder: Path, record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What a run went on with: other runs, down to the package's weights."""
    start = record["settings"]["start"]
    if start == SHIPPED:
        path = folder / f"{HAWKEYE}.json"
        return [read_card(path).model_dump()] if path.is_file() else []
    path = Path(start) / RECORD
    if not path.is_file():
        return []
    before = json.loads(path.read_text(encoding="utf-8"))
    return [before, *_earlier(folder, before)]
