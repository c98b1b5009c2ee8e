"""Drawn videos for the small vision tower and the small language model: single labelled pictures, and token clips.

Their seeds lie above 2^50, so that no video of a world (:mod:`hawkeye_core.datasets.reconsim.world`) is among them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.backend import VisionBackend
from hawkeye_core.datasets.reconsim.plan import VideoPlan, plan_video
from hawkeye_core.datasets.reconsim.rules import PREDICATES, relations
from hawkeye_core.datasets.reconsim.video import renderer_of
from hawkeye_core.relation.vocabulary import OBJECT_INDEX, PREDICATE_INDEX
from hawkeye_core.scene import FrameBatch, FrameRelations
from hawkeye_core.tiny.account import Account, account_of
from hawkeye_core.tiny.clips import TokenClip
from hawkeye_core.tiny.llava_config import SIDE
from hawkeye_core.tiny.pictures import NONE, DrawnPicture, shrink
from hawkeye_core.tiny.vision_task import ACTIONS

_FIRST_SEED = 2**50
_AT_ONCE = 16
"""Frames that go through the tower together."""

MIN_VISIBLE = 0.3
"""Share of an object that must be seen for its tokens to count."""


def tiny_plan(seed: int, number: int) -> VideoPlan:
    """Video ``number`` of a stream; streams of different seeds share none."""
    own = _FIRST_SEED + int(np.random.default_rng([seed, number, 0x11A7]).integers(2**50))
    return plan_video(own, video=f"tiny-{seed}-{number}", split="train")


def drawn_pictures(seed: int, *, start: int = 0, per_video: int = 12) -> Iterator[DrawnPicture]:
    """Random moments of random videos without end, from video ``start`` of the stream on.

    Setting a video up costs as much as drawing twenty of its frames, so a dozen are taken of each.
    """
    number = start
    while True:
        plan = tiny_plan(seed, number)
        rng = np.random.default_rng([seed, number, 0xD1C7])
        chosen = np.sort(rng.choice(plan.n_frames, size=per_video, replace=False))
        moments = plan.moments(plan.times[chosen])
        holds = relations(moments.positions())
        renderer = renderer_of(plan)
        for row, frame in enumerate(chosen.tolist()):
            seen = renderer.draw(moments.stage(row), frame=frame)
            yield DrawnPicture(
                image=np.ascontiguousarray(seen.image[..., ::-1]),
                classes=[OBJECT_INDEX[name] for name in plan.entities],
                boxes=seen.boxes,
                visible=seen.visible,
                actions=_actions_at(plan, float(plan.times[frame])),
                keypoints=seen.keypoints,
                relations=[
                    (subject, PREDICATE_INDEX[PREDICATES[predicate]], other)
                    for subject, other, predicate in np.argwhere(holds[row]).tolist()
                ],
            )
        number += 1


@dataclass(frozen=True)
class DrawnClip:
    """A whole drawn video at the tower's size, and what is told of it.

    Args:
        images: [T, S, S, 3] uint8 RGB.
        boxes: [N, 4] pixels of these pictures: the seen objects of all frames one after the other.
        counts: [T] objects of each frame.
        fps: Frames a second.
        account: What is told.
    """

    images: NDArray[np.uint8] = field(repr=False)
    boxes: NDArray[np.float32] = field(repr=False)
    counts: NDArray[np.int64] = field(repr=False)
    fps: float
    account: Account


def draw_clip(plan: VideoPlan) -> DrawnClip:
    """Draw a whole video."""
    renderer, moments = renderer_of(plan), plan.moments(plan.times)
    seen = [renderer.draw(moments.stage(k), frame=k) for k in range(plan.n_frames)]
    shown = [frame.boxes[np.isfinite(frame.boxes[:, 0]) & (frame.visible >= MIN_VISIBLE)] for frame in seen]
    scale = np.array([SIDE / plan.width, SIDE / plan.height] * 2, np.float32)
    return DrawnClip(
        images=shrink(np.stack([frame.image[..., ::-1] for frame in seen])),
        boxes=(np.concatenate(shown) * scale).astype(np.float32),
        counts=np.array([len(boxes) for boxes in shown]),
        fps=plan.fps,
        account=account_of(plan),
    )


def token_clip(drawn: DrawnClip, backend: VisionBackend) -> TokenClip:
    """A drawn video through the tower; its object-masked tokens are those of the drawn objects.

    The pictures have the tower's size already, which its own preparation leaves as they are.
    """
    parts = np.split(drawn.boxes, np.cumsum(drawn.counts)[:-1])
    tokens = []
    for begin in range(0, len(drawn.images), _AT_ONCE):
        images = drawn.images[begin : begin + _AT_ONCE]
        index = np.arange(begin, begin + len(images))
        batch = FrameBatch("", index, index / drawn.fps, index / drawn.fps, index, images)
        found = backend.encode(batch, [_objects(box) for box in parts[begin : begin + len(images)]])
        tokens += [np.concatenate([vision.frame_tokens, vision.masked_token[None]]) for vision in found]
    return TokenClip(np.stack(tokens), drawn.fps, drawn.account)


def _actions_at(plan: VideoPlan, time_s: float) -> list[int]:
    """[P] number of what each person does."""
    found = [NONE] * len(plan.people)
    for span in plan.actions:
        if span.start_s <= time_s < span.end_s:
            found[span.person] = ACTIONS.index(span.action)
    return found


def _objects(box: NDArray[np.float32]) -> FrameRelations:
    """Objects without class and relations; the tower's backend reads their boxes only."""
    none = np.zeros(0, np.int32)
    return FrameRelations(
        np.zeros(len(box), np.int32), np.ones(len(box), np.float32), box, none, none, none, np.zeros(0, np.float32)
    )
