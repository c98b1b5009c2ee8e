"""Answers of other systems become segments; files of them are read, or refused with the place."""

from __future__ import annotations

import json
import math
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hawkeye_core.errors import AnnotationError
from hawkeye_core.evaluation.importers import STYLES, clip_segments, from_glue, from_percent, from_seconds, read_clip
from hawkeye_core.evaluation.prediction_files import read_predictions
from hawkeye_core.evaluation.text_files import ClipText, read_clips, read_texts

Pairs = list[tuple[float, float]]


def pairs(parsed) -> Pairs:
    return [(segment.start_s, segment.end_s) for segment in parsed.segments]


@pytest.mark.parametrize(
    ("text", "status", "expected"),
    [
        ("From 3.2s to 6.6s.", "ok", [(3.2, 6.6)]),
        ("The given query happens in 3.2 - 6.6 seconds.</s>", "ok", [(3.2, 6.6)]),
        ("Starting time: 0.8 seconds\nEnding time: 1.1 seconds", "ok", [(0.8, 1.1)]),
        ("The start time for this event is 0 seconds, and the end time is 12 seconds.", "ok", [(0, 12)]),
        ("It starts at 00:00:18 and ends at 00:00:23.", "ok", [(18, 23)]),
        ("It ends. Starts .5, ends 1.5.", "ok", [(0.5, 1.5)]),
        ("From 1 to 2 seconds and from 5 to 6 seconds", "ok", [(1, 2), (5, 6)]),
        ("<think>from 1 to 2?</think> From 3 to 4 seconds.", "ok", [(3, 4)]),
        ("From 6.6s to 3.2s.", "repaired", [(3.2, 6.6)]),
        ("From 30 to 99 seconds.", "repaired", [(30, 40)]),
        ("There is no anomaly.", "empty", []),
        ("From 23 to 41% of the video.", "unparsed", []),
        ("A man walks.", "unparsed", []),
        ("", "unparsed", []),
    ],
)
def test_seconds(text: str, status: str, expected: Pairs) -> None:
    found = from_seconds(text, duration_s=40.0)
    assert (found.status, pairs(found)) == (status, expected)


@pytest.mark.parametrize(
    ("text", "status", "expected"),
    [
        ("From 23 to 41.", "ok", [(46, 82)]),
        ("23 to 41", "ok", [(46, 82)]),
        ("23% - 41%", "ok", [(46, 82)]),
        ("between 23 percent and 41 per cent", "ok", [(46, 82)]),
        ("23 and 41", "ok", [(46, 82)]),
        ("from frame 00 to frame 99", "ok", [(0, 198)]),
        ("from 90 to 120", "repaired", [(180, 200)]),
        ("from 41 to 23", "repaired", [(46, 82)]),
        ("No.", "empty", []),
        ("from 23s to 41s", "unparsed", []),
        ("from 00:23 to 00:41", "unparsed", []),
        ("2 and 3 men", "unparsed", []),
    ],
)
def test_percent(text: str, status: str, expected: Pairs) -> None:
    found = from_percent(text, duration_s=200.0)
    assert (found.status, pairs(found)) == (status, expected)


@pytest.mark.parametrize(
    ("text", "status", "expected"),
    [
        ("<answer>Anomaly</answer><glue>[5.2, 10.4]</glue>", "ok", [(5.2, 10.4)]),
        ("<glue>[(20.3, 30.8)]</glue>", "ok", [(20.3, 30.8)]),
        ("<GLUE>\n[[1, 2], [3, 4]]\n</GLUE>", "ok", [(1, 2), (3, 4)]),
        ("<glue>[1, 2]</glue> and <glue>[5.5s, 6s]</glue>", "ok", [(1, 2), (5.5, 6)]),
        ("<answer>Normal</answer><glue>[-1.0, -1.0]</glue>", "empty", []),
        ("<glue>[]</glue>", "empty", []),
        ("<glue>[-3, 2]</glue>", "repaired", [(0, 2)]),
        ("<glue>[1, 2]</glue><glue>soon</glue>", "repaired", [(1, 2)]),
        ("<glue>[1, 2]</glue><glue>[-1, -1]</glue>", "repaired", [(1, 2)]),
        ("[1, 2]", "unparsed", []),
        ("<glue>[1, 2]", "unparsed", []),
        ("<glue>[1, 2, 3]</glue>", "unparsed", []),
        ("<glue>1 to 2</glue>", "unparsed", []),
        ("<glue></glue>", "unparsed", []),
    ],
)
def test_glue(text: str, status: str, expected: Pairs) -> None:
    found = from_glue(text, duration_s=40.0)
    assert (found.status, pairs(found)) == (status, expected)


pieces = st.sampled_from(
    ["from ", "to ", " and ", "23", "41", "3.5", "-", ":", "%", "s", "<glue>", "</glue>", "[", ",", "]", "(",
     "</think>", "start ", "end ", "no ", "anomaly", "\n", ". ", "\u2028", "\0", "\u0663"]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(pieces, max_size=25).map("".join) | st.text(max_size=60), st.floats(0.01, 5000))
def test_any_text_gives_segments_in_order_inside_the_video(text: str, duration_s: float) -> None:
    for read in STYLES.values():
        found = read(text, duration_s=duration_s)
        ends = [time for pair in pairs(found) for time in pair]
        assert ends == sorted(ends)
        assert all(0 <= start < end <= duration_s for start, end in pairs(found))
        assert found.segments == () or found.status in ("ok", "repaired")
    assert read_clip(text) in (True, False, None)


@given(st.integers(0, 99), st.integers(1, 100), st.floats(1, 1000))
def test_percent_is_seconds_of_a_hundredth(start: int, length: int, duration_s: float) -> None:
    end = min(start + length, 100)
    ((first, last),) = pairs(from_percent(f"From {start} to {end}.", duration_s=duration_s))
    assert first == pytest.approx(start / 100 * duration_s)
    assert last == pytest.approx(end / 100 * duration_s)


@pytest.mark.parametrize(
    "text", ["from 1" + " " * 60_000, "start " * 10_000, "<glue>" + "(" * 60_000, "<glue>" * 10_000, "and 11 " * 8000]
)
def test_hostile_lengths_end(text: str) -> None:
    for read in STYLES.values():
        assert read(text, duration_s=10.0).segments == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Yes</s>", True), ("yes, a man", True), ("No.", False), ("The answer is: Yes", True), ("Answer: no", False),
     ("negative", None), ("There is no one", None), ("Yesterday", None), ("", None)],
)  # fmt: skip
def test_clip_answers(text: str, expected: bool | None) -> None:
    assert read_clip(text) is expected


def test_clip_answers_in_words_of_ones_own() -> None:
    assert read_clip("negative", yes=("yes", "negative")) is True


def test_clips_become_runs() -> None:
    said = {0: True, 1: True, 2: False, 3: None, 4: True, 5: True}
    segments, remarks = clip_segments(said, video="v", duration_s=5.4)
    assert [(s.start_s, s.end_s) for s in segments] == [(0, 2), (4, 5.4)]
    assert remarks == ()
    segments, remarks = clip_segments({1: True, 9: True}, video="v", duration_s=5.4)
    assert [(s.start_s, s.end_s) for s in segments] == [(1, 2)]
    assert [(r.deed, r.subject, r.detail) for r in remarks] == [
        ("dropped", "v", "clip 9 of 6"),
        ("note", "v", "5 of 6"),
    ]


@given(st.dictionaries(st.integers(0, 12), st.sampled_from([True, False, None])), st.floats(0.1, 10))
def test_clips_equal_a_loop_over_tenths(said: dict[int, bool | None], duration_s: float) -> None:
    segments, _ = clip_segments(said, video="v", duration_s=duration_s)
    for tick in range(120):
        time = tick / 10 + 0.05
        inside = time < duration_s and said.get(math.floor(time)) is True
        assert inside == any(s.start_s <= time < s.end_s for s in segments)


def test_texts_as_systems_write_them(tmp_path: Path) -> None:
    files = {
        "vtimellm.txt": '{"video_id": "v", "task": "grounding", "query_id": 0, "answer": "From 23 to 41."}\n',
        "timechat.json": '[{"vname": "clips/v.mp4", "query": "q", "generated_cap": "From 23 to 41.", "id": 0}]',
        "vau-r1.csv": 'Video Name,Temporal Grounding\r\nv.mp4,"From 23 to 41."\r\n',
        "ours.jsonl": '{"video": "v", "text": "From 23 to 41."}\n',
        "by-video.json": '{"v": "From 23 to 41."}',
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content)
        (found,) = read_texts(tmp_path / name)
        assert (found.video, found.text, found.start_s) == ("v", "From 23 to 41.", None), name
    (tmp_path / "parts.csv").write_text('video,text,start_s,end_s\nv,"a\nb",48,112.5\n')
    (part,) = read_texts(tmp_path / "parts.csv")
    assert (part.text, part.start_s, part.end_s) == ("a\nb", 48.0, 112.5)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.jsonl", b'{"video": "v"}', r":1: has no text"),
        ("t.jsonl", b'{"text": "v"}', r":1: has no video"),
        ("t.jsonl", b'{"video": "v", "video_id": "w", "text": ""}', "has video and video_id, of which one is wanted"),
        ("t.jsonl", b'{"video": "v", "text": 5}', "a text must be a text"),
        ("t.jsonl", b'{"video": "..", "text": ""}', "is no name of a video"),
        ("t.jsonl", b'{"video": "v", "text": "", "start_s": 3}', "an end must be a number"),
        ("t.jsonl", b'{"video": "v", "text": "", "start_s": 3, "end_s": 2}', "must end after its start"),
        ("t.jsonl", b"\n{", r":2: is no JSON"),
        ("t.jsonl", b'{"video": "' + b"v" * 70_000 + b'"}', "longer than 65536 bytes"),
        ("t.json", b"5", "is neither a list nor an object"),
        ("t.json", b"[]", "has no answer"),
        ("t.json", b'{"v": "a", "v": "b"}', "occurs twice"),
        ("t.json", b"[3]", "entry 0: must be an object"),
        ("t.csv", b"video,text\nv\n", r":2: has 1 cells, not 2"),
        ("t.csv", b"video,video\nv,w\n", r":1: names a column twice"),
        ("t.csv", b'video,text\nv,"open', "is no CSV"),
        ("t.csv", b"video,text\nv,\xff\n", "is not UTF-8"),
        ("t.csv", b"video,text,start_s,end_s\nv,x,nan,3\n", "a start must be a number"),
    ],
)
def test_bad_texts_are_named(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(AnnotationError, match=said) as error:
        read_texts(tmp_path / name)
    assert str(tmp_path / name) in str(error.value)
    assert error.value.remedy


def test_clips_as_the_papers_code_writes_them(tmp_path: Path) -> None:
    folder = tmp_path / "test_res"
    folder.mkdir()
    (folder / "Abuse028_x264.csv").write_text("file,output\n1.mp4,Yes</s>\n2.mp4,No</s>\n")
    (folder / "b.csv").write_text("file,output\nclip_12.mp4,Yes\n")
    (folder / "notes.txt").write_text("not read")
    found = read_clips(folder)
    assert [(c.video, c.number, c.text) for c in found] == [
        ("Abuse028_x264", 1, "Yes</s>"), ("Abuse028_x264", 2, "No</s>"), ("b", 12, "Yes")
    ]  # fmt: skip
    (tmp_path / "all.csv").write_text("video,file,output\nv.mp4,7.mp4,No\n")
    assert read_clips(tmp_path / "all.csv") == [ClipText("v", 7, "No", f"{tmp_path / 'all.csv'}:2")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("file,answer\n1.mp4,Yes\n", r":2: has no column output"),
        ("file,output\nx264.mp4,Yes\n", r":2: 'x264' has no number of a clip at its end"),
        ("file,output\n../1/..,Yes\n", "is no name of a video"),
        ("file,output\n", "has no clip"),
        ("", "is empty"),
    ],
)
def test_bad_clips_are_named(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "v.csv"
    path.write_text(content)
    for place in (path, tmp_path):
        with pytest.raises(AnnotationError, match=said) as error:
            read_clips(place)
        assert str(path) in str(error.value)
    path.rename(tmp_path / "v.txt")
    with pytest.raises(AnnotationError, match="has 0 CSV files"):
        read_clips(tmp_path)


rows = st.lists(st.sampled_from(["v", "1.mp4", "Yes", '"', ",", "\n", "\r", "\0", "é", "file,output\n", "video"]))


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=60) | rows.map(lambda parts: ("file,output\n" + "".join(parts)).encode())
       | st.dictionaries(st.sampled_from(["video", "text", "start_s", "answer"]), st.integers() | st.text())
       .map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_any_file_is_read_or_refused(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, read in (
            ("t.jsonl", read_texts),
            ("t.json", read_texts),
            ("t.csv", read_texts),
            ("t.csv", read_clips),
        ):
            path = Path(folder, name)
            path.write_bytes(content)
            error = None
            try:
                read(path)
            except AnnotationError as raised:
                error = raised
            assert error is None or (str(path) in str(error) and error.remedy)


def test_the_documented_examples_are_read(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "predictions.md").read_text()
    record, text = (" ".join(block.partition("```")[0].split()) for block in page.split("```json\n")[1:])
    (tmp_path / "p.jsonl").write_text(record)
    assert len(read_predictions(tmp_path / "p.jsonl")[0].segments) == 1
    (tmp_path / "t.jsonl").write_text(text)
    assert read_texts(tmp_path / "t.jsonl")[0].video == "Abuse028_x264"
    for style, read in STYLES.items():
        (line,) = (line for line in page.splitlines() if line.startswith(f"| `{style}`"))
        examples = re.findall(r"`([^`]+)`", line.strip("| ").split(" | ")[-1])
        assert len(examples) == 3
        assert {read(example, duration_s=100.0).status for example in examples} == {"ok"}, style
