"""Counts of a world from its plans: nothing is drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from hawkeye_core.datasets.reconsim.plan import VideoPlan
from hawkeye_core.datasets.reconsim.scenarios import SCENARIOS


@dataclass(frozen=True, slots=True)
class WorldStatistics:
    """Counts over some videos.

    Args:
        videos: How many.
        seconds: Of all together.
        anomalous_videos: With a segment.
        segments: Anomalous ones.
        anomalous_seconds: In them.
        acts: Variants of acts and how many there are: ``anomalous``, ``decoy``, ``other``.
        categories: Segments of each category.
        actions: Seconds of each action.
        relations: Seconds of each predicate.
        entities: Of each object class, over all videos.
        people: Videos with so many people.
        views: Videos of each view.
        places: Videos in each kind of place.
        lights: Videos in each light.
    """

    videos: int
    seconds: float
    anomalous_videos: int
    segments: int
    anomalous_seconds: float
    acts: Counter[str]
    categories: Counter[str]
    actions: Counter[str]
    relations: Counter[str]
    entities: Counter[str]
    people: Counter[int]
    views: Counter[str]
    places: Counter[str]
    lights: Counter[str]

    @property
    def segments_per_video(self) -> float:
        """Mean number of anomalous segments."""
        return self.segments / max(self.videos, 1)


def statistics_of(plans: Sequence[VideoPlan]) -> WorldStatistics:
    """Count."""
    actions: Counter[str] = Counter()
    relations: Counter[str] = Counter()
    for plan in plans:
        for action in plan.actions:
            actions[action.action] += action.end_s - action.start_s  # type: ignore[assignment]
        for relation in plan.relations:
            relations[relation.predicate] += relation.end_s - relation.start_s  # type: ignore[assignment]
    segments = [segment for plan in plans for segment in plan.segments]
    return WorldStatistics(
        videos=len(plans),
        seconds=sum(plan.seconds for plan in plans),
        anomalous_videos=sum(bool(plan.segments) for plan in plans),
        segments=len(segments),
        anomalous_seconds=sum(segment.end_s - segment.start_s for segment in segments),
        acts=Counter(act.variant for plan in plans for act in plan.acts),
        categories=Counter(segment.category for segment in segments),
        actions=actions,
        relations=relations,
        entities=Counter(kind for plan in plans for kind in plan.entities),
        people=Counter(len(plan.people) for plan in plans),
        views=Counter(plan.view for plan in plans),
        places=Counter(plan.place.kind for plan in plans),
        lights=Counter(plan.look.light for plan in plans),
    )


def scenario_rows() -> list[tuple[str, str, str, str, str]]:
    """The table of scenarios in words: name, category, anomalous pair, other targets, other actions."""
    return [
        (name, row.category, f"{row.action} {' / '.join(row.targets)}", ", ".join(row.decoys), ", ".join(row.others))
        for name, row in SCENARIOS.items()
    ]
