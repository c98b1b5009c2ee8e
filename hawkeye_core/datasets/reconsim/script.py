"""What each person and each prop does when: written while planning, then asked for any moments.

A person's script becomes a :class:`track.Track`; a prop's is a list of phases (at rest, held, gone).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.datasets.reconsim.motions import Motion, draw_motion
from hawkeye_core.datasets.reconsim.stage import BODY_JOINTS, F32, Appearance, Prop
from hawkeye_core.datasets.reconsim.track import Point, Step, Track, heading

F64 = NDArray[np.float64]
REPEATED = frozenset({"hit", "punch", "kick", "push", "smash", "reach", "wave"})
"""Short acts that are done again until their step is over."""
_LEFT, _RIGHT = BODY_JOINTS.index("left_wrist"), BODY_JOINTS.index("right_wrist")
_WRISTS = {"left": [_LEFT], "right": [_RIGHT], "both": [_LEFT, _RIGHT]}


@dataclass(frozen=True, slots=True)
class Deed:
    """One motion from start to end, in seconds, as it is labelled."""

    start_s: float
    end_s: float
    action: str
    motion: Motion


@dataclass
class PersonScript:
    """What one person does, appended deed by deed; the cursor is where and when the last one ends."""

    appearance: Appearance
    at: Point
    yaw: float
    now_s: float = 0.0
    deeds: list[Deed] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    _track: Track | None = None

    def do(
        self,
        action: str,
        seconds: float,
        rng: np.random.Generator,
        *,
        yaw: float | None = None,
        motion: Motion | None = None,
        style: str | None = None,
        along: Point | None = None,
    ) -> Deed:
        """Play a motion, turning to ``yaw``; one that travels takes its owner along.

        Args:
            action: Name in the motion library.
            seconds: How long; a motion that is over holds its last pose, or repeats if it is in :data:`REPEATED`.
            rng: Of the motion's variation.
            yaw: Direction to turn to; None stays.
            motion: This one instead of a random one.
            style: Of the random motion.
            along: Where it is moved meanwhile (by somebody else), metres east and north.
        """
        self.yaw = self.yaw if yaw is None else yaw
        motion = motion or draw_motion(action, rng, height_m=self.appearance.height_m, style=style, left=False)
        far = motion.speed_m_s * seconds
        dx, dy = along or (-far * np.sin(self.yaw), far * np.cos(self.yaw))
        to = (float(self.at[0] + dx), float(self.at[1] + dy))
        end = float(self.now_s + seconds)
        deed = Deed(float(self.now_s), end, action, motion)
        count = max(1, round(seconds / motion.duration_s)) if action in REPEATED and not motion.loops else 1
        for number in range(count):
            start = self.now_s + number * seconds / count
            self._append(
                Step(float(start), replace(motion), self.at, None, self.yaw)
                if count > 1
                else Step(float(start), motion, self.at, to, self.yaw, end)
            )
        self.at, self.now_s = to, end
        self.deeds.append(deed)
        return deed

    def go(
        self, to: Point, rng: np.random.Generator, *, action: str = "walk", seconds: float | None = None
    ) -> Deed | None:
        """Walk (or run, carry) to a point; None if already there."""
        distance = math.dist(self.at, to)
        if distance < 0.15:
            return None
        motion = draw_motion(action, rng, height_m=self.appearance.height_m, left=False)
        end = float(self.now_s + (distance / max(abs(motion.speed_m_s), 0.5) if seconds is None else seconds))
        deed = Deed(float(self.now_s), end, action, motion)
        self.yaw = heading(self.at, to)
        self._append(Step(deed.start_s, motion, self.at, to, None, end))
        self.at, self.now_s = to, end
        self.deeds.append(deed)
        return deed

    def restart(self, yaw: float) -> None:
        """Forget all deeds and begin in another direction."""
        self.yaw, self.now_s, self.deeds, self.steps, self._track = yaw, 0.0, [], [], None

    def _append(self, step: Step) -> None:
        if self.steps and self.steps[-1].start_s >= step.start_s:  # a deed of no length: only its successor is seen
            self.steps.pop()
        self.steps.append(step)
        self._track = None

    @property
    def track(self) -> Track:
        """The way through the video."""
        if self._track is None:
            self._track = Track(self.steps)
        return self._track


@dataclass(frozen=True, slots=True)
class Phase:
    """From a moment on, a prop rests at a place, travels there, is held, or is gone."""

    start_s: float
    at: tuple[float, float, float] = (0.0, 0.0, 0.0)
    yaw: float = 0.0
    holder: int = -1
    """Number of the person, or -1."""
    hand: str = "right"
    travel_s: float = 0.0
    """Seconds it takes from the phase before; 0 jumps."""
    gone: bool = False


@dataclass
class PropScript:
    """A prop's phases, appended one after the other."""

    prop: Prop
    phases: list[Phase] = field(default_factory=list)
    states: list[tuple[float, str]] = field(default_factory=list)
    """Moments from which its state is another."""

    def __post_init__(self) -> None:
        if not self.phases:
            self.phases = [Phase(0.0, self.prop.at, self.prop.yaw)]

    def places(self, times: F64, bodies: F32, yaws: F64) -> tuple[F64, F64, NDArray[np.bool_], NDArray[np.int64]]:
        """Where it is.

        Args:
            times: [T] seconds.
            bodies: [T, P, 22, 3] of everybody.
            yaws: [T, P].

        Returns:
            Place [T, 3], yaw [T], whether it is there [T], number of its holder or -1 [T].
        """
        count = len(times)
        at, yaw = np.zeros((count, 3)), np.zeros(count)
        there, holder = np.ones(count, bool), np.full(count, -1)
        starts = np.array([phase.start_s for phase in self.phases])
        which = np.clip(np.searchsorted(starts, times, side="right") - 1, 0, None)
        for number in np.unique(which).tolist():
            phase, mine = self.phases[number], which == number
            if phase.holder >= 0:
                hands = bodies[mine, phase.holder][:, _WRISTS[phase.hand]].mean(axis=1)
                at[mine], yaw[mine] = hands - (0, 0, self._grip_m()), yaws[mine, phase.holder]
                holder[mine] = phase.holder
            elif phase.travel_s > 0 and number:
                last = self.phases[number - 1]
                share = np.clip((times[mine] - phase.start_s) / phase.travel_s, 0, 1)
                share = share * share * (3 - 2 * share)
                at[mine] = np.array(last.at) + share[:, None] * (np.array(phase.at) - np.array(last.at))
                yaw[mine] = phase.yaw
            else:
                at[mine], yaw[mine] = phase.at, phase.yaw
            there[mine] = not phase.gone
        at[:, 2] = np.maximum(at[:, 2], 0.0)
        return at, yaw, there, holder

    def _grip_m(self) -> float:
        """Height above its underside at which it is held: a bag hangs, a box is held in the middle."""
        return self.prop.size_m[2] * {"bag": 0.95, "box": 0.5, "trunk": 0.5, "phone": 0.3}.get(self.prop.kind, 0.4)

    def state(self, time_s: float) -> str:
        """Its state at a moment."""
        return next((state for start, state in reversed(self.states) if time_s >= start), self.prop.state)
