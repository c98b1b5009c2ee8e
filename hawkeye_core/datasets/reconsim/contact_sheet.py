"""A sheet of pictures to look at: a row for each video, a column for each moment."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from hawkeye_core.datasets.reconsim.plan import VideoPlan
from hawkeye_core.datasets.reconsim.rules import PREDICATES, relations
from hawkeye_core.datasets.reconsim.stage import Seen
from hawkeye_core.datasets.reconsim.video import renderer_of
from hawkeye_core.scene import COCO_SKELETON

_RED, _GREY, _YELLOW, _GREEN = (40, 40, 230), (70, 70, 70), (60, 220, 250), (90, 220, 90)
_TITLE, _FRAME = 16, 3


def contact_sheet(
    plans: Sequence[VideoPlan], *, columns: int = 8, labels: bool = False, only_acts: bool = False
) -> NDArray[np.uint8]:
    """The sheet [H, W, 3] BGR; moments inside an anomalous segment are framed red.

    Args:
        plans: Videos, one a row.
        columns: Moments, evenly spaced.
        labels: Draw boxes, skeletons and relations.
        only_acts: Take the moments from the acts only, in videos that have one.
    """
    return np.concatenate([_row(plan, columns, labels=labels, only_acts=only_acts) for plan in plans])


def _row(plan: VideoPlan, columns: int, *, labels: bool, only_acts: bool) -> NDArray[np.uint8]:
    times = (np.arange(columns) + 0.5) / columns * plan.seconds
    if only_acts and plan.acts:
        each = -(-columns // len(plan.acts))
        inside = [a.start_s + (np.arange(each) + 0.5) / each * (a.end_s - a.start_s) for a in plan.acts]
        times = np.concatenate(inside)[:columns]
    numbers = np.clip((times * plan.fps).astype(int), 0, plan.n_frames - 1)
    moments = plan.moments(plan.times[numbers])
    holds = relations(moments.positions())
    renderer, cells = renderer_of(plan.site), []
    for i, number in enumerate(numbers.tolist()):
        seen = renderer.draw(moments.stage(i), frame=number)
        image = seen.image.copy()
        if labels:
            _draw_labels(image, plan, seen, holds[i])
        time = float(plan.times[number])
        anomalous = any(s.start_s <= time < s.end_s for s in plan.segments)
        colour = _RED if anomalous else _GREY
        cells.append(cv2.copyMakeBorder(image, _FRAME, _FRAME, _FRAME, _FRAME, cv2.BORDER_CONSTANT, value=colour))
    row = np.concatenate(cells, axis=1)
    title = np.full((_TITLE, row.shape[1], 3), 250, np.uint8)
    text = f"{plan.video}  {plan.scenario}  {plan.place.kind}, {plan.view}, {plan.look.light}  {plan.description}"
    _text(title, text, (4, 12), (0, 0, 0), scale=0.42)
    return np.concatenate([title, row]).astype(np.uint8)


def _draw_labels(image: NDArray[np.uint8], plan: VideoPlan, seen: Seen, holds: NDArray[np.bool_]) -> None:
    for number, (kind, box) in enumerate(zip(plan.entities, seen.boxes, strict=True)):
        if np.isfinite(box[0]):
            x1, y1, x2, y2 = box.astype(int).tolist()
            colour = _GREEN if number < len(plan.people) else _YELLOW
            cv2.rectangle(image, (x1, y1), (x2, y2), colour, 1)
            _text(image, f"{number} {kind}", (x1 + 1, max(y1 - 2, 8)), colour)
    for points in seen.keypoints:
        for a, b in COCO_SKELETON:
            if min(points[a, 2], points[b, 2]) > 0:
                ends = points[[a, b], :2].astype(int).tolist()
                cv2.line(image, ends[0], ends[1], (240, 160, 60), 1, cv2.LINE_AA)
    facts = np.argwhere(holds).tolist()
    for line, (subject, other, predicate) in enumerate(facts):
        text = f"{subject} {plan.entities[subject]} {PREDICATES[predicate]} {other} {plan.entities[other]}"
        _text(image, text, (3, image.shape[0] - 4 - 10 * line), (255, 255, 255))


def _text(
    image: NDArray[np.uint8], text: str, at: tuple[int, int], colour: tuple[int, int, int], *, scale: float = 0.3
) -> None:
    if colour != (0, 0, 0):
        cv2.putText(image, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, (0, 0, 0), 2, cv2.LINE_AA)
    cv2.putText(image, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, 1, cv2.LINE_AA)
