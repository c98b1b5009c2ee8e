"""One person's way through a video: motions in turn along a path on the ground.

    track = Track([
        Step(0.0, walk, at=(-3.0, 0.0), to=(0.0, 0.0)),
        Step(2.6, hit, at=(0.0, 0.0), facing=heading((0.0, 0.0), other)),
        Step(5.0, run, at=(0.0, 0.0), to=(4.0, 1.0)),
    ])
    joints = track.body(np.arange(96) / 8)  # [96, 22, 3]

Legend: T moments, C channels of a pose, J3 = 22 body joints.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.datasets.reconsim.motions import Motion
from hawkeye_core.datasets.reconsim.posing import CHANNELS, pose_joints
from hawkeye_core.errors import ConfigError

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Point = tuple[float, float]

FADE_S = 0.25
"""One motion passes into the next in this time after the next begins."""
TURN_S = (0.2, 0.6)
"""Duration of a turn: the least, and how much more one by pi takes."""
GAP_M = 1.0
"""Steps that do not meet within this are taken for a mistake."""


def heading(start: Point, end: Point) -> float:
    """Angle of the way from one point to another: radians, counter-clockwise from +y."""
    return math.atan2(start[0] - end[0], end[1] - start[1])


@dataclass(frozen=True, slots=True)
class Step:
    """One motion, from a moment on until the next step.

    Args:
        start_s: When it begins.
        motion: What is done.
        at: Where the person is then, metres.
        to: Where it goes in a straight line; None stays.
        facing: Radians from the world's +y, counter-clockwise. None looks where it goes (away from it if the motion
            goes backwards), or stays as it was.
        until_s: When it arrives at `to`; None: when the next step begins, or for the last one, at the motion's speed.
    """

    start_s: float
    motion: Motion
    at: Point
    to: Point | None = None
    facing: float | None = None
    until_s: float | None = None

    @property
    def distance_m(self) -> float:
        """Length of the way."""
        return 0.0 if self.to is None else math.dist(self.at, self.to)


class Track:
    """A person's steps in order of time. Before the first it stands at the first pose, after the last it goes on.

    A gait advances with the distance covered, not with time, so that feet stay on the ground at any speed; on the spot
    it advances with time. Steps that share one :class:`Motion` object continue it.
    """

    def __init__(self, steps: Sequence[Step]) -> None:
        if not steps:
            raise ConfigError("a track without steps", remedy="give one Step at least")
        self.steps = tuple(steps)
        for before, after in zip(self.steps, self.steps[1:], strict=False):
            if after.start_s <= before.start_s:
                raise ConfigError(
                    f"a step at {after.start_s} s after one at {before.start_s} s", remedy="order by start_s"
                )
            if math.dist(before.to or before.at, after.at) > GAP_M:
                raise ConfigError(
                    f"a step ends at {before.to or before.at}, the next begins at {after.at}",
                    remedy="begin where the step before ends",
                )
        if len({step.motion.skeleton for step in self.steps}) > 1:
            raise ConfigError("motions of different heights in one track", remedy="draw all with one height_m")
        self._ends = [self._end(k) for k in range(len(self.steps))]
        self._offsets = self._motion_offsets()
        self._facings = self._step_facings()

    def _end(self, k: int) -> float:
        """When a step arrives, seconds."""
        step = self.steps[k]
        if step.until_s is not None:
            if step.until_s <= step.start_s:
                raise ConfigError(f"a step from {step.start_s} to {step.until_s} s", remedy="until_s after start_s")
            return step.until_s
        if k + 1 < len(self.steps):
            return self.steps[k + 1].start_s
        speed = abs(step.motion.speed_m_s) or 1.0
        return step.start_s + max(step.distance_m / speed, step.motion.duration_s)

    def _goes(self, step: Step) -> bool:
        return step.motion.loops and step.motion.speed_m_s != 0.0 and step.distance_m > 0.05

    def _motion_offsets(self) -> list[float]:
        """Motion time at which each step begins: 0, or where the step before with the same motion ends."""
        offsets = [0.0]
        for k, step in enumerate(self.steps[1:]):
            before = self.steps[k]
            if before.motion is not step.motion:
                offsets.append(0.0)
            elif self._goes(before):
                offsets.append(offsets[-1] + before.distance_m / abs(step.motion.speed_m_s))
            else:
                offsets.append(offsets[-1] + step.start_s - before.start_s)
        return offsets

    def _step_facings(self) -> list[float]:
        facings: list[float] = []
        for step in self.steps:
            if step.facing is not None:
                facings.append(step.facing)
            elif step.to is not None and step.distance_m > 0.05:
                facings.append(heading(step.at, step.to) + (math.pi if step.motion.speed_m_s < 0 else 0.0))
            else:
                facings.append(facings[-1] if facings else 0.0)
        return facings

    def _share(self, k: int, times: F64) -> F64:
        """Part of a step's way that is done, [T] 0..1."""
        start = self.steps[k].start_s
        return np.clip((times - start) / (self._ends[k] - start), 0.0, 1.0)

    def _weights(self, times: F64) -> list[F64]:
        """How far each step has faded in, [T] 0..1; 1 throughout for the first."""
        return [np.ones(len(times))] + [_smooth((times - step.start_s) / FADE_S) for step in self.steps[1:]]

    def position(self, times: F64) -> F64:
        """Where the person's origin is, [T] seconds -> [T, 2] metres."""
        times = np.asarray(times, dtype=np.float64)
        place = np.zeros((len(times), 2))
        for k, (step, weight) in enumerate(zip(self.steps, self._weights(times), strict=True)):
            at, to = np.array(step.at), np.array(step.to or step.at)
            here = at + (to - at) * self._share(k, times)[:, None]
            if k and math.dist(self.steps[k - 1].to or self.steps[k - 1].at, step.at) > 0.0:
                place += (here - place) * weight[:, None]
            else:
                begun = times >= step.start_s if k else np.ones(len(times), dtype=bool)
                place[begun] = here[begun]
        return place

    def facing(self, times: F64) -> F64:
        """Where it looks, [T] seconds -> [T] radians; turns go the short way and begin with their step."""
        times = np.asarray(times, dtype=np.float64)
        angle = np.full(len(times), self._facings[0])
        for before, after, step in zip(self._facings, self._facings[1:], self.steps[1:], strict=False):
            turn = (after - before + math.pi) % (2 * math.pi) - math.pi
            duration = TURN_S[0] + TURN_S[1] * abs(turn) / math.pi
            angle += turn * _smooth((times - step.start_s) / duration)
        return angle

    def channels(self, times: F64) -> F64:
        """Pose over time, motions passing into one another; [T] seconds -> [T, C]."""
        times = np.asarray(times, dtype=np.float64)
        weights = self._weights(times)
        pose = np.zeros((len(times), len(CHANNELS)))
        for k, (step, weight) in enumerate(zip(self.steps, weights, strict=True)):
            hidden = weights[k + 1] >= 1.0 if k + 1 < len(self.steps) else np.zeros(len(times), dtype=bool)
            rows = np.flatnonzero((weight > 0.0) & ~hidden)
            if not len(rows):
                continue
            when = times[rows]
            if self._goes(step):
                elapsed = self._share(k, when) * step.distance_m / abs(step.motion.speed_m_s)
            else:
                elapsed = when - step.start_s
            found = step.motion.channels(self._offsets[k] + elapsed)
            pose[rows] += (found - pose[rows]) * weight[rows, None]
        return pose

    def body(self, times: F64) -> F32:
        """Joints in the world.

        Args:
            times: [T] seconds of the video.

        Returns:
            [T, J3, 3] metres.
        """
        joints = pose_joints(self.steps[0].motion.skeleton, self.channels(times))
        angle, place = self.facing(times), self.position(times)
        cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
        x, y = joints[..., 0], joints[..., 1]
        world = np.stack([x * cos - y * sin + place[:, :1], x * sin + y * cos + place[:, 1:], joints[..., 2]], axis=-1)
        return world.astype(np.float32)


def _smooth(share: F64) -> F64:
    share = np.clip(share, 0.0, 1.0)
    return share * share * (3 - 2 * share)
