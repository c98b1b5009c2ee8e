"""An endless stream of single frames with joints, boxes and triplets, for training detectors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.datasets.reconsim.plan import Site, draw_site, plan_video
from hawkeye_core.datasets.reconsim.render import Renderer
from hawkeye_core.datasets.reconsim.rules import PREDICATES, relations
from hawkeye_core.datasets.reconsim.scenarios import INDOORS, OUTDOORS
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


def labelled_frames(
    seed: int, *, per_video: int = 4, per_site: int = 5, width: int = 320, height: int = 240
) -> Iterator[LabelledFrame]:
    """Frames of random videos, without end; a function of the arguments.

    Args:
        seed: Streams of different seeds share no video.
        per_video: Random moments taken of each video; a plan costs about as much as drawing a few frames.
        per_site: Videos taken with each camera; a site's background costs as much as drawing some 50 frames.
        width: Of the picture in pixels.
        height: Of the picture in pixels.
    """
    number = 0
    while True:
        rng = np.random.default_rng([seed, number])
        site = draw_site(rng, places=(*OUTDOORS, *INDOORS), width=width, height=height)
        renderer = renderer_of(site)
        for own in rng.integers(2**62, size=per_site).tolist():
            yield from _frames_of(own, site, renderer, per_video=per_video)
        number += 1


def _frames_of(seed: int, site: Site, renderer: Renderer, *, per_video: int) -> Iterator[LabelledFrame]:
    """Random moments of the video of a seed, half of them within its acts if it has any."""
    width, height = site.camera.width, site.camera.height
    plan = plan_video(seed, video=f"frames-{seed}", split="train", site=site, width=width, height=height)
    rng = np.random.default_rng([seed, 0xF8A3])
    inside = np.zeros(plan.n_frames, bool)
    for act in plan.acts:
        inside |= (plan.times >= act.start_s) & (plan.times < act.end_s)
    weight = np.where(inside, 1 / max(inside.sum(), 1), 1 / max((~inside).sum(), 1))
    chosen = rng.choice(plan.n_frames, size=min(per_video, plan.n_frames), replace=False, p=weight / weight.sum())
    moments = plan.moments(plan.times[chosen])
    holds = relations(moments.positions())
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
