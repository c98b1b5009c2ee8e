"""Score maps to people: candidates, grouping, then positions and missing joints. Legend: P people, J joints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from hawkeye_core.pose.aggregate import ScoreMaps
from hawkeye_core.pose.config import HigherHRNetSettings
from hawkeye_core.pose.grouping import group
from hawkeye_core.pose.heatmap import find_candidates
from hawkeye_core.pose.refine import adjust, refine

PEOPLE_IN_GROUPING = 30
"""The original's limit of candidates a joint and of people in an assignment; more only if more are to be kept."""


@dataclass(frozen=True, slots=True)
class MapPeople:
    """People of one frame in the heatmaps' cells, best first."""

    joints: NDArray[np.float32]  # [P, J, 3] x, y, score
    score: NDArray[np.float32]  # [P] mean of the J joint scores before refining, missing ones as 0


def decode(maps: ScoreMaps, settings: HigherHRNetSettings) -> list[MapPeople]:
    """People of every frame.

    Who is kept is decided before missing joints are filled in, since neither score nor order depends on those; a
    frame's cost is therefore bounded by ``max_people``, however many the grouping opens.

    Args:
        maps: Aggregated maps of B frames.
        settings: Thresholds and limits.

    Returns:
        One a frame.
    """
    limit = max(PEOPLE_IN_GROUPING, settings.max_people)
    candidates = find_candidates(maps, threshold=settings.detection_threshold, limit=limit)
    people = []
    for frame, found in enumerate(candidates):
        grouped = group(found, max_people=limit, tag_threshold=settings.tag_threshold)
        score = grouped[..., 2].mean(axis=1)
        best = np.argsort(-score, kind="stable")[: settings.max_people]
        best = best[score[best] >= settings.min_person_score]
        people.append(MapPeople(_locate(grouped[best], maps, frame), score[best]))
    return people


def _locate(grouped: NDArray[np.float32], maps: ScoreMaps, frame: int) -> NDArray[np.float32]:
    """[P, J, 3] positions of found joints within their cells, and of the missing ones."""
    if not len(grouped):
        return np.zeros((0, grouped.shape[1], 3), dtype=np.float32)
    people = torch.from_numpy(grouped).to(maps.heat.device)
    people = refine(adjust(people, maps.heat[frame]), maps, frame=frame)
    located: NDArray[np.float32] = people[..., :3].cpu().numpy()
    return located
