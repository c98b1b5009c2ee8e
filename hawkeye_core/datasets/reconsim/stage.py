"""What is on stage at one moment, in metres; what planning hands to drawing.

World coordinates are right-handed: x to the east, y to the north, z up, the ground at z = 0. A person's own frame has
its origin on the ground between the feet, looks along +y, and its left is -x. Angles in radians, counter-clockwise seen
from above, 0 along +y.

Legend: J3 = 22 joints of a body (SMPL's), in the order of :data:`BODY_JOINTS`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
Colour = tuple[int, int, int]
"""Blue, green, red, 0..255, as OpenCV has them."""

BODY_JOINTS: tuple[str, ...] = (
    "pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle", "right_ankle",
    "spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar", "head", "left_shoulder",
    "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist",
)  # fmt: skip
"""The 22 body joints of SMPL, in the order HumanML3D stores them (Guo et al., CVPR 2022)."""


@dataclass(frozen=True, slots=True)
class Appearance:
    """How a person is dressed."""

    kind: str
    """Object class of Visual Genome: ``man``, ``woman`` (long hair, skirt or long coat) or ``child``."""
    height_m: float
    shirt: Colour
    trousers: Colour
    skin: Colour
    hair: Colour
    shoes: Colour = (40, 40, 40)
    build: float = 1.0
    """Thickness of the limbs; 1 is average."""
    hood: bool = False


@dataclass(frozen=True, slots=True)
class Prop:
    """A thing, standing, carried or moving.

    Args:
        kind: Object class of Visual Genome (``car``, ``shelf``, ``bag``, ...); decides the shape that is drawn.
        size_m: Extent along its own x, y and z.
        at: Middle of its footprint and height of its underside, in metres.
        yaw: Its own +y, from the world's.
        tilt: Lean around its own x axis (a fallen shelf, a car on its side).
        colour: Main colour.
        state: ``whole``, ``broken``, ``burning`` or ``open``; drawn, and part of no label.
    """

    kind: str
    size_m: tuple[float, float, float]
    at: tuple[float, float, float]
    yaw: float = 0.0
    tilt: float = 0.0
    colour: Colour = (120, 120, 120)
    state: str = "whole"


@dataclass(frozen=True, slots=True)
class Effect:
    """Something seen that is no object of the vocabulary.

    Args:
        kind: ``fire``, ``smoke``, ``flash``, ``sparks`` or ``dust``.
        at: Its middle, in metres.
        size_m: Its height.
        age_s: Seconds since it began.
        seed: Of its flicker.
    """

    kind: str
    at: tuple[float, float, float]
    size_m: float
    age_s: float
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that moves or can be named, at one moment. Entities are numbered: people first, then props."""

    people: tuple[tuple[Appearance, F32], ...]
    """Appearance and joints [J3, 3] in world metres; joints of NaN: the person is not there."""
    props: tuple[Prop | None, ...]
    """None: the thing is not there (taken away, hidden in a bag)."""
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """The unmoving part of a scene.

    Args:
        kind: ``street``, ``shop``, ``corridor`` or ``car park``.
        seed: Of colours, textures and what stands in the background.
        extent_m: Half width (x) and half depth (y) of the part where things happen, around the origin.
    """

    kind: str
    seed: int
    extent_m: tuple[float, float] = (5.0, 4.0)


@dataclass(frozen=True, slots=True)
class Look:
    """Light and the camera's faults.

    Args:
        light: ``day``, ``dusk``, ``night`` (dim, grey-green like infrared) or ``overcast``.
        noise: Standard deviation of the sensor's noise, grey levels.
        blur_px: Standard deviation of a Gaussian blur.
        contrast: Around the mean; 1 leaves it.
        jpeg_quality: Of a pass through JPEG, 0 for none.
        seed: Of the noise.
    """

    light: str = "day"
    noise: float = 0.0
    blur_px: float = 0.0
    contrast: float = 1.0
    jpeg_quality: int = 0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """A drawn frame and what can be seen in it; entities numbered as in :class:`Stage`, E of them, P people.

    Args:
        image: [H, W, 3] uint8 BGR.
        keypoints: [P, 17, 3] x px, y px, and COCO's visibility: 0 not in the picture, 1 hidden, 2 seen. Joints of
            visibility 0 are (0, 0, 0).
        boxes: [E, 4] x1, y1, x2, y2 px of the drawn extent, inside the picture; NaN where nothing of it is in it.
        visible: [E] share of the entity's own drawn pixels that nothing hides, 0..1.
    """

    image: NDArray[np.uint8] = field(repr=False)
    keypoints: F32
    boxes: F32
    visible: F32
