"""The 13 kinds of anomaly of UCF-Crime: folders, headings of the paper's Table 2, and words for answers.

The folders are spelled in one place, :mod:`hawkeye_core.datasets.reconsim.formats.names`; here the names that differ
from them are added. ``RoadAccidents`` is the only folder that the paper and an answer spell otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from hawkeye_core.datasets.reconsim.formats.names import UCF_CLASSES, UCF_NORMAL, UCF_NORMAL_FOLDERS
from hawkeye_core.errors import AnnotationError

TABLE_2: tuple[str, ...] = (
    "Abuse", "Arrest", "Arson", "Assault", "Accident", "Burglary", "Explosion", "Fighting", "Robbery", "Shooting",
    "Stealing", "Shoplifting", "Vandalism",
)  # fmt: skip
"""Headings of the paper's Table 2, from left to right."""

PAPER_NAMES: Mapping[str, str] = MappingProxyType(
    {name: "Accident" if name == "RoadAccidents" else name for name in UCF_CLASSES}
)
"""Folder -> heading of Table 2."""

CATEGORY_TEXTS: Mapping[str, str] = MappingProxyType(
    {name: "road accident" if name == "RoadAccidents" else name.lower() for name in UCF_CLASSES}
)
"""Folder -> category as an answer spells it; the words that ReconSim uses too."""


def category_text(label: str) -> str:
    """Category of an anomalous folder, in words: ``RoadAccidents`` -> ``road accident``.

    Raises:
        AnnotationError: It is no anomalous folder of UCF-Crime.
    """
    return _looked_up(CATEGORY_TEXTS, label)


def paper_name(label: str) -> str:
    """Column of the paper's Table 2 that a folder stands in: ``RoadAccidents`` -> ``Accident``.

    Raises:
        AnnotationError: As :func:`category_text`; normal videos stand in no column.
    """
    return _looked_up(PAPER_NAMES, label)


def temporal_class(label: str) -> str:
    """What the temporal annotation calls the class of a folder: both folders of normal videos are ``Normal`` there.

    Raises:
        AnnotationError: It is no folder of UCF-Crime.
    """
    if label in UCF_NORMAL_FOLDERS.values():
        return UCF_NORMAL
    _looked_up(CATEGORY_TEXTS, label)
    return label


def _looked_up(names: Mapping[str, str], label: str) -> str:
    if label not in names:
        raise AnnotationError(
            f"{label[:60]!r} is no anomalous class of UCF-Crime", remedy=f"use one of {', '.join(UCF_CLASSES)}"
        )
    return names[label]
