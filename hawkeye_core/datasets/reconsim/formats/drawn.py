"""A drawn world in every format: ``formats/`` beside its ``videos/``.

Validation videos give their pictures to the sets of pictures; TSL-300 and UCF-Crime have no such split, and there they
are left out.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.datasets.reconsim.formats.all import DONE, settings_of, write_all
from hawkeye_core.datasets.reconsim.formats.names import ucf_path
from hawkeye_core.datasets.reconsim.formats.video import EntityLook, FormatVideo, looks_of
from hawkeye_core.datasets.reconsim.truth import VideoTruth
from hawkeye_core.datasets.reconsim.truth_files import read_truth
from hawkeye_core.datasets.reconsim.video import renderer_of
from hawkeye_core.datasets.reconsim.video_plan import VideoPlan
from hawkeye_core.datasets.reconsim.world import World

FOLDER = "formats"


def write_world_formats(
    world: World,
    *,
    seed: int = 0,
    pictures: int = 4,
    variants: int = 10,
    progress: Callable[[int, str], None] | None = None,
) -> Path:
    """Write a world's formats, unless they are there with the same settings.

    ``ucf_crime/videos`` is UCF-Crime's tree of folders; its files are links to the world's videos.

    Args:
        world: Drawn.
        seed: Of the choice of expressions and of all motions.
        pictures: Frames taken of each video for each set of pictures, at most.
        variants: Clips of each motion.
        progress: Called after each video with how many are done and the name of the last.

    Returns:
        The folder, with a folder for each format.
    """
    folder = world.folder / FOLDER
    sources = [item.source for item in world.videos]
    counts = {name: sources.count(name) for name in ("tsl300", "ucf_crime")}
    wanted = settings_of(seed=seed, pictures=pictures, variants=variants, counts=counts)
    if (folder / DONE).exists() and json.loads((folder / DONE).read_text(encoding="utf-8")) == wanted:
        return folder
    (folder / DONE).unlink(missing_ok=True)
    write_all(folder, _videos(world, progress), seed=seed, pictures=pictures, variants=variants)
    return folder


def format_video(plan: VideoPlan, truth: VideoTruth, *, source: str) -> FormatVideo:
    """A planned video as the formats take it.

    Args:
        plan: Of the video.
        truth: Its labels.
        source: ``tsl300`` or ``ucf_crime``.
    """
    renderer = renderer_of(plan.site)

    def picture(frame: int) -> NDArray[np.uint8]:
        return renderer.picture(plan.stage(float(plan.times[frame])), frame=frame)

    return FormatVideo(truth, source, looks_of_plan(plan), picture)


def looks_of_plan(plan: VideoPlan) -> tuple[EntityLook | None, ...]:
    """[E] colours of a planned video's entities."""
    return looks_of((p.appearance for p in plan.people), (p.prop for p in plan.props))


def _videos(world: World, progress: Callable[[int, str], None] | None) -> Iterator[FormatVideo]:
    for done, item in enumerate(world.videos, 1):
        if item.source == "ucf_crime" and item.split != "val":
            _link(world, item.video, ucf_path(item.video, split=item.split))
        yield format_video(item.plan(), read_truth(world.truth_folder, item.video), source=item.source)
        if progress is not None:
            progress(done, item.video)


def _link(world: World, video: str, path: str) -> None:
    link = world.folder / FOLDER / "ucf_crime/videos" / path
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(os.path.relpath(world.folder / "videos" / f"{video}.mp4", link.parent))
