"""A second of a HumanML3D motion as a camera sees it: 8 frames, and 17 COCO joints in each.

The steps, each a function: the joints at 8 instead of 20 frames a second, one window of 8 frames inside a caption's
range, z up instead of y, a camera somewhere around the person, and the joints in its picture. Everything follows from
a seed and the motion's id. A motion and its mirror get the same window.

The paper (section 4.1) takes 1 s of each motion at 8 frames a second and does not say which second, nor how a motion
without a picture gets into the model; the window by chance, the camera and the drawn figure
(:mod:`hawkeye_core.datasets.motion_figures`) are ours.

Legend: T frames at 20 a second, N at 8 a second, F = 8 of a clip, J3 = 22 SMPL joints, J = 17 COCO joints.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.datasets.humanml3d import MIRRORED, CaptionedMotion, MotionCaption
from hawkeye_core.datasets.humanml3d_joints import FPS as SOURCE_FPS
from hawkeye_core.datasets.reconsim.body import coco_joints
from hawkeye_core.datasets.reconsim.camera import Camera
from hawkeye_core.datasets.source import Remark

F32 = NDArray[np.float32]

FPS = 8
FRAMES = 8
"""Of a clip: one second."""
FACE_SCORE = 0.3
"""Of nose, eyes and ears, which SMPL's joints do not have; they are put where the head's direction says."""
SIZE = (336, 336)
"""Width and height of a clip's pictures, pixels."""

_FACE = 5  # of COCO's joints: nose, eyes, ears
_AWAY_M = (1.8, 5.0)
_EYE_M = (0.6, 3.2)
_FILLED = (0.55, 0.9)
_BODY_M = 0.2
"""Flesh around the joints, metres: as far as a hand, a foot or the top of a head is from the nearest one."""
_SHIFT = 0.03
"""Radians by which a camera looks past the person, at most."""


@dataclass(frozen=True)
class MotionClip:
    """One second of a motion before a camera.

    Args:
        video: Id of the clip in the feature store: the motion's, and its first frame at 8 a second.
        body: [F, J3, 3] metres, z up, the ground at 0.
        camera: Through which it is seen.
        keypoints: [F, J, 3] x px, y px, score: 1, and :data:`FACE_SCORE` for the face.
    """

    video: str
    body: F32 = field(repr=False)
    camera: Camera
    keypoints: F32 = field(repr=False)


def resampled(joints: F32) -> F32:
    """[T, J3, 3] at 20 frames a second -> [N, J3, 3] at 8, N = floor((T - 1) 8 / 20) + 1.

    Frame k is the motion at k / 8 s: between source frames i = floor(20 k / 8) and i + 1, linearly.
    """
    count = (len(joints) - 1) * FPS // SOURCE_FPS + 1
    at = np.arange(count) * SOURCE_FPS
    low, part = at // FPS, ((at % FPS) / FPS).astype(np.float32)[:, None, None]
    high = np.minimum(low + 1, len(joints) - 1)
    return np.asarray((1 - part) * joints[low] + part * joints[high], np.float32)


def first_frames(caption: MotionCaption, frames: int) -> range:
    """At which frames (8 a second) a window of one second can begin inside a caption's range; may be empty.

    Args:
        caption: Its range.
        frames: T of the motion.
    """
    count = (frames - 1) * FPS // SOURCE_FPS + 1
    first = int(np.ceil(caption.start_s * FPS - 1e-6))
    last = min(int(np.floor(caption.end_s * FPS + 1e-6)), count) - FRAMES
    return range(first, last + 1)


def choose_window(motion: CaptionedMotion, caption: MotionCaption, *, seed: int) -> int | None:
    """First frame (8 a second) of the window shown for a caption; None where its range is shorter than a second.

    Captions of the same range get the same window, and so does the mirrored motion.
    """
    choice = first_frames(caption, motion.frames)
    if not choice:
        return None
    span = (round(caption.start_s * 1000), round(caption.end_s * 1000))
    rng = np.random.default_rng([seed, zlib.crc32(motion.motion.removeprefix(MIRRORED).encode()), *span])
    return choice[int(rng.integers(len(choice)))]


def to_z_up(joints: F32) -> F32:
    """[..., 3] with y up, left at +x when facing +z -> z up, left at -x when facing +y: turned, not mirrored."""
    return np.stack([-joints[..., 0], joints[..., 2], joints[..., 1]], axis=-1)


def random_camera(body: F32, rng: np.random.Generator, *, width: int, height: int) -> Camera:
    """A camera 0.6 to 3.2 m high, 1.8 to 5 m from the ball around all of a clip, on any side of it.

    The person is wholly in every picture: its lens is so long that what is farthest from the middle of the picture
    reaches 0.55 to 0.9 of the way to the edge.

    Args:
        body: [F, J3, 3] metres, z up.
        rng: Of place, direction and size.
        width: Of the picture in pixels.
        height: Of the picture in pixels.
    """
    low, high = body.min((0, 1)).astype(np.float64), body.max((0, 1)).astype(np.float64)
    middle = (low + high) / 2
    turn, away, up = rng.uniform(-np.pi, np.pi), rng.uniform(*_AWAY_M), rng.uniform(*_EYE_M)
    away += float(np.linalg.norm(high - low)) / 2  # so that all of the person is before the camera
    x, y = middle[0] + np.sin(turn) * away, middle[1] - np.cos(turn) * away
    pitch = np.arctan2(up - middle[2], away) + rng.uniform(-_SHIFT, _SHIFT)
    yaw = turn + rng.uniform(-_SHIFT, _SHIFT)
    camera = Camera((float(x), float(y), float(up)), float(yaw), float(pitch), 1.0, width, height)
    fill = float(rng.uniform(*_FILLED))
    offsets = _BODY_M * np.array([[i, j, k] for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)])
    flesh = (body[:, :, None] + offsets).reshape(-1, 3)
    across, below, depth = ((flesh - camera.eye) @ camera.axes.T).T
    half_w, half_h = 0.5 * fill * width, 0.5 * fill * height
    focal = min(half_w / np.abs(across / depth).max(), half_h / np.abs(below / depth).max())
    return replace(camera, focal_px=float(focal))


def projected(body: F32, camera: Camera) -> F32:
    """[F, J3, 3] metres, z up -> [F, J, 3] x px, y px, score of the 17 COCO joints.

    Shoulders, elbows, wrists, hips, knees and ankles are SMPL's own, with score 1 though the body may hide them; SMPL's
    hips lie some centimetres further in and lower than where people mark them. Nose, eyes and ears are estimated from
    neck, head and shoulders (:func:`hawkeye_core.datasets.reconsim.body.coco_joints`), with :data:`FACE_SCORE`.
    """
    points = camera.project(coco_joints(body))
    points[..., 2] = 1.0
    points[..., :_FACE, 2] = FACE_SCORE
    return points


def make_clip(motion: str, joints: F32, first: int, *, seed: int, size: tuple[int, int] = SIZE) -> MotionClip:
    """The second of a motion that begins at a frame (8 a second).

    Args:
        motion: Its id; the camera follows from it, the first frame and the seed.
        joints: [T, J3, 3] metres, y up, 20 frames a second.
        first: As :func:`choose_window` chose.
        seed: Of everything.
        size: Width and height of the pictures, pixels.

    Raises:
        ValueError: The motion has no 8 frames from there.
    """
    body = to_z_up(resampled(joints))[first : first + FRAMES]
    if first < 0 or len(body) != FRAMES:
        raise ValueError(
            f"motion {motion!r} of {len(joints)} frames has no second from frame {first} at {FPS} a second"
        )
    video = clip_id(motion, first)
    rng = np.random.default_rng([seed, zlib.crc32(video.encode())])
    camera = random_camera(body, rng, width=size[0], height=size[1])
    return MotionClip(video, body, camera, projected(body, camera))


def clip_id(motion: str, first: int) -> str:
    """Id of a clip in the feature store: ``M000001_012`` begins 1.5 s after the motion does."""
    return f"{motion}_{first:03d}"


def motion_rows(
    motions: Iterable[CaptionedMotion], *, seed: int, remarks: list[Remark]
) -> Iterator[tuple[CaptionedMotion, int, dict[str, Any]]]:
    """Each caption's motion, first frame, and row of stage 1's table of motions, whose video is the clip.

    Those of ``val`` are left out, since the table knows train and test alone.

    Args:
        motions: As read.
        seed: Of the choice of windows; the same for :func:`make_clip`.
        remarks: Gets what was dropped.
    """
    for motion in motions:
        if motion.split == "val":
            continue
        for caption in motion.captions:
            first = choose_window(motion, caption, seed=seed)
            if first is None:
                span = f"{caption.start_s} to {caption.end_s} s"
                remarks.append(Remark("dropped", "the captioned range is shorter than a second", motion.motion, span))
                continue
            yield motion, first, {
                "video": clip_id(motion.motion, first), "start": 0.0, "end": FRAMES / FPS, "caption": caption.text,
                "split": motion.split,
            }  # fmt: skip
