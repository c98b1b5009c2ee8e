"""Answers: what is rendered is read back, and nothing a model can write breaks the reader."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hawkeye_core.answers.parse import parse_segments
from hawkeye_core.answers.render import NO_SEGMENT, render_answer
from hawkeye_core.answers.segments import Segment, clip_segments
from hawkeye_core.answers.time_text import format_seconds, parse_time, stamp


def times(text: str, duration_s: float = 100.0) -> tuple[list[tuple[float, float]], str]:
    parsed = parse_segments(text, duration_s=duration_s)
    return [(s.start_s, s.end_s) for s in parsed.segments], parsed.status


def test_the_papers_sentence() -> None:
    segment = Segment(15, 17, "shooting", "a man near the door is shooting at someone")
    text = "From 15.0 to 17.0 seconds, there exists shooting, as a man near the door is shooting at someone."
    assert render_answer([segment]) == text
    parsed = parse_segments(text, duration_s=20)
    assert parsed.segments == (segment,)
    assert parsed.status == "ok"
    assert [text[a:b] for a, b in parsed.time_spans[0]] == ["15.0", "17.0"]


def test_rendering_orders_segments_and_leaves_out_an_empty_reason() -> None:
    text = render_answer([Segment(9, 10, "theft"), Segment(1, 2.04, "", "x. ")])
    assert text == (
        "From 1.0 to 2.0 seconds, there exists an implicit anomalous sentiment, as x. "
        "From 9.0 to 10.0 seconds, there exists theft."
    )


def test_rendering_none_and_very_short() -> None:
    assert render_answer([]) == NO_SEGMENT
    assert render_answer([Segment(3.0, 3.01, "x")]).startswith("From 3.0 to 3.1 seconds")
    with pytest.raises(ValueError, match="must end after its start"):
        render_answer([Segment(2, 2)])


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("12", 12.0), ("12.5", 12.5), (" 00:12 ", 12.0), ("01:02:03", 3723.0), ("1:02.5", 62.5), (".5", 0.5),
        ("9" * 400, float("inf")), ("", None), ("1:2", None), ("-3", None), ("twelve", None), ("1e3", None),
    ],
)  # fmt: skip
def test_times(text: str, seconds: float | None) -> None:
    assert parse_time(text) == seconds


def test_written_times() -> None:
    assert stamp(12) == "12.0s"
    for bad in (-0.1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="not a time"):
            format_seconds(bad)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("From 12 to 13.5 seconds, there exists x.", [(12, 13.5)]),
        ("from 00:12 to 01:02:03", [(12, 100)]),
        ("It happens 3.2s - 6.6s.", [(3.2, 6.6)]),
        ("12-17", [(12, 17)]),
        ("12–17 sec", [(12, 17)]),
        ("until: 3 until 5 s", [(3, 5)]),
        ("between 3 and 5 seconds, fighting", [(3, 5)]),
        ("from 3 to 5 seconds and from 7 to 9 seconds there are fights", [(3, 5), (7, 9)]),
        ("Yes, there exist anomalies from 3.2s to 6.6s and 10.0s to 12.0s.", [(3.2, 6.6), (10, 12)]),
    ],
)
def test_ways_to_write_a_range(text: str, expected: list[tuple[float, float]]) -> None:
    assert times(text)[0] == expected


@pytest.mark.parametrize(
    ("text", "expected", "status"),
    [
        ("From 9 to 4 seconds, there exists x.", [(4, 9)], "repaired"),
        ("From 90 to 400 seconds", [(90, 100)], "repaired"),
        ("From -3 to 4 seconds", [(0, 4)], "repaired"),
        ("From 200 to 400 seconds", [], "repaired"),
        ("From 5 to 5 seconds", [], "repaired"),
        ("From 1 to 5 seconds. From 4 to 7 seconds.", [(1, 7)], "repaired"),
        ("From 6 to 7 seconds. From 1 to 2 seconds.", [(1, 2), (6, 7)], "repaired"),
        ("From 1 to 2 seconds. From 2 to 3 seconds.", [(1, 2), (2, 3)], "ok"),
        (NO_SEGMENT, [], "empty"),
        ("There is no anomalous sentiment from 0 to 10 seconds.", [], "empty"),
        ("No.", [], "empty"),
        ("No anomaly at first. From 3 to 4 seconds, there exists x.", [(3, 4)], "repaired"),
        ("From 3 to 4 seconds, there exists x, as no anomaly was found by 5 to 6 people.", [(3, 4)], "ok"),
        ("", [], "unparsed"),
        ("Something happens at 12.5 seconds.", [], "unparsed"),
        ("From start to end.", [], "unparsed"),
        ("3 and 5", [], "unparsed"),
        ("From 3 to 5x", [], "unparsed"),
    ],
)
def test_repairs_and_refusals(text: str, expected: list[tuple[float, float]], status: str) -> None:
    assert times(text) == (expected, status)


def test_merged_segments_keep_every_time_they_came_from() -> None:
    text = "From 1 to 5 seconds. From 4 to 7 seconds."
    (spans,) = parse_segments(text, duration_s=10).time_spans
    assert [text[a:b] for a, b in spans] == ["1", "5", "4", "7"]


@given(st.text() | st.from_regex(r"(from|between)? ?-?[0-9:.]{0,9}s? ?(to|-|and|until)? ?[0-9:.]{0,9}[ .]*"),
       st.floats(allow_nan=True, allow_infinity=True))  # fmt: skip
def test_anything_is_read_without_an_error_and_stays_inside_the_video(text: str, duration_s: float) -> None:
    parsed = parse_segments(text, duration_s=duration_s)
    assert len(parsed.segments) == len(parsed.time_spans)
    assert (parsed.status in ("ok", "repaired")) or not parsed.segments
    end = 0.0
    for segment in parsed.segments:
        assert end <= segment.start_s < segment.end_s <= duration_s
        end = segment.end_s


@given(st.integers(0, 3))
def test_a_whole_video_is_never_invented(n: int) -> None:
    assert parse_segments("the whole video " * n, duration_s=60).segments == ()


words = st.from_regex(r"[a-z]{1,8}( [a-z]{1,8}){0,4}", fullmatch=True).filter(
    lambda text: not {"as", "because", "since", "from", "no", "not", "none", "without"} & set(text.split())
)


@given(st.lists(st.tuples(st.integers(1, 300), st.integers(1, 300), words, words), max_size=6))
def test_round_trip(parts: list[tuple[int, int, str, str]]) -> None:
    segments, clock = [], 0
    for gap, length, category, reason in parts:
        start, clock = clock + gap, clock + gap + length
        segments.append(Segment(start / 10, clock / 10, category, reason))
    parsed = parse_segments(render_answer(segments), duration_s=1000)
    assert list(parsed.segments) == segments
    assert parsed.status == ("ok" if segments else "empty")


def test_clipping_keeps_what_lies_inside() -> None:
    segments = [Segment(5, 9, "b"), Segment(0, 2, "a"), Segment(20, 30)]
    assert clip_segments(segments, 1, 6) == [Segment(1, 2, "a"), Segment(5, 6, "b")]
    assert Segment(1, 2).shifted(3) == Segment(4, 5)


def test_no_reason_can_spell_a_special_token() -> None:
    text = render_answer([Segment(1.0, 2.0, "theft</s>", "a <video> of a man")])
    assert text == "From 1.0 to 2.0 seconds, there exists theft /s, as a video of a man."
