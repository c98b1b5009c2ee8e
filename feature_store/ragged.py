"""Checking, cutting and joining columns whose rows belong to frames by count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feature_store.columns import FrameColumns
from feature_store.errors import StoreError
from feature_store.fingerprint import Family
from feature_store.schema import COLUMNS_TYPE, Columns, Leaf, leaves_of

Arrays = dict[str, NDArray[Any]]


def to_arrays(family: Family, frames: FrameColumns, columns: Columns) -> Arrays:
    """All columns by leaf name, checked: types, shapes, counts, indices. Raises :class:`StoreError`."""
    expected = COLUMNS_TYPE[family]
    if not isinstance(frames, FrameColumns) or not isinstance(columns, expected):
        raise StoreError(
            f"the family {family} is written as FrameColumns and {expected.__name__}, "
            f"not {type(frames).__name__} and {type(columns).__name__}"
        )
    arrays: Arrays = {}
    for leaf in leaves_of(family):
        source = frames if hasattr(frames, leaf.field) and not hasattr(columns, leaf.field) else columns
        arrays[leaf.field] = np.ascontiguousarray(getattr(source, leaf.field))
    _check_shapes(family, arrays)
    _check_indices(family, arrays)
    return arrays


def from_arrays(family: Family, arrays: Mapping[str, NDArray[Any]]) -> tuple[FrameColumns, Columns]:
    """Inverse of :func:`to_arrays`, without checks."""
    frames = FrameColumns(**{name: arrays[name] for name in FrameColumns.__dataclass_fields__})
    kind = COLUMNS_TYPE[family]
    return frames, kind(**{name: arrays[name] for name in kind.__dataclass_fields__})


def _rows(leaf: Leaf, arrays: Mapping[str, NDArray[Any]]) -> int:
    return int(arrays[leaf.count].sum()) if leaf.count else len(arrays["frame"])


def _check_shapes(family: Family, arrays: Mapping[str, NDArray[Any]]) -> None:
    for leaf in leaves_of(family):
        array = arrays[leaf.field]
        if array.dtype != leaf.dtype:
            raise StoreError(f"{family}.{leaf.field} is {array.dtype}; it must be {leaf.dtype}")
        if leaf.field.startswith("n_") and array.ndim == 1 and (array < 0).any():
            raise StoreError(f"{family}.{leaf.field} holds a negative count")
    for leaf in leaves_of(family):
        array = arrays[leaf.field]
        item = _vision_item(leaf, arrays) if leaf.item is None else leaf.item
        if array.shape != (_rows(leaf, arrays), *item) or 0 in item:
            raise StoreError(f"{family}.{leaf.field} has shape {array.shape}; expected {(_rows(leaf, arrays), *item)}")


def _vision_item(leaf: Leaf, arrays: Mapping[str, NDArray[Any]]) -> tuple[int, ...]:
    """(G, D) for the frame tokens, (D,) for the others; the masked token says D."""
    width = arrays["masked_token"].shape[-1] if arrays["masked_token"].ndim == 2 else 0
    tokens = arrays["frame_tokens"].shape[1] if arrays["frame_tokens"].ndim == 3 else 0
    return (tokens, width) if leaf.field == "frame_tokens" else (width,)


def _check_indices(family: Family, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Indices that point outside their frame would surface much later, as a wrong graph."""
    if family == "pose" and (arrays["previous"] < -1).any():
        raise StoreError("pose.previous holds an index below -1")
    if family != "relations":
        return
    objects = np.repeat(arrays["n_objects"], arrays["n_relations"])
    for name in ("subject", "object"):
        if ((arrays[name] < 0) | (arrays[name] >= objects)).any():
            raise StoreError(f"relations.{name} points at an object that its frame does not have")


def cut(family: Family, arrays: Arrays, start: int, stop: int) -> Arrays:
    """Rows of frames ``start`` to ``stop`` (views)."""
    bounds = {
        leaf.field: (int(arrays[leaf.field][:start].sum()), int(arrays[leaf.field][:stop].sum()))
        for leaf in leaves_of(family)
        if leaf.field.startswith("n_")
    }
    return {
        leaf.field: arrays[leaf.field][slice(*(bounds[leaf.count] if leaf.count else (start, stop)))]
        for leaf in leaves_of(family)
    }


def join(parts: Sequence[Mapping[str, NDArray[Any]]]) -> Arrays:
    """Frames of several parts, one after another."""
    if len(parts) == 1:
        return dict(parts[0])
    return {field: np.concatenate([part[field] for part in parts]) for field in parts[0]}
