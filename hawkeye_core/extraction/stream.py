"""Scenes of one video, batch by batch: the families that are missing, each picture computed once."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeAlias

import numpy as np

from feature_store.columns import PoseColumns, RelationColumns, VisionColumns
from feature_store.fingerprint import Family
from hawkeye_core.extraction.backends import Backends
from hawkeye_core.extraction.columns import pose_columns, relation_columns, split_relations, vision_columns
from hawkeye_core.extraction.repeats import Spread, first_showings, select
from hawkeye_core.pose.tracking import match_previous
from hawkeye_core.scene import FrameBatch, FramePose, FrameRelations, FrameVision

Columns: TypeAlias = PoseColumns | RelationColumns | VisionColumns
StoredRelations: TypeAlias = Callable[[int, int], RelationColumns]
"""Relations of frames [start, stop) that the store already holds."""


class SceneStream:
    """Turns the batches of one video, in order, into columns for the store.

    Args:
        backends: The networks.
        families: Which families to compute.
        stored_relations: Needed when vision is computed and relations are not: the boxes come from the store.
    """

    def __init__(
        self, backends: Backends, families: Collection[Family], *, stored_relations: StoredRelations | None = None
    ) -> None:
        if "vision" in families and "relations" not in families and stored_relations is None:
            raise ValueError("vision tokens need the relations' boxes: compute relations too, or pass the stored ones")
        self._backends = backends
        self._families = families
        self._stored_relations = stored_relations
        self._last_source: int | None = None
        self._last_pose: FramePose | None = None
        self._poses: Spread[FramePose] = Spread()
        self._relations: Spread[FrameRelations] = Spread()
        self._tokens: Spread[FrameVision] = Spread()

    def __call__(self, batch: FrameBatch) -> dict[Family, Columns]:
        """Columns of this batch's frames for each family asked for."""
        if self._backends.repeatable:
            positions = first_showings(batch, self._last_source)
        else:  # imported results may differ between two showings of one picture: each frame asks for its own
            positions = np.arange(len(batch))
        unique = select(batch, positions)
        columns: dict[Family, Columns] = {}
        with self._backends.lock:
            if "pose" in self._families:
                found = self._backends.pose.detect(unique) if len(unique) else []
                columns["pose"] = self._with_previous(self._poses(found, positions, len(batch)))
            if "relations" in self._families or "vision" in self._families:
                scenes = self._scenes(unique)
                spread = self._relations(scenes, positions, len(batch))
                if "relations" in self._families:
                    columns["relations"] = relation_columns(spread)
                if "vision" in self._families:
                    tokens = self._backends.vision.encode(unique, scenes) if len(unique) else []
                    columns["vision"] = vision_columns(self._tokens(tokens, positions, len(batch)))
        self._last_source = int(batch.source_index[-1])
        return columns

    def _scenes(self, unique: FrameBatch) -> list[FrameRelations]:
        if not len(unique):
            return []
        if "relations" in self._families:
            return self._backends.relations.detect(unique)
        if self._stored_relations is None:
            raise ValueError("neither relations to compute nor stored ones")
        start = int(unique.index[0])
        stored = split_relations(self._stored_relations(start, int(unique.index[-1]) + 1))
        return [stored[int(k) - start] for k in unique.index]

    def _with_previous(self, poses: list[FramePose]) -> PoseColumns:
        previous = []
        for pose in poses:
            previous.append(match_previous(pose, self._last_pose))
            self._last_pose = pose
        return pose_columns(poses, previous)
