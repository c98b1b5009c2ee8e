"""HIVAU-70k's events: ReconSim's files, the real ones, faults, and the rules for its texts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hawkeye_core.answers.segments import Segment
from hawkeye_core.datasets.hivau import MAX_REASON, denies, read_hivau, reason_of
from hawkeye_core.datasets.reconsim.formats.ucf_crime import write_ucf_crime
from hawkeye_core.datasets.reconsim.formats.video import FormatVideo
from hawkeye_core.datasets.reconsim.truth import ActionSpan, VideoTruth
from hawkeye_core.errors import AnnotationError

REAL = Path(__file__).parents[5] / "shared/data/annotations/ucf_crime"
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason="the real annotation files are not beside this checkout")
TRAIN, TEST = "hivau70k_ucf_train_events_compact.json", "hivau70k_ucf_test_events_compact.json"
SUMMARIES = "hivau70k_ucf_train_video_summary_anomalous.json"
FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def record(**changes: Any) -> dict[str, Any]:
    return {"n_frames": 300, "fps": 30.0, "label": ["Abuse"], "events": [[1.5, 4.0]], **changes}


def write(folder: Path, content: Any, name: str = "events.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(content))
    return path


def drawn(video: str, segments: tuple[Segment, ...] = (), actions: tuple[ActionSpan, ...] = ()) -> FormatVideo:
    """40 frames at 8 a second of an empty street."""
    truth = VideoTruth(
        video=video, split="train", fps=8.0, width=64, height=48, view="oblique", place="street", light="day",
        scenario="fighting", entities=(), n_people=0, keypoints=np.zeros((40, 0, 17, 3), np.float32),
        boxes=np.zeros((40, 0, 4), np.float32), visible=np.zeros((40, 0), np.float32),
        body=np.zeros((40, 0, 22, 3), np.float32), actions=actions, relations=(), segments=segments, description="x",
    )  # fmt: skip
    return FormatVideo(truth, "ucf_crime", (), lambda frame: np.zeros((48, 64, 3), np.uint8))


def test_what_reconsim_writes_is_read(tmp_path: Path) -> None:
    crash = (Segment(1.5, 2.75, "road accident", "a car hits a man"), Segment(3.1, 4, "road accident", "a car flees"))
    waving = ActionSpan(0, 1.0, 2.5, "wave", "")
    write_ucf_crime(tmp_path, [drawn("RoadAccidents001_x264", crash), drawn("Normal_Videos002_x264", (), (waving,))])
    times = read_hivau(tmp_path / TRAIN, summaries=tmp_path / SUMMARIES)
    assert times.segments == {
        "RoadAccidents001_x264": (Segment(1.5, 2.75, "", "a car hits a man"), Segment(3.1, 4.0, "", "a car hits a man"))
    }
    assert times.durations == {"RoadAccidents001_x264": 5.0, "Normal_Videos002_x264": 5.0}
    assert [(r.deed, r.rule, r.subject, r.detail) for r in times.remarks] == [
        ("dropped", "normal video", "Normal_Videos002_x264", "1 ordinary events")
    ]
    assert set(times.files) == {TRAIN, SUMMARIES}


def test_events_are_put_in_order_joined_and_cut_at_the_end(tmp_path: Path) -> None:
    rows = {
        "A1": record(events=[[6.0, 10.4], [1.0, 2.0], [1.5, 3.0]]),
        "A2": record(events=[[11.0, 12.0]]),
        "A3": record(events=[]),
        "A4": record(label=["Normal"]),
        "A5": record(),
    }
    times = read_hivau(write(tmp_path, rows))
    assert times.segments == {"A1": (Segment(1.0, 3.0), Segment(6.0, 10.0)), "A5": (Segment(1.5, 4.0),)}
    assert {(r.deed, r.rule, r.subject) for r in times.remarks} == {
        ("clipped", "ends behind the video", "A1"),
        ("note", "times are not in order", "A1"),
        ("merged", "times overlap or touch", "A1"),
        ("dropped", "starts behind the video", "A2"),
        ("dropped", "no time is left", "A2"),
        ("dropped", "anomalous without events", "A3"),
        ("dropped", "normal video", "A4"),
    }


def test_a_video_whose_text_denies_an_anomaly_is_dropped(tmp_path: Path) -> None:
    events = write(tmp_path, {"A1": record(), "A2": record(), "A3": record()})
    texts = {
        "A1": "No anomaly exists. A cat sleeps.",
        "A2": "An anomaly exists. The anomaly event is a fall.",
        "A9": "x",
    }
    times = read_hivau(events, summaries=write(tmp_path, texts, "texts.json"))
    assert times.segments == {"A2": (Segment(1.5, 4.0, "", "a fall"),), "A3": (Segment(1.5, 4.0),)}
    assert {(r.deed, r.rule, r.subject) for r in times.remarks} == {
        ("dropped", "its text says that there is no anomaly", "A1"),
        ("note", "without a reason", "A3"),
        ("note", "text of a video without events", "A9"),
    }


@pytest.mark.parametrize(
    ("text", "denied"),
    [
        ("No anomaly exists. The cat sleeps.", True),
        ("There is no anomaly event (Abuse) in the video.", True),
        ("There are no anomalies here, and so there is no name.", True),
        ('In this video, there is no clear abnormality, so the name is "None".', True),
        ("  no anomalous event was found", True),
        ("An anomaly exists. No anomaly is as plain.", False),
        ("No anomaly exists at first, but a man falls later.", False),
        ("There is no anomaly until the car comes.", False),
        ("No doubt an anomaly exists.", False),
        ("The anomaly exists. There is no anomaly of another kind.", False),
        ("No anomaly exists in the first half of the video.", False),
        ("", False),
    ],
)
def test_denial(text: str, denied: bool) -> None:
    assert denies(text) is denied


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("It exists. The anomaly event involves a man kicking a dog, suggesting cruelty.", "a man kicking a dog"),
        ("An anomaly exists. The video anomaly event begins with Two men; then more.", "two men"),
        ("It exists. The first anomaly, \"Arrest\", involves a man and a woman who are.", "a man and a woman"),
        ("It exists. In the video, a boy runs away.", "a boy runs away"),
        ("It exists. The anomaly event begins with a normal street, but suddenly a van burns.", "suddenly a van burns"),
        ("It exists. TV sets are stolen.", "TV sets are stolen"),
        ("A man falls", "a man falls"),
        ("It exists.\nThe anomaly event is <s> a fall\x00.", "s a fall"),
    ],
)  # fmt: skip
def test_reason_is_the_clause_that_says_what_happens(text: str, reason: str) -> None:
    assert reason_of(text) == reason


@given(st.text(max_size=600))
def test_reason_of_any_text_is_one_short_printable_line(text: str) -> None:
    reason = reason_of(text)
    assert len(reason) <= MAX_REASON
    assert reason == " ".join(reason.split())
    assert not reason or reason.isprintable()


def test_long_reasons_end_at_a_comma_or_a_space() -> None:
    assert reason_of("X. The anomaly event is " + "a man runs, " * 40).endswith("a man runs")
    assert reason_of("X. The anomaly event is " + "word " * 100).split() == ["word"] * 32


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"fps": 0}, "fps must be a number from 0.1"),
        ({"fps": True}, "fps must be"),
        ({"n_frames": 10**400}, "n_frames must be"),
        ({"n_frames": "300"}, "n_frames must be"),
        ({"label": "Abuse"}, "label must be a list"),
        ({"label": [None]}, "label must be a list"),
        ({"events": [[1.0]]}, "pairs of a start and an end"),
        ({"events": {"a": 1}}, "pairs of a start and an end"),
        ({"events": [[2.0, 1.0]]}, "must end after its start, not 2.0 to 1.0"),
        ({"events": [[-1.0, 1.0]]}, "a start must be"),
        ({"events": [[0.0, 1e300]]}, "an end must be"),
    ],
)
def test_a_wrong_value_is_an_error_that_names_the_video(tmp_path: Path, row: dict[str, Any], message: str) -> None:
    path = write(tmp_path, {"Abuse001_x264": record(**row)})
    with pytest.raises(AnnotationError, match=message) as caught:
        read_hivau(path)
    assert f"{path}: Abuse001_x264" in str(caught.value)
    assert "remedy:" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("[]", "must be a JSON object"),
        ("{}", "must be a JSON object"),
        ('{"A": {"n_frames": 3}}', "has no fps, label, events"),
        ('{"A": 3}', "has no n_frames"),
        ('{"../A": {}}', "no name of a video"),
        ('{"A": {"n_frames": NaN}}', "NaN"),
        ('{"A": {}, "A": {}}', "occurs twice"),
        ('{"A": {"n_frames": 30, "fps": 30, "label": [], "events": [[0, 1]]}}', "no anomalous video"),
        ("[" * 100_000, "no JSON"),
    ],
)
def test_a_wrong_file_is_an_error(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "events.json"
    path.write_text(content)
    with pytest.raises(AnnotationError, match=message):
        read_hivau(path)


def test_a_missing_file_and_a_wrong_text_are_errors(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match="no such file"):
        read_hivau(tmp_path / "none.json")
    events = write(tmp_path, {"A1": record()})
    for texts in ({"A1": 3}, {"A1": " "}, {"A1": ["No anomaly."]}, {"A1": "x" * 100_000}):
        with pytest.raises(AnnotationError, match=r"texts.json: A1: must be a text"):
            read_hivau(events, summaries=write(tmp_path, texts, "texts.json"))


VALID = json.dumps({"Abuse001_x264": record(), "Normal_Videos002_x264": record(label=[])}).encode()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@FUZZ
@given(st.binary(max_size=200) | st.tuples(st.integers(0, len(VALID) - 1), st.binary(min_size=1, max_size=3)))
def test_any_bytes_are_read_or_refused(tmp_path: Path, change: bytes | tuple[int, bytes]) -> None:
    if isinstance(change, tuple):
        at, new = change
        change = VALID[:at] + new + VALID[at + len(new) :]
    path = tmp_path / "fuzz.json"
    path.write_bytes(change)
    for kwargs in ({}, {"summaries": path}):
        try:
            times = read_hivau(path, **kwargs)
        except AnnotationError:
            continue
        assert all(s.end_s > s.start_s >= 0 for found in times.segments.values() for s in found)


@FUZZ
@given(st.fixed_dictionaries({"n_frames": JSON, "fps": JSON, "label": JSON, "events": JSON}) | JSON)
def test_any_record_is_read_or_refused(tmp_path: Path, row: Any) -> None:
    with pytest.raises(AnnotationError):
        read_hivau(write(tmp_path, {"A": row}))


@needs_real
def test_real_training_file() -> None:
    times = read_hivau(REAL / TRAIN)
    assert (len(times.segments), len(times.durations)) == (810, 1403)
    joined = sum(
        int(before) - int(after)
        for before, after in (r.detail.split(" to ") for r in times.remarks if r.deed == "merged")
    )
    assert sum(map(len, times.segments.values())) == 1457
    assert 1457 + joined == 1582
    assert sum(r.rule == "normal video" for r in times.remarks) == 593
    assert times.segments["Abuse001_x264"] == (Segment(3.933, 15.867), Segment(24.7, 42.5))


@needs_real
def test_real_texts_deny_23_videos_and_give_a_reason_to_all_others() -> None:
    times = read_hivau(REAL / TRAIN, summaries=REAL / SUMMARIES)
    assert len(times.segments) == 787
    assert sum(r.rule == "its text says that there is no anomaly" for r in times.remarks) == 23
    assert all(s.reason for found in times.segments.values() for s in found)


@needs_real
def test_real_test_file() -> None:
    times = read_hivau(REAL / TEST)
    assert (len(times.segments), len(times.durations)) == (128, 290)
    assert sum(r.rule == "anomalous without events" for r in times.remarks) == 12
