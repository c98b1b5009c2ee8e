"""HumanML3D (Guo et al., CVPR 2022; github.com/EricGuo5513/HumanML3D), drawn from the motion library.

::

    new_joints/000001.npy, M000001.npy    [T, 22, 3] float32 metres at 20 frames a second
    texts/000001.txt, M000001.txt         a line a caption: caption#tokens#start#end
    train.txt, val.txt, test.txt, train_val.txt, all.txt    ids, a line each; the mirrored after the others

* Joints are SMPL's first 22. x to the left of the person, y up, z to where it faces in the first frame, in which its
  pelvis is above the origin; the lowest joint of the clip is at y = 0. All have one stature (:data:`STATURE_M`), as
  HumanML3D fits all motions to one skeleton.
* An id with M is the mirror of the one without: x negated, the joints of left and right exchanged, ``left`` and
  ``right`` swapped in the captions.
* Start and end are seconds; ``0.0#0.0`` is the whole clip, the only form that is written here.
* Splits hold 80, 5 and 15 of 100 motions, a mirror with its original.

The 263-dimensional features (``new_joint_vecs``) are not written: nothing here reads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.atomic import replacing, write_text
from hawkeye_core.datasets.reconsim.formats.motion_text import mirrored, retold, tokens
from hawkeye_core.datasets.reconsim.motions import MOTIONS, Motion, draw_motion
from hawkeye_core.datasets.reconsim.stage import BODY_JOINTS, F32

FPS = 20
STATURE_M = 1.7
SHORTEST_S, LONGEST_S = 2.0, 9.8
"""HumanML3D's clips last 2 to 10 seconds."""
SHARES = (0.8, 0.05, 0.15)
"""Of the splits."""
SPLITS = ("train", "val", "test")

MIRROR: tuple[int, ...] = tuple(
    BODY_JOINTS.index(mirrored(name.replace("_", " ")).replace(" ", "_")) for name in BODY_JOINTS
)
"""The joint of the other side, for each of the 22."""


def to_y_up(body: F32) -> F32:
    """[T, 22, 3] with z up and facing +y (left at -x) -> y up, facing +z (left at +x), on the floor."""
    turned = np.stack([-body[..., 0], body[..., 2], body[..., 1]], axis=-1)
    turned[..., 1] -= turned[..., 1].min()
    turned[..., [0, 2]] -= turned[0, 0, [0, 2]]
    return turned.astype(np.float32)


def mirrored_joints(joints: F32) -> F32:
    """[T, 22, 3] with y up, as a mirror shows them."""
    return joints[:, MIRROR] * np.array([-1, 1, 1], np.float32)


def clip_of(motion: Motion, seconds: float) -> F32:
    """[T, 22, 3] joints of a motion as HumanML3D stores them, T = 20 a second.

    Args:
        motion: Any; it moves on along its own +y.
        seconds: Length of the clip.
    """
    time = np.arange(round(seconds * FPS), dtype=np.float64) / FPS
    body = motion.body(time)
    moved = motion.speed_m_s * (time if motion.loops else np.minimum(time, motion.duration_s))
    body[..., 1] += moved[:, None].astype(np.float32)
    return to_y_up(body)


def length_of(motion: Motion, rng: np.random.Generator) -> float:
    """Seconds that a clip of a motion lasts: the act and a rest, or some cycles."""
    seconds = rng.uniform(3.0, 6.0) if motion.loops else motion.duration_s + rng.uniform(0.2, 1.0)
    return float(np.clip(seconds, SHORTEST_S, LONGEST_S))


def text_of(captions: Sequence[str]) -> str:
    """Content of a file of captions."""
    return "".join(f"{caption}#{tokens(caption)}#0.0#0.0\n" for caption in captions)


def write_humanml3d(folder: str | Path, *, seed: int, variants: int = 10) -> list[Path]:
    """Write a data set of every motion in the library.

    Args:
        folder: Gets the files.
        seed: Of everything.
        variants: Clips of each motion; every clip has a mirror besides.

    Returns:
        Paths of the lists of ids.
    """
    folder = Path(folder)
    names = [name for name in MOTIONS for _ in range(variants)]
    order = np.random.default_rng(seed).permutation(len(names))
    bounds = np.round(np.cumsum([0.0, *SHARES]) * len(names)).astype(int)
    split_of = {int(n): s for s, a, b in zip(SPLITS, bounds, bounds[1:], strict=False) for n in order[a:b]}
    ids: dict[str, list[str]] = {split: [] for split in SPLITS}
    for number, name in enumerate(names):
        rng = np.random.default_rng([seed, number])
        motion = draw_motion(name, rng, height_m=STATURE_M)
        _write_clip(folder, f"{number + 1:06d}", clip_of(motion, length_of(motion, rng)), retold(motion.caption))
        ids[split_of[number]].append(f"{number + 1:06d}")
    lists = {
        **ids,
        "train_val": sorted(ids["train"] + ids["val"]),
        "all": sorted(key for members in ids.values() for key in members),
    }
    return [write_text(folder / f"{split}.txt", _with_mirrors(members)) for split, members in lists.items()]


def _write_clip(folder: Path, name: str, joints: F32, captions: Sequence[str]) -> None:
    swapped = [mirrored(caption) for caption in captions]
    for key, array, lines in ((name, joints, captions), (f"M{name}", mirrored_joints(joints), swapped)):
        _save(folder / "new_joints" / f"{key}.npy", array)
        write_text(folder / "texts" / f"{key}.txt", text_of(lines))


def _save(path: Path, array: NDArray[np.float32]) -> None:
    with replacing(path) as temporary:
        np.save(temporary, np.ascontiguousarray(array, dtype=np.float32))


def _with_mirrors(ids: Sequence[str]) -> str:
    return "".join(f"{key}\n" for key in [*ids, *(f"M{key}" for key in ids)])
