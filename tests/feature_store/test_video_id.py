from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feature_store.errors import StoreError
from feature_store.layout import RecordName, check_video_id
from feature_store.video_id import MAX_STEM, KnownVideo, assign_id, safe_stem

A, B, C = "a" * 64, "b" * 64, "c" * 64


@pytest.mark.parametrize(
    ("path", "stem"),
    [
        ("/data/Abuse001_x264.mp4", "Abuse001_x264"),
        ("clip.one.avi", "clip.one"),
        ("/x/.hidden.mp4", "hidden"),
        ("/x/__-_a.mp4", "a"),
        ("/x/café au lait.mkv", "cafe_au_lait"),
        ("/x/监控.mp4", "video"),
        ("/x/...", "video"),
        ("C:\\videos\\cam 1.mp4", "cam_1"),
        ("s3://bucket/key/v.mp4", "v"),
        ("/x/a..b/../c'; rm -rf.mp4", "c_rm_-rf"),
    ],
)
def test_stem(path: str, stem: str) -> None:
    assert safe_stem(path) == stem


@given(st.text(max_size=400))
def test_every_stem_is_a_valid_id(text: str) -> None:
    stem = safe_stem(text)
    assert check_video_id(stem) == stem
    assert len(stem) <= MAX_STEM


def test_same_content_elsewhere_is_the_same_video() -> None:
    assert assign_id("/other/name.mp4", A, {"x": KnownVideo("/v/x.mp4", A)}) == "x"


def test_same_path_with_new_content_keeps_its_id() -> None:
    assert assign_id("/v/x.mp4", B, {"x": KnownVideo("/v/x.mp4", A)}) == "x"
    assert assign_id("/v/sub/../x.mp4", B, {"x": KnownVideo("/v/x.mp4", A)}) == "x"


def test_another_file_of_the_same_name_gets_a_suffix() -> None:
    known = {"x": KnownVideo("/v/x.mp4", A)}
    assert assign_id("/w/x.mp4", B, known) == "x-bbbbbbbb"
    assert assign_id("/w/X.mp4", B, known) == "X-bbbbbbbb", "one file on a disk that ignores case"
    known["x-bbbbbbbb"] = KnownVideo("/u/x.mp4", "b" * 8 + "c" * 56)
    assert assign_id("/w/x.mp4", B, known) == "x-bbbbbbbbbbbbbbbb"


def test_content_that_was_superseded_is_another_video() -> None:
    known = {"x": KnownVideo("/v/x.mp4", B)}  # /v/x.mp4 once held A
    assert assign_id("/w/x.mp4", A, known) == "x-aaaaaaaa"


def test_unreadable_files_are_told_apart_by_path() -> None:
    known = {"x": KnownVideo("/v/x.mp4", "")}
    assert assign_id("/v/x.mp4", "", known) == "x"
    assert assign_id("/w/x.mp4", "", known) == "x-2"
    assert assign_id("/w/x.mp4", "", known | {"x-2": KnownVideo("/u/x.mp4", "")}) == "x-3"


@pytest.mark.parametrize("name", ["", "..", ".x", "_x", "-x", "a/b", "a\\b", "a b", "x" * 129, "a\n", "ä"])
def test_hostile_ids_are_refused(name: str) -> None:
    with pytest.raises(StoreError, match="not a video id"):
        check_video_id(name)


@pytest.mark.parametrize("video", ["a", "a.b.c", "x.pose.0123456789abcdef.1", "1-2_3"])
def test_record_names_parse_back(video: str) -> None:
    name = RecordName(video, "relations", "0123456789abcdef", 12)
    assert RecordName.parse(name.path.rsplit("/", 1)[-1]) == name


@pytest.mark.parametrize(
    "name",
    [
        "a.pose.0123456789abcdef.0.json",
        "a.pose.0123456789abcdef.01.json",
        "a.pose.0123456789ABCDEF.1.json",
        "a.audio.0123456789abcdef.1.json",
        ".a.pose.0123456789abcdef.1.json",
        "a.pose.0123456789abcdef.1.json.tmp",
        "pose.0123456789abcdef.1.json",
    ],
)
def test_other_names_are_no_records(name: str) -> None:
    assert RecordName.parse(name) is None
