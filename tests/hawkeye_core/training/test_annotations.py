"""Annotations: what is read, and errors that name file and line."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from hawkeye_core.answers.segments import Segment
from hawkeye_core.errors import AnnotationError
from hawkeye_core.training.annotations import of_split, read_annotations

GOOD = '{"video": "a", "segments": [{"start": 3, "end": 4.5, "category": "x", "reason": "y"}], "split": "train"}'


def test_lines_are_read_and_ordered_in_time(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(
        GOOD + '\n\n{"video": "b", "note": "n", "split": "test", "segments": '
        '[{"start": 5, "end": 6, "category": "x"}, {"start": 1, "end": 2, "category": "z"}]}\n'
        '{"video": "c", "split": "val", "segments": []}\n'
    )
    first, second, third = read_annotations(path)
    assert first.timeline() == [Segment(3, 4.5, "x", "y")]
    assert [s.category for s in second.timeline()] == ["z", "x"]
    assert of_split([first, second, third], "test") == [second]
    assert of_split([first, second, third], "val") == [third]
    assert of_split([first, second, third], "all") == [first, second, third]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", r"a\.jsonl:2: Invalid JSON"),
        (GOOD, r"a\.jsonl:2: video 'a' occurs a second time"),
        (GOOD.replace("4.5", "2"), r"a\.jsonl:2: segments\.0: .*must end after its start, not 3\.0 to 2\.0"),
        (GOOD.replace('"start": 3', '"start": -1'), r"a\.jsonl:2: segments\.0\.start"),
        (GOOD.replace("4.5", '"soon"'), r"a\.jsonl:2: segments\.0\.end"),
        (GOOD.replace("4.5", "1e999"), r"a\.jsonl:2: segments\.0\.end"),
        (GOOD.replace("train", "dev"), r"a\.jsonl:2: split.*'train', 'test' or 'val'"),
        (GOOD.replace('"category"', '"kind"'), r"a\.jsonl:2: segments\.0"),
        ('{"video": "b", "split": "test"}', r"a\.jsonl:2: segments: Field required"),
        ("[]", r"a\.jsonl:2"),
    ],
)
def test_errors_name_file_and_line(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(f"{GOOD}\n{line}\n")
    with pytest.raises(AnnotationError, match=message):
        read_annotations(path)


def test_missing_empty_and_binary_files(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match=r"(?s)no such annotation file.*remedy"):
        read_annotations(tmp_path / "none.jsonl")
    path = tmp_path / "empty.jsonl"
    path.write_text("\n\n")
    with pytest.raises(AnnotationError, match="has no annotation"):
        read_annotations(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(AnnotationError, match="cannot be read"):
        read_annotations(path)
    with pytest.raises(AnnotationError, match="cannot be read"):
        read_annotations(tmp_path)


@given(st.text(max_size=80) | st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=5),
       lambda x: st.lists(x, max_size=3) | st.dictionaries(st.sampled_from(["video", "segments", "split", "start"]), x),
       max_leaves=8).map(json.dumps))  # fmt: skip
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_but_the_typed_error_comes_out_of_a_strange_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "strange.jsonl"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    with contextlib.suppress(AnnotationError):
        assert read_annotations(path)


def test_the_hand_written_segments_lie_inside_the_real_videos_and_say_that_they_stand_in() -> None:
    path = Path(__file__).parents[3] / "tests/data/real_videos.jsonl"
    durations = {"vtest": 79.5, "one-by-one-person-detection": 139.4}
    found = read_annotations(path)
    assert {item.video for item in found} == set(durations)
    assert {item.split for item in found} == {"train", "test"}
    for item in found:
        assert "Stand-in segments: nothing anomalous" in item.note
        ends = [0.0]
        for segment in item.timeline():
            assert ends[-1] < segment.start_s < segment.end_s < durations[item.video]
            ends.append(segment.end_s)
