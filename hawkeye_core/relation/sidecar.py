"""The relation backend ``sidecar``: triplets with boxes as JSON, or the ``.npy`` arrays of the paper's code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from feature_store.fingerprint import Fingerprint
from hawkeye_core.relation.config import SidecarRelationSettings
from hawkeye_core.relation.graph import build_graph
from hawkeye_core.relation.postprocess import Triplets
from hawkeye_core.relation.triplet_files import (
    collect,
    parse_json_frame,
    parse_json_video,
    parse_npy_frame,
    parse_npy_video,
)
from hawkeye_core.scene import FrameBatch, FrameRelations
from hawkeye_core.sidecar import SidecarFiles, SidecarReader, frame_numbers

VERSION = "1"
"""Raised when the same files would give other graphs."""


class SidecarRelationBackend:
    """Imports scene graphs.

    ``json`` triplets become a graph as RelTR's do: mentions of one class whose boxes overlap are one object. The
    ``npy`` layout has no boxes: every object gets the whole frame as its box, and mentions of one class are one object,
    except within a triplet, whose subject and object stay two. The fingerprint then says ``boxes: none``.

    A frame without a result is an empty graph; a video without any file is an error.

    Args:
        settings: Where the files are, their format, how they number frames.

    Raises:
        SidecarError: No files there. From :meth:`detect`: none for the video, or not in the stated format.
        ConfigError: The path contradicts itself.
    """

    def __init__(self, settings: SidecarRelationSettings) -> None:
        self.settings = settings
        as_json = settings.format == "json"
        self._files = SidecarFiles(settings.path, suffix=".json" if as_json else ".npy", key="relations.path")
        self._reader: SidecarReader[Triplets] = SidecarReader(
            self._files,
            parse_video=parse_json_video if as_json else self._npy_video,
            parse_frame=parse_json_frame if as_json else parse_npy_frame,
        )
        self._digest = self._files.digest()

    @property
    def fingerprint(self) -> Fingerprint:
        """Content of all files (as ``weights``), layout, format, numbering and thresholds."""
        settings = self.settings.model_dump(mode="json", exclude={"backend", "path"})
        boxes = "given" if self.settings.format == "json" else "none"
        return Fingerprint(
            family="relations",
            backend=self.settings.backend,
            version=VERSION,
            weights=f"sha256:{self._digest}",
            settings={**settings, "layout": self._files.layout, "boxes": boxes},
        )

    def detect(self, batch: FrameBatch) -> list[FrameRelations]:
        """One scene graph a frame, in order."""
        height, width = batch.images.shape[1:3]
        numbering, first = self.settings.numbering, self.settings.first_frame
        numbers = frame_numbers(batch, numbering=numbering, first_frame=first)
        return [self._to_graph(self._reader.get(batch.video, number), width, height) for number in numbers]

    def _to_graph(self, triplets: Triplets | None, width: int, height: int) -> FrameRelations:
        kept = _kept(collect([]) if triplets is None else triplets, self.settings.threshold)
        if self.settings.format == "npy":
            return graph_without_boxes(kept, width=width, height=height)
        return build_graph(kept, merge_iou=self.settings.merge_iou, width=width, height=height)

    def _npy_video(self, path: Path) -> Mapping[int, Triplets]:
        return dict(enumerate(parse_npy_video(path), start=self.settings.first_frame))


def graph_without_boxes(triplets: Triplets, *, width: int, height: int) -> FrameRelations:
    """A graph whose objects are told apart by class alone, each with the whole frame as its box.

    The first object of a class is shared by all triplets; the object of a triplet whose subject has the same class is
    the second one. Relations that say the same are one, with the higher score.
    """
    nodes: dict[tuple[int, int], int] = {}
    scores: list[float] = []
    edges: dict[tuple[int, int, int], float] = {}

    def node(label: int, copy: int, score: float) -> int:
        index = nodes.setdefault((label, copy), len(nodes))
        if index == len(scores):
            scores.append(score)
        scores[index] = max(scores[index], score)
        return index

    columns = (
        triplets.subject_class, triplets.predicate, triplets.object_class, triplets.subject_score,
        triplets.object_score, triplets.score,
    )  # fmt: skip
    for s, p, o, s_score, o_score, score in zip(*(column.tolist() for column in columns), strict=True):
        edge = (node(s, 0, s_score), p, node(o, int(s == o), o_score))
        edges[edge] = max(edges.get(edge, 0.0), score)
    return _arrange(nodes, scores, edges, width=width, height=height)


def _arrange(
    nodes: Mapping[tuple[int, int], int],
    scores: Sequence[float],
    edges: Mapping[tuple[int, int, int], float],
    *,
    width: int,
    height: int,
) -> FrameRelations:
    """Objects and relations by falling score, ties by class."""
    keys = list(nodes)
    order = sorted(range(len(keys)), key=lambda i: (-scores[i], *keys[i]))
    place = {old: new for new, old in enumerate(order)}
    ranked = sorted(
        ((place[s], p, place[o], score) for (s, p, o), score in edges.items()), key=lambda e: (-e[3], *e[:3])
    )
    triples = np.array([edge[:3] for edge in ranked], np.int32).reshape(-1, 3)
    return FrameRelations(
        object_class=np.array([keys[i][0] for i in order], np.int32),
        object_score=np.array([scores[i] for i in order], np.float32),
        object_box=np.tile(np.array([0, 0, width, height], np.float32), (len(keys), 1)),
        subject=triples[:, 0],
        predicate=triples[:, 1],
        object=triples[:, 2],
        score=np.array([edge[3] for edge in ranked], np.float32),
    )


def _kept(triplets: Triplets, threshold: float) -> Triplets:
    kept = triplets.score >= threshold
    return Triplets(**{name: getattr(triplets, name)[kept] for name in Triplets.__dataclass_fields__})
