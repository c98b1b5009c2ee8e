"""Which people and joints of a video moved most in a stretch of it, from the poses in the store.

People are followed by the stored match with the frame before (``previous``), within the stretch only. The speed of a
joint between two frames is the way it went, in frame heights, times frames a second; joints that score below
:data:`JOINT_SCORE` in either frame were not seen and have none.

Legend: T frames, S people over all of them, K people followed, J = 17 joints.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from feature_store.window import WindowColumns
from hawkeye_core.ground.records import Box, MovedJoint, MovedPerson
from hawkeye_core.pose.tracking import JOINT_SCORE
from hawkeye_core.scene import COCO_JOINTS

PEOPLE = 3
"""People that are told of."""
JOINTS = 4
"""Joints of each."""
LEAST_PAIRS = 0.25
"""A joint is told of only if it was seen in this part of the steps of the joint that was seen most: one that flickers
is no evidence."""

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


class MotionTally:
    """Adds up the motion of a stretch, chunk after chunk, in memory that does not grow with the poses.

    Args:
        start: First frame of the stretch.
        stop: The frame after its last.
        fps: Frames a second.
    """

    def __init__(self, start: int, stop: int, *, fps: float) -> None:
        self.start, self.fps = start, fps
        self._next = start
        self.fastest: F64 = np.zeros(stop - start)
        """[T] mean speed of the joints of the fastest person."""
        self.people = 0
        """People over all frames."""
        joints = len(COCO_JOINTS)
        self._speed, self._steps = np.zeros((0, joints)), np.zeros((0, joints))  # [K, J] sum of speeds, their number
        self._path, self._score, self._seen = np.zeros(0), np.zeros(0), np.zeros(0)  # [K]
        self._first, self._last = np.zeros(0, np.int64), np.zeros(0, np.int64)  # [K] frames
        self._best, self._box = np.zeros(0), np.zeros((0, 4))  # [K] highest speed of a step; where the person then was
        self._ids: I64 = np.zeros(0, np.int64)  # of the people of the last frame

    def add(self, window: WindowColumns) -> None:
        """Take up the next frames.

        Args:
            window: With poses. The first chunk begins with the stretch's first frame, each later one with the last
                frame of the chunk before it.

        Raises:
            ValueError: It has no poses.
        """
        pose, frames = window.pose, window.frames
        if pose is None:
            raise ValueError("the window has no poses")
        known = self._next - window.start  # 1 or, at the beginning, 0 frames that were taken up before
        frame = np.repeat(np.arange(len(pose.n_people)), pose.n_people)  # [S]
        before = _rows_before(pose.n_people, pose.previous)  # [S]
        ids = self._follow(before, frame, known=known)
        size = np.stack([frames.width, frames.height], 1)[frame].astype(np.float64)  # [S, 2] px
        box = np.clip(np.nan_to_num(pose.box.astype(np.float64) / np.tile(size, 2)), 0.0, 1.0)
        new = frame >= known
        self._see(ids[new], window.start + frame[new], pose.score[new], box[new])
        rows = np.flatnonzero(before >= 0)
        speed, there = _speeds(pose.keypoints, rows, before[rows], height=size[rows, 1], fps=self.fps)
        self._move(ids[rows], speed, there, box=box[rows], at=window.start - self.start + frame[rows])
        self._ids = ids[frame == len(pose.n_people) - 1]
        self._next = window.stop

    def moved(self) -> tuple[MovedPerson, ...]:
        """At most :data:`PEOPLE`, those that went the longest way first (the mean over the joints, step by step)."""
        order = np.lexsort((self._first, -self._path))
        return tuple(self._person(int(k)) for k in order[:PEOPLE] if self._path[k] > 0)

    def _follow(self, before: I64, frame: I64, *, known: int) -> I64:
        """[S] number of each person; a person whose row before is -1 is new, unless the chunk before had it."""
        root = np.where(before >= 0, before, np.arange(len(before)))
        while not np.array_equal(further := root[root], root):  # the length of a chain doubles each time
            root = further
        own = np.full(len(before), -1, np.int64)
        if known:
            own[frame < known] = self._ids
        begins = np.flatnonzero((own < 0) & (before < 0))
        own[begins] = len(self._path) + np.arange(len(begins))
        self._grow(len(begins))
        return own[root]

    def _grow(self, count: int) -> None:
        for name in ("_speed", "_steps", "_path", "_score", "_seen", "_best", "_box"):
            values = getattr(self, name)
            setattr(self, name, np.concatenate([values, np.zeros((count, *values.shape[1:]))]))
        self._first = np.concatenate([self._first, np.full(count, np.iinfo(np.int64).max)])
        self._last = np.concatenate([self._last, np.full(count, -1, np.int64)])

    def _see(self, ids: I64, frame: I64, score: NDArray[np.float32], box: F64) -> None:
        self.people += len(ids)
        np.add.at(self._seen, ids, 1.0)
        np.add.at(self._score, ids, score.astype(np.float64))
        unseen = np.flatnonzero(self._last[ids] < 0)[::-1]
        self._box[ids[unseen]] = box[unseen]  # the earliest is written last
        np.minimum.at(self._first, ids, frame)
        np.maximum.at(self._last, ids, frame)

    def _move(self, ids: I64, speed: F64, there: NDArray[np.bool_], *, box: F64, at: I64) -> None:
        """Steps of people: [M] ids, [M, J] speeds and where there are any, [M, 4] boxes, [M] places in the stretch."""
        np.add.at(self._speed, ids, speed)
        np.add.at(self._steps, ids, there.astype(np.float64))
        mean = speed.sum(1) / np.maximum(there.sum(1), 1)  # [M]
        np.add.at(self._path, ids, mean / self.fps)
        np.maximum.at(self.fastest, at, mean)
        order = np.lexsort((-at, mean))  # slow ones first, of equal ones the earliest last
        order = order[mean[order] > self._best[ids[order]]]
        self._box[ids[order]], self._best[ids[order]] = box[order], mean[order]

    def _person(self, k: int) -> MovedPerson:
        steps = self._steps[k]
        mean = self._speed[k] / np.maximum(steps, 1)
        enough = steps >= max(1.0, LEAST_PAIRS * float(steps.max()))
        order = [j for j in np.argsort(-mean, kind="stable").tolist() if enough[j] and mean[j] > 0]
        x1, y1, x2, y2 = self._box[k].tolist()
        box: Box = (x1, y1, x2, y2)
        return MovedPerson(
            box, float(self._score[k] / self._seen[k]), float(self._first[k] / self.fps),
            float((self._last[k] + 1) / self.fps),
            tuple(MovedJoint(COCO_JOINTS[j], float(mean[j])) for j in order[:JOINTS]),
        )  # fmt: skip


def _rows_before(n_people: NDArray[np.int32], previous: NDArray[np.int32]) -> I64:
    """[S] row of the same person in the frame before; -1 for the new, and for all of the first frame."""
    counts = n_people.astype(np.int64)
    first = np.cumsum(counts) - counts  # [T] row each frame begins with
    frame = np.repeat(np.arange(len(counts)), counts)
    earlier = np.maximum(frame - 1, 0)
    good = (frame > 0) & (previous >= 0) & (previous < counts[earlier])
    return np.where(good, first[earlier] + previous, -1)


def _speeds(
    keypoints: NDArray[np.float32], rows: I64, before: I64, *, height: F64, fps: float
) -> tuple[F64, NDArray[np.bool_]]:
    """[M, J] speeds of some rows in frame heights a second, 0 where the joint was not seen twice; and where it was."""
    now, then = keypoints[rows].astype(np.float64), keypoints[before].astype(np.float64)  # [M, J, 3]
    way = np.sqrt(np.square(now[..., :2] - then[..., :2]).sum(-1)) / np.maximum(height, 1)[:, None]
    there = (now[..., 2] >= JOINT_SCORE) & (then[..., 2] >= JOINT_SCORE) & np.isfinite(way)
    return np.where(there, way * fps, 0.0), there
