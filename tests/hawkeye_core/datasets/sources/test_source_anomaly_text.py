"""Times written as sentences: the sentences, the layouts of the file, faults."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hawkeye_core.answers.segments import Segment
from hawkeye_core.datasets.anomaly_text import parse_anomaly_text, read_anomaly_texts
from hawkeye_core.errors import AnnotationError

ONE = "Yes, there exist anomalies from 3.2s to 6.6s."
FUZZ = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def write(folder: Path, content: Any) -> Path:
    path = folder / "texts.json"
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize(
    ("text", "times"),
    [
        (ONE, [(3.2, 6.6)]),
        ("Yes, there exist anomalies from 3.2s to 6.6s and from 10s to 12.5s.", [(3.2, 6.6), (10, 12.5)]),
        ("Yes, there exist anomalies from 1.0s to 2.0s, 3.5s to 4.0s and 7s to 8.1s.", [(1, 2), (3.5, 4), (7, 8.1)]),
        ("yes, there is an anomaly from 1 to 2 seconds, and 00:10 - 01:00", [(1, 2), (10, 60)]),
        ("No, there is no anomaly", []),
        ("No, there are no anomalies.", []),
        (" No. ", []),
    ],
)
def test_texts_of_the_known_form(text: str, times: list[tuple[float, float]]) -> None:
    found = parse_anomaly_text(text)
    assert found is not None
    assert [(s.start_s, s.end_s) for s in found] == times


@pytest.mark.parametrize("text", ["Yes, there exist anomalies.", "Yes.", "yes"])
def test_anomalies_without_times_are_not_none_at_all(text: str) -> None:
    assert parse_anomaly_text(text) is None


def test_times_are_cut_at_the_end_of_the_video() -> None:
    text = "Yes, there exist anomalies from 3s to 6s and 9s to 12s."
    assert parse_anomaly_text(text, duration_s=5) == (Segment(3, 5),)


@pytest.mark.parametrize(
    "text",
    [
        "", "maybe", "Perhaps from 1s to 2s.", "No, there are no anomalies from 1s to 2s.", f"{ONE} But look again.",
        "Yes, there exist anomalies from 3s.", "Yes, there exist anomalies from 6s to 3s.",
        "Yes, there exist anomalies from 3s to 3s.", "Yes, there exist anomalies from -1s to 3s.",
        "Yes, there exist anomalies from 1s to 2s or 3s to 4s.", "Yes, there exist anomalies from 1s to 2s and.",
        "Yes, there exist anomalies from 1s to 2min.", "Yes, there exist anomalies from 1s to 9999999s.",
        "Yes, there exist anomalies from 1s to " + "9" * 400 + "s.", "Yes, there exist anomalies at noon.",
        "Yes, there exist anomalies from 1" + " " * 60_000 + "x",
        "Yes, there exist anomalies from 1s to 2s 3s to 4s.", "Yes" + " " * 100_000, 3, None, ["Yes."],
    ],
)  # fmt: skip
def test_other_texts_are_errors(tmp_path: Path, text: Any) -> None:
    with pytest.raises(AnnotationError, match="remedy:"):
        parse_anomaly_text(text)
    with pytest.raises(AnnotationError, match=r"texts\.json: Abuse001_x264: "):
        read_anomaly_texts(write(tmp_path, {"A": ONE, "Abuse001_x264": text}))


@given(st.lists(st.tuples(st.integers(0, 9000), st.integers(1, 900)), min_size=1, max_size=6))
def test_written_times_come_back(pairs: list[tuple[int, int]]) -> None:
    """In the words of the real files: commas between, and "and" before the last."""
    wanted = [(start / 10, (start + length) / 10) for start, length in pairs]
    ranges = [f"{start:.1f}s to {end:.1f}s" for start, end in wanted]
    text = f"{', '.join(ranges[:-1])} and {ranges[-1]}" if len(ranges) > 1 else ranges[0]
    found = parse_anomaly_text(f"Yes, there exist anomalies from {text}.")
    assert found is not None
    assert [(s.start_s, s.end_s) for s in found] == wanted


@FUZZ
@given(
    st.text(max_size=60) | st.from_regex(r"Yes, there exist anomalies( from [0-9:.s]{1,8} to [0-9.s,and ]{1,20})?\.?")
)
def test_any_text_is_understood_or_refused(text: str) -> None:
    try:
        found = parse_anomaly_text(text, duration_s=100)
    except AnnotationError:
        return
    assert all(0 <= s.start_s < s.end_s <= 100 for s in found or ())


QUESTION = {"from": "human", "value": "Is there any anomaly?"}


@pytest.mark.parametrize(
    "content",
    [
        {"Abuse001_x264": ONE},
        {"frames/Abuse/Abuse001_x264.mp4": ONE},
        [
            {
                "video": "frames/Abuse/Abuse001_x264.mp4",
                "video_label": "300",
                "length": 300,
                "QA": [{"q": "?", "a": ONE}],
            }
        ],
        [{"video": "Abuse001_x264", "text": ONE}],
        [{"video": "Abuse001_x264.MP4", "answer": ONE}],
        [{"video": "Abuse001_x264.avi", "conversations": [QUESTION, {"from": "gpt", "value": ONE}]}],
    ],
)
def test_every_layout_gives_the_same(tmp_path: Path, content: Any) -> None:
    times = read_anomaly_texts(write(tmp_path, content))
    assert times.segments == {"Abuse001_x264": (Segment(3.2, 6.6),)}
    assert times.durations in ({}, {"Abuse001_x264": 10.0})
    assert set(times.files) == {"texts.json"}


def test_what_is_left_out_is_a_remark(tmp_path: Path) -> None:
    rows = [
        {"video": "A", "length": 150, "text": ONE},
        {"video": "B", "text": "Yes, there exist anomalies."},
        {"video": "C", "text": "No, there are no anomalies."},
        {"video": "D", "length": 60, "text": ONE},
    ]
    times = read_anomaly_texts(write(tmp_path, rows))
    assert times.segments == {"A": (Segment(3.2, 5.0),)}
    assert {(r.deed, r.rule, r.subject) for r in times.remarks} == {
        ("clipped", "ends behind the video", "A"),
        ("dropped", "anomalous without times", "B"),
        ("dropped", "the text says that there is no anomaly", "C"),
        ("dropped", "starts behind the video", "D"),
        ("dropped", "no time is left", "D"),
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (3, "neither a JSON object nor a list"),
        ({}, "no video has times"),
        ([], "no video has times"),
        ({"A": "No."}, "no video has times"),
        ([3], "record 0: names no video"),
        ([{"text": ONE}], "record 0: names no video"),
        ([{"video": 3, "text": ONE}], "'3' is no name"),
        ([{"video": "a/..", "text": ONE}], "is no name"),
        ([{"video": ".mp4", "text": ONE}], "is no name"),
        ([{"video": "A\0/b", "text": ONE}], "is no name"),
        ([{"video": "A"}], "A: holds none of QA, text"),
        ([{"video": "A", "text": ONE, "answer": ONE}], "A: holds text and answer of"),
        ([{"video": "A", "QA": []}], "A: QA must hold one question"),
        ([{"video": "A", "QA": "x"}], "A: QA must hold one question"),
        ([{"video": "A", "QA": [{"q": "?"}]}], "A: None says neither"),
        ([{"video": "A", "conversations": [QUESTION]}], "A: conversations hold no answer"),
        ([{"video": "A", "length": 0, "text": ONE}], "A: length must be"),
        ([{"video": "A", "length": "1", "text": ONE}], "A: length must be"),
        ([{"video": "x/A.mp4", "text": ONE}, {"video": "A", "text": ONE}], "A: occurs a second time"),
    ],
)
def test_another_layout_is_an_error(tmp_path: Path, content: Any, message: str) -> None:
    with pytest.raises(AnnotationError, match=message):
        read_anomaly_texts(write(tmp_path, content))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(ONE),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["video", "QA", "a", "text", "from", "value", "length"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@FUZZ
@given(JSON | st.lists(st.fixed_dictionaries({"video": st.just("A") | JSON, "QA": JSON}), max_size=2))
def test_any_json_is_read_or_refused(tmp_path: Path, content: Any) -> None:
    try:
        times = read_anomaly_texts(write(tmp_path, content))
    except AnnotationError:
        return
    assert times.segments


@FUZZ
@given(st.binary(max_size=100))
def test_any_bytes_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "texts.json"
    path.write_bytes(content)
    with pytest.raises(AnnotationError):
        read_anomaly_texts(path)
