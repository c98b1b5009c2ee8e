"""Draws the scene found in a frame: skeletons, boxes, relations, and a caption that says what made them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.scene import COCO_SKELETON, FramePose, FrameRelations
from hawkeye_core.visual.canvas import Canvas, text_width, write_fitting
from hawkeye_core.visual.palette import (
    BLACK,
    PERSON,
    STRIP,
    STRIP_TEXT,
    WARNING,
    WHITE,
    class_colour,
    joint_colour,
    limb_colour,
)

UNTRAINED_MARK = "UNTRAINED WEIGHTS"


def draw_scene(
    image: NDArray[np.uint8],
    *,
    pose: FramePose | None = None,
    relations: FrameRelations | None = None,
    object_names: Sequence[str] = (),
    predicate_names: Sequence[str] = (),
    caption: Sequence[str] = (),
    untrained: bool = False,
    min_joint_score: float = 0.1,
    max_people: int | None = None,
    short_side: int = 720,
) -> NDArray[np.uint8]:
    """Draw on an enlarged copy of a frame; the same arguments give the same pixels.

    Left limbs are orange, right ones blue (the person's own sides), the middle green. Relations are arrows from the
    middle of the subject's box to the object's.

    Args:
        image: [H, W, 3] uint8 RGB; not changed.
        pose: People, or ``None``.
        relations: Objects and relations, or ``None``.
        object_names: Names by object class; a class without a name is shown by its number.
        predicate_names: Names by predicate.
        caption: Lines of the strip below the picture; without any, and with ``untrained`` false, there is no strip.
        untrained: Put the mark of untrained weights on the strip.
        min_joint_score: Joints that score less are left out, and limbs that end in them.
        max_people: Draw only this many people, best first; ``None`` for all.
        short_side: Smaller frames are enlarged (up to 4 times) to this many pixels on the shorter side.

    Returns:
        [H', W', 3] uint8 RGB.
    """
    canvas = Canvas(image, short_side=short_side)
    if relations is not None:
        _draw_objects(canvas, relations, object_names)
    if pose is not None:
        _draw_people(canvas, pose, min_joint_score=min_joint_score, limit=max_people)
    if relations is not None:
        _draw_relations(canvas, relations, predicate_names)
    canvas.write_labels()
    return _with_caption(canvas, caption, untrained=untrained)


def _draw_objects(canvas: Canvas, relations: FrameRelations, names: Sequence[str]) -> None:
    for index, score, box in zip(
        relations.object_class.tolist(), relations.object_score.tolist(), relations.object_box.tolist(), strict=True
    ):
        corners = canvas.box(box, class_colour(index), width=2)
        if corners is not None:
            canvas.label(f"{_name(names, index)} {score:.2f}", corners[0], class_colour(index), anchor="above")


def _draw_people(canvas: Canvas, pose: FramePose, *, min_joint_score: float, limit: int | None) -> None:
    """Labels go below the boxes: above, they would cover the heads in the boxes that objects share with people."""
    count = len(pose.score) if limit is None else min(limit, len(pose.score))
    for i in range(count):
        corners = canvas.box(pose.box[i].tolist(), PERSON, width=1.2)
        if corners is not None:
            place = (corners[0][0], corners[1][1])
            canvas.label(f"#{i + 1} {float(pose.score[i]):.2f}", place, PERSON, anchor="below")
    for joints in pose.keypoints[:count]:
        _draw_skeleton(canvas, joints, min_joint_score)


def _draw_skeleton(canvas: Canvas, joints: NDArray[np.float32], min_score: float) -> None:
    """One person's [17, 3] joints; those with a low or undefined score are left out."""
    places = [canvas.at(x, y) if score >= min_score else None for x, y, score in joints.tolist()]
    for start, stop in COCO_SKELETON:
        one, other = places[start], places[stop]
        if one is not None and other is not None:
            canvas.line(one, other, limb_colour(start, stop), width=3)
    for joint, place in enumerate(places):
        if place is not None:
            canvas.dot(place, joint_colour(joint), radius=3.5)


def _draw_relations(canvas: Canvas, relations: FrameRelations, names: Sequence[str]) -> None:
    """One arrow for each pair of objects; its label holds all their predicates, best first."""
    pairs: dict[tuple[int, int], list[str]] = {}
    for subject, predicate, thing in zip(
        relations.subject.tolist(), relations.predicate.tolist(), relations.object.tolist(), strict=True
    ):
        pairs.setdefault((subject, thing), []).append(_name(names, predicate))
    for (subject, thing), predicates in pairs.items():
        start, stop = _middle(canvas, relations, subject), _middle(canvas, relations, thing)
        if start is not None and stop is not None:
            colour = class_colour(int(relations.object_class[subject]))
            canvas.arrow(start, stop, colour, width=2)
            halfway = ((start[0] + stop[0]) // 2, (start[1] + stop[1]) // 2)
            canvas.label(", ".join(dict.fromkeys(predicates)), halfway, WHITE, anchor="middle")


def _middle(canvas: Canvas, relations: FrameRelations, index: int) -> tuple[int, int] | None:
    """Middle of the part of an object's box that lies in the picture."""
    x1, y1, x2, y2 = relations.object_box[index].tolist()
    if not all(map(math.isfinite, (x1, y1, x2, y2))):
        return None
    width, height = canvas.pixels.shape[1] / canvas.zoom, canvas.pixels.shape[0] / canvas.zoom
    across = (min(max(x1, 0.0), width) + min(max(x2, 0.0), width)) / 2
    down = (min(max(y1, 0.0), height) + min(max(y2, 0.0), height)) / 2
    return canvas.at(across, down)


def _name(names: Sequence[str], index: int) -> str:
    return names[index] if 0 <= index < len(names) else f"class {index}"


def _with_caption(canvas: Canvas, lines: Sequence[str], *, untrained: bool) -> NDArray[np.uint8]:
    """The picture with a dark strip below it, as high as its lines."""
    if not lines and not untrained:
        return canvas.pixels
    scale, _ = canvas.font(15)
    pad, step = canvas.stroke(12), canvas.stroke(28)
    width = canvas.pixels.shape[1]
    strip = np.empty((max(1, len(lines)) * step + pad, width, 3), np.uint8)
    strip[:] = STRIP
    room = width - 2 * pad
    if untrained:
        mark = min(text_width(UNTRAINED_MARK, scale), room // 2) + 2 * pad
        strip[:step, width - mark :] = WARNING
        origin = (width - mark + pad, step - pad // 2)
        write_fitting(strip, UNTRAINED_MARK, origin, width=mark - 2 * pad, scale=scale, colour=BLACK)
        room -= mark
    for i, line in enumerate(lines):
        first = room if i == 0 else width - 2 * pad
        write_fitting(strip, line, (pad, (i + 1) * step - pad // 2), width=first, scale=scale, colour=STRIP_TEXT)
    return np.concatenate([canvas.pixels, strip])
