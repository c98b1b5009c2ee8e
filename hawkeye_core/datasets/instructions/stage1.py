"""Stage 1's two tables from RefCOCO and HumanML3D, and the motions drawn as clips with their joints.

::

    regions.parquet           video (the picture's stem), box, expression, split
    motions.parquet           video (the clip), start, end, caption, split
    motions/<clip>.mp4        one second, 8 frames: a figure before a camera
    sidecars/pose/<clip>.json the joints of the clip, as the backend `sidecar` reads them; face joints score low
    sidecars/relations/       nothing is near a figure on a floor: empty graphs
    llava-*.jsonl             regions and motions as conversations in LLaVA's format; the trainer pairs them itself

A clip that is there is kept, so that an interrupted run goes on.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hawkeye_core.atomic import replacing, write_text
from hawkeye_core.datasets.humanml3d import CaptionedMotion, CaptionedMotions, read_humanml3d
from hawkeye_core.datasets.instructions.card import Stage1Counts
from hawkeye_core.datasets.instructions.config import HumanML3DSettings, RefCocoSettings
from hawkeye_core.datasets.instructions.files import conversation_of, write_lines
from hawkeye_core.datasets.motion_clips import FPS, MotionClip, clip_id, make_clip, motion_rows
from hawkeye_core.datasets.motion_figures import draw_clip
from hawkeye_core.datasets.refcoco import RefExpression, read_refcoco, region_rows
from hawkeye_core.datasets.source import Remark
from hawkeye_core.errors import HawkeyeError
from hawkeye_core.pose.coco_keypoints import PERSON
from hawkeye_core.training.stage1.text import answer, coordinates, question

REGIONS, MOTIONS = "regions.parquet", "motions.parquet"
CONVERSATIONS = "llava-{}.jsonl"
"""Of ``regions`` and ``motions``."""
BATCH_ROWS = 4096

_REGION = pa.schema(
    [("video", pa.string()), ("box", pa.list_(pa.float64(), 4)), ("expression", pa.string()), ("split", pa.string())]
)
_MOTION = pa.schema(
    [
        ("video", pa.string()), ("start", pa.float64()), ("end", pa.float64()), ("caption", pa.string()),
        ("split", pa.string()),
    ]
)  # fmt: skip

Progress = Callable[[str, int, int], None]


def write_regions(settings: RefCocoSettings, folder: Path) -> tuple[Path, list[Remark], dict[str, str]]:
    """The table of regions; its path, what was changed, and digests of what was read.

    Raises:
        AnnotationError: A file of RefCOCO is missing or wrong.
    """
    found = read_refcoco(settings.folder)
    path = _write(folder / REGIONS, region_rows(found.expressions), _REGION)
    told = (region_conversation(item) for item in found.expressions if item.split == "train")
    write_lines(told, folder / CONVERSATIONS.format("regions"))
    return path, list(found.remarks), dict(found.files)


def write_motions(
    settings: HumanML3DSettings, folder: Path, *, seed: int, progress: Progress | None = None
) -> tuple[Path, list[Remark], dict[str, str]]:
    """The table of motions and, unless the settings say otherwise, the clips; as :func:`write_regions`.

    Raises:
        AnnotationError: A file of HumanML3D is missing or wrong.
    """
    remarks: list[Remark] = []
    files: dict[str, str] = {}
    rows: list[dict[str, Any]] = []
    wanted: list[tuple[CaptionedMotions, CaptionedMotion, int]] = []
    for split in ("train", "test"):
        found = read_humanml3d(settings.folder, split=split)
        remarks += found.remarks
        files |= found.files
        for motion, first, row in motion_rows(found.motions, seed=seed, remarks=remarks):
            rows.append(row)
            wanted.append((found, motion, first))
    path = _write(folder / MOTIONS, rows, _MOTION)
    told = (motion_conversation(row, number) for number, row in enumerate(rows) if row["split"] == "train")
    write_lines(told, folder / CONVERSATIONS.format("motions"))
    if settings.draw:
        clips = {clip_id(motion.motion, first): (found, motion, first) for found, motion, first in wanted}
        for number, (found, motion, first) in enumerate(clips.values(), start=1):
            write_clip(found, motion, first, folder, seed=seed)
            if progress is not None:
                progress("motions drawn", number, len(clips))
    return path, remarks, files


def table_counts(path: Path) -> Stage1Counts:
    """Rows of a table of stage 1, and the pictures or clips they are about, by split."""
    table = pq.read_table(path, columns=["video", "split"])
    rows = Counter(table["split"].to_pylist())
    videos = Counter(
        split for _, split in {*zip(*(table[name].to_pylist() for name in ("video", "split")), strict=True)}
    )
    return Stage1Counts(rows=dict(sorted(rows.items())), videos=dict(sorted(videos.items())))


def region_conversation(item: RefExpression) -> dict[str, Any]:
    """A region of a picture as a conversation."""
    place = coordinates(item.box, width=item.image.width, height=item.image.height)
    asked, told = question(place, motion=False), answer(item.expression, None)
    return conversation_of(f"region-{item.sent_id}", "image", item.image.file_name, asked, told)


def motion_conversation(row: Mapping[str, Any], number: int) -> dict[str, Any]:
    """A row of the table of motions as a conversation; several captions can be about one clip."""
    asked, told = question(None, motion=True), answer(None, row["caption"])
    return conversation_of(f"motion-{number}", "video", f"motions/{row['video']}.mp4", asked, told)


def write_clip(found: CaptionedMotions, motion: CaptionedMotion, first: int, folder: Path, *, seed: int) -> str:
    """Draw one clip, unless it is there; returns its id."""
    video = clip_id(motion.motion, first)
    graph = folder / "sidecars" / "relations" / f"{video}.json"  # written last
    if graph.is_file():
        return video
    clip = make_clip(motion.motion, found.joints(motion), first, seed=seed)
    pictures = draw_clip(clip.body, clip.camera, seed=zlib.crc32(f"{seed}/{video}".encode()))
    with replacing(folder / "motions" / f"{video}.mp4") as temporary:
        height, width = pictures.shape[1:3]
        writer = cv2.VideoWriter(str(temporary), cv2.VideoWriter.fourcc(*"mp4v"), float(FPS), (width, height))
        if not writer.isOpened():
            raise HawkeyeError("OpenCV cannot write a video here", path=temporary, remedy="check that it is writable")
        for picture in pictures:
            writer.write(np.ascontiguousarray(picture[..., ::-1]))
        writer.release()
    write_text(folder / "sidecars" / "pose" / f"{video}.json", json.dumps(pose_results(clip)))
    empty = {"frames": [{"frame": k, "relations": []} for k in range(len(pictures))]}
    write_text(graph, json.dumps(empty))
    return video


def pose_results(clip: MotionClip) -> list[dict[str, Any]]:
    """COCO keypoint results of a clip's frames; the box spans the joints."""
    found = []
    for frame, joints in enumerate(clip.keypoints):
        low, high = joints[:, :2].min(0), joints[:, :2].max(0)
        found.append(
            {
                "image_id": frame, "category_id": PERSON, "score": 1.0,
                "bbox": [round(float(v), 2) for v in (*low, *(high - low))],
                "keypoints": [round(float(v), 2) for v in joints.ravel()],
            }
        )  # fmt: skip
    return found


def _write(path: Path, rows: Iterable[dict[str, Any]], schema: pa.Schema) -> Path:
    with replacing(path) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for batch in _batches(rows):
            writer.write_batch(pa.RecordBatch.from_pylist(batch, schema=schema))
    return path


def _batches(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    kept: list[dict[str, Any]] = []
    for row in rows:
        kept.append(row)
        if len(kept) == BATCH_ROWS:
            yield kept
            kept = []
    if kept:
        yield kept
