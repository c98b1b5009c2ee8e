"""HumanML3D: lists, captions and arrays as its writer and its authors make them; every fault named."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hawkeye_core.datasets.humanml3d import BROKEN, read_humanml3d
from hawkeye_core.datasets.humanml3d_joints import frames_of, read_joints
from hawkeye_core.datasets.reconsim.formats.humanml3d import write_humanml3d
from hawkeye_core.digest import sha256_of
from hawkeye_core.errors import AnnotationError

SHARED = (Path(__file__).parents[5] / "shared/data/annotations/humanml3d").resolve()
FEW = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
LINE = "a person walks#a/DET person/NOUN walk/VERB#0.0#0.0\n"


def joints(frames: int = 60, kind: Any = np.float32) -> np.ndarray:
    return np.random.default_rng(frames).normal(size=(frames, 22, 3)).astype(kind)


def write(folder: Path, name: str = "000001", text: str = LINE, array: Any = None, split: str = "train") -> Path:
    for part in ("texts", "new_joints"):
        (folder / part).mkdir(exist_ok=True)
    with (folder / f"{split}.txt").open("a") as file:
        file.write(f"{name}\n")
    (folder / "texts" / f"{name}.txt").write_text(text)
    np.save(folder / "new_joints" / f"{name}.npy", joints() if array is None else array)
    return folder


def test_what_reconsim_writes_is_read_back(tmp_path: Path) -> None:
    write_humanml3d(tmp_path, seed=2, variants=1)
    for split in ("train", "val", "test"):
        found = read_humanml3d(tmp_path, split=split)
        assert [m.motion for m in found.motions] == (tmp_path / f"{split}.txt").read_text().split()
        assert found.remarks == ()
        assert found.files == {f"{split}.txt": sha256_of(tmp_path / f"{split}.txt")}
        for motion in found.motions:
            own = np.load(tmp_path / "new_joints" / f"{motion.motion}.npy")
            np.testing.assert_array_equal(found.joints(motion), own)
            assert motion.duration_s == len(own) / 20
            assert motion.mirrored == motion.motion.startswith("M")
            lines = (tmp_path / "texts" / f"{motion.motion}.txt").read_text().splitlines()
            assert [c.text for c in motion.captions] == [line.split("#")[0] for line in lines]
            assert all(c.whole and (c.start_s, c.end_s) == (0.0, motion.duration_s) for c in motion.captions)
    assert found.motions


@pytest.mark.parametrize(
    ("times", "expected", "rules"),
    [
        ("0.0#0.0", (0.0, 3.0, True), []),
        ("nan#nan", (0.0, 3.0, True), ["a time that is no number counts as 0"] * 2),
        ("nan#2.0", (0.0, 2.0, False), ["a time that is no number counts as 0"]),
        ("1.0#nan", None, ["a time that is no number counts as 0", "the caption ends before it starts"]),
        ("1.25#2.5", (1.25, 2.5, False), []),
        ("1.0#3.5", (1.0, 3.0, False), ["the caption ends behind the motion"]),
        ("2.0#1.0", None, ["the caption ends before it starts"]),
        ("2.0#2.0", None, ["the caption ends before it starts"]),
        ("3.0#4.0", None, ["the caption starts behind the motion"]),
    ],
)
def test_times_are_seconds_of_the_clip(tmp_path: Path, times: str, expected: Any, rules: list[str]) -> None:
    found = read_humanml3d(write(tmp_path, text=f"a man waves#a/DET#{times}\n{LINE}"), split="train")
    captions = found.motions[0].captions[:-1]
    assert [(c.start_s, c.end_s, c.whole) for c in captions] == ([] if expected is None else [expected])
    assert [r.rule for r in found.remarks] == rules
    assert all(r.subject == "000001:1" for r in found.remarks)


def test_captions_are_made_plain(tmp_path: Path) -> None:
    text = f"a  man\twaves \u200b.#x#0.0#0.0\n # #0.0#0.0\n\n{LINE}"
    found = read_humanml3d(write(tmp_path, text=text), split="train")
    assert [c.text for c in found.motions[0].captions] == ["a man waves .", "a person walks"]
    assert [(r.deed, r.subject) for r in found.remarks] == [("note", "000001:1"), ("dropped", "000001:2")]


def test_missing_files_are_counted(tmp_path: Path) -> None:
    for name in ("000001", "000002", "000003", "000004"):
        write(tmp_path, name)
    (tmp_path / "texts/000001.txt").unlink()
    (tmp_path / "new_joints/000003.npy").unlink()
    (tmp_path / "texts/000004.txt").write_text("")
    found = read_humanml3d(tmp_path, split="train")
    assert [m.motion for m in found.motions] == ["000002"]
    assert Counter((r.deed, r.rule) for r in found.remarks) == {
        ("dropped", "there is no file in texts"): 1,
        ("dropped", "there is no file in new_joints"): 1,
        ("note", "the file of captions is empty"): 1,
        ("dropped", "no caption is left"): 1,
    }


def test_the_motions_known_to_be_broken_are_dropped_if_they_are(tmp_path: Path) -> None:
    bad = joints()
    bad[3, 4, 1] = np.nan
    write(tmp_path, "007975", array=bad, split="test")
    write(tmp_path, "M007975", split="test")
    found = read_humanml3d(tmp_path, split="test")
    assert [m.motion for m in found.motions] == ["M007975"]
    assert [(r.rule, r.subject) for r in found.remarks] == [("known to be broken in the published set", "007975")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a man waves#x#0.0\n", "has 3 fields"),
        ("a # man waves#x#0.0#0.0\n", "has 5 fields"),
        ("a man waves#x#zero#0.0\n", "'zero' is no time"),
        ("a man waves#x#0.0#inf\n", "'inf' is no time"),
        ("a man waves#x#-1.0#2.0\n", "'-1.0' is no time"),
        (f"a man waves#x#0.0#{'1' * 5000}\n", "is no time"),
        ("x" * 3000 + "#x#0.0#0.0\n", "3,000 characters"),
        ("x" * 70_000, "longer than 65536"),
    ],
)
def test_wrong_captions_name_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(AnnotationError, match=rf"000001\.txt:2: .*{message}"):
        read_humanml3d(write(tmp_path, text=LINE + text), split="train")


def test_wrong_lists_are_errors(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match=r"val\.txt: no such file\n.*remedy"):
        read_humanml3d(tmp_path, split="val")
    with pytest.raises(ValueError, match="no split 'all'"):
        read_humanml3d(tmp_path, split="all")
    write(write(tmp_path))
    with pytest.raises(AnnotationError, match=r"train\.txt:2: motion '000001' occurs a second time"):
        read_humanml3d(tmp_path, split="train")
    (tmp_path / "train.txt").write_text("../../etc/passwd\n")
    with pytest.raises(AnnotationError, match=r"train\.txt:1: .* is no name"):
        read_humanml3d(tmp_path, split="train")
    (tmp_path / "train.txt").write_bytes(b"\xff\xfe\n")
    with pytest.raises(AnnotationError, match=r"train\.txt:1: is not UTF-8"):
        read_humanml3d(tmp_path, split="train")


def as_bytes(array: Any, **options: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, **options)
    return stream.getvalue()


def with_head(head: str) -> bytes:
    text = head.encode("latin-1").ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


ARRAYS = {
    "objects": (as_bytes(np.full((5, 22, 3), None, object), allow_pickle=True), "of object, not"),
    "whole numbers": (as_bytes(np.zeros((5, 22, 3), np.int32)), "of int32, not"),
    "halves": (as_bytes(np.zeros((5, 22, 3), np.float16)), "of float16, not"),
    "24 joints": (as_bytes(np.zeros((5, 24, 3), np.float32)), r"is \(5, 24, 3\)"),
    "flat": (as_bytes(np.zeros((5, 66), np.float32)), r"is \(5, 66\)"),
    "no frame": (as_bytes(np.zeros((0, 22, 3), np.float32)), "has 0 frames"),
    "cut off": (as_bytes(np.zeros((5, 22, 3), np.float32))[:-4], "not those of 5 frames"),
    "too long": (as_bytes(np.zeros((5, 22, 3), np.float32)) + b"1234", "not those of 5 frames"),
    "huge": (
        with_head("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 22, 3)}"),
        "99999999999 frames",
    ),
    "negative": (with_head("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 22, 3)}"), "has -1 frames"),
    "truth": (with_head("{'descr': '<f4', 'fortran_order': False, 'shape': (True, 22, 3)}"), "has True frames"),
    "code": (with_head("__import__('os').system('x')"), "is no array of numpy"),
    "nested": (with_head("(" * 100), "is no array of numpy"),
    "text": (b"not an array", "is no array of numpy"),
    "magic alone": (b"\x93NUMPY\x01\x00", "is no array of numpy"),
    "version": (b"\x93NUMPY\x09\x00\x00\x00", "is no array of numpy|version"),
    "nothing": (b"", "is no array of numpy"),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_wrong_arrays_are_errors(tmp_path: Path, name: str) -> None:
    path = tmp_path / "000001.npy"
    content, message = ARRAYS[name]
    path.write_bytes(content)
    for read in (read_joints, frames_of):
        with pytest.raises(AnnotationError, match=rf"000001\.npy: .*({message})"):
            read(path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e6])
def test_joints_are_finite_and_near(tmp_path: Path, value: float) -> None:
    array = joints()
    array[3, 4, 1] = value
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(AnnotationError, match=r"a\.npy: a joint is not finite or farther than 1000 m"):
        read_joints(tmp_path / "a.npy")


def test_arrays_of_other_makes_are_read(tmp_path: Path) -> None:
    for kind, order in ((np.float64, "C"), (np.float32, "F"), (">f4", "C")):
        np.save(tmp_path / "a.npy", np.array(joints(7), kind, order=order))
        found = read_joints(tmp_path / "a.npy")
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, joints(7))
    with pytest.raises(AnnotationError, match="no such file"):
        read_joints(tmp_path / "b.npy")


@FEW
@given(data=st.data())
def test_changed_arrays_raise_nothing_else(tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(as_bytes(joints(3)))
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(0, 140))] = data.draw(st.integers(0, 255))
    del content[data.draw(st.integers(0, 200) | st.just(len(content))) :]
    (tmp_path / "a.npy").write_bytes(content)
    try:
        read_joints(tmp_path / "a.npy")
    except AnnotationError as error:
        if "a.npy" not in str(error):
            raise


@FEW
@given(text=st.binary(max_size=60) | st.text("#0.1na-\n e", max_size=60).map(str.encode))
def test_random_captions_raise_nothing_else(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "train.txt").unlink(missing_ok=True)
    write(tmp_path)
    (tmp_path / "texts/000001.txt").write_bytes(text)
    try:
        found = read_humanml3d(tmp_path, split="train")
        assert all(0 <= c.start_s < c.end_s <= 3.0 for m in found.motions for c in m.captions)
    except AnnotationError as error:
        if "000001.txt" not in str(error):
            raise


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real lists of ids are not beside this checkout")
@pytest.mark.parametrize(
    ("split", "ids", "mirrored"), [("train", 23384, 11692), ("val", 1460, 730), ("test", 4384, 2192)]
)
def test_real_lists(tmp_path: Path, split: str, ids: int, mirrored: int) -> None:
    """All ids pass; half are mirrors, each of an id in the same list; without files each is dropped once."""
    (tmp_path / f"{split}.txt").write_bytes((SHARED / f"{split}.txt").read_bytes())
    found = read_humanml3d(tmp_path, split=split)
    assert found.motions == ()
    names = [r.subject for r in found.remarks]
    assert {r.rule for r in found.remarks} == {"there is no file in new_joints"}
    assert len(names) == len(set(names)) == ids
    assert sum(name.startswith("M") for name in names) == mirrored
    assert {name.removeprefix("M") for name in names} == {name for name in names if name[0] != "M"}
    assert (set(names) >= BROKEN) == (split == "test")
