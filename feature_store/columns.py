"""Ragged columns: how features of consecutive frames lie in memory, written and read alike.

Legend: T frames, S the sum of people (or objects) over the frames, R the sum of relations, J = 17 COCO joints,
G tokens a frame, D vision width. Counts (``n_people`` ...) say how many of the S rows belong to each frame; the
first ``n[0]`` rows are frame 0's, and so on. Everything is a C-contiguous numpy array. Boxes and keypoints are in
pixels of the upright source frame (``width`` x ``height``), origin top left, boxes as x1, y1, x2, y2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
F16 = NDArray[np.float16]
I32 = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class FrameColumns:
    """Which frames: stored beside every family."""

    frame: I32  # [T] number k of the sampled frame; k = 0, 1, 2 ... without gaps
    time: F64  # [T] seconds: k / fps
    pts: F64  # [T] seconds: presentation time of the source frame that was used
    width: I32  # [T] pixels, after rotation
    height: I32  # [T] pixels, after rotation


@dataclass(frozen=True, slots=True)
class PoseColumns:
    """People of each frame."""

    n_people: I32  # [T]
    keypoints: F32  # [S, J, 3] x px, y px, score 0..1
    score: F32  # [S] person score
    box: F32  # [S, 4] x1, y1, x2, y2 px
    previous: I32  # [S] index, within the previous frame, of the same person (OKS match), -1 if new


@dataclass(frozen=True, slots=True)
class RelationColumns:
    """Objects of each frame and the relations between them (a scene graph)."""

    n_objects: I32  # [T]
    object_class: I32  # [S] index into the vocabulary named in the shard's metadata
    object_score: F32  # [S]
    object_box: F32  # [S, 4] x1, y1, x2, y2 px
    n_relations: I32  # [T]
    subject: I32  # [R] index of the subject among its own frame's objects
    predicate: I32  # [R] index into the predicate vocabulary
    object: I32  # [R] index of the object among its own frame's objects
    relation_score: F32  # [R]


@dataclass(frozen=True, slots=True)
class VisionColumns:
    """Tokens of the frozen vision tower."""

    frame_tokens: F16  # [T, G, D]
    masked_token: F16  # [T, D] mean over patches inside any object box; zeros if the frame has no object
    n_objects: I32  # [T] equal to the relations family's
    object_tokens: F16  # [S, D]
