"""The truth of a video as two files: ``<video>.npz`` with the arrays, ``<video>.json`` with all that is text.

========================  ==============================================================================================
``keypoints`` of the npz  float32 [T, P, 17, 3]: x px, y px, COCO's visibility (0 outside, 1 hidden, 2 seen)
``boxes``                 float32 [T, E, 4]: x1, y1, x2, y2 px; NaN where the entity is not in the picture
``visible``               float32 [T, E]: share that nothing hides, 0..1
``body``                  float32 [T, P, 22, 3]: metres in the world, z up, joints as in :data:`stage.BODY_JOINTS`
the json                  every other field of :class:`truth.VideoTruth` by its name; spans as objects, seconds
========================  ==============================================================================================

The json is written last: where it is, the npz is whole.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict
from pathlib import Path

import numpy as np

from hawkeye_core.answers.segments import Segment
from hawkeye_core.atomic import replacing, write_text
from hawkeye_core.datasets.reconsim.truth import ActionSpan, RelationSpan, VideoTruth
from hawkeye_core.errors import SidecarError

ARRAYS = ("keypoints", "boxes", "visible", "body")


def truth_path(folder: str | Path, video: str) -> Path:
    """Where the text of a video's truth is; the arrays lie beside it."""
    return Path(folder) / f"{video}.json"


def write_truth(truth: VideoTruth, folder: str | Path) -> Path:
    """Write both files; returns the path of the json."""
    path = truth_path(folder, truth.video)
    with replacing(path.with_suffix(".npz")) as temporary:
        np.savez_compressed(
            temporary, keypoints=truth.keypoints, boxes=truth.boxes, visible=truth.visible, body=truth.body
        )
    fields = {name: value for name, value in asdict(truth).items() if name not in ARRAYS}
    return write_text(path, json.dumps(fields, indent=1) + "\n")


def read_truth(folder: str | Path, video: str) -> VideoTruth:
    """Read what :func:`write_truth` wrote.

    Raises:
        SidecarError: A file is missing or not in the format above.
    """
    path = truth_path(folder, video)
    remedy = "draw the world again: `hawkeye reconsim draw`"
    try:
        text = json.loads(path.read_text(encoding="utf-8"))
        with np.load(path.with_suffix(".npz"), allow_pickle=False) as file:
            arrays = {name: file[name] for name in ARRAYS}
        text["entities"] = tuple(text["entities"])
        text["actions"] = tuple(ActionSpan(**span) for span in text["actions"])
        text["relations"] = tuple(RelationSpan(**span) for span in text["relations"])
        text["segments"] = tuple(Segment(**span) for span in text["segments"])
        return VideoTruth(**text, **arrays)
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise SidecarError(f"no truth of a video here: {error}", path=path, remedy=remedy) from error
