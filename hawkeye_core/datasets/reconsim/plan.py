"""From a seed to a planned video: who does what where, seen how; nothing is drawn yet.

plan = plan_video(7, video="reconsim-000007", split="train", scenario="assault-hit")
stage = plan.stage(3.5)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hawkeye_core.answers.segments import Segment
from hawkeye_core.datasets.reconsim.acts import play
from hawkeye_core.datasets.reconsim.camera import SHARES, VIEWS, make_camera
from hawkeye_core.datasets.reconsim.layout import set_up
from hawkeye_core.datasets.reconsim.look import random_look
from hawkeye_core.datasets.reconsim.scenarios import OUTDOORS, SCENARIOS, Scenario, Variant
from hawkeye_core.datasets.reconsim.sentences import description, reason
from hawkeye_core.datasets.reconsim.stage import Place
from hawkeye_core.datasets.reconsim.video_plan import Site, VideoPlan
from hawkeye_core.errors import ConfigError

__all__ = ["Site", "VideoPlan", "draw_site", "plan_video"]

EXTENT_M = {"street": (3.5, 2.4), "car park": (3.5, 2.4), "shop": (3.0, 2.1), "corridor": (3.0, 1.9)}
"""Half width and half depth of each kind of place."""
SECONDS_PER_ACT = 5.5
"""Time that an act takes, with the way to it and the life around it."""
_SCENE = 0x5EC1  # stream of chance of everything but the scenario


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
    known = len(VIEWS) if kind in OUTDOORS else VIEWS.index("drone")
    shares = np.array(SHARES[:known])
    view = str(rng.choice(VIEWS[:known], p=shares / shares.sum()))
    return Site(place, view, make_camera(view, place, rng, width=width, height=height), random_look(rng))


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
