"""Which videos a world has: presets, and the specification of each video, cheap to list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np

from hawkeye_core.datasets.reconsim.formats.names import tsl_name, ucf_name
from hawkeye_core.datasets.reconsim.plan import VideoPlan, most_acts, order_variants, place_kind, plan_video
from hawkeye_core.datasets.reconsim.scenarios import SCENARIOS, Variant
from hawkeye_core.errors import ConfigError

Source = Literal["ucf_crime", "tsl300"]
Split = Literal["train", "test", "val"]

_MOST_SEGMENTS = 2  # of a video; UCF-Crime's temporal annotation has room for no more
_SEEDS = 2**50  # of worlds are below


@dataclass(frozen=True, slots=True)
class Part:
    """Videos of one kind.

    Args:
        source: Data set whose part they play: ``ucf_crime`` is the scene-dense one, ``tsl300`` the scene-sparse one.
        split: ``train``, ``test`` or ``val``.
        videos: How many.
        segments: Anomalous segments a video, on average.
        seconds: Length, from and to.
        fps: Frames a second.
    """

    source: Source
    split: Split
    videos: int
    segments: float
    seconds: tuple[float, float]
    fps: float


_ONE_ACT = (6.2, 7.0)
_SHORT = (11.6, 13.0)
_LONG = (20.0, 60.0)
PRESETS: Mapping[str, tuple[Part, ...]] = MappingProxyType(
    {
        "tiny": (
            Part("ucf_crime", "train", 2, 1.0, _ONE_ACT, 8.0),
            Part("ucf_crime", "test", 2, 1.0, _ONE_ACT, 8.0),
        ),
        "demo": (
            Part("ucf_crime", "train", 36, 0.75, _SHORT, 8.0),
            Part("tsl300", "train", 12, 0.33, _SHORT, 8.0),
            Part("ucf_crime", "test", 72, 0.75, _SHORT, 8.0),
            Part("tsl300", "test", 24, 0.33, _SHORT, 8.0),
            Part("ucf_crime", "val", 6, 0.75, _SHORT, 8.0),
            Part("tsl300", "val", 2, 0.33, _SHORT, 8.0),
        ),
        "small": (
            Part("ucf_crime", "train", 300, 0.75, _SHORT, 8.0),
            Part("tsl300", "train", 100, 0.33, _SHORT, 8.0),
            Part("ucf_crime", "test", 100, 0.75, _SHORT, 8.0),
            Part("tsl300", "test", 50, 0.33, _SHORT, 8.0),
            Part("ucf_crime", "val", 35, 0.75, _SHORT, 8.0),
            Part("tsl300", "val", 15, 0.33, _SHORT, 8.0),
        ),
        "paper": (
            Part("tsl300", "train", 190, 0.33, _LONG, 30.0),
            Part("tsl300", "test", 98, 0.33, _LONG, 30.0),
            Part("ucf_crime", "train", 810, 1.09, _LONG, 30.0),
            Part("ucf_crime", "test", 290, 1.09, _LONG, 30.0),
        ),
    }
)
"""``tiny`` has four videos, to see that everything runs; ``demo`` is drawn in minutes, ``small`` in the hour; ``paper``
has the paper's counts and takes hours on all cores. ``demo`` has more videos to measure on than to learn from: what it
tunes is a finished model, and differences of systems are seen on many videos only.

Segments of short videos are fewer than the paper's 1.09, so that there is room for as many normal acts.
"""


@dataclass(frozen=True, slots=True)
class WorldVideo:
    """What decides one video of a world."""

    video: str
    split: Split
    source: Source
    seed: int
    scenario: str
    variants: tuple[Variant, ...]
    seconds: float
    fps: float
    width: int = 320
    height: int = 240

    def plan(self) -> VideoPlan:
        """Plan it."""
        return plan_video(
            self.seed, video=self.video, split=self.split, scenario=self.scenario, variants=self.variants,
            seconds=self.seconds, fps=self.fps, width=self.width, height=self.height,
        )  # fmt: skip


def has_validation(preset: str) -> bool:
    """Whether a world of this preset has validation videos."""
    return any(part.split == "val" for part in PRESETS.get(preset, ()))


def world_plans(preset: str, seed: int) -> list[WorldVideo]:
    """The videos of a world, in the order of its parts. Splits share no seed.

    Each part has every scenario about equally often and its number of anomalous segments exactly.

    Args:
        preset: A name of :data:`PRESETS`.
        seed: Worlds of different seeds share no video.

    Raises:
        ConfigError: No such preset.
    """
    if preset not in PRESETS:
        raise ConfigError(f"no preset {preset!r}", remedy=f"one of {', '.join(PRESETS)}")
    found: list[WorldVideo] = []
    counts: dict[str, int] = {}
    for number, part in enumerate(PRESETS[preset]):
        rng = np.random.default_rng([seed, number, 0x11D])
        found += _part(part, rng, counts)
    return found


def _part(part: Part, rng: np.random.Generator, counts: dict[str, int]) -> list[WorldVideo]:
    names = list(SCENARIOS)
    order = [names[i] for _ in range(-(-part.videos // len(names))) for i in rng.permutation(len(names)).tolist()]
    rows = order[: part.videos]
    lengths = rng.uniform(*part.seconds, size=part.videos).round(1).tolist()
    acts = [_number_of_acts(length, rng) for length in lengths]
    anomalous = _share_out(round(part.segments * part.videos), rows, acts, rng)
    found = []
    for scenario, length, count, segments in zip(rows, lengths, acts, anomalous, strict=True):
        seed = int(rng.integers(_SEEDS))
        row = SCENARIOS[scenario]
        variants = tuple(order_variants(row, count, segments, rng))
        video = _name(part, row.category if segments else None, place_kind(seed, row), counts)
        found.append(WorldVideo(video, part.split, part.source, seed, scenario, variants, length, part.fps))
    return found


def _number_of_acts(seconds: float, rng: np.random.Generator) -> int:
    """Mostly as many as there is room for, sometimes fewer, rarely none."""
    most = min(most_acts(seconds), 6)
    if rng.random() < 0.06:
        return 0
    return most if rng.random() < 0.65 else int(rng.integers(1, most + 1))


def _share_out(total: int, rows: list[str], acts: list[int], rng: np.random.Generator) -> list[int]:
    """Anomalous acts of each video: ``total`` of all acts, drawn alike; a video has room for a few."""
    room = [min(n, 1 if SCENARIOS[row].once else _MOST_SEGMENTS) for row, n in zip(rows, acts, strict=True)]
    slots = np.repeat(np.arange(len(rows)), room)
    chosen = rng.choice(slots, size=min(total, len(slots)), replace=False)
    return np.bincount(chosen, minlength=len(rows)).tolist()


def _name(part: Part, category: str | None, place: str, counts: dict[str, int]) -> str:
    """A name as the source spells them."""
    if part.source == "tsl300":
        counts["tsl300"] = counts.get("tsl300", 0) + 1
        return tsl_name(counts["tsl300"], place)
    key = category or "normal"
    counts[key] = counts.get(key, 0) + 1
    return ucf_name(category, counts[key], split=part.split)
