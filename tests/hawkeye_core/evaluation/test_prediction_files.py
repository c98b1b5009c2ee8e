"""Predictions on disk: both forms hold the same, damage is an error that names the place, nothing else is raised."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hawkeye_core.answers.segments import Segment
from hawkeye_core.errors import AnnotationError
from hawkeye_core.evaluation import prediction_files
from hawkeye_core.evaluation.predict import VideoPrediction, WindowAnswer
from hawkeye_core.evaluation.prediction_files import SCHEMA, read_predictions, write_jsonl, write_parquet
from hawkeye_core.evaluation.prediction_records import Answer, PredictedSegment, Prediction
from hawkeye_core.evaluation.scores import ScoredSegment

times = st.tuples(st.integers(0, 9000), st.integers(1, 900)).map(lambda p: (p[0] / 8, (p[0] + p[1]) / 8))
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
names = st.text("abcXYZ019_-.é日", min_size=1, max_size=12).filter(lambda name: name not in (".", ".."))
answers = st.builds(
    lambda t, status, text: Answer(*t, status, text),
    times,
    st.sampled_from(["ok", "empty", "repaired", "unparsed"]),
    words,
)


curves = st.none() | st.lists(st.floats(0, 1), min_size=1, max_size=4).map(tuple)


@st.composite
def some_predictions(draw: st.DrawFn) -> list[Prediction]:
    scores = draw(st.sampled_from([st.none(), st.floats(-5, 5)]))
    segments = st.builds(lambda t, c, r, s: PredictedSegment(Segment(*t, c, r), s), times, words, words, scores)
    videos = draw(st.lists(names, min_size=1, max_size=5, unique=True))
    return [
        Prediction(video, tuple(draw(st.lists(segments, max_size=4))), tuple(draw(st.lists(answers, max_size=3))),
                   draw(curves))
        for video in videos
    ]  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(some_predictions())
def test_both_forms_hold_the_same(predictions: list[Prediction]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lines = write_jsonl(predictions, Path(folder, "p.jsonl"))
        table = write_parquet(predictions, Path(folder, "p.parquet"))
        assert read_predictions(lines) == read_predictions(table) == predictions
        content = table.read_bytes()
        write_parquet(predictions, table)
        assert table.read_bytes() == content


def test_what_predict_writes_is_read(tmp_path: Path) -> None:
    item = ScoredSegment(Segment(1.0, 2.5, "theft", "x"), 0.5)
    answer = WindowAnswer("v", 0.0, 8.0, "From 1.0 to 2.5 seconds, there exists theft, as x.", "ok", (item,))
    said = [VideoPrediction("v", (item,), (answer,)), VideoPrediction("w", (), ())]
    write_jsonl([one.record() for one in said], tmp_path / "p.jsonl")
    first, second = read_predictions(tmp_path / "p.jsonl")
    assert first.segments == (PredictedSegment(item.segment, 0.5),)
    assert first.answers == (Answer(0.0, 8.0, "ok", answer.text),)
    assert second == Prediction("w", ())


def test_tables_of_other_tools_are_read(tmp_path: Path) -> None:
    segment = pa.struct([("start_s", pa.float32()), ("end_s", pa.int64()), ("score", pa.float32())])
    schema = pa.schema([("video", pa.large_string()), ("segments", pa.large_list(segment))])
    rows = [{"video": "v", "segments": [{"start_s": 1.5, "end_s": 3, "score": 0.25}]}]
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), tmp_path / "p.parquet")
    assert read_predictions(tmp_path / "p.parquet") == [Prediction("v", (PredictedSegment(Segment(1.5, 3.0), 0.25),))]


def one(**changes: Any) -> str:
    segment = {"start_s": 1.0, "end_s": 2.0, "score": 0.5}
    return json.dumps({"video": "v", "segments": [segment | changes.pop("segment", {})]} | changes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("{", "is no JSON"),
        ("[]", "must be an object"),
        (one(video=None), "has no video"),
        (one(video="../v"), "is no name of a video"),
        (one(video=3), "is no name of a video"),
        (one(segments={}), "segments must be a list"),
        (one(extra=1), "unknown keys: extra"),
        (one(version=2), "of version 2, not 1"),
        (one(version=True), "of version True, not 1"),
        (one(segment={"end_s": 0.5}), "must end after its start"),
        (one(segment={"end_s": 10**400}), "an end must be a number"),
        (one(segment={"start_s": "1"}), "a start must be a number"),
        (one(segment={"start_s": -1.0}), "a start must be a number"),
        (one(segment={"score": True}), "a score must be a number"),
        (one(segment={"score": 1.0}).replace("1.0}", "NaN}"), "NaN is no number"),
        (one(segment={"reason": 5}), "a reason must be a text"),
        (one(segment={"reason": "\ud800"}), "half a character"),
        (one().replace("}]", ', "score": 1}]'), "'score' occurs twice"),
        (one(curve=[]), "a curve has 1 to 1,000,000 values"),
        (one(curve=[0.5, 1.01]), "a value of a curve must be a number"),
        (one(curve=[0.5, None]), "a value of a curve must be a number"),
        (one(curve=[0.5, 1.0]).replace("1.0]", "NaN]"), "NaN is no number"),
        (one(curve={"0": 1}), "a curve must be a list"),
        (one(answers=[{"start_s": 0, "end_s": 1, "status": "fine", "text": ""}]), "the status 'fine' is none of ok"),
    ],
)
def test_bad_lines_are_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text(f"{one(video='good')}\n{text}\n" if text else "")
    with pytest.raises(AnnotationError, match=said) as error:
        read_predictions(path)
    assert str(error.value).startswith(f"{path}:2: " if text else f"{path}: ")
    assert error.value.remedy


def test_files_that_do_not_fit_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text(f"{one()}\n\n{one()}\n")
    with pytest.raises(AnnotationError, match=r":3: video 'v' occurs a second time"):
        read_predictions(path)
    path.write_text(f"{one()}\n{one(video='w', segment={'score': None})}\n")
    with pytest.raises(AnnotationError, match=r":2: some segments have a score and some have none"):
        read_predictions(path)
    monkeypatch.setattr(prediction_files, "MAX_LINE_BYTES", 20)
    with pytest.raises(AnnotationError, match=r":1: the line is longer than 20 bytes"):
        read_predictions(path)
    monkeypatch.setattr(prediction_files, "MAX_FILE_BYTES", 20)
    with pytest.raises(AnnotationError, match="more than 20"):
        read_predictions(path)
    for missing, said in ((tmp_path / "no.parquet", "no such file"), (tmp_path, "is no file")):
        with pytest.raises(AnnotationError, match=said):
            read_predictions(missing)


def test_other_tables_and_later_versions_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_parquet([Prediction("v", ())], tmp_path / "p.parquet")
    table = pq.read_table(path)
    for metadata, said in (
        ({"hawkeye": "predictions", "version": "2"}, "of version '2', not 1"),
        ({"hawkeye": "stage-2 instructions", "version": "1"}, "a table of stage-2 instructions"),
    ):
        pq.write_table(table.replace_schema_metadata(metadata), path)
        with pytest.raises(AnnotationError, match=said):
            read_predictions(path)
    pq.write_table(table.slice(0, 0), path)
    with pytest.raises(AnnotationError, match="has no prediction"):
        read_predictions(path)
    pq.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(AnnotationError, match=r"row 1: a prediction has no video, segments"):
        read_predictions(path)
    monkeypatch.setattr(prediction_files, "MAX_TABLE_BYTES", 3)
    with pytest.raises(AnnotationError, match="unpacks to more than 3 bytes"):
        read_predictions(path)


def test_the_schema_says_what_it_is() -> None:
    assert SCHEMA.metadata[b"version"] == b"1"
    assert SCHEMA.names == ["video", "segments", "answers", "curve"]


def quietly(path: Path) -> None:
    """Reading ends well or with the one error."""
    error = None
    try:
        read_predictions(path)
    except AnnotationError as raised:
        error = raised
    assert error is None or (str(path) in str(error) and error.remedy)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["video", "segments", "start_s", "end_s", "score", "answers"]), inner)
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=80) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name in ("p.jsonl", "p.parquet"):
            Path(folder, name).write_bytes(content)
            quietly(Path(folder, name))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_mutated_files_are_read_or_refused(data: st.DataObject) -> None:
    predictions = [
        Prediction(f"v{i}", (PredictedSegment(Segment(1.0, 2.0, "x", "y"), 0.5),), (Answer(0.0, 9.0, "ok", "From"),))
        for i in range(3)
    ]
    with tempfile.TemporaryDirectory() as folder:
        for path in (
            write_jsonl(predictions, Path(folder, "p.jsonl")),
            write_parquet(predictions, f"{folder}/p.parquet"),
        ):
            content = bytearray(path.read_bytes())
            for _ in range(data.draw(st.integers(1, 3))):
                content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
            path.write_bytes(bytes(content[: data.draw(st.integers(0, len(content)))] or content))
            quietly(path)
