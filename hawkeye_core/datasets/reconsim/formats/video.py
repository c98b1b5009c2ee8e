"""A drawn video as the writers of the formats take it, and which of its frames become pictures of a data set."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from hawkeye_core.atomic import replacing
from hawkeye_core.datasets.reconsim.stage import Appearance, Colour, Prop
from hawkeye_core.datasets.reconsim.truth import VideoTruth
from hawkeye_core.errors import VideoError

JPEG_QUALITY = 95
VALIDATION_EVERY = 10
"""Every tenth of the training videos gives its pictures to the validation split."""


@dataclass(frozen=True, slots=True)
class EntityLook:
    """What a referring expression can say of how an entity looks.

    Args:
        colour: Of the shirt of a person, else the main colour.
        trousers: Of a person.
    """

    colour: Colour
    trousers: Colour | None = None


@dataclass(frozen=True, slots=True)
class FormatVideo:
    """A video, its labels and its pictures.

    Args:
        truth: All labels.
        source: Data set whose part the video plays: ``tsl300`` or ``ucf_crime``.
        looks: [E] of the entities; None: nothing is said of its colour.
        picture: Number of a frame -> [H, W, 3] uint8 BGR, the frame of the video file before its compression.
    """

    truth: VideoTruth
    source: str
    looks: tuple[EntityLook | None, ...]
    picture: Callable[[int], NDArray[np.uint8]] = field(repr=False)


class FormatWriter(Protocol):
    """One format. Takes the videos one by one and keeps rows of text, never frames."""

    def add(self, video: FormatVideo) -> None:
        """Take over what the format says of a video; pictures are written at once."""

    def close(self) -> list[Path]:
        """Write the files of labels; returns their paths."""


def looks_of(people: Iterable[Appearance], props: Iterable[Prop]) -> tuple[EntityLook | None, ...]:
    """[E] colours of the entities, people first."""
    dressed = [EntityLook(person.shirt, person.trousers) for person in people]
    return (*dressed, *(EntityLook(prop.colour) for prop in props))


def spread(good: NDArray[np.bool_] | np.bool_, count: int) -> list[int]:
    """At most ``count`` of the frames that are ``good`` [T], evenly spread over them, in order."""
    frames = np.flatnonzero(good)
    middles = (np.arange(count) + 0.5) / count * len(frames)
    return np.unique(frames[middles.astype(int)]).tolist() if len(frames) else []


def boxed(truth: VideoTruth, visible: float) -> NDArray[np.bool_]:
    """[T, E] entities of which at least the share ``visible`` is seen, in a box of a pixel or more each way."""
    size = truth.boxes[..., 2:] - truth.boxes[..., :2]  # NaN where there is no box; compares as False
    return (truth.visible >= visible) & (size >= 1).all(-1)


def xywh(box: NDArray[np.float32]) -> list[float]:
    """[4] x1, y1, x2, y2 -> COCO's x, y, width, height, in hundredths of a pixel."""
    x1, y1, x2, y2 = (round(float(value), 2) for value in box)
    return [x1, y1, round(x2 - x1, 2), round(y2 - y1, 2)]


def picture_split(split: str, number: int) -> str:
    """``train``, ``val`` or ``test`` for the pictures of a video.

    Args:
        split: Of the video.
        number: How many training videos came before it.
    """
    if split == "train" and number % VALIDATION_EVERY == VALIDATION_EVERY - 1:
        return "val"
    return split


def write_jpeg(path: Path, picture: NDArray[np.uint8]) -> Path:
    """Write a picture [H, W, 3] BGR.

    Raises:
        VideoError: It cannot be written as JPEG.
    """
    good, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not good:
        raise VideoError(f"a picture of shape {picture.shape} cannot be written as JPEG", path=path)
    with replacing(path) as temporary:
        temporary.write_bytes(data.tobytes())
    return path
