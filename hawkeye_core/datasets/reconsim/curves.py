"""Channels of a pose over time: keyframes with smooth passages, gaits, and the small sway of a living body.

Legend: T moments, K keyframes, C channels of :mod:`hawkeye_core.datasets.reconsim.posing`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.datasets.reconsim.posing import CHANNELS, REST_VALUES

F64 = NDArray[np.float64]
Pose = Mapping[str, float]
"""Some channels and their values; the others are left as they are."""


class Curve(Protocol):
    """Channels as a function of time."""

    def __call__(self, time: F64) -> F64:
        """[T] seconds from the motion's start -> [T, C]."""
        ...


def join(*poses: Pose) -> Pose:
    """One pose of several; later ones win."""
    return {name: value for pose in poses for name, value in pose.items()}


@dataclass(frozen=True, slots=True)
class Key:
    """A pose at a moment.

    Args:
        time: Seconds from the motion's start.
        pose: Channels that are set; the others keep their value of the key before (:data:`posing.REST` at first).
        strike: The way here speeds up until it ends at once, as a blow does; otherwise it starts and ends gently.
    """

    time: float
    pose: Pose
    strike: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class Keyframes:
    """A curve through keys; before the first and after the last it rests, or begins again if it loops."""

    times: F64  # [K]
    values: F64  # [K, C]
    strikes: NDArray[np.bool_]  # [K]
    loops: bool

    def __call__(self, time: F64) -> F64:
        """[T] -> [T, C]."""
        end = self.times[-1]
        time = time % end if self.loops else np.clip(time, 0.0, end)
        after = np.clip(np.searchsorted(self.times, time, side="right"), 1, len(self.times) - 1)
        before = after - 1
        share = (time - self.times[before]) / (self.times[after] - self.times[before])
        share = np.where(self.strikes[after], share**2, share * share * (3 - 2 * share))[:, None]
        return self.values[before] * (1 - share) + self.values[after] * share


def keyframes(keys: Sequence[Key], *, loops: bool = False) -> Keyframes:
    """Curve through keys in order of time; a loop's last key should be the pose of its first."""
    values = np.tile(REST_VALUES, (len(keys), 1))
    for k, key in enumerate(keys):
        if k:
            values[k] = values[k - 1]
        for name, value in key.pose.items():
            values[k, CHANNELS[name]] = value
    times = np.array([key.time for key in keys])
    if times[0] != 0.0 or len(times) < 2 or np.any(np.diff(times) <= 0):
        raise ValueError(f"keys at {times.tolist()} s: two or more are needed, from 0 on, each later than the last")
    return Keyframes(times, values, np.array([key.strike for key in keys]), loops)


_SWAYS: Pose = {
    "px": 0.008, "bend": 0.025, "side": 0.02, "twist": 0.04, "nod": 0.08, "pz": 0.002,
    "lx": 0.015, "ly": 0.02, "lz": 0.01, "rx": 0.015, "ry": 0.02, "rz": 0.01,
}  # fmt: skip
_SWAYING = np.array([CHANNELS[name] for name in _SWAYS])


@dataclass(frozen=True, eq=False, slots=True)
class Sway:
    """Two slow sines on each channel: nobody stands like a statue. Not periodic with the motion."""

    curve: Curve
    size: F64  # [2, S], of the S channels that sway
    rate: F64  # [2, S], radians a second
    phase: F64  # [2, S]

    def __call__(self, time: F64) -> F64:
        """[T] -> [T, C]."""
        angle = time[:, None, None] * self.rate + self.phase
        values = self.curve(time)
        values[:, _SWAYING] += (self.size * np.sin(angle)).sum(axis=1)
        return values


def swaying(curve: Curve, rng: np.random.Generator, *, amount: float = 1.0) -> Sway:
    """A curve with a sway of random phases on top; amount 1 is that of a calm person."""
    size = np.zeros((2, len(REST_VALUES)))
    for name, value in _SWAYS.items():
        size[:, CHANNELS[name]] = value
    size = size * rng.uniform(0.3, 1.0, size.shape) * amount
    rate = 2 * np.pi * rng.uniform([[0.15], [0.5]], [[0.4], [0.9]], size.shape)
    phase = rng.uniform(0, 2 * np.pi, size.shape)
    return Sway(curve, size[:, _SWAYING], rate[:, _SWAYING], phase[:, _SWAYING])
