"""Stage 1's two tables from a drawn world: regions of first frames with expressions, motions with captions.

Both name videos of the world itself, so that one extraction serves both stages. Validation videos are left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from hawkeye_core.atomic import write_text
from hawkeye_core.datasets.reconsim.formats.drawn import looks_of_plan
from hawkeye_core.datasets.reconsim.formats.expressions import expressions
from hawkeye_core.datasets.reconsim.formats.refcoco import MIN_SIDE, MIN_VISIBLE, SENTENCES, sight_of
from hawkeye_core.datasets.reconsim.formats.video import EntityLook, boxed
from hawkeye_core.datasets.reconsim.truth import VideoTruth
from hawkeye_core.datasets.reconsim.truth_files import read_truth
from hawkeye_core.datasets.reconsim.world import World

REGIONS, MOTIONS = "regions.jsonl", "motions.jsonl"
SHORTEST_S, LONGEST_S = 0.5, 3.0
"""Of a motion; of a longer one its beginning is taken."""


def write_stage1_tables(world: World, *, seed: int = 0) -> tuple[Path, Path]:
    """Write ``regions.jsonl`` and ``motions.jsonl`` into a drawn world's folder; returns their paths.

    Args:
        world: Drawn.
        seed: Of the choice of expressions.

    Raises:
        SidecarError: The truth of a video is missing.
    """
    regions: list[dict[str, Any]] = []
    motions: list[dict[str, Any]] = []
    rng = np.random.default_rng([seed, 0x57A1])
    for item in world.videos:
        if item.split == "val":
            continue
        truth = read_truth(world.truth_folder, item.video)
        regions += region_rows(truth, looks_of_plan(item.plan()), rng)
        motions += motion_rows(truth)
    tables = ((world.folder / REGIONS, regions), (world.folder / MOTIONS, motions))
    for path, rows in tables:
        write_text(path, "".join(json.dumps(row) + "\n" for row in rows))
    return tables[0][0], tables[1][0]


def region_rows(
    truth: VideoTruth, looks: tuple[EntityLook | None, ...], rng: np.random.Generator
) -> Iterator[dict[str, Any]]:
    """Rows of what can be referred to in the first frame, at most three phrases each."""
    box = truth.boxes[0]
    clear = boxed(truth, MIN_VISIBLE)[0] & (box[:, 2:] - box[:, :2] >= MIN_SIDE).all(-1)
    sight = sight_of(truth, looks, 0)
    for entity in np.flatnonzero(clear).tolist():
        phrases = expressions(sight, entity)
        for chosen in sorted(rng.permutation(len(phrases))[:SENTENCES].tolist()):
            corners = [round(float(value), 1) for value in box[entity]]
            yield {"video": truth.video, "box": corners, "expression": phrases[chosen], "split": truth.split}


def motion_rows(truth: VideoTruth) -> Iterator[dict[str, Any]]:
    """Rows of the actions that last."""
    for span in truth.actions:
        start, end = max(0.0, span.start_s), min(span.end_s, truth.duration_s, span.start_s + LONGEST_S)
        if end - start >= SHORTEST_S:
            yield {
                "video": truth.video, "start": round(start, 3), "end": round(end, 3), "caption": span.caption,
                "split": truth.split,
            }  # fmt: skip
