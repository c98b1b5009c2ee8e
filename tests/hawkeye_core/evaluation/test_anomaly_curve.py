"""The curve: what is asked, that all probes at once equal one at a time, and seconds joined over windows."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_store.store import FeatureStore
from hawkeye_core.errors import ConfigError
from hawkeye_core.evaluation.anomaly_curve import probe_question, window_bounds, window_probes
from hawkeye_core.evaluation.by_second import BySecond, by_second, joined
from hawkeye_core.evaluation.predict import Predictor
from hawkeye_core.model.dense_head import DenseHead
from hawkeye_core.model.tiny import byte_tokenizer
from hawkeye_core.training.annotations import read_annotations
from hawkeye_core.training.checkpoint import load_checkpoint
from hawkeye_core.training.collate import Collator
from hawkeye_core.training.scene_tensors import collate_scenes
from hawkeye_core.training.windows import WindowDataset

TOKENIZER = byte_tokenizer()
COLLATE = Collator(TOKENIZER, scene_token_id=TOKENIZER.convert_tokens_to_ids("<video>"), max_length=4096)


def test_a_probe_asks_about_its_second_and_ends_where_the_answers_part() -> None:
    probes = window_probes(COLLATE, 3)
    texts = [TOKENIZER.decode([*probes.head, *tail]) for tail in probes.tails]
    # This tokenizer begins both answers with a space, which so belongs to the probe.
    assert texts == [f"\n{probe_question(second)} ASSISTANT: " for second in range(3)]
    assert (TOKENIZER.decode(probes.yes), TOKENIZER.decode(probes.no)) == ("Y", "N")
    assert probe_question(12) == "Is there an implicit anomalous sentiment from 12.0 to 13.0 seconds?"
    assert len(probes.head) > 40  # the words before the times are read once
    assert len(window_probes(COLLATE, 1).tails[0]) == 1


def test_a_tokenizer_that_does_not_tell_yes_from_no_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(COLLATE, "end_answer", lambda text: [7, 2])
    with pytest.raises(ConfigError, match=r"(?s)does not tell yes from no.*curve=off"):
        window_probes(COLLATE, 2)


@torch.no_grad()
def test_the_curve_of_a_batch_equals_one_plain_sequence_a_second(made_up_run) -> None:
    model, tokenizer = load_checkpoint(f"{made_up_run.run}/checkpoint")
    data = WindowDataset(FeatureStore.open(made_up_run.store), read_annotations(made_up_run.annotations),
                         length=32, hop=20)  # fmt: skip
    chosen = [next(i for i, spec in enumerate(data.specs) if spec.stop - spec.start == n) for n in (32, 20, 3)]
    samples = [data[index] for index in chosen]
    predictor = Predictor(model, tokenizer, max_new_tokens=4, curve=True)
    answers = predictor.answer(samples)
    ids = {word: tokenizer.encode(word, add_special_tokens=False)[0] for word in (" ", "Y", "N")}
    for sample, answer in zip(samples, answers, strict=True):
        spec = sample.spec
        frames = [sum(1 for k in range(spec.stop - spec.start) if k // 8 == s) for s in range(4)]
        seconds = [(second, count) for second, count in enumerate(frames) if count]
        plain = []
        for second, _ in seconds:
            prompt = [*predictor.collate.join_prompt(seconds, probe_question(second)), ids[" "]]
            embeds, _ = model.embed(torch.tensor([prompt]), collate_scenes([sample.window]))
            hidden = model.backbone.model.language_model(inputs_embeds=embeds, use_cache=False).last_hidden_state
            logits = model.backbone.lm_head(hidden[0, -1])
            plain.append(float(logits[[ids["N"], ids["Y"]]].softmax(0)[1]))
        bounds = window_bounds(spec.start, spec.stop, spec.fps)
        expected = by_second(bounds[:-1], bounds[1:], plain)
        assert answer.curve is not None
        np.testing.assert_allclose(answer.curve.values, expected.values, atol=1e-5)
        assert answer.curve.first == spec.start // 8


def test_a_curve_that_has_no_room_is_refused(made_up_run, monkeypatch: pytest.MonkeyPatch) -> None:
    model, tokenizer = load_checkpoint(f"{made_up_run.run}/checkpoint")
    data = WindowDataset(FeatureStore.open(made_up_run.store), read_annotations(made_up_run.annotations),
                         length=32, hop=20)  # fmt: skip
    predictor = Predictor(model, tokenizer, max_new_tokens=4, curve=True)
    predictor.collate.max_length = 110  # the question and its answer fit
    with pytest.raises(ConfigError, match=r"(?s)a question about one of its seconds need \d+ tokens.*takes 110"):
        predictor.answer([data[0]])


@st.composite
def windows(draw: st.DrawFn) -> tuple[float, list[tuple[int, int, list[float]]]]:
    """Frames a second, and windows that cover a video, with a value a frame."""
    fps = draw(st.sampled_from([8.0, 7.5, 0.5, 29.97]))
    length, hop = draw(st.integers(3, 20)), draw(st.integers(1, 3))
    frames = draw(st.integers(1, 40))
    starts = [s for s in range(0, frames, hop) if s == 0 or s + length - hop < frames]
    values = st.floats(0, 1, width=32)
    return fps, [
        (s, min(s + length, frames), draw(st.lists(values, min_size=min(s + length, frames) - s,
                                                   max_size=min(s + length, frames) - s)))
        for s in starts
    ]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(windows())
def test_seconds_are_means_over_all_windows_weighted_by_time(case) -> None:
    fps, found = case
    seconds = math.ceil(max(stop for _, stop, _ in found) / fps)
    parts = []
    sums, weights = np.zeros(seconds), np.zeros(seconds)
    for start, stop, values in found:
        bounds = np.arange(start, stop + 1) / fps
        parts.append(by_second(bounds[:-1], bounds[1:], values))
        for k, value in zip(range(start, stop), values, strict=True):  # the slow, literal way
            for second in range(seconds):
                both = min((k + 1) / fps, second + 1) - max(k / fps, second)
                if both > 0:
                    sums[second] += both * value
                    weights[second] += both
    np.testing.assert_allclose(joined(parts, seconds), sums / weights, atol=1e-9)


def test_frames_of_two_windows_count_alike() -> None:
    first = by_second([0.0, 1.0], [1.0, 2.0], [0.2, 0.4])
    second = by_second([1.5], [2.5], [[0.8]])
    assert second.first == 1
    assert second.covered.tolist() == [0.5, 0.5]
    flat = BySecond(second.first, second.covered, second.values[:, 0])
    np.testing.assert_allclose(joined([first, flat], 3), [0.2, (0.4 + 0.5 * 0.8) / 1.5, 0.8])
    with pytest.raises(ValueError, match="do not cover every second"):
        joined([first], 3)
    with pytest.raises(ValueError, match="without a gap"):
        by_second([0.0, 2.0], [1.0, 3.0], [1, 1])
    with pytest.raises(ValueError, match="a later end"):
        by_second([1.0], [1.0], [1])


def test_with_a_dense_head_a_second_is_the_mean_of_its_frames(made_up_run) -> None:
    model, tokenizer = load_checkpoint(Path(made_up_run.run) / "checkpoint")
    model.dense = DenseHead(model.backbone.config.text_config.hidden_size)
    data = WindowDataset(
        FeatureStore.open(made_up_run.store), read_annotations(made_up_run.annotations), length=32, hop=20
    )
    predictor = Predictor(model.eval(), tokenizer, max_new_tokens=4, curve=True)
    samples = [data[0], data[len(data) - 1]]
    for sample, answer in zip(samples, predictor.answer(samples), strict=True):
        alone = predictor.collate.prompts([sample], room=4)
        scores = model.frame_scores(alone["input_ids"], alone["attention_mask"], alone["scene"])[0].tolist()
        frames = [(sample.spec.start + k) / 8 for k in range(len(scores))]
        for second, value in enumerate(answer.curve.values.tolist(), answer.curve.first):
            mine = [score for begin, score in zip(frames, scores, strict=True) if second <= begin < second + 1]
            assert value == pytest.approx(sum(mine) / len(mine), abs=1e-5)
