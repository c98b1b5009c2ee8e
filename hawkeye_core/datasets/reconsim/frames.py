"""An endless stream of single frames with joints, boxes and triplets, for training detectors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.datasets.reconsim.plan import plan_video
from hawkeye_core.datasets.reconsim.rules import PREDICATES, relations
from hawkeye_core.datasets.reconsim.stage import F32
from hawkeye_core.datasets.reconsim.video import renderer_of

SEEN = 0.3
"""Share of an entity that must be seen for a triplet to name it; :meth:`truth.VideoTruth.triplets` has the same."""


@dataclass(frozen=True, slots=True)
class LabelledFrame:
    """A picture and what is in it; P people, E entities, people first.

    Args:
        image: [H, W, 3] uint8 RGB.
        keypoints: [P, 17, 3] x px, y px, COCO's visibility 0, 1 or 2.
        entities: [E] object classes of Visual Genome.
        boxes: [E, 4] x1, y1, x2, y2 px; NaN where the entity is not in the picture.
        visible: [E] share that nothing hides, 0..1.
        triplets: Subject and object as entity numbers, the predicate as a name of Visual Genome; both are seen.
    """

    image: NDArray[np.uint8] = field(repr=False)
    keypoints: F32
    entities: tuple[str, ...]
    boxes: F32
    visible: F32
    triplets: list[tuple[int, str, int]]


def labelled_frames(seed: int, *, per_video: int = 4, width: int = 320, height: int = 240) -> Iterator[LabelledFrame]:
    """Frames of random videos, without end; a function of the seed.

    Args:
        seed: Streams of different seeds share no video.
        per_video: Random moments taken of each video; a plan costs about as much as drawing a few frames.
        width: Of the picture in pixels.
        height: Of the picture in pixels.
    """
    number = 0
    while True:
        own = int(np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)[0] >> 1)
        yield from frames_of(own, per_video=per_video, width=width, height=height)
        number += 1


def frames_of(seed: int, *, per_video: int, width: int, height: int) -> Iterator[LabelledFrame]:
    """Random moments of the video of a seed, half of them within its acts if it has any."""
    plan = plan_video(seed, video=f"frames-{seed}", split="train", width=width, height=height)
    rng = np.random.default_rng([seed, 0xF8A3])
    numbers = np.arange(plan.n_frames)
    inside = np.zeros(plan.n_frames, bool)
    for act in plan.acts:
        inside |= (plan.times >= act.start_s) & (plan.times < act.end_s)
    weight = np.where(inside, 1 / max(inside.sum(), 1), 1 / max((~inside).sum(), 1))
    chosen = rng.choice(numbers, size=min(per_video, len(numbers)), replace=False, p=weight / weight.sum())
    moments = plan.moments(plan.times[chosen])
    holds = relations(moments.positions())
    renderer = renderer_of(plan)
    for i, frame in enumerate(chosen.tolist()):
        seen = renderer.draw(moments.stage(i), frame=frame)
        clear = (seen.visible >= SEEN) & np.isfinite(seen.boxes[:, 0])
        triplets = [
            (subject, PREDICATES[predicate], other)
            for subject, other, predicate in np.argwhere(holds[i]).tolist()
            if clear[subject] and clear[other]
        ]
        image = np.ascontiguousarray(seen.image[..., ::-1])
        yield LabelledFrame(image, seen.keypoints, plan.entities, seen.boxes, seen.visible, triplets)
