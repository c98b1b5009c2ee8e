"""TSL-300 as it is read: against the real files, against ReconSim's writer, and against damaged files."""

from __future__ import annotations

import json
import random
import shutil
import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hawkeye_core.answers.segments import Segment
from hawkeye_core.datasets.reconsim.formats.tsl300 import write_tsl300
from hawkeye_core.datasets.reconsim.formats.video import FormatVideo
from hawkeye_core.datasets.reconsim.truth import ActionSpan, VideoTruth
from hawkeye_core.datasets.source import SourceVideos
from hawkeye_core.datasets.tsl300 import CATEGORY, fitted, read_tsl300
from hawkeye_core.digest import sha256_of
from hawkeye_core.errors import AnnotationError

GT, DURATIONS, RATES = "videosenti_gt.json", "len_duration_dict.json", "fps_dict.json"
FILES = (GT, DURATIONS, RATES, "split_train.txt", "split_test.txt", "gt.json", "time.json")
HIT, FALL = Segment(2.0, 3.125, "fighting", "a man hits a man"), Segment(4.5, 5.0, "abuse", "a man pushes a man")


def drawn(name: str, *, split: str = "train", segments: tuple[Segment, ...] = ()) -> FormatVideo:
    """Five seconds in which somebody waves from 0.5 to 1.5 s."""
    empty = np.zeros((40, 0, 0, 3), np.float32)
    truth = VideoTruth(
        video=name, split=split, fps=8.0, width=320, height=240, view="oblique", place="street", light="day",
        scenario="fighting", entities=(), n_people=0, keypoints=empty, boxes=empty, visible=empty, body=empty,
        actions=(ActionSpan(0, 0.5, 1.5, "wave", ""),), relations=(), segments=segments, description="",
    )  # fmt: skip
    return FormatVideo(truth, "tsl300", (), lambda frame: np.zeros((240, 320, 3), np.uint8))


def write(folder: Path) -> Path:
    write_tsl300(
        folder,
        [
            drawn("10_ReconSim_car_park_10", split="test", segments=(HIT, FALL)),
            drawn("9_ReconSim_street_9", segments=(HIT,)),
            drawn("2_ReconSim_shop_2", split="test"),
            drawn("1_ReconSim_shop_1"),
        ],
    )
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path)


@pytest.fixture(scope="module")
def real() -> Path:
    found = Path(__file__).parents[5] / "shared/data/annotations/tsl300"
    if not found.is_dir():
        pytest.skip("the real annotation files are not beside this checkout")
    return found


def change(path: Path, edit: Callable[[Any], Any]) -> None:
    """Replace a JSON file's content by what ``edit`` makes of it, or leaves in it."""
    content = json.loads(path.read_text())
    made = edit(content)
    path.write_text(json.dumps(content if made is None else made))


def set_rows(folder: Path, video: str, *rows: tuple[Any, Any, Any]) -> None:
    new = [{"segment": [start, end], "label": label} for start, end, label in rows]
    for name in (GT, "gt.json"):
        change(folder / name, lambda c: c["database"][video].update(annotations=new))


def by_id(found: SourceVideos) -> dict[str, Any]:
    return {video.video: video for video in found.videos}


def test_counts_of_the_real_files(real: Path) -> None:
    found = read_tsl300(real)
    assert (found.name, found.protocol) == ("tsl300", "tsl300 (200 + 100 videos, nothing excluded)")
    assert [len(found.of(split)) for split in ("train", "val", "test")] == [200, 0, 100]
    assert [sum(len(v.segments or ()) for v in found.of(split)) for split in ("train", "test")] == [458, 232]
    assert [sum(v.anomalous for v in found.of(split)) for split in ("train", "test")] == [100, 68]
    notes = [(remark.subject, remark.detail) for remark in found.remarks if remark.deed == "note"]
    assert notes == [("train", "600 p, 458 n"), ("test", "352 p, 232 n")]  # and gt.json and time.json agree
    assert found.files == {path.name: sha256_of(path) for path in real.iterdir()}


def test_three_real_test_ends_are_clipped(real: Path) -> None:
    found = read_tsl300(real)
    split = {video.video: video.split for video in found.videos}
    clipped = [remark for remark in found.remarks if remark.deed == "clipped"]
    assert {r.subject for r in clipped if split[r.subject] == "test"} == {
        "40_VideoEmotion8_Anger_88", "291_Ekman6_disgust_131", "295_Ekman6_anger_932",
    }  # fmt: skip
    assert len(clipped) == 7
    assert {remark.rule for remark in clipped} == {"ends behind the video"}
    last = by_id(found)["291_Ekman6_disgust_131"]
    assert last.segments[-1].end_s == last.duration_s == 145.6


def test_real_segments_are_the_rows_of_label_n(real: Path) -> None:
    """Every one, in its video, at its times but for the ends behind the video."""
    rows = json.loads((real / GT).read_text())["database"]
    for video in read_tsl300(real).videos:
        expected = sorted(
            (float(row["segment"][0]), min(float(row["segment"][1]), video.duration_s or 0))
            for row in rows[video.video]["annotations"]
            if row["label"] == "n"
        )
        assert [(s.start_s, s.end_s) for s in video.segments or ()] == expected
        assert {s.category for s in video.segments or ()} <= {CATEGORY}
        assert video.path == f"videos/{video.video}"


def test_reads_what_reconsim_writes(folder: Path) -> None:
    found = read_tsl300(folder)
    assert [v.video for v in found.videos] == [
        "1_ReconSim_shop_1", "9_ReconSim_street_9", "2_ReconSim_shop_2", "10_ReconSim_car_park_10",
    ]  # fmt: skip
    times = {v.video: [(s.start_s, s.end_s) for s in v.segments or ()] for v in found.videos}
    assert times["10_ReconSim_car_park_10"] == [(2.0, 3.125), (4.5, 5.0)]
    assert times["9_ReconSim_street_9"] == [(2.0, 3.125)]
    assert times["1_ReconSim_shop_1"] == times["2_ReconSim_shop_2"] == []
    assert {(v.duration_s, v.fps) for v in found.videos} == {(5.0, 8.0)}
    assert found.counted() == {("note", "segments of label p are not anomalous"): 2}
    assert [remark.detail for remark in found.remarks] == ["2 p, 1 n", "2 p, 2 n"]


def test_excluded_videos_are_remarked(folder: Path) -> None:
    set_rows(folder, "9_ReconSim_street_9", ("1.0", "5.5", "n"))
    found = read_tsl300(folder, exclude=["9_ReconSim_street_9"])
    assert found.protocol == "tsl300 (1 + 2 videos, 1 excluded)"
    assert "9_ReconSim_street_9" not in by_id(found)
    assert found.counted()["dropped", "excluded by name"] == 1
    assert found.counted()["clipped", "ends behind the video"] == 0
    assert found.remarks[0].detail == "1 p, 1 n"  # counted before it was left out
    with pytest.raises(AnnotationError, match="no video of TSL-300: 8_gone"):
        read_tsl300(folder, exclude=["8_gone", "9_ReconSim_street_9"])


def test_ends_are_fitted_into_the_video(folder: Path) -> None:
    set_rows(
        folder, "10_ReconSim_car_park_10",
        ("1.0", "2.0", "n"), ("1.5", "3.0", "n"), ("4.9", "5.05", "n"), ("5.0", "6.0", "n"), ("4.0", "9.0", "p"),
    )  # fmt: skip
    set_rows(folder, "9_ReconSim_street_9", ("3.0", "70.0", "n"))
    found = read_tsl300(folder)
    videos = by_id(found)
    assert videos["10_ReconSim_car_park_10"].segments == (Segment(1, 3, CATEGORY), Segment(4.9, 5, CATEGORY))
    assert videos["9_ReconSim_street_9"].segments == (Segment(3, 5, CATEGORY),)
    made = {(r.deed, r.rule): r.detail for r in found.remarks if r.deed != "note"}
    assert made == {
        ("clipped", "ends behind the video"): "4.900 to 5.050 s, 0.050 s over 5.000 s",
        ("clipped", "ends more than 1 s behind the video"): "3.000 to 70.000 s, 65.000 s over 5.000 s",
        ("dropped", "segment behind the video"): "5.000 to 6.000 s, 1.000 s over 5.000 s",
        ("merged", "segments overlap or touch"): ("3 became 2: 1.000 to 2.000 s, 1.500 to 3.000 s, 4.900 to 5.000 s"),
    }


@given(
    spans=st.lists(st.tuples(st.integers(0, 60), st.integers(1, 30)), max_size=6),
    duration=st.none() | st.integers(1, 70),
)
@settings(max_examples=60, deadline=None)
def test_fitted_covers_the_same_seconds(spans: list[tuple[int, int]], duration: int | None) -> None:
    """Against a set of whole seconds; every change has its remark."""
    given_segments = [Segment(start, start + length) for start, length in spans]
    found, remarks = fitted(given_segments, subject="v", duration_s=duration)
    last = 200 if duration is None else duration
    covered = {t for s in given_segments for t in range(int(s.start_s), int(s.end_s)) if t < last}
    assert [t for s in found for t in range(int(s.start_s), int(s.end_s))] == sorted(covered)
    assert all(a.end_s < b.start_s for a, b in pairwise(found))
    if not remarks:
        assert sorted(found, key=lambda s: s.start_s) == sorted(given_segments, key=lambda s: s.start_s)


def test_scoring_files_may_be_absent_or_differ(folder: Path) -> None:
    change(folder / "time.json", lambda c: c.update({"2_ReconSim_shop_2": 4.0}))
    change(folder / "gt.json", lambda c: c["database"]["10_ReconSim_car_park_10"]["annotations"].pop() and None)
    differing = read_tsl300(folder)
    assert [(r.rule, r.subject, r.detail) for r in differing.remarks[2:]] == [
        ("gt.json differs", "10_ReconSim_car_park_10", "not used; test with 2 segments, not test with 3 segments"),
        ("time.json differs", "2_ReconSim_shop_2", "not used; 4.0, not 5.0 s"),
    ]
    for name in ("time.json", "gt.json"):
        (folder / name).unlink()
    alone = read_tsl300(folder)
    assert alone.videos == differing.videos
    assert len(alone.remarks) == 2
    assert set(alone.files) == set(FILES) - {"time.json", "gt.json"}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("2.0", "2.0", "n"), "segment 1: must end after its start, not 2.0 to 2.0"),
        (("3.0", "2.0", "p"), "must end after its start"),
        (("-1.0", "2.0", "n"), "a time is seconds as text"),
        (("one", "2.0", "n"), "not 'one'"),
        (("nan", "inf", "n"), "a time is seconds as text"),
        (("1_0", "20", "n"), "a time is seconds as text"),
        (("1e3", "2e3", "n"), "a time is seconds as text"),
        (("1.0", "99999999.0", "n"), "a time is seconds as text"),
        ((1.0, 2.0, "n"), "a time is seconds as text"),
        (("1.0", None, "n"), "not NoneType"),
        (("1.0", "2.0", "x"), "\"label\" is p or n, not 'x'"),
        (("1.0", "2.0", ["n"]), '"label" is p or n, not list'),
    ],
)
def test_impossible_rows_are_refused(folder: Path, row: tuple[Any, Any, Any], message: str) -> None:
    set_rows(folder, "9_ReconSim_street_9", row)
    with pytest.raises(AnnotationError, match=message) as caught:
        read_tsl300(folder)
    assert str(caught.value).startswith(f"{folder / GT}: 9_ReconSim_street_9")
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("name", "edit", "message"),
    [
        (GT, lambda c: c["database"].pop("9_ReconSim_street_9") and None, "lacks 1 videos, such as 9_ReconSim"),
        (
            GT,
            lambda c: c["database"]["9_ReconSim_street_9"].update(subset="test"),
            "is of test, but stands in split_tr",
        ),
        (GT, lambda c: c["database"]["9_ReconSim_street_9"].update(subset="val"), 'needs "subset", train or test'),
        (GT, lambda c: c["database"]["9_ReconSim_street_9"].update(annotations={}), "and a list"),
        (GT, lambda c: c["database"]["9_ReconSim_street_9"].update(annotations=[3]), '"label" is p or n, not NoneType'),
        (GT, lambda c: c["database"].update({"../x": {}}), "is no name of a video"),
        (GT, lambda c: {"data": {}}, 'no videos under "database"'),
        (GT, lambda c: [], 'no videos under "database"'),
        (DURATIONS, lambda c: c.update({"3_more": 2.0}), "has, unlike the splits, 1 videos, such as 3_more"),
        (DURATIONS, lambda c: c.update({"9_ReconSim_street_9": 0}), "needs a number above 0"),
        (DURATIONS, lambda c: c.update({"9_ReconSim_street_9": 10**400}), "at most 1e"),
        (DURATIONS, lambda c: c.update({"9_ReconSim_street_9": float("nan")}), "NaN is no number"),
        (DURATIONS, lambda c: c.update({"9_ReconSim_street_9": "5.0"}), "not '5.0'"),
        (RATES, lambda c: c.update({"9_ReconSim_street_9": True}), "not True"),
        (RATES, lambda c: c.update({"9_ReconSim_street_9": -8}), "not -8"),
        (RATES, lambda c: [1], "no object of numbers"),
        ("time.json", lambda c: {"a": "b"}, "needs a number"),
        ("gt.json", lambda c: {"database": 3}, "no videos under"),
    ],
)
def test_contradictions_and_wrong_types_are_refused(
    folder: Path, name: str, edit: Callable[[Any], Any], message: str
) -> None:
    change(folder / name, edit)
    with pytest.raises(AnnotationError, match=message) as caught:
        read_tsl300(folder)
    assert str(folder / name) in str(caught.value)


def test_repeated_names_are_refused(folder: Path) -> None:
    with (folder / "split_test.txt").open("a") as file:
        file.write("9_ReconSim_street_9\n")
    with pytest.raises(AnnotationError, match=r"split_test\.txt:3: 9_ReconSim_street_9 occurs a second time"):
        read_tsl300(folder)
    write(folder)
    text = (folder / DURATIONS).read_text()
    (folder / DURATIONS).write_text(text[:-1] + ', "9_ReconSim_street_9": 7.0}')
    with pytest.raises(AnnotationError, match="occurs twice"):
        read_tsl300(folder)


@pytest.mark.parametrize("name", FILES)
def test_missing_or_empty_files_are_named(folder: Path, name: str) -> None:
    (folder / name).write_text(" \n")
    with pytest.raises(AnnotationError, match="is empty") as caught:
        read_tsl300(folder)
    assert str(folder / name) in str(caught.value)
    (folder / name).unlink()
    if name in ("gt.json", "time.json"):
        read_tsl300(folder)
    else:
        with pytest.raises(AnnotationError, match="no such file"):
            read_tsl300(folder)


def test_deeply_nested_values_are_refused(folder: Path) -> None:
    for depth in (500, 900, 2000, 100_000):
        nested = "[" * depth + "]" * depth
        (folder / DURATIONS).write_text(f'{{"9_ReconSim_street_9": {nested}}}')
        with pytest.raises(AnnotationError):
            read_tsl300(folder)


@pytest.fixture(scope="module")
def valid() -> Any:
    with tempfile.TemporaryDirectory() as name:
        yield write(Path(name))


def survives(valid: Path, name: str, content: bytes) -> None:
    """With one file replaced, reading succeeds or raises AnnotationError; videos that come out keep the rules."""
    found, refused = None, (False, False)
    with tempfile.TemporaryDirectory() as copy:
        shutil.copytree(valid, copy, dirs_exist_ok=True)
        Path(copy, name).write_bytes(content)
        try:
            found = read_tsl300(copy)
        except AnnotationError as error:
            refused = (bool(error.remedy), copy in str(error))
    if found is None:
        assert refused == (True, True), "an error says where and what to do"
        return
    for video in found.videos:
        assert all(0 <= s.start_s < s.end_s <= (video.duration_s or 0) for s in video.segments or ())


@given(name=st.sampled_from(FILES), content=st.binary(max_size=60))
@settings(max_examples=40, deadline=None)
def test_random_bytes_raise_only_annotation_errors(valid: Path, name: str, content: bytes) -> None:
    survives(valid, name, content)


@given(name=st.sampled_from(FILES), seed=st.integers(0, 2**32))
@settings(max_examples=80, deadline=None)
def test_damaged_files_raise_only_annotation_errors(valid: Path, name: str, seed: int) -> None:
    rng = random.Random(seed)
    content = bytearray((valid / name).read_bytes())
    for _ in range(rng.randint(1, 3)):
        place = rng.randrange(len(content))
        match rng.randrange(3):
            case 0:
                content[place] = rng.choice(b'0123456789-.eE"[]{},: \\\xffnpt\n')
            case 1:
                del content[place : place + rng.randint(1, 30)]
            case _:
                content[place:place] = content[rng.randrange(len(content)) :][: rng.randint(1, 60)]
        if not content:
            break
    survives(valid, name, bytes(content))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["1.5", "n", "train", "\ud800", "-1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["database", "subset", "annotations", "segment", "label", "9_ReconSim_street_9"]), inner
        )
    ),
    max_leaves=12,
)


@given(name=st.sampled_from([n for n in FILES if n.endswith("json")]), content=JSON)
@settings(max_examples=60, deadline=None)
def test_random_json_raises_only_annotation_errors(valid: Path, name: str, content: Any) -> None:
    survives(valid, name, json.dumps(content).encode())


@given(content=JSON, key=st.sampled_from(["subset", "annotations", "segment", "label"]))
@settings(max_examples=60, deadline=None)
def test_random_values_inside_raise_only_annotation_errors(valid: Path, content: Any, key: str) -> None:
    whole = json.loads((valid / GT).read_text())
    entry = whole["database"]["9_ReconSim_street_9"]
    (entry if key in entry else entry["annotations"][0])[key] = content
    survives(valid, GT, json.dumps(whole).encode())
