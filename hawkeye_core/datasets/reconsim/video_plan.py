"""A planned video: everything that decides it, and where everybody and everything is at any moment."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.answers.segments import Segment
from hawkeye_core.datasets.reconsim.camera import Camera
from hawkeye_core.datasets.reconsim.consequences import Act, EffectSpan
from hawkeye_core.datasets.reconsim.rules import PREDICATES, Positions, relations, smooth
from hawkeye_core.datasets.reconsim.script import PersonScript, PropScript
from hawkeye_core.datasets.reconsim.stage import BODY_JOINTS, F32, Effect, Look, Place, Prop, Stage
from hawkeye_core.datasets.reconsim.truth import ActionSpan, RelationSpan

F64 = NDArray[np.float64]

_RATE = 8.0  # moments a second at which relations are told
_JOINT = {name: i for i, name in enumerate(BODY_JOINTS)}


@dataclass(frozen=True)
class Site:
    """A place, a camera in it, and its light: what several videos can share."""

    place: Place
    view: str
    camera: Camera
    look: Look


@dataclass(frozen=True)
class VideoPlan:
    """Everything that decides a video. Entities: people first, then props."""

    video: str
    split: str
    seed: int
    fps: float
    n_frames: int
    width: int
    height: int
    scenario: str
    """Row and variants of its acts: ``assault-hit:decoy+anomalous``; ``assault-hit:quiet`` without an act."""
    site: Site
    people: tuple[PersonScript, ...]
    props: tuple[PropScript, ...]
    effects: tuple[EffectSpan, ...]
    acts: tuple[Act, ...]
    segments: tuple[Segment, ...]
    description: str

    @property
    def place(self) -> Place:
        """Of its site."""
        return self.site.place

    @property
    def view(self) -> str:
        """Of its site, one of :data:`camera.VIEWS`."""
        return self.site.view

    @property
    def camera(self) -> Camera:
        """Of its site."""
        return self.site.camera

    @property
    def look(self) -> Look:
        """Of its site."""
        return self.site.look

    @property
    def seconds(self) -> float:
        """Length."""
        return self.n_frames / self.fps

    @property
    def times(self) -> F64:
        """[T] moment of each frame in seconds."""
        return (np.arange(self.n_frames, dtype=np.float64) + 0.5) / self.fps

    @property
    def entities(self) -> tuple[str, ...]:
        """[E] object classes of Visual Genome, people first."""
        return (*(p.appearance.kind for p in self.people), *(p.prop.kind for p in self.props))

    def moments(self, times: F64) -> Moments:
        """Where everybody and everything is at moments [T], in seconds."""
        times = np.asarray(times, np.float64)
        bodies = np.stack([person.track.body(times) for person in self.people], axis=1)  # [T, P, J3, 3]
        yaws = np.stack([person.track.facing(times) for person in self.people], axis=1)
        placed = [prop.places(times, bodies, yaws) for prop in self.props]
        empty = len(times), 0
        at, yaw, there, holder = (np.stack(part, axis=1) for part in zip(*placed, strict=True)) if placed else (
            np.zeros((*empty, 3)), np.zeros(empty), np.zeros(empty, bool), np.zeros(empty, np.int64)
        )  # fmt: skip
        return Moments(self, times, bodies, at, yaw, there, holder)

    def stage(self, time_s: float) -> Stage:
        """What is on stage at one moment."""
        return self.moments(np.array([time_s])).stage(0)

    @cached_property
    def actions(self) -> tuple[ActionSpan, ...]:
        """What everybody does, ordered by person and start."""
        return tuple(
            ActionSpan(number, step.start_s, min(step.end_s, self.seconds), step.action, step.motion.caption)
            for number, person in enumerate(self.people)
            for step in person.deeds
            if step.start_s < self.seconds and step.end_s > step.start_s
        )

    @cached_property
    def relations(self) -> tuple[RelationSpan, ...]:
        """Which relations hold when, told at 8 moments a second."""
        times = (np.arange(round(self.seconds * _RATE), dtype=np.float64) + 0.5) / _RATE
        holds = relations(self.moments(times).positions())
        return tuple(
            RelationSpan(subject, PREDICATES[predicate], other, start, min(end, self.seconds))
            for subject, predicate, other, start, end in smooth(holds, 1 / _RATE)
        )


@dataclass(frozen=True)
class Moments:
    """Positions of everything at some moments."""

    plan: VideoPlan
    times: F64
    bodies: F32
    """[T, P, J3, 3]"""
    at: F64
    """[T, R, 3] of the props"""
    yaw: F64
    there: NDArray[np.bool_]
    holder: NDArray[np.int64]

    def stage(self, number: int) -> Stage:
        """Of the moment of this number."""
        time = float(self.times[number])
        props: list[Prop | None] = []
        for i, script in enumerate(self.plan.props):
            if not self.there[number, i]:
                props.append(None)
                continue
            x, y, z = self.at[number, i].tolist()
            own = script.prop
            props.append(
                Prop(
                    own.kind,
                    own.size_m,
                    (x, y, z),
                    float(self.yaw[number, i]),
                    own.tilt,
                    own.colour,
                    script.state(time),
                )
            )
        effects = tuple(
            Effect(e.kind, e.at, e.size_m, time - e.start_s, e.seed)
            for e in self.plan.effects
            if e.start_s <= time < e.end_s
        )
        people = tuple((p.appearance, self.bodies[number, i]) for i, p in enumerate(self.plan.people))
        return Stage(people, tuple(props), effects)

    def positions(self) -> Positions:
        """What the rules of relations need."""
        body = self.bodies.astype(np.float64)
        hips = body[:, :, _JOINT["right_hip"], :2] - body[:, :, _JOINT["left_hip"], :2]
        across = hips + body[:, :, _JOINT["right_shoulder"], :2] - body[:, :, _JOINT["left_shoulder"], :2]
        ahead = np.stack([-across[..., 1], across[..., 0]], axis=-1)
        heading = ahead / np.maximum(np.linalg.norm(ahead, axis=-1, keepdims=True), 1e-6)
        pelvis, neck = body[:, :, _JOINT["pelvis"]], body[:, :, _JOINT["neck"]]
        feet = body[:, :, [_JOINT["left_ankle"], _JOINT["right_ankle"]], 2].min(axis=-1)
        sizes = np.array([script.prop.size_m for script in self.plan.props], np.float64).reshape(-1, 3)
        return Positions(
            kinds=tuple(script.prop.kind for script in self.plan.props),
            person_at=pelvis[..., :2],
            heading=heading,
            upright=neck[..., 2] - pelvis[..., 2] > 0.5 * np.linalg.norm(neck - pelvis, axis=-1),
            pelvis_z=pelvis[..., 2],
            feet_z=feet,
            prop_at=self.at,
            yaw=self.yaw,
            size=sizes,
            there=self.there,
            holder=self.holder,
        )
