"""The benchmark of `hawkeye ground` at its smallest: the reference does what it says, and the GPU's path runs."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from hawkeye_core.ground.hawkeye import Hawkeye
from hawkeye_core.model.hawkeye import HawkeyeModel
from hawkeye_core.model.tiny import byte_tokenizer

FOLDER = Path(__file__).parents[2] / "benchmarks"
TOKENIZER = byte_tokenizer()


@pytest.fixture(scope="module")
def bench() -> dict[str, ModuleType]:
    sys.path.insert(0, str(FOLDER))
    try:
        names = ("released_scheme", "minute_at_7b", "ground_stages")
        return {name: importlib.import_module(name) for name in names}
    finally:
        sys.path.remove(str(FOLDER))


def shape(bench):
    return bench["released_scheme"].shape(
        hidden=32, layers=1, heads=2, vision=16, experts=1, words=len(TOKENIZER) + 64
    )  # fmt: skip


def test_the_reference_reads_all_tokens_of_a_second_and_says_two(bench) -> None:
    reference = bench["released_scheme"].Released(HawkeyeModel(shape(bench)).eval(), TOKENIZER)
    assert int((reference.ids == TOKENIZER.convert_tokens_to_ids("<video>")).sum()) == 2056
    assert reference.second().shape == (1, 2)


def test_the_path_of_the_gpu_runs(bench) -> None:
    found = bench["minute_at_7b"].measure(
        shape(bench), TOKENIZER, device="cpu", windows=2, compiled=False, rounds=1, asked=1, frames=16, frame_tokens=9
    )
    assert found["minute_s"] == pytest.approx(found["scene_s"] + found["prompt_s"] + found["said_s"])
    assert found["windows"] == 2
    assert found["ratio"] > 0


def test_operations_are_those_of_a_pass(bench) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    config = shape(bench)
    model = HawkeyeModel(config).eval()
    text = config.llava_config().text_config
    inner = model.backbone
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        hidden = inner.model.language_model(inputs_embeds=torch.zeros(1, 64, 32), use_cache=False).last_hidden_state
        inner.lm_head(hidden[:, -1:])
    # The counter takes the whole square of attention, the estimate the half that is needed.
    square = 2 * text.num_hidden_layers * 64 * 64 * text.hidden_size
    assert bench["minute_at_7b"].prompt_operations(text, 64) + square == counter.get_total_flops()
    read = bench["minute_at_7b"].language_parameters(text)
    assert read == sum(p.numel() for n, p in inner.named_parameters()
                       if ("language_model.layers" in n and p.ndim == 2) or n.startswith("lm_head"))  # fmt: skip


def test_the_whole_is_its_stages(bench, ground_run, tmp_path: Path) -> None:
    hawkeye = Hawkeye.from_pretrained(
        ground_run.run, device="cpu", extract=ground_run.extract(), store=tmp_path / "s", max_new_tokens=8
    )  # fmt: skip
    found = bench["ground_stages"].end_to_end(hawkeye, ground_run.clip, tmp_path, rounds=1)
    stages = found["stages_s"]
    assert {"networks", "around the pose network", "writing", "reading", "parsing"} <= stages.keys()
    assert sum(stages.values()) == pytest.approx(found["whole_s"], rel=0.1)
