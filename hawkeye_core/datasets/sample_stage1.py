"""Drawn images with described regions and drawn motions with captions, to try stage 1 where no data set is at hand.

Images are coloured shapes and stick people, motions one second of one stick figure. They exercise the pipeline; no one
learns to see from them. Left and right are the person's own: the figures face the viewer.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from hawkeye_core.atomic import write_text
from hawkeye_core.errors import HawkeyeError

WIDTH, HEIGHT, FPS = 320, 240, 24
SECONDS = 1.0

Image = NDArray[np.uint8]
Colour = tuple[int, int, int]
Box = tuple[float, float, float, float]

_COLOURS: dict[str, Colour] = {
    "red": (40, 40, 190), "blue": (190, 90, 40), "green": (60, 150, 50), "yellow": (50, 200, 220),
    "black": (35, 35, 35), "purple": (150, 60, 130),
}  # fmt: skip
"""Blue, green, red."""


@dataclass(frozen=True)
class Posture:
    """Angles of a stick figure's limbs in degrees, 0 hanging down, 90 to the side, 180 up; its own right side first."""

    upper_arms: tuple[float, float] = (12, 12)
    forearms: tuple[float, float] = (8, 8)
    thighs: tuple[float, float] = (6, 6)
    shins: tuple[float, float] = (4, 4)
    shift: float = 0.0
    """To the viewer's right, in body heights."""


class Thing(NamedTuple):
    """Something in an image and how it is referred to."""

    kind: Literal["person", "box", "ball"]
    colour: str
    at: tuple[int, int]
    """Middle of its lower edge, pixels."""
    size: int
    """Height, pixels."""
    expression: str


@dataclass(frozen=True)
class Still:
    """A drawn image."""

    video: str
    things: tuple[Thing, ...]
    split: Literal["train", "test"] = "train"


@dataclass(frozen=True)
class Act:
    """A drawn motion of one second."""

    video: str
    caption: str
    posture: Callable[[float], Posture] = field(repr=False)
    """At a time 0..1 s."""
    split: Literal["train", "test"] = "train"


STILLS = (
    Still("still-yard", (Thing("person", "red", (80, 210), 110, "person in red on the left"),
                         Thing("box", "blue", (230, 205), 70, "big blue box"))),
    Still("still-gate", (Thing("person", "green", (240, 215), 120, "man in green near the right edge"),
                         Thing("ball", "yellow", (120, 200), 40, "small yellow ball"))),
    Still("still-hall", (Thing("person", "black", (110, 210), 125, "person wearing black"),
                         Thing("person", "blue", (215, 205), 105, "the one in blue"))),
    Still("still-lane", (Thing("box", "purple", (70, 180), 60, "purple box far left"),
                         Thing("ball", "red", (200, 215), 60, "red ball at the bottom"))),
    Still("still-dock", (Thing("person", "yellow", (160, 215), 130, "person in yellow in the middle"),
                         Thing("box", "green", (280, 210), 50, "green box on the far right"))),
    Still("still-shop", (Thing("person", "purple", (90, 215), 115, "person in purple"),
                         Thing("ball", "blue", (235, 190), 50, "blue ball on the right")), "test"),
)  # fmt: skip


def _swing(time_s: float, times: float, degrees: float) -> float:
    return degrees * math.sin(2 * math.pi * times * time_s)


ACTS = (
    Act("act-wave", "a person raises right hand, waves",
        lambda t: Posture((115, 12), (160 + _swing(t, 3, 25), 8))),
    Act("act-walk", "a person walks to the left with swinging arms",
        lambda t: Posture((12 + _swing(t, 1.5, 14), 12 - _swing(t, 1.5, 14)),
                          thighs=(6 + _swing(t, 1.5, 18), 6 - _swing(t, 1.5, 18)), shift=0.6 * (t - 0.5))),
    Act("act-arms", "the person lifts both arms above the head",
        lambda t: Posture((12 + 150 * t, 12 + 150 * t), (8 + 165 * t, 8 + 165 * t))),
    Act("act-kick", "a person kicks with the left leg",
        lambda t: Posture(thighs=(6, 6 + 75 * math.sin(math.pi * t)), shins=(4, 4 + 80 * math.sin(math.pi * t)))),
    Act("act-squat", "someone squats down and gets up again",
        lambda t: Posture((70, 70), (80, 80), (6 + 55 * math.sin(math.pi * t),) * 2,
                          (4 - 35 * math.sin(math.pi * t),) * 2)),
    Act("act-still", "a person stands still", lambda t: Posture()),
    Act("act-jacks", "a person does jumping jacks",
        lambda t: Posture((90 + _swing(t, 2, 75),) * 2, (90 + _swing(t, 2, 80),) * 2, (18 + _swing(t, 2, 12),) * 2,
                          (18 + _swing(t, 2, 12),) * 2), "test"),
)  # fmt: skip


def write_sample_stage1(folder: str | Path) -> tuple[list[Path], Path, Path]:
    """Draw images and motions and write both tables; videos that exist are kept.

    Returns:
        Paths of the videos (images are videos of one frame), of ``regions.jsonl``, and of ``motions.jsonl``.
    """
    folder = Path(folder)
    (folder / "videos").mkdir(parents=True, exist_ok=True)
    drawings: dict[str, Iterable[Image]] = {still.video: _still_frames(still) for still in STILLS}
    drawings |= {act.video: _act_frames(act) for act in ACTS}
    paths = [folder / "videos" / f"{video}.mp4" for video in drawings]
    for frames, path in zip(drawings.values(), paths, strict=True):
        if not path.exists():
            _write_video(frames, path)
    regions = _write_rows(folder / "regions.jsonl", _region_rows())
    motions = _write_rows(folder / "motions.jsonl", _motion_rows())
    return paths, regions, motions


def draw_still(still: Still) -> Image:
    """An image [H, W, 3] BGR."""
    image = _background()
    for thing in still.things:
        x1, y1, x2, y2 = (round(value) for value in box_of(thing))
        colour = _COLOURS[thing.colour]
        if thing.kind == "person":
            _draw_figure(image, thing.at, thing.size, Posture(), colour)
        elif thing.kind == "box":
            cv2.rectangle(image, (x1, y1), (x2 - 1, y2 - 1), colour, -1)
        else:
            cv2.circle(image, ((x1 + x2) // 2, (y1 + y2) // 2), thing.size // 2, colour, -1, cv2.LINE_AA)
    return image


def draw_act(act: Act, time_s: float) -> Image:
    """A frame [H, W, 3] BGR of a motion; a pure function of both."""
    image = _background()
    posture = act.posture(time_s)
    _draw_figure(image, (round(WIDTH / 2 + 170 * posture.shift), 220), 170, posture, _COLOURS["black"])
    return image


def box_of(thing: Thing) -> Box:
    """x1, y1, x2, y2 in pixels; of a person with hanging arms for a person."""
    (x, y), size = thing.at, thing.size
    half = 0.24 * size if thing.kind == "person" else size / 2
    foot = 0.04 * size if thing.kind == "person" else 0.0
    return x - half, float(y - size), x + half, y + foot


def _background() -> Image:
    image = np.full((HEIGHT, WIDTH, 3), (165, 165, 160), np.uint8)
    cv2.rectangle(image, (0, 0), (WIDTH, 120), (140, 125, 115), -1)
    return image


def _draw_figure(image: Image, feet: tuple[int, int], height: int, posture: Posture, colour: Colour) -> None:
    """Head, trunk and limbs of ``posture``; standing, its feet are at ``feet`` and its head ``height`` px above."""
    thick = max(3, height // 16)
    x, y = feet

    def line(start: tuple[float, float], end: tuple[float, float]) -> None:
        points = [(round(x + height * px), round(y - height * py)) for px, py in (start, end)]
        cv2.line(image, points[0], points[1], colour, thick, cv2.LINE_AA)

    # The hips sink as far as the higher of the two feet would hang in the air.
    hip = max(_drop(0.26, thigh) + _drop(0.24, shin) for thigh, shin in zip(posture.thighs, posture.shins, strict=True))
    shoulder = hip + 0.3
    line((0, hip), (0, shoulder))
    for side, index in ((-1, 0), (1, 1)):
        for root, top, first, second in (
            ((side * 0.1, shoulder), (0, shoulder), (0.17, posture.upper_arms), (0.15, posture.forearms)),
            ((side * 0.06, hip), (0, hip), (0.26, posture.thighs), (0.24, posture.shins)),
        ):
            middle = _end(root, side, first[0], first[1][index])
            line(top, root)
            line(root, middle)
            line(middle, _end(middle, side, second[0], second[1][index]))
    centre = round(x), round(y - height * (shoulder + 0.12))
    cv2.circle(image, centre, round(0.08 * height), (130, 150, 180), -1, cv2.LINE_AA)


def _drop(length: float, degrees: float) -> float:
    return length * math.cos(math.radians(degrees))


def _end(start: tuple[float, float], side: int, length: float, degrees: float) -> tuple[float, float]:
    """Other end of a limb that leaves its joint outwards by an angle from hanging down."""
    return start[0] + side * length * math.sin(math.radians(degrees)), start[1] - _drop(length, degrees)


def _still_frames(still: Still) -> Iterable[Image]:
    yield draw_still(still)


def _act_frames(act: Act) -> Iterable[Image]:
    return (draw_act(act, number / FPS) for number in range(round(SECONDS * FPS)))


def _write_video(frames: Iterable[Image], path: Path) -> None:
    temporary = path.with_name(f".{path.stem}.tmp-{os.getpid()}.mp4")
    writer = cv2.VideoWriter(str(temporary), cv2.VideoWriter.fourcc(*"mp4v"), FPS, (WIDTH, HEIGHT))
    if not writer.isOpened():
        raise HawkeyeError("OpenCV cannot write a video here", path=path, remedy="check that the folder is writable")
    try:
        for frame in frames:
            writer.write(frame)
    finally:
        writer.release()
    os.replace(temporary, path)


def _region_rows() -> list[dict[str, Any]]:
    return [
        {"video": still.video, "box": [round(v, 2) for v in box_of(thing)], "expression": thing.expression,
         "split": still.split}
        for still in STILLS for thing in still.things
    ]  # fmt: skip


def _motion_rows() -> list[dict[str, Any]]:
    return [
        {"video": act.video, "start": 0.0, "end": SECONDS, "caption": act.caption, "split": act.split} for act in ACTS
    ]


def _write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    return write_text(path, "".join(json.dumps(row) + "\n" for row in rows))
