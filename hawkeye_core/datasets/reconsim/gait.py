"""Walking and running: a foot on the ground moves back as fast as its owner moves forward, so it does not slide.

Legend: T moments, C channels of :mod:`hawkeye_core.datasets.reconsim.posing`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.datasets.reconsim.curves import Pose
from hawkeye_core.datasets.reconsim.posing import CHANNELS, REST_VALUES

F64 = NDArray[np.float64]
_TURN = 2 * np.pi


@dataclass(frozen=True, eq=False, slots=True)
class Gait:
    """One cycle is a step with the right foot and one with the left; at phase 0 the right foot lands.

    Args:
        leg_m: Length of the leg, hip to ankle.
        speed_m_s: Of the owner along its own +y; below 0 backwards.
        cycle_s: Two steps.
        ground: Share of the cycle a foot is on the ground; below 0.5 both are in the air for a while.
        lift: Height of the ankle in mid-swing, leg lengths.
        swing: How far the hands go forward and back, arm lengths.
        elbows: 0 straight arms, 1 bent as in a run.
        bounce: Of the pelvis, standing heights.
        sideways: Of the pelvis, leg lengths.
        pose: Channels held through the cycle (lean, arms that carry).
        arms_free: Whether the arms swing; otherwise `pose` holds them.
        lurch: How far the body reels, with a period that is not the cycle's; 0 for a sober person.
        phase: Of the cycle at time 0, 0..1.
    """

    leg_m: float
    speed_m_s: float
    cycle_s: float
    ground: float = 0.62
    lift: float = 0.13
    swing: float = 0.4
    elbows: float = 0.0
    bounce: float = 0.0
    sideways: float = 0.03
    pose: Pose = field(default_factory=dict)
    arms_free: bool = True
    lurch: float = 0.0
    phase: float = 0.0

    def __call__(self, time: F64) -> F64:
        """[T] -> [T, C]."""
        values = np.tile(REST_VALUES, (len(time), 1))
        for name, value in self.pose.items():
            values[:, CHANNELS[name]] = value
        phase = time / self.cycle_s + self.phase
        ahead = np.cos(_TURN * phase)  # 1 when the right foot is in front
        values[:, CHANNELS["yaw"]] += 0.10 * ahead
        values[:, CHANNELS["twist"]] -= 0.22 * ahead
        values[:, CHANNELS["px"]] += self.sideways * np.cos(_TURN * (phase - self.ground / 2))
        values[:, CHANNELS["pz"]] -= self.bounce * np.cos(2 * _TURN * (phase - self.ground / 2))
        for side, shift, sign in (("r", 0.0, 1.0), ("l", 0.5, -1.0)):
            forward, up, tip = self._foot(phase + shift)
            values[:, CHANNELS[side + "fy"]] += forward
            values[:, CHANNELS[side + "fz"]] += up
            values[:, CHANNELS[side + "tp"]] += tip
            if self.arms_free:
                along = -sign * ahead * self.swing
                values[:, CHANNELS[side + "y"]] += along + 0.2 * self.elbows
                values[:, CHANNELS[side + "z"]] += 0.25 * along**2 + self.elbows * (0.42 + 0.45 * along)
        if self.lurch:
            slow = _TURN * time / (1.7 * self.cycle_s)
            values[:, CHANNELS["roll"]] += 0.22 * self.lurch * np.sin(slow)
            values[:, CHANNELS["px"]] += 0.10 * self.lurch * np.sin(slow - 0.6)
            values[:, CHANNELS["bend"]] += 0.30 * self.lurch * (1 + np.sin(0.63 * slow + 1.0))
            values[:, CHANNELS["nod"]] += 0.30 * self.lurch * np.sin(0.8 * slow)
            values[:, CHANNELS["rx"]] += 0.30 * self.lurch * (1 + np.sin(slow + 0.5))
            values[:, CHANNELS["lx"]] += 0.30 * self.lurch * (1 - np.sin(slow + 0.5))
        return values

    def _foot(self, phase: F64) -> tuple[F64, F64, F64]:
        """Forward and up in leg lengths, toes down in radians; the foot lands at phase 0, leaves at `ground`."""
        phase = phase % 1.0
        stride = self.speed_m_s * self.ground * self.cycle_s / self.leg_m
        standing = np.minimum(phase / self.ground, 1.0)
        flying = np.clip((phase - self.ground) / (1 - self.ground), 0.0, 1.0)
        on_ground = phase < self.ground
        arc = np.maximum(np.sin(np.pi * flying), 0.0)
        forward = stride * np.where(on_ground, 0.5 - standing, -0.5 * np.cos(np.pi * flying))
        up = np.where(on_ground, 0.0, self.lift * arc * np.sqrt(arc))
        if self.speed_m_s < 0:
            return forward, up, np.where(on_ground, 0.0, 0.5 * arc)
        push_off = 0.65 * np.clip((standing - 0.6) / 0.4, 0.0, 1.0) ** 2
        landing = -0.25 * np.clip(1 - standing / 0.2, 0.0, 1.0)
        in_air = 0.65 * (1 - flying) ** 2 - 0.25 * flying**2
        return forward, up, np.where(on_ground, push_off + landing, in_air)
