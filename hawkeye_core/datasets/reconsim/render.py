"""A stage as a camera sees it: painter's algorithm over solids, with labels read from a picture of codes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hawkeye_core.datasets.reconsim.body import JOINT, coco_joints
from hawkeye_core.datasets.reconsim.camera import Camera
from hawkeye_core.datasets.reconsim.effects import Blob, blobs_of, cover_codes, paint_blobs
from hawkeye_core.datasets.reconsim.faces import SHIFT, Face, Solid, fill, fill_codes, painting_order, to_fixed
from hawkeye_core.datasets.reconsim.labels import joint_visibility
from hawkeye_core.datasets.reconsim.look import apply_look, light_of
from hawkeye_core.datasets.reconsim.people import person_solids, shadow_points
from hawkeye_core.datasets.reconsim.places import INDOORS, draw_background
from hawkeye_core.datasets.reconsim.props import PROPS, placed, shape_of
from hawkeye_core.datasets.reconsim.shapes import CORNERS_OF_BOX, whole
from hawkeye_core.datasets.reconsim.stage import F32, Look, Place, Prop, Seen, Stage
from hawkeye_core.errors import ConfigError

CODES_EACH = 32
"""Codes of one entity in the picture of codes: entity e has ``(e + 1) * CODES_EACH`` and up, one for each part."""

_EFFECT_CODE = 65535
_KEPT_PROPS = 400
_CARRIED_M = 1.4  # longest extent of a thing that is sorted with the body that holds it
_HOLD_M = 0.45  # from a wrist to the thing's middle
_HELD_NEARER_M = 0.08  # a held thing that sticks into the body is rather before it
_TOUCH_M = 0.35  # between joints of two people that are sorted as one
_HOLDING = [JOINT["left_wrist"], JOINT["right_wrist"], JOINT["pelvis"]]


@dataclass(frozen=True)
class _Drawn:
    """One thing as the camera sees it."""

    parts: list[Solid]
    whole: Solid | None
    shadow: NDArray[np.int32] | None


class Renderer:
    """Draws stages of one place through one camera; the same arguments give the same picture.

    Args:
        place: Its background is drawn once.
        camera: Its picture has the size to draw.
        look: Light and faults.
        width: Of the picture in pixels.
        height: Of the picture in pixels.

    Raises:
        ConfigError: The camera's picture has another size, or there is no such place or light.
    """

    def __init__(self, place: Place, camera: Camera, look: Look, *, width: int, height: int) -> None:
        if (camera.width, camera.height) != (width, height):
            raise ConfigError(
                f"a camera of {camera.width} x {camera.height} for a picture of {width} x {height}",
                remedy="make the camera with the size of the picture",
            )
        self._camera, self._look = camera, look
        self._light = light_of(look, indoors=place.kind in INDOORS)
        self._width, self._height = width, height
        self._background = draw_background(place, camera, self._light)
        self._shaded = (self._background * (1.0 - self._light.shadow)).astype(np.uint8)
        self._kept: dict[tuple[Prop, int], _Drawn] = {}

    def picture(self, stage: Stage, *, frame: int) -> NDArray[np.uint8]:
        """The picture [H, W, 3] BGR alone: that of :meth:`draw`, faster.

        Args:
            stage: Who and what is there.
            frame: Number of the frame, which chooses the noise.
        """
        solids, blobs, shadows = self._compose(stage)
        return self._paint(solids, blobs, shadows, frame)

    def draw(self, stage: Stage, *, frame: int) -> Seen:
        """The picture and what can be seen in it.

        Args:
            stage: Who and what is there.
            frame: Number of the frame, which chooses the noise.
        """
        solids, blobs, shadows = self._compose(stage)
        image = self._paint(solids, blobs, shadows, frame)
        n_people, n = len(stage.people), len(stage.people) + len(stage.props)
        codes = np.zeros((self._height, self._width), np.uint16)
        own: list[list[Face]] = [[] for _ in range(n)]
        effects = iter(blobs)
        for solid in solids:
            if solid.owner < 0:
                cover_codes(codes, next(effects), code=_EFFECT_CODE)
            else:
                fill_codes(codes, solid.faces, base=(solid.owner + 1) * CODES_EACH)
                own[solid.owner] += solid.faces
        shown = np.bincount((codes >> 5).ravel(), minlength=n + 1)
        boxes = np.full((n, 4), np.nan, np.float32)
        visible = np.zeros(n, np.float32)
        for e in range(n):
            extent = self._extent(own[e])
            if extent is not None:
                boxes[e], pixels = extent
                visible[e] = min(shown[e + 1] / pixels, 1.0)
        keypoints = np.zeros((n_people, 17, 3), np.float32)
        for p, (_, body) in enumerate(stage.people):
            if own[p]:
                seen = self._camera.project(coco_joints(body))
                keypoints[p] = joint_visibility(codes, seen, base=(p + 1) * CODES_EACH)
        return Seen(image, keypoints, boxes, visible)

    def _paint(
        self, solids: list[Solid], blobs: list[list[Blob]], shadows: list[NDArray[np.int32]], frame: int
    ) -> NDArray[np.uint8]:
        image = self._background.copy()
        if shadows:
            mask = np.zeros(image.shape[:2], np.uint8)
            for outline in shadows:
                cv2.fillConvexPoly(mask, outline, (255,), cv2.LINE_8, SHIFT)
            cv2.copyTo(self._shaded, mask, image)
        effects = iter(blobs)
        for solid in solids:
            if solid.owner < 0:
                paint_blobs(image, next(effects))
            else:
                fill(image, solid.faces)
        return apply_look(image, self._look, frame=frame)

    def _extent(self, faces: list[Face]) -> tuple[NDArray[np.float32], int] | None:
        """Box [4] and number of pixels of faces drawn alone, inside the picture; None: nothing of them is in it."""
        if not faces:
            return None
        mask = np.zeros((self._height, self._width), np.uint8)
        for outline, _, _ in faces:
            cv2.fillConvexPoly(mask, outline, (1,), cv2.LINE_8, SHIFT)
        x, y, w, h = cv2.boundingRect(mask)
        if w == 0:
            return None
        return np.array([x, y, x + w, y + h], np.float32), cv2.countNonZero(mask)

    def _drawn(self, prop: Prop, owner: int) -> _Drawn:
        """A thing's solids and shadow; kept, because most things stand still."""
        key = (prop, owner)
        if key not in self._kept:
            turn, origin = placed(prop)
            shape = shape_of(prop.kind, prop.size_m, prop.colour, prop.state)
            parts = shape.solids(turn, origin, self._camera, self._light, owner=owner)
            corners = shape.corners.reshape(-1, 3) @ turn.T + origin
            corners[:, :2] += np.maximum(corners[:, 2:], 0) * np.array(self._light.sun)
            corners[:, 2] = 0.0
            if len(self._kept) >= _KEPT_PROPS:
                self._kept.clear()
            self._kept[key] = _Drawn(parts, whole(parts, self._camera) if parts else None, self._shadow(corners))
        return self._kept[key]

    def _shadow(self, ground: NDArray[np.float64]) -> NDArray[np.int32] | None:
        """Outline of the hull of ground points; None where one of them is behind the camera."""
        seen = self._camera.project(ground)
        if seen[:, 2].min() < 0.1:
            return None
        return to_fixed(np.asarray(cv2.convexHull(np.ascontiguousarray(seen[:, :2])), np.float32)[:, 0])

    def _compose(self, stage: Stage) -> tuple[list[Solid], list[list[Blob]], list[NDArray[np.int32]]]:
        """All solids in painting order, discs of the effects in that order, and shadows."""
        camera = self._camera
        shadows: list[NDArray[np.int32] | None] = []
        bodies: list[tuple[list[Solid], F32]] = []  # of people who are there
        for p, (person, joints) in enumerate(stage.people):
            parts = person_solids(person, joints, camera, self._light, owner=p)
            if parts:
                bodies.append((parts, joints))
                shadows.append(self._shadow(shadow_points(joints, self._light)))
        clusters = _clusters([joints for _, joints in bodies])
        groups: list[list[Solid]] = [[] for _ in range(max(clusters, default=-1) + 1)]
        for (parts, _), cluster in zip(bodies, clusters, strict=True):
            groups[cluster] += parts
        holds = [joints[_HOLDING].tolist() for _, joints in bodies]
        nodes: list[tuple[Solid, list[Solid]]] = []
        for k, prop in enumerate(stage.props):
            if prop is None:
                continue
            drawn = self._drawn(prop, len(stage.people) + k)
            if drawn.shadow is not None:
                shadows.append(drawn.shadow)
            if drawn.whole is None:
                continue
            holder = _holder(prop, holds)
            if holder is None:
                nodes.append((drawn.whole, [drawn.whole]))
            else:
                through = PROPS[prop.kind].pass_through
                held = drawn.whole._replace(depth=drawn.whole.depth - _HELD_NEARER_M)
                groups[clusters[holder]] += drawn.parts if through else [held]
        for group in groups:
            ordered = [group[i] for i in painting_order(group, camera.eye)]
            points = np.concatenate([solid.corners for solid in group])
            low, high = points.min(0), points.max(0)
            corners = np.where(CORNERS_OF_BOX, high, low)
            depth = float(((low + high) / 2 - camera.eye) @ camera.axes[2])
            nodes.append((Solid([], corners, None, depth, 0), ordered))
        effects: dict[int, list[Blob]] = {}
        for effect in stage.effects:
            blobs = blobs_of(effect, camera)
            towards = camera.eye - effect.at
            at = effect.at + towards * min(0.9, 0.5 * effect.size_m / float(np.linalg.norm(towards)))  # its near side
            depth = float((at - camera.eye) @ camera.axes[2])
            effects[len(nodes)] = blobs
            own = Solid([], np.tile(at, (8, 1)), None, depth, -1)
            nodes.append((own, [own]))
        order = painting_order([node for node, _ in nodes], camera.eye)
        solids = [solid for i in order for solid in nodes[i][1]]
        return solids, [effects[i] for i in order if i in effects], [s for s in shadows if s is not None]


def _clusters(bodies: list[F32]) -> list[int]:
    """Numbers of the groups in which people touch; a group's bodies are sorted part by part."""
    label = list(range(len(bodies)))
    low, high = [body.min(0) for body in bodies], [body.max(0) for body in bodies]
    for i in range(len(bodies)):
        for j in range(i):
            apart = float((np.maximum(low[i], low[j]) - np.minimum(high[i], high[j])).max())
            if apart < _TOUCH_M and label[i] != label[j]:
                old, new = label[i], label[j]
                label = [new if value == old else value for value in label]
    names = {value: k for k, value in enumerate(dict.fromkeys(label))}
    return [names[value] for value in label]


def _holder(prop: Prop, bodies: list[list[list[float]]]) -> int | None:
    """Who holds a small thing in a hand, or sits on one that a body can be inside of; None: nobody.

    Args:
        prop: The thing.
        bodies: Of each person: left wrist, right wrist, pelvis; x, y, z metres.
    """
    x, y, z = prop.at
    z += 0.5 * prop.size_m[2]
    through = PROPS[prop.kind].pass_through
    if not through and max(prop.size_m) > _CARRIED_M:
        return None
    best, nearest = None, 0.5 * max(prop.size_m[:2]) + 0.25 if through else _HOLD_M
    for p, (left, right, pelvis) in enumerate(bodies):
        if through:
            away = max(abs(pelvis[0] - x), abs(pelvis[1] - y))
        else:
            away = min(math.dist(left, (x, y, z)), math.dist(right, (x, y, z)))
        if away < nearest:
            best, nearest = p, away
    return best
