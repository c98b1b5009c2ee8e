"""HumanML3D's files against its documented conventions, the motion library and the real lists of ids."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from hawkeye_core.datasets.reconsim.formats.humanml3d import (
    FPS,
    MIRROR,
    STATURE_M,
    clip_of,
    length_of,
    mirrored_joints,
    to_y_up,
    write_humanml3d,
)
from hawkeye_core.datasets.reconsim.formats.motion_text import known, mirrored, retold, tokens, words_of
from hawkeye_core.datasets.reconsim.motions import MOTIONS, draw_motion
from hawkeye_core.datasets.reconsim.stage import BODY_JOINTS

LINE = re.compile(r"[^#\n]+#([^\s#/]+/[A-Z]+)( [^\s#/]+/[A-Z]+)*#\d+\.\d+#\d+\.\d+")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("humanml3d")
    write_humanml3d(folder, seed=5, variants=2)
    return folder


def test_files_belong_together(folder: Path) -> None:
    ids = (folder / "all.txt").read_text().split()
    assert len(ids) == 2 * 2 * len(MOTIONS)
    assert {path.stem for path in (folder / "new_joints").iterdir()} == set(ids)
    assert {path.stem for path in (folder / "texts").iterdir()} == set(ids)
    splits = {name: (folder / f"{name}.txt").read_text().split() for name in ("train", "val", "test", "train_val")}
    assert sorted(splits["train"] + splits["val"] + splits["test"]) == sorted(ids)
    assert sorted(splits["train_val"]) == sorted(splits["train"] + splits["val"])
    assert all(f"M{key}" in members for members in splits.values() for key in members if key[0] != "M")
    assert len(splits["train"]) == pytest.approx(0.8 * len(ids), abs=2)
    assert splits["val"]


def test_joints_stand_on_the_floor_and_face_ahead(folder: Path) -> None:
    left, right = BODY_JOINTS.index("left_hip"), BODY_JOINTS.index("right_hip")
    for key in (folder / "all.txt").read_text().split():
        joints = np.load(folder / "new_joints" / f"{key}.npy", allow_pickle=False)
        assert joints.dtype == np.float32
        assert joints.shape[1:] == (22, 3)
        assert 40 <= len(joints) < 200  # HumanML3D's 2 to 10 seconds
        assert joints[..., 1].min() == pytest.approx(0, abs=1e-5)
        np.testing.assert_allclose(joints[0, 0, [0, 2]], 0, atol=1e-5)
        assert joints[0, left, 0] > joints[0, right, 0] or key.lstrip("M") in lying(folder), key


def lying(folder: Path) -> set[str]:
    """Ids of clips that begin on the ground, where hips need not lie across."""
    found = set()
    for path in (folder / "new_joints").iterdir():
        joints = np.load(path)
        if joints[0, BODY_JOINTS.index("head"), 1] < 0.7:
            found.add(path.stem.lstrip("M"))
    return found


def test_axes_are_turned_not_reflected() -> None:
    """Ahead, left and up stay a right-handed triple, and land where HumanML3D has them."""
    body = np.zeros((1, 22, 3), np.float32)
    body[0, 1], body[0, 2], body[0, 3] = (-1, 0, 0), (0, 1, 0), (0, 0, 1)  # left, ahead, up in the person's own frame
    turned = to_y_up(body)[0]
    np.testing.assert_allclose(turned[1:4], [[1, 0, 0], [0, 0, 1], [0, 1, 0]])
    assert np.linalg.det(turned[1:4].T) * np.linalg.det(body[0, 1:4].T) == pytest.approx(1)


@pytest.mark.parametrize("name", ["walk", "drag", "punch"])
def test_a_clip_is_the_motion_at_20_a_second(name: str) -> None:
    motion = draw_motion(name, np.random.default_rng(2), height_m=STATURE_M)
    clip = clip_of(motion, 3.0)
    assert len(clip) == 60
    slow = []
    for frame in range(60):  # one at a time
        time = frame / FPS
        body = motion.body(np.array([time]))[0].astype(np.float64)
        body[:, 1] += motion.speed_m_s * (time if motion.loops else min(time, motion.duration_s))
        slow.append([[-x, z, y] for x, y, z in body.tolist()])
    expected = np.array(slow)
    expected[..., 1] -= expected[..., 1].min()
    expected[..., [0, 2]] -= expected[0, 0, [0, 2]].copy()
    np.testing.assert_allclose(clip, expected, atol=1e-5)
    if name == "walk":
        assert clip[-1, 0, 2] == pytest.approx(motion.speed_m_s * 2.95, abs=0.2)


def test_lengths_are_humanml3ds() -> None:
    rng = np.random.default_rng(0)
    motions = [draw_motion(name, rng, height_m=STATURE_M) for name in MOTIONS]
    lengths = [length_of(motion, rng) for motion in motions for _ in range(5)]
    assert min(lengths) >= 2
    assert max(lengths) < 10


def test_mirrors_mirror_joints_and_words(folder: Path) -> None:
    sides = 0
    for key in (k for k in (folder / "all.txt").read_text().split() if k[0] != "M"):
        own, other = (np.load(folder / "new_joints" / f"{k}.npy") for k in (key, f"M{key}"))
        for j, joint in enumerate(BODY_JOINTS):
            swap = joint.replace("left", "?").replace("right", "left").replace("?", "right")
            np.testing.assert_allclose(other[:, BODY_JOINTS.index(swap)], own[:, j] * [-1, 1, 1], atol=1e-6)
        texts = [(folder / "texts" / f"{k}.txt").read_text() for k in (key, f"M{key}")]
        swapped = re.sub(r"\b(left|right)\b", lambda m: "right" if m[1] == "left" else "left", texts[0])
        assert texts[1] == swapped
        sides += texts[0] != swapped
    assert sides > 5
    assert [MIRROR[m] for m in MIRROR] == list(range(22))
    clip = np.random.default_rng(1).normal(size=(4, 22, 3)).astype(np.float32)
    np.testing.assert_array_equal(mirrored_joints(mirrored_joints(clip)), clip)


def test_texts_are_lines_of_four_fields(folder: Path) -> None:
    for path in (folder / "texts").iterdir():
        text = path.read_text()
        assert text.endswith("\n")
        lines = text[:-1].split("\n")
        assert len(lines) == 3
        for line in lines:
            assert LINE.fullmatch(line), line
            caption, words, start, end = line.split("#")
            assert float(start) == float(end) == 0.0
            assert len(words.split()) == len(words_of(caption))
    caption = "a person waves with the left hand"
    assert retold(caption) == [caption, "the person waves with the left hand", "someone waves with the left hand"]


def test_lists_look_like_the_real_ones(folder: Path, real: Path) -> None:
    """Ids of six digits, the mirrored after the others."""
    for name in ("train.txt", "val.txt", "test.txt"):
        for path in (folder / name, real / "humanml3d" / name):
            text = path.read_text()
            assert re.fullmatch(r"(\d{6}\n)*(M\d{6}\n)*", text), path
    assert (folder / "train.txt").read_text().startswith("00000")


@pytest.mark.parametrize(
    ("caption", "expected"),
    [  # the first two are published lines of HumanML3D
        (
            "a man full-body sideways jumps to his left.",
            "a/DET man/NOUN fullbody/NOUN sideways/ADV jump/VERB to/ADP his/DET left/NOUN",
        ),
        ("a person is walking", "a/DET person/NOUN is/AUX walk/VERB"),
        (
            "someone throws a punch with the left hand",
            "someone/PRON throw/VERB a/DET punch/NOUN with/ADP the/DET left/ADJ hand/NOUN",
        ),
        (
            "the person raises both arms and waves",
            "the/DET person/NOUN raise/VERB both/DET arm/NOUN and/CCONJ wave/VERB",
        ),
    ],
)
def test_tokens(caption: str, expected: str) -> None:
    assert tokens(caption) == expected


def test_the_lexicon_has_every_word_of_the_library() -> None:
    rng = np.random.default_rng(0)
    captions = {draw_motion(name, rng, height_m=1.7).caption for name in MOTIONS for _ in range(25)}
    assert len(captions) > 200
    assert sorted({word for caption in captions for word in words_of(caption) if not known(word)}) == []


def test_words_are_swapped_whole() -> None:
    assert (
        mirrored("turns left, then right, clockwise, outright") == "turns right, then left, counterclockwise, outright"
    )


def test_the_same_seed_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    write_humanml3d(tmp_path, seed=5, variants=2)
    for path in folder.rglob("*.*"):
        assert (tmp_path / path.relative_to(folder)).read_bytes() == path.read_bytes()
