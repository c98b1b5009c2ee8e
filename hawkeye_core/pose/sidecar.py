"""The pose backend ``sidecar``: COCO-keypoint JSON, or the ``.npy`` arrays of the paper's released code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from feature_store.fingerprint import Fingerprint
from hawkeye_core.errors import SidecarError
from hawkeye_core.pose.boxes import boxes_of
from hawkeye_core.pose.coco_keypoints import J, People, nobody, parse_coco_frame, parse_coco_video
from hawkeye_core.pose.config import SidecarPoseSettings
from hawkeye_core.scene import FrameBatch, FramePose
from hawkeye_core.sidecar import SidecarFiles, SidecarReader, frame_numbers
from hawkeye_core.sidecar_values import Row, read_npy

VERSION = "1"
"""Raised when the same files would give other people."""
JOINT_SCORE = 0.1
"""Joints that score more make the box of a person for whom the files give none."""


class SidecarPoseBackend:
    """Imports people; computes nothing but missing boxes and scores.

    A frame without a result is a frame without people; a video without any file is an error.

    Args:
        settings: Where the files are, their format, how they number frames.

    Raises:
        SidecarError: No files there. From :meth:`detect`: none for the video, or not in the stated format.
        ConfigError: The path contradicts itself.
    """

    def __init__(self, settings: SidecarPoseSettings) -> None:
        self.settings = settings
        coco = settings.format == "coco"
        self._files = SidecarFiles(settings.path, suffix=".json" if coco else ".npy", key="pose.path")
        self._reader: SidecarReader[People] = SidecarReader(
            self._files,
            parse_video=parse_coco_video if coco else self._npy_video,
            parse_frame=parse_coco_frame if coco else self._npy_frame,
        )
        self._digest = self._files.digest()

    @property
    def fingerprint(self) -> Fingerprint:
        """Content of all files (as ``weights``), layout, format and numbering."""
        settings = self.settings.model_dump(mode="json", exclude={"backend", "path"})
        return Fingerprint(
            family="pose",
            backend=self.settings.backend,
            version=VERSION,
            weights=f"sha256:{self._digest}",
            settings={**settings, "layout": self._files.layout},
        )

    def detect(self, batch: FrameBatch) -> list[FramePose]:
        """People of each frame, best first, in pixels of the frame."""
        numbering, first = self.settings.numbering, self.settings.first_frame
        height, width = batch.images.shape[1:3]
        numbers = frame_numbers(batch, numbering=numbering, first_frame=first)
        return [_to_frame(self._reader.get(batch.video, number), width=width, height=height) for number in numbers]

    def _npy_video(self, path: Path) -> Mapping[int, People]:
        stack = read_npy(path)
        if stack.ndim != 4 or not self._fits(stack):
            _wrong_shape(path, stack, "(frames, people, 17, columns) for a whole video")
        return {
            i + self.settings.first_frame: self._people(path, frame, f"frame {i}, ") for i, frame in enumerate(stack)
        }

    def _npy_frame(self, path: Path) -> People:
        array = read_npy(path)
        if array.size == 0:
            return nobody()
        if array.ndim != 3 or not self._fits(array):
            _wrong_shape(path, array, "(people, 17, columns) for a frame")
        return self._people(path, array, "")

    def _fits(self, array: NDArray[Any]) -> bool:
        return array.shape[-2] == J and array.shape[-1] > max(self.settings.columns)

    def _people(self, path: Path, array: NDArray[Any], place: str) -> People:
        """[P, J, C] -> people; rows of nothing but zeros or NaN pad a stack and are left out."""
        rows = np.asarray(array, np.float32)[..., list(self.settings.columns)]
        blank = (np.isnan(rows) | (rows == 0)).all(axis=(1, 2))
        broken = ~np.isfinite(rows).all(axis=(1, 2)) & ~blank
        if broken.any():
            Row(path, f"{place}person {int(broken.argmax())}").fail("x, y or score is not a finite number")
        rows = rows[~blank]
        rows[..., 2] = rows[..., 2].clip(0, 1)
        return People(keypoints=rows, score=rows[..., 2].mean(1), box=np.full((len(rows), 4), np.nan, np.float32))


def _to_frame(people: People | None, *, width: int, height: int) -> FramePose:
    people = nobody() if people is None else people
    order = np.argsort(-people.score, kind="stable")  # before clipping: some tools write scores above 1
    keypoints = people.keypoints[order]
    given = np.clip(people.box[order], 0, [width, height, width, height])
    computed = boxes_of(keypoints, threshold=JOINT_SCORE, width=width, height=height)
    box = np.where(np.isnan(given), computed, given).astype(np.float32)
    return FramePose(keypoints=keypoints, score=people.score[order].clip(0, 1), box=box)


def _wrong_shape(path: Path, array: NDArray[Any], needed: str) -> NoReturn:
    raise SidecarError(
        f"has shape {array.shape}, not {needed}", path=path, remedy="see docs/backends.md; `pose.columns` picks columns"
    )
