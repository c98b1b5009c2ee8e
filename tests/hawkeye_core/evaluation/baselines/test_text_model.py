"""Three kinds of video-text models through the path that a published one takes: folder, prompt, frames, answer."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from hawkeye_core.evaluation.baselines.clips import Clip
from hawkeye_core.evaluation.baselines.loading import load_video_text
from hawkeye_core.evaluation.baselines.prompt import DEFAULT_QUESTIONS
from hawkeye_core.evaluation.baselines.reading import read_said
from hawkeye_core.evaluation.baselines.text_model import TextModel

from .conftest import STRENGTHS
from .tiny_video_text import KINDS

Models = Callable[..., Path]


def clip(*, seed: int = 0, frames: int = 80, shown: tuple[int, ...] = (10, 30, 50, 70)) -> Clip:
    images = np.random.default_rng(seed).integers(0, 256, (len(shown), 64, 96, 3), np.uint8)
    return Clip("v", 40, frames, shown, images)


def open_model(folder: Path, *, tokens: int = 12) -> TextModel:
    return TextModel(load_video_text(str(folder)), question=DEFAULT_QUESTIONS["seconds"], max_new_tokens=tokens)


@pytest.mark.parametrize("kind", KINDS)
def test_random_weights_print_garbage_which_is_unparsed_and_the_same_again(model_folder: Models, kind: str) -> None:
    model = open_model(model_folder(kind))
    said = model(clip())
    assert said == open_model(model_folder(kind))(clip())
    assert 0 < len(said.token_ids) == len(said.probabilities) <= 12
    assert all(0 < p <= 1 for p in said.probabilities)
    read = read_said(said, model.tokenizer, clip(), parser="seconds")
    assert (read.answer.status, read.segments) == ("unparsed", ())
    assert (read.answer.start_s, read.answer.end_s) == (5.0, 15.0)
    # What is seen reaches the answer: other frames, other probabilities.
    assert model(clip(seed=1)).probabilities != said.probabilities


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_becomes_a_segment_with_the_score_of_its_times(model_folder: Models, kind: str) -> None:
    model = open_model(model_folder(kind, rigged=True))
    read = read_said(model(clip()), model.tokenizer, clip(), parser="seconds")
    assert (read.answer.status, read.answer.text) == ("ok", "From 2.5 to 4.0 seconds.")
    (found,) = read.segments
    assert (found.segment.start_s, found.segment.end_s) == (7.5, 9.0)  # the window begins at 5 s
    others = model.model.get_output_embeddings().weight.shape[0] - 1
    first, second = (math.exp(strength) / (math.exp(strength) + others) for strength in (STRENGTHS[1], STRENGTHS[3]))
    assert found.score == pytest.approx(math.sqrt(first * second), rel=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_prompt_and_frames_are_those_of_the_window(model_folder: Models, kind: str) -> None:
    model = open_model(model_folder(kind))
    mark = "<|video_pad|>" if kind.startswith("qwen") else "<video>"
    prompt = model.prompt(10.0)
    assert prompt.count(mark) == 1
    assert "implicit anomalous sentiments" in prompt
    assert "The video is 10.0 seconds long." in prompt
    assert prompt.endswith("ASSISTANT:")
    inputs = model.inputs(clip())
    places = int((inputs["input_ids"] == model.tokenizer.convert_tokens_to_ids(mark)).sum())
    # 4 frames: CLIP 2 x 2 patches and CLS; SigLIP pooled to 1 and a newline; Qwen 2 x 2 patches of 14 px, merged, of 2.
    grid = inputs["video_grid_thw"][0].tolist() if kind.startswith("qwen") else []
    assert places == {"video-llava": 4 * 5, "llava-onevision": 4 + 1}.get(kind, math.prod(grid) // 4 if grid else 0)
    if grid:
        assert grid[0] == 2
        # 4 frames in 10 s, two a grid step: the model's own clock is told 5 s a step.
        assert torch.as_tensor(inputs["second_per_grid_ts"]).tolist() == [pytest.approx(5.0)]


def test_a_template_of_ones_own_and_a_mark_in_the_question(model_folder: Models) -> None:
    loaded = load_video_text(str(model_folder("video-llava")))
    model = TextModel(loaded, question="When {duration}<video>?", template="<s>Q: {question}{video}\nA:")
    assert model.prompt(2.0) == "<s>Q: When 2.0 ?<video>\nA:"
    ids = model.inputs(clip())["input_ids"][0].tolist()
    assert ids.count(model.tokenizer.bos_token_id) == 1  # not a second one
