"""``hawkeye eval --predictions``: files of every form are scored without a model, as a user types it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from feature_store import (
    FeatureStore,
    Fingerprint,
    FrameColumns,
    PoseColumns,
    RelationColumns,
    VideoSource,
    VisionColumns,
)
from hawkeye_core.answers.segments import Segment
from hawkeye_core.cli.app import app
from hawkeye_core.datasets.instructions.files import write_table
from hawkeye_core.datasets.instructions.rows import Instruction
from hawkeye_core.errors import AnnotationError, ConfigError
from hawkeye_core.evaluation.config import EvalSettings
from hawkeye_core.evaluation.folder import read_evaluation
from hawkeye_core.evaluation.metrics import Detection
from hawkeye_core.evaluation.prediction_files import read_predictions
from hawkeye_core.evaluation.result import EvalResult, Truth, score_row
from hawkeye_core.evaluation.scored_predictions import evaluate_predictions

SEGMENTS = {"theft": [(2.0, 6.0)], "fight": [(10.0, 20.0), (30.0, 35.0)], "calm": []}
DURATIONS = {"theft": 10.0, "fight": 40.0, "calm": 8.0}
TRUTH = Truth(DURATIONS, SEGMENTS)


def row(video: str, *, split: str = "test", **changes: Any) -> Instruction:
    segments = tuple(Segment(*ends, "x") for ends in SEGMENTS.get(video, []))
    values = {"sentiment": "S-D", "protocol": "made up", "duration_s": DURATIONS.get(video, 5.0)} | changes
    return Instruction(video, f"{video}.mp4", "drawn", split=split, label="", segments=segments, question="?", **values)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table of three test videos, one of training, one of the other sentiment."""
    rows = [*map(row, SEGMENTS), row("other", split="train"), row("daily", sentiment="S-S")]
    return write_table(rows, tmp_path / "stage2.parquet")


def write(path: Path, *records: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def score(table: Path, predictions: Path, **changes: Any) -> EvalResult:
    values = {"sentiment": "S-D", "store": str(table.parent / "no-store"), "out": str(table.parent / "out")} | changes
    return evaluate_predictions(EvalSettings(annotations=str(table), predictions=str(predictions), **values))


def command(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["eval", *arguments], env={"COLUMNS": "200"})


def test_the_row_is_that_of_the_metrics(table: Path, tmp_path: Path) -> None:
    said = {"theft": [(3.0, 7.0, 0.9), (0.0, 1.0, 0.2)], "fight": [(12.0, 33.0, 0.4)], "calm": [(1.0, 2.0, 0.5)]}
    records = [
        {"video": video, "segments": [{"start_s": a, "end_s": b, "score": c} for a, b, c in found]}
        for video, found in said.items()
    ]
    result = score(table, write(tmp_path / "mine.jsonl", *records))
    expected = score_row("mine", [Detection(v, *item) for v, found in said.items() for item in found], TRUTH)
    assert result.rows[0] == expected
    assert [other.name for other in result.rows[1:]] == ["all positive", "random 1 s clips", "oracle 1 s clips"]
    assert (result.missing, result.left_out, result.remarks, result.seconds_per_minute) == ((), 0, {}, None)
    again = score(table, write(tmp_path / "mine.jsonl", *records[::-1]), out=str(tmp_path / "again"))
    assert again.rows == result.rows


PERFECT = {
    "seconds": {"theft": "From 2s to 6s", "fight": "From 10 to 20 seconds and from 30 to 35 seconds", "calm": "None."},
    "percent": {"theft": "20 to 60", "fight": "From 25 to 50. From 75 to 87.5.", "calm": "No anomaly."},
    "glue": {
        "theft": "<glue>[2.0, 6.0]</glue>", "fight": "<glue>[(10, 20), (30, 35)]</glue>",
        "calm": "<answer>Normal</answer><glue>[-1.0, -1.0]</glue>",
    },
}  # fmt: skip


@pytest.mark.parametrize("form", PERFECT)
def test_perfect_answers_score_perfectly(table: Path, tmp_path: Path, form: str) -> None:
    path = write(tmp_path / "a.jsonl", *({"video": v, "text": text} for v, text in PERFECT[form].items()))
    out = str(tmp_path / "out")
    found = command("-p", str(path), "-f", form, "-a", str(table), "-s", str(tmp_path / "none"), "-o", out,
                    "-n", "[Other] 7B", "sentiment=S-D")  # fmt: skip
    assert found.exit_code == 0, found.output
    assert "[Other] 7B" in found.output
    assert "unparsed 0.0 % of the texts" in found.output
    stored = json.loads((tmp_path / "out/results.json").read_text())
    assert stored["rows"][0]["f2"] == stored["rows"][0]["mean_ap"]["mean"] == 1.0
    assert stored["statuses"] == {"ok": 2, "empty": 1, "repaired": 0, "unparsed": 0}


def test_what_was_scored_is_written_and_scores_the_same(table: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", {"video": "theft", "text": "From 2s to 5s"}, {"video": "calm", "text": "?"})
    first = score(table, path, format="seconds")
    for name in ("predictions.jsonl", "predictions.parquet"):
        copy = tmp_path / f"copy-{name}"
        copy.write_bytes((tmp_path / "out" / name).read_bytes())
        second = score(table, copy, name="a", out=str(tmp_path / "again"))
        assert second.rows == first.rows
        assert (second.statuses, second.missing) == (first.statuses, first.missing)
    assert [item.video for item in read_predictions(copy)] == ["theft", "calm"]


def test_missing_unparsed_and_left_out_are_shown(table: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", {"video": "fight", "text": "a man walks"}, {"video": "other", "text": "1 to 2"},
                 {"video": "daily", "text": "1 to 2"}, {"video": "calm", "text": "No."})  # fmt: skip
    result = score(table, path, format="seconds")
    assert result.rows[0].fnr == 1.0
    assert (result.missing, result.left_out, result.unparsed_rate) == (("theft",), 2, 0.5)
    text = (tmp_path / "out/results.md").read_text()
    for expected in (
        "unparsed 50.0 % of the texts (counted as missed)",
        "Without a prediction: 1 videos (counted as missed): theft",
        "Left out: predictions of 2 annotated videos",
        "without scores",
        "lengths of stage2.parquet; made up",
    ):
        assert expected in text, expected


def test_clips_equal_the_oracle_where_they_say_what_it_says(table: Path, tmp_path: Path) -> None:
    folder = tmp_path / "test_res"
    folder.mkdir()
    for video, duration in DURATIONS.items():
        said = ["Yes</s>" if any(a <= second < b for a, b in SEGMENTS[video]) else "No</s>" for second in
                range(int(duration))]  # fmt: skip
        lines = [f"{index}.mp4,{word}\n" for index, word in enumerate(said, start=1)]
        (folder / f"{video}.csv").write_text("file,output\n" + "".join(lines))
    result = score(table, folder, format="clips")
    assert result.rows[0].mean_ap == result.rows[3].mean_ap
    assert (result.rows[0].f2, result.rows[0].name) == (1.0, "test_res")
    assert (result.statuses["ok"], result.statuses["empty"], result.unit) == (19, 39, "clips")


def test_clips_are_counted_from_where_the_settings_say(table: Path, tmp_path: Path) -> None:
    path = tmp_path / "theft.csv"
    path.write_text("file,output\n0.mp4,No\n2.mp4,Yes\n30.mp4,Yes\n")
    with pytest.raises(AnnotationError, match=r"(?s)a clip 0; clips are said to begin with 1.*clips.first=0"):
        score(table, path, format="clips")
    result = score(table, path, format="clips", clips={"first": 0})
    assert result.remarks == {"dropped: clip behind the video": 1, "note: videos with missing clips (counted as no)": 1}
    (item,) = read_predictions(tmp_path / "out/predictions.jsonl")
    assert [(s.segment.start_s, s.segment.end_s) for s in item.segments] == [(2.0, 3.0)]
    path.write_text("file,output\n1.mp4,No\nclip_1.mp4,Yes\n")
    with pytest.raises(AnnotationError, match=r":3: clip 1 of video 'theft' occurs a second time"):
        score(table, path, format="clips")


def test_answers_about_parts_are_one_timeline(table: Path, tmp_path: Path) -> None:
    parts = [(0.0, 16.0, "From 50 to 100."), (16.0, 48.0, "From 0 to 50.")]  # the video ends at 40 s
    path = write(tmp_path / "a.jsonl", *({"video": "fight", "text": t, "start_s": a, "end_s": b} for a, b, t in parts))
    score(table, path, format="percent")
    (item,) = read_predictions(tmp_path / "out/predictions.parquet")
    assert [(s.segment.start_s, s.segment.end_s) for s in item.segments] == [(8.0, 28.0)]
    assert [(a.start_s, a.end_s) for a in item.answers] == [(0.0, 16.0), (16.0, 40.0)]
    write(path, {"video": "theft", "text": "1 to 2", "start_s": 12, "end_s": 20})
    with pytest.raises(AnnotationError, match=r":1: was asked about 12.0 s on of 10.0 s of 'theft'"):
        score(table, path, format="percent")


@pytest.mark.parametrize(
    ("records", "form", "said"),
    [
        ([{"video": "strange", "segments": []}], "hawkeye", "1 predicted videos are not annotated: 'strange'"),
        ([{"video": "strange", "text": ""}], "glue", r":1: 1 predicted videos are not annotated: 'strange'"),
        ([{"video": "theft", "text": ""}] * 2, "seconds", r":2: video 'theft' has a second answer"),
        ([{"video": "theft", "text": ""}, {"video": "theft.mp4", "text": "", "start_s": 0, "end_s": 1}], "seconds",
         r":2: video 'theft' has a second answer"),
        ([{"video": "theft", "segments": []}] * 2, "hawkeye", r":2: video 'theft' occurs a second time"),
    ],
)  # fmt: skip
def test_strange_and_double_videos_are_errors(table: Path, tmp_path: Path, records: list, form: str, said: str) -> None:
    with pytest.raises(AnnotationError, match=said):
        score(table, write(tmp_path / "a.jsonl", *records), format=form)


def test_segments_are_fitted_to_their_video(table: Path, tmp_path: Path) -> None:
    ends = [(8.0, 12.0), (10.0, 11.0), (9.0, 9.5)]
    segments = [{"start_s": a, "end_s": b, "score": 1.0} for a, b in ends]
    result = score(table, write(tmp_path / "a.jsonl", {"video": "theft", "segments": segments}))
    assert result.remarks == {"clipped: ends behind the video": 1, "dropped: segment behind the video": 1}
    (item,) = read_predictions(tmp_path / "out/predictions.jsonl")
    assert [(s.segment.start_s, s.segment.end_s) for s in item.segments] == [(8.0, 10.0), (9.0, 9.5)]
    assert "Changed: 1 x clipped: ends behind the video" in (tmp_path / "out/results.md").read_text()


def make_store(folder: Path, frames: dict[str, int]) -> Path:
    store = FeatureStore.open(folder, create=True)
    for seed, (video, n) in enumerate(frames.items()):
        none, number = np.zeros(n, np.int32), np.arange(n, dtype=np.int32)
        floats, ints = (lambda *shape: np.zeros(shape, np.float32)), np.zeros(0, np.int32)
        source = VideoSource(store.assign_id(f"/v/{video}.mp4", f"{seed:064x}"), f"/v/{video}.mp4", f"{seed:064x}",
                             n / 8, 100, 50, 8.0, 8.0)  # fmt: skip
        columns = {
            "pose": PoseColumns(none, floats(0, 17, 3), floats(0), floats(0, 4), ints),
            "relations": RelationColumns(none, ints, floats(0), floats(0, 4), none, ints, ints, ints, floats(0)),
            "vision": VisionColumns(np.zeros((n, 1, 4), np.float16), np.zeros((n, 4), np.float16), none,
                                    np.zeros((0, 4), np.float16)),
        }  # fmt: skip
        for family, values in columns.items():
            with store.writer(source, Fingerprint(family, "made-up", "1", "untrained", {})) as writer:  # type: ignore[arg-type]
                writer.append(FrameColumns(number, number / 8.0, number / 8.0, none + 100, none + 50), values)
                writer.commit(status="done")
    return folder


def test_lengths_come_from_the_store_else_from_the_table(table: Path, tmp_path: Path) -> None:
    predictions = write(tmp_path / "a.jsonl", {"video": "theft", "segments": []})
    lines = write(tmp_path / "lines.jsonl", {"video": "theft", "split": "test",
                                             "segments": [{"start": 2, "end": 6, "category": "x"}]})  # fmt: skip
    with pytest.raises(AnnotationError, match=r"(?s)length of 'theft' stands neither.*--store.*stage2.parquet"):
        score(lines, predictions, sentiment=None)
    store = make_store(tmp_path / "store", {"theft": 40})
    result = score(lines, predictions, sentiment=None, store=str(store))
    assert "1 videos (5.0 s)" in result.protocol
    assert result.rows[1].precision == pytest.approx(3 / 5)  # the segment ends with the video
    result = score(table, predictions, store=str(store))
    assert "3 videos (53.0 s)" in result.protocol  # 5 + 40 + 8
    assert f"lengths 1 of the store {store}, 2 of stage2.parquet" in result.protocol


def test_what_contradicts_is_refused(table: Path, tmp_path: Path) -> None:
    predictions = write(tmp_path / "a.jsonl", {"video": "theft", "segments": []})
    with pytest.raises(AnnotationError, match="has no video of split 'test' and sentiment 'S-S'"):
        score(write_table([row("theft")], tmp_path / "b.parquet"), predictions, sentiment="S-S")
    with pytest.raises(AnnotationError, match="occurs a second time"):
        score(write_table([row("theft")] * 2, tmp_path / "b.parquet"), predictions)
    for duration, said in ((None, "length of 'theft'"), (float("nan"), "last nan s"), (1.5, "a segment is at 2.0")):
        with pytest.raises(AnnotationError, match=said):
            score(write_table([row("theft", duration_s=duration)], tmp_path / "b.parquet"), predictions)
    lines = write(tmp_path / "l.jsonl", {"video": "theft", "split": "test", "segments": []})
    with pytest.raises(ConfigError, match="do not say which sentiment"):
        score(lines, predictions)
    for overrides, said in (
        (["--format", "glue"], "which is not set"),
        (["--predictions", "x", "--format", "gleu"], "'hawkeye', 'seconds', 'percent', 'glue' or 'clips'"),
        (["--predictions", "x", "clips.yes=[no]"], "in quotation marks"),
        (["--predictions", "x", 'clips.yes=["no"]'], "different words"),
        (["sentiment=S-D"], "needs `predictions`"),
    ):
        found = command(*overrides)
        assert isinstance(found.exception, ConfigError)
        assert said in str(found.exception)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_damaged_inputs_end_in_words(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = write_table([row("theft"), row("calm")], folder / "stage2.parquet")
        path = write(folder / "a.jsonl", {"video": "theft", "text": "1 to 2"}, {"video": "calm", "text": "No."})
        victim = data.draw(st.sampled_from([table, path]))
        content = bytearray(victim.read_bytes())
        for _ in range(data.draw(st.integers(1, 3))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        victim.write_bytes(bytes(content))
        try:
            result = score(table, path, format="seconds")
        except (AnnotationError, ConfigError):
            return
        assert 0 <= result.rows[0].recall <= 1


def test_what_a_model_wrote_scores_as_the_model_did(table: Path, tmp_path: Path) -> None:
    from hawkeye_core.evaluation import run
    from hawkeye_core.evaluation.predict import VideoPrediction, WindowAnswer
    from hawkeye_core.evaluation.scores import ScoredSegment

    said = {"theft": [(3.0, 7.0, 0.4)], "fight": [(12.0, 18.0, 0.4), (30.0, 33.0, 0.4)], "calm": []}
    predictions = []
    for video, found in said.items():
        segments = tuple(ScoredSegment(Segment(a, b, "x", "y"), c) for a, b, c in found)
        answer = WindowAnswer(video, 0.0, DURATIONS[video], "...", "ok" if found else "unparsed", segments)
        predictions.append(VideoPrediction(video, segments, (answer,)))
    chosen = EvalSettings(annotations=str(table), out=str(tmp_path / "run"))
    first = run._result(predictions, TRUTH, marks=(), seconds=1.0, settings=chosen)
    run.write_results(first, [prediction.record() for prediction in predictions], chosen.out)
    for name in ("predictions.jsonl", "predictions.parquet"):
        second = score(table, tmp_path / "run" / name, name="Hawkeye")
        assert second.rows == first.rows
        assert (second.unparsed_rate, second.statuses) == (first.unparsed_rate, first.statuses)


def test_no_model_is_loaded() -> None:
    code = (
        "import sys, hawkeye_core.evaluation.scored_predictions; "
        "print([m for m in ('torch', 'transformers') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_folder_can_be_reported_on_like_that_of_a_run(table: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "mine.jsonl", *({"video": video, "segments": []} for video in SEGMENTS))
    out = tmp_path / "out"
    evaluate_predictions(
        EvalSettings(predictions=str(file), annotations=str(table), out=str(out), store="none", sentiment="S-D")
    )
    found = read_evaluation(out)
    assert (found.protocol.name, found.protocol.kind, found.protocol.seed) == ("mine", "baseline", None)
    assert {item.video: item.duration_s for item in found.protocol.videos} == DURATIONS
    told = {item.video: [(one.start_s, one.end_s) for one in item.segments] for item in found.protocol.videos}
    assert told == SEGMENTS
    assert set(found.protocol.inputs) == {"mine.jsonl", "stage2.parquet"}
    assert f"--predictions={file}" in found.protocol.command
