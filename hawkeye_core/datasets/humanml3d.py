"""HumanML3D's captioned motions (Guo et al., CVPR 2022; github.com/EricGuo5513/HumanML3D).

::

    train.txt, val.txt, test.txt    ids, a line each; with M in front: the mirror of the one without
    texts/000001.txt                a line a caption: caption#tokens#start#end, seconds; 0.0#0.0 is the whole clip
    new_joints/000001.npy           [T, 22, 3] float32 metres, y up, 20 frames a second; SMPL's first 22 joints

Of the arrays only the heads are read, which say how long a motion lasts (all arrays together have a gigabyte); their
content is read and checked one by one by :meth:`CaptionedMotions.joints`.

As the data set's own loader does, a start or end that is ``nan`` is taken for 0, and ids without files are passed over;
both are remarked. A caption that ends behind its clip is clipped, one that ends before it starts is dropped.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.datasets.humanml3d_joints import FPS, HOW_TO_GET, frames_of, read_joints
from hawkeye_core.datasets.plain_text import clean_text
from hawkeye_core.datasets.reading import plain_name, read_lines
from hawkeye_core.datasets.source import Remark, Split
from hawkeye_core.digest import sha256_of
from hawkeye_core.errors import AnnotationError
from hawkeye_core.training.stage1.text import has_words

MIRRORED = "M"
"""In front of the id of a mirrored motion."""
BROKEN = frozenset({"007975", "M007975"})
"""Motions of the test split that are not finite in the published set (issue 118 of its repository); they are looked
into at once, and dropped where it is so."""


@dataclass(frozen=True, slots=True)
class MotionCaption:
    """What is said of a stretch of a motion, seconds; ``whole`` where the file gives no times."""

    text: str
    start_s: float
    end_s: float
    whole: bool


@dataclass(frozen=True, slots=True)
class CaptionedMotion:
    """One motion and its captions, at least one.

    Args:
        motion: Its id: ``000001``, or ``M000001`` for the mirror of it.
        frames: T, at 20 a second.
        captions: In the order of the file.
        split: Of the list it stands in.
    """

    motion: str
    frames: int
    captions: tuple[MotionCaption, ...]
    split: Split

    @property
    def mirrored(self) -> bool:
        """Whether left and right are exchanged, in joints and in words."""
        return self.motion.startswith(MIRRORED)

    @property
    def duration_s(self) -> float:
        """How long it lasts."""
        return self.frames / FPS


@dataclass(frozen=True)
class CaptionedMotions:
    """The motions of a split, in the order of its list.

    Args:
        folder: Where they lie.
        motions: All of them.
        remarks: What was changed or left out.
        files: SHA-256 of the list of ids, by its name; captions and joints are too many.
    """

    folder: Path
    motions: tuple[CaptionedMotion, ...]
    remarks: tuple[Remark, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)

    def joints(self, motion: CaptionedMotion) -> NDArray[np.float32]:
        """[T, 22, 3] metres, y up.

        Raises:
            AnnotationError: As :func:`read_joints`.
        """
        return read_joints(_joints_path(self.folder, motion.motion))


def read_humanml3d(folder: str | Path, *, split: Split) -> CaptionedMotions:
    """Read the captions of a split, and how long its motions last.

    Args:
        folder: Of the data set.
        split: ``train``, ``val`` or ``test``.

    Raises:
        ValueError: No such split.
        AnnotationError: The list is missing or an id occurs twice in it; a file is damaged or not in its format.
    """
    if split not in ("train", "val", "test"):
        raise ValueError(f"no split {split!r}; there are train, val, test")
    folder = Path(folder)
    listed = folder / f"{split}.txt"
    remarks: list[Remark] = []
    motions: list[CaptionedMotion] = []
    seen: set[str] = set()
    for where, line in read_lines(listed, remedy=HOW_TO_GET):
        motion = plain_name(line.strip(), where=where, remedy=HOW_TO_GET)
        if motion in seen:
            raise AnnotationError(f"motion {motion!r} occurs a second time", path=where, remedy=HOW_TO_GET)
        seen.add(motion)
        found = _read_motion(folder, motion, split, remarks)
        if found is not None:
            motions.append(found)
    return CaptionedMotions(folder, tuple(motions), tuple(remarks), {listed.name: sha256_of(listed)})


def _joints_path(folder: Path, motion: str) -> Path:
    return folder / "new_joints" / f"{motion}.npy"


def _read_motion(folder: Path, motion: str, split: Split, remarks: list[Remark]) -> CaptionedMotion | None:
    """A motion with its captions; None where a file is missing or no caption is left."""
    joints, texts = _joints_path(folder, motion), folder / "texts" / f"{motion}.txt"
    for path in (joints, texts):
        if not path.exists():
            remarks.append(Remark("dropped", f"there is no file in {path.parent.name}", motion))
            return None
    frames = frames_of(joints)
    if motion in BROKEN:
        try:
            read_joints(joints)
        except AnnotationError as error:
            remarks.append(Remark("dropped", "known to be broken in the published set", motion, error.message))
            return None
    captions = tuple(_captions(texts, motion, frames / FPS, remarks))
    if not captions:
        remarks.append(Remark("dropped", "no caption is left", motion))
        return None
    return CaptionedMotion(motion, frames, captions, split)


def _captions(path: Path, motion: str, duration_s: float, remarks: list[Remark]) -> Iterator[MotionCaption]:
    if path.stat().st_size == 0:
        remarks.append(Remark("note", "the file of captions is empty", motion))
        return
    for where, line in read_lines(path, remedy=HOW_TO_GET):
        subject = f"{motion}:{where.rsplit(':', 1)[1]}"
        parts = line.split("#")
        if len(parts) != 4:
            raise AnnotationError(
                f"has {len(parts)} fields, not caption#tokens#start#end", path=where, remedy=HOW_TO_GET
            )
        text = clean_text(parts[0], subject=subject, where=where, remedy=HOW_TO_GET, remarks=remarks)
        start, end = (_seconds(part, subject, where, remarks) for part in parts[2:])
        if not has_words(text):
            remarks.append(Remark("dropped", "the caption has no word", subject))
        elif start == end == 0.0:
            yield MotionCaption(text, 0.0, duration_s, whole=True)
        elif end <= start or start >= duration_s:
            rule = "the caption ends before it starts" if end <= start else "the caption starts behind the motion"
            remarks.append(Remark("dropped", rule, subject, f"{start} to {end} of {duration_s} s"))
        else:
            if end > duration_s:
                rule = "the caption ends behind the motion"
                remarks.append(Remark("clipped", rule, subject, f"{end} of {duration_s} s"))
            yield MotionCaption(text, start, min(end, duration_s), whole=False)


def _seconds(text: str, subject: str, where: str, remarks: list[Remark]) -> float:
    try:
        value = float(text) if len(text) <= 32 else math.inf
    except ValueError:
        value = math.inf
    if math.isnan(value):
        remarks.append(Remark("note", "a time that is no number counts as 0", subject, text.strip()))
        return 0.0
    if not 0.0 <= value <= 1e6:
        raise AnnotationError(f"{text.strip()[:32]!r} is no time in seconds", path=where, remedy=HOW_TO_GET)
    return value
