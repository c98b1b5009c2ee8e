"""From a seed to a planned video: who does what where, seen how; nothing is drawn yet.

plan = plan_video(7, video="reconsim-000007", split="train", scenario="assault-hit")
stage = plan.stage(3.5)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.answers.segments import Segment
from hawkeye_core.datasets.reconsim.acts import Act, EffectSpan, play
from hawkeye_core.datasets.reconsim.camera import VIEWS, Camera, make_camera
from hawkeye_core.datasets.reconsim.layout import set_up
from hawkeye_core.datasets.reconsim.look import random_look
from hawkeye_core.datasets.reconsim.rules import PREDICATES, Positions, relations, smooth
from hawkeye_core.datasets.reconsim.scenarios import OUTDOORS, SCENARIOS, Scenario, Variant
from hawkeye_core.datasets.reconsim.script import PersonScript, PropScript
from hawkeye_core.datasets.reconsim.sentences import description, reason
from hawkeye_core.datasets.reconsim.stage import BODY_JOINTS, F32, Effect, Look, Place, Prop, Stage
from hawkeye_core.datasets.reconsim.truth import ActionSpan, RelationSpan
from hawkeye_core.errors import ConfigError

F64 = NDArray[np.float64]

EXTENT_M = {"street": (3.7, 2.5), "car park": (3.7, 2.5), "shop": (3.2, 2.2), "corridor": (3.2, 2.0)}
"""Half width and half depth of each kind of place."""
SECONDS_PER_ACT = 5.5
"""Time that an act takes, with the way to it and the life around it."""
_SCENE = 0x5EC1  # stream of chance of everything but the scenario
_RATE = 8.0  # moments a second at which relations are told
_JOINT = {name: i for i, name in enumerate(BODY_JOINTS)}


@dataclass(frozen=True)
class Site:
    """A place, a camera in it, and its light: what several videos can share."""

    place: Place
    view: str
    camera: Camera
    look: Look


def draw_site(rng: np.random.Generator, *, places: Sequence[str], width: int, height: int) -> Site:
    """A random site.

    Args:
        rng: Source of chance.
        places: Kinds of places to choose from.
        width: Of the picture in pixels.
        height: Of the picture in pixels.
    """
    kind = str(rng.choice(list(places)))  # the first choice: `place_kind` relies on it
    place = Place(kind, int(rng.integers(2**31)), EXTENT_M[kind])
    view = str(rng.choice(VIEWS if kind in OUTDOORS else VIEWS[:3]))
    return Site(place, view, make_camera(view, place, rng, width=width, height=height), random_look(rng))


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


def plan_video(
    seed: int,
    *,
    video: str,
    split: str,
    scenario: str | None = None,
    site: Site | None = None,
    variants: Sequence[Variant] | None = None,
    seconds: float = 12.0,
    fps: float = 8.0,
    width: int = 320,
    height: int = 240,
) -> VideoPlan:
    """Plan a video; a function of its arguments.

    Args:
        seed: Of everything that is random.
        video: Its name.
        split: ``train``, ``test`` or ``val``.
        scenario: A row of :data:`scenarios.SCENARIOS`; None draws one.
        site: Where it is taken, of this width and height; None draws one. A scenario that is drawn fits the site.
        variants: Of its acts, in order; None draws up to one for each :data:`SECONDS_PER_ACT`, each with equal
            chance of being anomalous, on a decoy, or another act.
        seconds: Length.
        fps: Frames a second.
        width: Of the picture in pixels.
        height: Of the picture in pixels.

    Raises:
        ConfigError: No such scenario.
    """
    rng = np.random.default_rng([seed, 0x5EC0])
    fitting = [key for key, row in SCENARIOS.items() if site is None or site.place.kind in row.places]
    drawn = fitting[int(rng.integers(len(fitting)))]
    name = scenario or drawn
    if name not in SCENARIOS:
        raise ConfigError(f"no scenario {name!r}", remedy=f"one of {', '.join(SCENARIOS)}")
    row = SCENARIOS[name]
    wanted = draw_variants(row, seconds, rng) if variants is None else list(variants)
    # From here on the variants are used in choosing what is acted on and how, and in nothing else.
    rng = np.random.default_rng([seed, _SCENE])
    site = site or draw_site(rng, places=row.places, width=width, height=height)
    extent = site.place.extent_m
    setting = set_up(row, extent, site.camera.yaw, int(rng.choice(4, p=[0.35, 0.35, 0.2, 0.1])), rng)
    acts, effects = play(setting, row, wanted, seconds, extent, rng)
    said = "+".join(act.variant for act in acts) or "quiet"
    return VideoPlan(
        video=video,
        split=split,
        seed=seed,
        fps=fps,
        n_frames=round(seconds * fps),
        width=width,
        height=height,
        scenario=f"{name}:{said}",
        site=site,
        people=tuple(setting.people[i] for i in range(len(setting.people))),
        props=tuple(setting.props[i] for i in rng.permutation(len(setting.props))),
        effects=tuple(effects),
        acts=tuple(acts),
        segments=tuple(
            Segment(round(float(act.start_s), 3), round(float(act.end_s), 3), row.category, reason(row, setting))
            for act in acts
            if act.variant == "anomalous"
        ),
        description=description(row, setting, acts, place=site.place.kind, light=site.look.light, view=site.view),
    )


def place_kind(seed: int, row: Scenario) -> str:
    """Kind of place that :func:`plan_video` draws for a seed and a scenario."""
    return str(np.random.default_rng([seed, _SCENE]).choice(list(row.places)))


def draw_variants(row: Scenario, seconds: float, rng: np.random.Generator) -> list[Variant]:
    """Variants of the acts of a video whose number of anomalies is free."""
    most = most_acts(seconds)
    count = int(rng.integers(0 if rng.random() < 0.2 else 1, most + 1)) if most else 0
    anomalous = int(rng.binomial(count, 1 / 3))
    return order_variants(row, count, anomalous, rng)


def most_acts(seconds: float) -> int:
    """How many acts a video of this length has room for."""
    return int((seconds - 0.5) // SECONDS_PER_ACT)


def order_variants(row: Scenario, count: int, anomalous: int, rng: np.random.Generator) -> list[Variant]:
    """``count`` acts in random order, ``anomalous`` of them anomalous, the others of both normal kinds.

    Where a thing is taken away it can be taken once: such a row has at most one anomalous act and one on the decoy.
    """
    once = row.once
    anomalous = min(anomalous, count, 1) if once else min(anomalous, count)
    normal: list[Variant] = []
    while len(normal) < count - anomalous:
        pick: Variant = "decoy" if rng.random() < 0.5 else "other"
        normal.append("other" if once and pick in normal else pick)
    found: list[Variant] = [*["anomalous"] * anomalous, *normal]  # type: ignore[list-item]
    return [found[i] for i in rng.permutation(len(found))]
