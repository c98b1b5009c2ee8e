"""Every format at once, from one pass over the videos of a world."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from hawkeye_core.atomic import write_text
from hawkeye_core.datasets.reconsim.formats.coco_keypoints import CocoKeypointsWriter
from hawkeye_core.datasets.reconsim.formats.humanml3d import write_humanml3d
from hawkeye_core.datasets.reconsim.formats.refcoco import RefCocoWriter
from hawkeye_core.datasets.reconsim.formats.tsl300 import Tsl300Writer
from hawkeye_core.datasets.reconsim.formats.ucf_crime import UcfCrimeWriter
from hawkeye_core.datasets.reconsim.formats.video import FormatVideo, FormatWriter
from hawkeye_core.datasets.reconsim.formats.visual_genome import VisualGenomeWriter
from hawkeye_core.errors import AnnotationError

DONE = "formats.json"
"""Written last: what there is, and from which settings."""
VERSION = 1
"""Raised when the same videos would give other files."""
VALIDATION = "val"
"""A split that TSL-300 and UCF-Crime do not have."""


def write_all(
    folder: str | Path, videos: Iterable[FormatVideo], *, seed: int, pictures: int = 4, variants: int = 10
) -> dict[str, list[Path]]:
    """Write labels and pictures.

    ``tsl300`` and ``ucf_crime`` are about the training and test videos of that source, ``coco``, ``vg`` and ``refcoco``
    about all videos; ``humanml3d`` comes from the motion library.

    Args:
        folder: Each format gets a folder of its name in it.
        videos: Taken one by one; none is kept.
        seed: Of the choice of expressions, and of all motions.
        pictures: Frames taken of each video for each set of pictures, at most.
        variants: Clips of each motion.

    Returns:
        Paths of the labels by format.

    Raises:
        AnnotationError: A video has a source, name, split, class or segments that a format cannot hold.
    """
    folder = Path(folder)
    by_source: dict[str, FormatWriter] = {
        "tsl300": Tsl300Writer(folder / "tsl300"),
        "ucf_crime": UcfCrimeWriter(folder / "ucf_crime"),
    }
    of_all: dict[str, FormatWriter] = {
        "coco": CocoKeypointsWriter(folder / "coco", pictures=pictures),
        "vg": VisualGenomeWriter(folder / "vg", pictures=pictures),
        "refcoco": RefCocoWriter(folder / "refcoco", seed=seed, pictures=pictures),
    }
    counts = dict.fromkeys(by_source, 0)
    for video in videos:
        if video.source not in by_source:
            raise AnnotationError(
                f"{video.truth.video}: no source {video.source!r}", remedy=f"use one of {', '.join(by_source)}"
            )
        counts[video.source] += 1
        for writer in of_all.values():
            writer.add(video)
        if video.truth.split != VALIDATION:
            by_source[video.source].add(video)
    paths = {name: writer.close() for name, writer in (by_source | of_all).items()}
    paths["humanml3d"] = write_humanml3d(folder / "humanml3d", seed=seed, variants=variants)
    settings = settings_of(seed=seed, pictures=pictures, variants=variants, counts=counts)
    write_text(folder / DONE, json.dumps(settings, indent=2) + "\n")
    return paths


def settings_of(*, seed: int, pictures: int, variants: int, counts: Mapping[str, int]) -> dict[str, Any]:
    """Content of :data:`DONE`; ``counts`` are numbers of videos by source."""
    return {"version": VERSION, "seed": seed, "pictures": pictures, "variants": variants, "videos": dict(counts)}
