"""Times from the dense head, words from the language model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_store.store import FeatureStore
from hawkeye_core.answers.parse import parse_segments
from hawkeye_core.errors import ConfigError
from hawkeye_core.evaluation.curve_segments import curve_segments, smooth
from hawkeye_core.evaluation.guided import opening, read_words
from hawkeye_core.evaluation.predict import Predictor
from hawkeye_core.model.dense_head import DenseHead
from hawkeye_core.training.annotations import read_annotations
from hawkeye_core.training.checkpoint import load_checkpoint
from hawkeye_core.training.windows import WindowDataset

scores = st.lists(st.floats(0, 1, width=16), min_size=1, max_size=60)


@settings(max_examples=150, deadline=None)
@given(scores, st.sampled_from([1.0, 8.0]), st.sampled_from([0.1, 0.5]))
def test_segments_of_a_curve_equal_a_slow_loop(values: list[float], fps: float, threshold: float) -> None:
    half, least = int(fps / 2), max(1, round(0.5 * fps))
    mean = [
        sum(values[max(k - half, 0) : k + half + 1]) / len(values[max(k - half, 0) : k + half + 1])
        for k in range(len(values))
    ]
    np.testing.assert_allclose(smooth(values, fps=fps), mean, atol=1e-9)
    positive = [value >= threshold for value in smooth(values, fps=fps)]
    runs: list[list[int]] = []
    for k, inside in enumerate(positive):
        if inside and runs and k - runs[-1][1] < least:
            runs[-1][1] = k + 1
        elif inside:
            runs.append([k, k + 1])
    expected = [(a, b) for a, b in runs if b - a >= min(least, len(values))]
    found = curve_segments(values, fps=fps, threshold=threshold)
    assert [(a, b) for a, b, _ in found] == expected
    for a, b, score in found:
        assert score == pytest.approx(sum(mean[a:b]) / (b - a))


def test_short_pauses_are_closed_and_short_segments_dropped() -> None:
    values = np.zeros(80)
    values[20:36] = values[38:50] = 1.0
    ((start, stop, score),) = curve_segments(values, fps=8.0, threshold=0.5)
    assert (start, stop) == (20, 50)
    assert score > 0.8
    blink = np.zeros(80)
    blink[40] = 1.0
    assert curve_segments(blink, fps=8.0, threshold=0.1) == [(36, 45, pytest.approx(1 / 9))]
    assert curve_segments(blink, fps=8.0, threshold=0.2) == []


def test_words_are_those_of_the_first_sentence() -> None:
    begun = opening(3.0, 4.5)
    found = read_words(f"{begun} abuse, as a man at 3.5 hits a child. From 6.0 to 7.0 seconds, there exists x.", 3, 4.5)
    assert (found.start_s, found.end_s, found.category, found.reason) == (3, 4.5, "abuse", "a man at 3.5 hits a child")
    assert read_words(f"{begun} theft", 3, 4.5).category == "theft"
    assert read_words(begun, 3, 4.5).category == ""


@pytest.fixture(scope="module")
def with_head(made_up_run):
    torch.manual_seed(3)
    model, tokenizer = load_checkpoint(Path(made_up_run.run) / "checkpoint")
    model.dense = DenseHead(model.backbone.config.text_config.hidden_size)
    torch.nn.init.normal_(model.dense.linear.weight, std=2.0)
    data = WindowDataset(
        FeatureStore.open(made_up_run.store), read_annotations(made_up_run.annotations), length=32, hop=20
    )
    return model.eval(), tokenizer, data


def test_times_are_the_heads_and_words_the_language_models(with_head) -> None:
    model, tokenizer, data = with_head
    predictor = Predictor(model, tokenizer, max_new_tokens=60, curve=True, curve_threshold=0.4)
    samples = [data[index] for index in range(6)]
    answers = predictor.answer(samples)
    assert sum(len(answer.segments) for answer in answers) > 3
    for sample, answer in zip(samples, answers, strict=True):
        alone = predictor.collate.prompts([sample], room=60)
        values = model.frame_scores(alone["input_ids"], alone["attention_mask"], alone["scene"])[0].tolist()
        spans = curve_segments(values, fps=8.0, threshold=0.4)
        offset = sample.spec.start_s
        assert [(one.segment.start_s, one.segment.end_s) for one in answer.segments] == [
            (a / 8 + offset, b / 8 + offset) for a, b, _ in spans
        ]
        np.testing.assert_allclose([one.score for one in answer.segments], [score for *_, score in spans], atol=1e-5)
        assert answer.status == ("ok" if spans else "empty")
        assert answer.curve is not None
        for one, (a, b, _) in zip(answer.segments, spans, strict=True):  # the literal way: one plain prompt a sentence
            begun = predictor.collate.end_answer(opening(a / 8, b / 8))[:-1]
            ids = torch.cat([alone["input_ids"], torch.tensor([begun])], 1)
            said = model.generate(
                ids, torch.ones_like(ids), alone["scene"], max_new_tokens=60 - len(begun),
                eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
            ).token_ids[0].tolist()  # fmt: skip
            text = tokenizer.decode([*begun, *said], skip_special_tokens=True).strip()
            words = read_words(text, a / 8, b / 8)
            assert (one.segment.category, one.segment.reason) == (words.category, words.reason)
        parsed = parse_segments(answer.text, duration_s=sample.spec.duration_s)
        assert len(parsed.segments) == len(answer.segments)


def test_answers_do_not_depend_on_the_batch(with_head) -> None:
    model, tokenizer, data = with_head
    predictor = Predictor(model, tokenizer, max_new_tokens=60, curve_threshold=0.4)
    samples = [data[index] for index in range(6)]
    together = predictor.answer(samples)
    assert [answer.text for answer in together] == [predictor.answer([sample])[0].text for sample in samples]


def test_without_a_dense_head_it_is_refused(made_up_run) -> None:
    model, tokenizer = load_checkpoint(Path(made_up_run.run) / "checkpoint")
    with pytest.raises(ConfigError, match=r"(?s)dense head.*model\.dense_head=true"):
        Predictor(model, tokenizer, max_new_tokens=4, curve_threshold=0.1)


def test_it_does_not_go_with_presence(made_up_run, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="leave it out beside `curve_threshold`"):
        made_up_run.settings(tmp_path, curve_threshold=0.1)
