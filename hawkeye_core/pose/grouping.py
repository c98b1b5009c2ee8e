"""Candidates of all joints grouped to people by their tags (associative embedding, Newell et al., NeurIPS 2017).

Legend: J joints, N candidates of one joint, T tag components, P people.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.pose.heatmap import Candidates
from hawkeye_core.pose.munkres import assign

JOINT_ORDER: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6, 11, 12, 7, 8, 9, 10, 13, 14, 15, 16)
"""The order in which joints look for their people: head and trunk first."""
_DISTANCE_WEIGHT = 100.0  # a rounded tag distance of one outweighs any difference of scores
_NOBODY = 1e10  # cost of leaving a candidate without a person


def group(candidates: Sequence[Candidates], *, max_people: int, tag_threshold: float) -> NDArray[np.float32]:
    """People found in one frame, in the order in which they were opened.

    Joint by joint, candidates are assigned to people at the least sum of ``100 * round(distance) - score``, where the
    distance is that of the candidate's tag to the mean tag of the person so far. A pair further apart than the
    threshold is not made: the candidate opens a person of its own. As in the original, people are known by the first
    tag component of the candidate that opened them; a second candidate of exactly that value takes the joint over and
    resets the mean.

    Args:
        candidates: One a joint, in COCO order.
        max_people: Only so many people, the first ones, take part in the assignment; more can be opened.
        tag_threshold: A candidate joins a person only if their tag distance is below this.

    Returns:
        [P, J, 3 + T]: column, row, score, tag; zeros where a joint was not found.
    """
    people = _People(joints=len(candidates), components=candidates[0].tag.shape[1] if candidates else 1)
    for joint in JOINT_ORDER:
        found = candidates[joint]
        if not len(found.score):
            continue
        rows = np.concatenate((found.xy, found.score[:, None], found.tag), axis=1).astype(np.float32)
        if not people.keys:
            for row in rows:
                people.open(joint, row)
            continue
        for row, person in zip(rows, _match(found, people, max_people, tag_threshold), strict=True):
            if person is None:
                people.open(joint, row)
            else:
                people.join(person, joint, row)
    return people.stacked()


def _match(found: Candidates, people: _People, max_people: int, tag_threshold: float) -> list[int | None]:
    """The person each candidate joins, or None."""
    means = people.mean_tags(max_people).astype(np.float64)
    distance = np.linalg.norm(found.tag.astype(np.float64)[:, None] - means[None], axis=2)  # [N, P]
    n, known = distance.shape
    cost = np.full((n, max(n, known)), _NOBODY)
    cost[:, :known] = np.round(distance) * _DISTANCE_WEIGHT - found.score[:, None].astype(np.float64)
    return [j if j < known and distance[i, j] < tag_threshold else None for i, j in assign(cost)]


class _People:
    """People under construction; each knows its joints and the sum of its tags.

    Args:
        joints: J.
        components: T.
    """

    def __init__(self, *, joints: int, components: int) -> None:
        self.shape = joints, 3 + components
        self.keys: dict[float, int] = {}
        self.rows: list[NDArray[np.float32]] = []
        self.tag_sum: list[NDArray[np.float32]] = []
        self.tag_count: list[int] = []

    def open(self, joint: int, row: NDArray[np.float32]) -> None:
        """A new person, unless one has the same key: then that one's joint is replaced and its tags start over."""
        key = float(row[3])
        index = self.keys.setdefault(key, len(self.rows))
        if index == len(self.rows):
            self.rows.append(np.zeros(self.shape, dtype=np.float32))
            self.tag_sum.append(row[3:].copy())
            self.tag_count.append(1)
        else:
            self.tag_sum[index], self.tag_count[index] = row[3:].copy(), 1
        self.rows[index][joint] = row

    def join(self, person: int, joint: int, row: NDArray[np.float32]) -> None:
        """One more joint of a known person."""
        self.rows[person][joint] = row
        self.tag_sum[person] += row[3:]
        self.tag_count[person] += 1

    def mean_tags(self, limit: int) -> NDArray[np.float32]:
        """[min(P, limit), T] in float32, as the original computes them."""
        count = np.array(self.tag_count[:limit], dtype=np.float32)
        return np.stack(self.tag_sum[:limit]) / count[:, None]

    def stacked(self) -> NDArray[np.float32]:
        """[P, J, 3 + T]."""
        return np.stack(self.rows) if self.rows else np.zeros((0, *self.shape), dtype=np.float32)
