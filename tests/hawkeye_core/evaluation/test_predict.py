"""Scores, merging over windows, predictions from known token probabilities, and the printed result."""

from __future__ import annotations

import io
import json
import math

import pytest
import torch
from rich.console import Console

from hawkeye_core.answers.render import NO_SEGMENT
from hawkeye_core.answers.segments import Segment
from hawkeye_core.evaluation.metrics import Detection
from hawkeye_core.evaluation.predict import Predictor, VideoPrediction
from hawkeye_core.evaluation.prediction_files import write_jsonl
from hawkeye_core.evaluation.result import EvalResult, Truth, score_row
from hawkeye_core.evaluation.scores import ScoredSegment, merge_scored, time_score, token_spans
from hawkeye_core.model.config import HawkeyeConfig
from hawkeye_core.model.hawkeye import HawkeyeModel
from hawkeye_core.model.outputs import Generated
from hawkeye_core.model.tiny import byte_tokenizer, tiny_llava
from hawkeye_core.training.windows import WindowSample, WindowSpec

TOKENIZER = byte_tokenizer()


def test_tokens_know_their_characters() -> None:
    ids = TOKENIZER.encode("1.5 日", add_special_tokens=False)
    text, spans = token_spans(TOKENIZER, ids)
    assert text == "1.5 日"
    assert spans[:4] == [(0, 1), (1, 2), (2, 3), (3, 4)]
    assert spans[-1][1] == len(text)
    assert token_spans(TOKENIZER, []) == ("", [])


def test_a_score_is_the_geometric_mean_of_the_tokens_of_its_times() -> None:
    tokens = [(0, 4), (4, 7), (7, 9), (9, 12), (12, 20)]
    probabilities = [0.1, 0.5, 0.2, 0.8, 0.1]
    assert time_score([(4, 7), (9, 12)], tokens, probabilities) == pytest.approx(math.sqrt(0.5 * 0.8))
    assert time_score([(5, 8)], tokens, probabilities) == pytest.approx(math.sqrt(0.5 * 0.2))
    assert time_score([(30, 31)], tokens, probabilities) == 0.0
    assert time_score([(4, 7)], tokens, [0.1, 0.0, 0.2, 0.8, 0.1]) == 0.0


def scored(start: float, end: float, score: float, category: str = "") -> ScoredSegment:
    return ScoredSegment(Segment(start, end, category), score)


def test_windows_are_merged_on_one_clock() -> None:
    merged = merge_scored([scored(60, 70, 0.4, "b"), scored(0, 5, 0.9), scored(48, 64, 0.3, "a"), scored(70, 71, 0.1)])
    assert merged == [scored(0, 5, 0.9), scored(48, 71, 0.4, "b")]
    assert merge_scored([]) == []


class Scripted(HawkeyeModel):
    """Says what it is told, each token with a known probability."""

    def __init__(self, answers: list[str]) -> None:
        super().__init__(HawkeyeConfig(llava=tiny_llava(vision_width=16, hidden_size=16, layers=1, heads=2),
                                       action_width=4, graph_width=4, scene_heads=2, expert_layers=1))  # fmt: skip
        self.answers = answers

    def generate(self, input_ids, attention_mask, scene, *, max_new_tokens, eos_token_id, pad_token_id, opening=None):
        self.opening = opening
        rows = [[*TOKENIZER.encode(text, add_special_tokens=False), eos_token_id] for text in self.answers]
        longest = max(map(len, rows))
        ids = torch.tensor([row + [pad_token_id] * (longest - len(row)) for row in rows])
        digit = (ids >= TOKENIZER.encode("0", add_special_tokens=False)[0]) & (
            ids <= TOKENIZER.encode("9", add_special_tokens=False)[0]
        )
        return Generated(ids, torch.where(digit, 0.5, 0.8))


def test_answers_become_segments_on_the_clock_of_the_video(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hawkeye_core.training.collate.collate_scenes", lambda windows: torch.zeros(len(windows)))
    predictor = Predictor(Scripted(["From 1.0 to 9.0 seconds, there exists theft, as x.", "?"]), TOKENIZER,
                          max_new_tokens=64)  # fmt: skip
    specs = [WindowSpec("v", 24, 56, 8.0), WindowSpec("v", 48, 80, 8.0)]
    first, second = predictor.answer([WindowSample(spec, None, ()) for spec in specs])  # type: ignore[arg-type]
    assert (first.start_s, first.end_s, first.status) == (3.0, 7.0, "repaired")
    (item,) = first.segments
    assert item.segment == Segment(4.0, 7.0, "theft", "x")
    assert item.score == pytest.approx((0.5**4 * 0.8**2) ** (1 / 6))  # 1 . 0 and 9 . 0
    assert (second.status, second.segments) == ("unparsed", ())


def test_with_a_presence_scores_count_how_likely_an_anomaly_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hawkeye_core.training.collate.collate_scenes", lambda windows: torch.zeros(len(windows)))
    model = Scripted(["From 1.0 to 9.0 seconds, there exists theft, as x."])
    predictor = Predictor(model, TOKENIZER, max_new_tokens=64, presence=0.15)
    (answer,) = predictor.answer([WindowSample(WindowSpec("v", 0, 80, 8.0), None, ())])  # type: ignore[arg-type]
    assert model.opening.threshold == 0.15
    assert TOKENIZER.decode([model.opening.none]).strip() == NO_SEGMENT
    assert answer.segments[0].score == pytest.approx(0.8 * (0.5**4 * 0.8**2) ** (1 / 6))  # "From" is said with 0.8


def test_predictions_are_json_lines(tmp_path) -> None:
    prediction = VideoPrediction("v", (scored(1, 2, 0.5, "theft"),), ())
    write_jsonl([prediction.record()], tmp_path / "p.jsonl")
    (line,) = (tmp_path / "p.jsonl").read_text().splitlines()
    assert json.loads(line) == {
        "version": 1, "video": "v", "answers": [],
        "segments": [{"start_s": 1, "end_s": 2, "category": "theft", "reason": "", "score": 0.5}],
    }  # fmt: skip


def result(marks: tuple[str, ...]) -> EvalResult:
    truth = Truth({"a": 8.0}, {"a": [(0.0, 2.0)]})
    rows = (
        score_row("Hawkeye", [Detection("a", 0, 1, 0.5)], truth, note="UNTRAINED" if marks else ""),
        score_row("none", [], truth),
    )
    return EvalResult(rows, "one video", marks, 0.25, {"ok": 3, "unparsed": 1, "empty": 0}, 1.5)


def test_the_table_shows_numbers_marks_and_unparsed_answers() -> None:
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(result(("untrained backbone",)).table())
    text = console.export_text()
    for expected in (
        "Hawkeye",
        "untrained backbone",
        "50.0",
        "55.6",
        "25.0 % of the windows",
        "UNTRAINED",
        "one video",
    ):
        assert expected in text, expected
    assert "UNTRAINED" not in result(()).to_markdown()
    assert "| none | 100.0 | 0.0 | - | 0.0 | 0.0 | 0.0 | 0.0 | 0.0 |" in result(()).to_markdown()


def test_json_has_null_where_a_rate_is_undefined() -> None:
    stored = json.loads(json.dumps(result(()).to_dict(), allow_nan=False))
    assert stored["rows"][1]["precision"] is None
    assert stored["rows"][0]["fnr"] == 0.5
