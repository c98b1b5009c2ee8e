"""Draws a world: videos, their truth and the annotations, in as many processes as wanted; what is there is kept.

::

    world.json          preset, seed and number of videos; another world in the folder is refused
    videos/<name>.mp4
    truth/<name>.json   and .npz, see hawkeye_core.datasets.reconsim.truth_files
    segments.jsonl      annotations of the training and test videos (hawkeye_core.training.annotations)
    validation.jsonl    the same with the validation videos in place of the test videos, for choosing settings
"""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2

from hawkeye_core.atomic import write_text
from hawkeye_core.datasets.reconsim.truth_files import read_truth, truth_path, write_truth
from hawkeye_core.datasets.reconsim.video import write_video
from hawkeye_core.datasets.reconsim.world_presets import WorldVideo, world_plans
from hawkeye_core.errors import ConfigError

SETTINGS, SEGMENTS, VALIDATION = "world.json", "segments.jsonl", "validation.jsonl"


@dataclass(frozen=True, slots=True)
class World:
    """A drawn world."""

    folder: Path
    videos: tuple[WorldVideo, ...]

    @property
    def segments(self) -> Path:
        """Annotations of the training and test videos."""
        return self.folder / SEGMENTS

    def video(self, item: WorldVideo) -> Path:
        """File of a video."""
        return self.folder / "videos" / f"{item.video}.mp4"

    @property
    def truth_folder(self) -> Path:
        """For :func:`truth_files.read_truth`."""
        return self.folder / "truth"


def draw_world(
    folder: str | Path,
    preset: str,
    *,
    seed: int = 0,
    jobs: int = 1,
    progress: Callable[[int, str], None] | None = None,
) -> World:
    """Draw what is missing of a world.

    Args:
        folder: For the files above.
        preset: A name of :data:`world_presets.PRESETS`.
        seed: Of the world.
        jobs: Processes that draw.
        progress: Called after each video with how many are done and the name of the last.

    Raises:
        ConfigError: No such preset, or the folder holds another world.
    """
    videos = world_plans(preset, seed)
    world = World(Path(folder), tuple(videos))
    _claim(world.folder, {"preset": preset, "seed": seed, "videos": len(videos)})
    missing = [item for item in videos if not is_drawn(world, item)]
    done = len(videos) - len(missing)
    if progress is not None:
        progress(done, "")
    for name in _draw_all(missing, world.folder, jobs):
        done += 1
        if progress is not None:
            progress(done, name)
    _annotate(world)
    return world


def is_drawn(world: World, item: WorldVideo) -> bool:
    """Whether a video and its truth are there; the truth is written last."""
    return world.video(item).exists() and truth_path(world.truth_folder, item.video).exists()


def draw_video(item: WorldVideo, folder: Path) -> str:
    """Draw one video and write its truth; returns its name."""
    cv2.setNumThreads(1)
    path = folder / "videos" / f"{item.video}.mp4"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_truth(write_video(item.plan(), path), folder / "truth")
    return item.video


def _draw_all(missing: Sequence[WorldVideo], folder: Path, jobs: int) -> Iterable[str]:
    if jobs <= 1:
        for item in missing:
            yield draw_video(item, folder)
        return
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        futures = [pool.submit(draw_video, item, folder) for item in missing]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            for future in futures:
                future.cancel()


def _claim(folder: Path, settings: dict[str, Any]) -> None:
    path = folder / SETTINGS
    if path.exists():
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            found = None
        if found != settings:
            raise ConfigError(
                f"the folder holds another world: {found}, not {settings}", remedy=f"another folder than {folder}"
            )
    write_text(path, json.dumps(settings) + "\n")


def _annotate(world: World) -> None:
    """Write the annotation files from the truth of all videos."""
    rows = {item.video: _annotation(world, item) for item in world.videos}

    def lines(held_out: str) -> str:
        chosen = [item for item in world.videos if item.split in ("train", held_out)]
        rows_of = ({**rows[i.video], "split": "train" if i.split == "train" else "test"} for i in chosen)
        return "".join(json.dumps(row) + "\n" for row in rows_of)

    write_text(world.segments, lines("test"))
    write_text(world.folder / VALIDATION, lines("val"))


def _annotation(world: World, item: WorldVideo) -> dict[str, Any]:
    truth = read_truth(world.truth_folder, item.video)
    segments = [
        {"start": s.start_s, "end": s.end_s, "category": s.category, "reason": s.reason} for s in truth.segments
    ]
    return {"video": item.video, "segments": segments, "note": truth.scenario}
