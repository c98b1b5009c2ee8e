"""How the real sources name their videos, so that the drawn ones bear names that their adapters take apart alike."""

from __future__ import annotations

import re

from hawkeye_core.errors import AnnotationError

UCF_CLASSES: tuple[str, ...] = (
    "Abuse", "Arrest", "Arson", "Assault", "Burglary", "Explosion", "Fighting", "RoadAccidents", "Robbery", "Shooting",
    "Shoplifting", "Stealing", "Vandalism",
)  # fmt: skip
"""The 13 anomalous classes of UCF-Crime, as its folders are called (Sultani et al., CVPR 2018)."""

UCF_NORMAL = "Normal"
"""What the temporal annotation calls the class of a normal video."""
UCF_NORMAL_FOLDERS = {"train": "Training_Normal_Videos_Anomaly", "test": "Testing_Normal_Videos_Anomaly"}

_UCF_NAME = re.compile(r"(Normal_Videos_?|[A-Z][A-Za-z]+)\d{3,}_x264")
_TSL_NAME = re.compile(r"\d+_\S+")


def ucf_class(category: str) -> str:
    """Folder of a category in words: ``road accident`` -> ``RoadAccidents``.

    Raises:
        AnnotationError: No class of UCF-Crime.
    """
    plain = re.sub(r"[\s_-]", "", category).lower()
    for name in UCF_CLASSES:
        if plain in (name.lower(), name.lower().removesuffix("s")):
            return name
    raise AnnotationError(f"{category!r} is no class of UCF-Crime", remedy=f"use one of {', '.join(UCF_CLASSES)}")


def ucf_name(category: str | None, number: int, *, split: str) -> str:
    """Name of a video without suffix: ``Shooting003_x264``.

    Normal videos have another spelling in each split: ``Normal_Videos003_x264`` in ``train``,
    ``Normal_Videos_003_x264`` in ``test``.

    Args:
        category: In words; None for a normal video.
        number: Counted from 1 within the class, over both splits.
        split: ``train`` or ``test``.
    """
    if category is not None:
        return f"{ucf_class(category)}{number:03d}_x264"
    return f"Normal_Videos{'_' if split == 'test' else ''}{number:03d}_x264"


def ucf_class_of(video: str) -> str:
    """Class of a video by its name; :data:`UCF_NORMAL` for a normal one.

    Raises:
        AnnotationError: UCF-Crime names no video so.
    """
    found = _UCF_NAME.fullmatch(video)
    name = found.group(1) if found else ""
    if name.startswith("Normal_Videos"):
        return UCF_NORMAL
    if name in UCF_CLASSES:
        return name
    raise AnnotationError(
        f"{video!r} is no name of a UCF-Crime video", remedy="name it as `ucf_name` does, like Shooting003_x264"
    )


def ucf_path(video: str, *, split: str) -> str:
    """Path of a video in the tree of UCF-Crime: ``Shooting/Shooting003_x264.mp4``.

    Raises:
        AnnotationError: No such name, or no such split.
    """
    name = ucf_class_of(video)
    if split not in UCF_NORMAL_FOLDERS:
        raise AnnotationError(f"UCF-Crime has no split {split!r} ({video})", remedy="give it to `train` or `test`")
    return f"{UCF_NORMAL_FOLDERS[split] if name == UCF_NORMAL else name}/{video}.mp4"


def tsl_name(number: int, place: str) -> str:
    """Name of a video without suffix: ``12_ReconSim_car_park_12``, as ``12_Ekman6_joy_1308``.

    Args:
        number: Counted from 1 over both splits. TSL-300 finds the labels of a video by this number.
        place: Where it is, in words.
    """
    return f"{number}_ReconSim_{place.replace(' ', '_')}_{number}"


def tsl_number(video: str) -> int:
    """The number in front of a name.

    Raises:
        AnnotationError: There is none.
    """
    if not _TSL_NAME.fullmatch(video):
        raise AnnotationError(
            f"{video!r} is no name of a TSL-300 video", remedy="name it as `tsl_name` does, like 12_ReconSim_shop_12"
        )
    return int(video.split("_", 1)[0])
