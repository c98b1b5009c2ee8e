"""How the columns of :mod:`feature_store.columns` lie in Parquet: leaves, and the Arrow schema above them.

Every field is required (``nullable=False``), so that the values of a leaf stand in the file without gaps and can be
read by memory map. One row is one frame. Ragged parts are ordinary lists of structs, with a count column beside each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from feature_store.columns import PoseColumns, RelationColumns, VisionColumns
from feature_store.fingerprint import Family

Columns = PoseColumns | RelationColumns | VisionColumns

I4 = np.dtype("<i4")
F2 = np.dtype("<f2")
F4 = np.dtype("<f4")
F8 = np.dtype("<f8")

ROWS_PER_GROUP = 512
"""Frames of a row group: hours of video are written and read in bounded memory."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One field of a columns class and its place in the file.

    Args:
        field: Name in the columns dataclass.
        path: Path of the leaf below the top-level column; "" if the column is the leaf.
        column: Top-level Parquet column.
        dtype: Little-endian numpy type.
        item: Shape of one item; ``None`` if the shard decides (vision: tokens and width), then stored as
            fixed-size binary.
        count: Column that says how many items each frame has; ``None`` for one a frame.
        note: What it is, for the field's metadata.
    """

    field: str
    column: str
    path: str
    dtype: np.dtype[Any]
    item: tuple[int, ...] | None
    count: str | None
    note: str

    @property
    def parquet_path(self) -> str:
        """Path of the leaf as the footer names it."""
        lists = ".list.element" * len(self.item or ())
        return f"{self.column}.list.element.{self.path}{lists}" if self.path else self.column


def _row(field: str, dtype: np.dtype[Any], note: str) -> Leaf:
    return Leaf(field, field, "", dtype, (), None, note)


FRAME_LEAVES: tuple[Leaf, ...] = (
    _row("frame", I4, "number k of the sampled frame: 0, 1, 2 ... without gaps"),
    _row("time", F8, "seconds: k / fps"),
    _row("pts", F8, "seconds: presentation time of the source frame that was used"),
    _row("width", I4, "pixels, after rotation"),
    _row("height", I4, "pixels, after rotation"),
)

FRAME_FIELDS = frozenset(leaf.field for leaf in FRAME_LEAVES)

FAMILY_LEAVES: Mapping[Family, tuple[Leaf, ...]] = {
    "pose": (
        _row("n_people", I4, "people in this frame"),
        Leaf("keypoints", "people", "keypoints", F4, (17, 3), "n_people", "17 COCO joints: x px, y px, score 0..1"),
        Leaf("score", "people", "score", F4, (), "n_people", "person score"),
        Leaf("box", "people", "box", F4, (4,), "n_people", "x1, y1, x2, y2 px"),
        Leaf("previous", "people", "previous", I4, (), "n_people", "index of this person in the previous frame, or -1"),
    ),
    "relations": (
        _row("n_objects", I4, "objects in this frame"),
        Leaf("object_class", "objects", "class_id", I4, (), "n_objects", "index into the object vocabulary"),
        Leaf("object_score", "objects", "score", F4, (), "n_objects", "object score"),
        Leaf("object_box", "objects", "box", F4, (4,), "n_objects", "x1, y1, x2, y2 px"),
        _row("n_relations", I4, "relations in this frame"),
        Leaf("subject", "relations", "subject", I4, (), "n_relations", "index among this frame's objects"),
        Leaf("predicate", "relations", "predicate", I4, (), "n_relations", "index into the predicate vocabulary"),
        Leaf("object", "relations", "object", I4, (), "n_relations", "index among this frame's objects"),
        Leaf("relation_score", "relations", "score", F4, (), "n_relations", "relation score"),
    ),
    "vision": (
        Leaf("frame_tokens", "frame_tokens", "", F2, None, None, "little-endian float16, tokens x width"),
        Leaf("masked_token", "masked_token", "", F2, None, None, "little-endian float16, width; zeros without objects"),
        _row("n_objects", I4, "objects in this frame, as in the relations"),
        Leaf("object_tokens", "objects", "token", F2, None, "n_objects", "little-endian float16, width"),
    ),
}

COLUMNS_TYPE: Mapping[Family, type[PoseColumns] | type[RelationColumns] | type[VisionColumns]] = {
    "pose": PoseColumns,
    "relations": RelationColumns,
    "vision": VisionColumns,
}


def leaves_of(family: Family) -> tuple[Leaf, ...]:
    """All leaves of a shard, in file order: the frame's own, then the family's."""
    return FRAME_LEAVES + FAMILY_LEAVES[family]


def item_shapes(family: Family, arrays: Mapping[str, np.ndarray]) -> dict[str, tuple[int, ...]]:
    """Shape of one item of every leaf, given arrays of the columns."""
    return {leaf.field: arrays[leaf.field].shape[1:] if leaf.item is None else leaf.item for leaf in leaves_of(family)}


def _note(text: str) -> dict[str, str]:
    return {"description": text}


def _required(name: str, kind: pa.DataType, metadata: Mapping[str, str] | None = None) -> pa.Field:
    return pa.field(name, kind, nullable=False, metadata=dict(metadata) if metadata else None)


def _leaf_type(leaf: Leaf, shape: tuple[int, ...]) -> pa.DataType:
    """Scalars, fixed-size lists of them, or opaque cells for vision tokens."""
    if leaf.item is None:
        return pa.binary(int(np.prod(shape)) * leaf.dtype.itemsize)
    kind = pa.from_numpy_dtype(leaf.dtype)
    for size in reversed(shape):
        kind = pa.list_(_required("element", kind), size)
    return kind


def _leaf_field(leaf: Leaf, shape: tuple[int, ...]) -> pa.Field:
    metadata = _note(leaf.note)
    if leaf.item is None:
        metadata |= {"dtype": "float16", "shape": ",".join(map(str, shape))}
    return _required(leaf.path or leaf.column, _leaf_type(leaf, shape), metadata)


def arrow_schema(
    family: Family, shapes: Mapping[str, tuple[int, ...]], *, meta: Mapping[str, str] | None = None
) -> pa.Schema:
    """The schema of a shard.

    Args:
        family: Which family.
        shapes: From :func:`item_shapes`.
        meta: Key-value metadata of the file.
    """
    columns: dict[str, list[pa.Field]] = {}
    for leaf in leaves_of(family):
        columns.setdefault(leaf.column, []).append(_leaf_field(leaf, shapes[leaf.field]))
    fields = [_required("video", pa.string(), _note("id of the video in the store"))]
    for name, parts in columns.items():
        ragged = parts[0].name != name  # a column that is no leaf is a list of structs of leaves
        fields.append(_required(name, pa.list_(_required("element", pa.struct(parts)))) if ragged else parts[0])
    return pa.schema(fields, metadata=dict(meta or {}))
