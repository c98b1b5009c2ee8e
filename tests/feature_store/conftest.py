"""Random but repeatable features, and a small store of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from feature_store import (
    FeatureStore,
    Fingerprint,
    FrameColumns,
    PoseColumns,
    RelationColumns,
    VideoSource,
    VisionColumns,
)

WIDTH = 16
TOKENS = 4


def make_frames(n: int, first: int = 0) -> FrameColumns:
    number = np.arange(first, first + n, dtype=np.int32)
    return FrameColumns(
        frame=number,
        time=number / 8.0,
        pts=number / 8.0 - 0.01,
        width=np.full(n, 320, np.int32),
        height=np.full(n, 240, np.int32),
    )


def make_pose(n: int, seed: int = 0) -> PoseColumns:
    rng = np.random.default_rng([1, seed])
    counts = rng.integers(0, 4, n).astype(np.int32)
    people = int(counts.sum())
    return PoseColumns(
        n_people=counts,
        keypoints=rng.random((people, 17, 3), dtype=np.float32),
        score=rng.random(people, dtype=np.float32),
        box=rng.random((people, 4), dtype=np.float32),
        previous=rng.integers(-1, 3, people).astype(np.int32),
    )


def make_relations(n: int, seed: int = 0) -> RelationColumns:
    rng = np.random.default_rng([2, seed])
    objects = rng.integers(0, 6, n).astype(np.int32)
    relations = np.where(objects > 0, rng.integers(0, 5, n), 0).astype(np.int32)
    total, count = int(objects.sum()), int(relations.sum())
    limit = np.repeat(objects, relations)
    return RelationColumns(
        n_objects=objects,
        object_class=rng.integers(1, 151, total).astype(np.int32),
        object_score=rng.random(total, dtype=np.float32),
        object_box=rng.random((total, 4), dtype=np.float32),
        n_relations=relations,
        subject=(rng.integers(0, 1000, count) % np.maximum(limit, 1)).astype(np.int32),
        predicate=rng.integers(1, 51, count).astype(np.int32),
        object=(rng.integers(0, 1000, count) % np.maximum(limit, 1)).astype(np.int32),
        relation_score=rng.random(count, dtype=np.float32),
    )


def make_vision(n: int, seed: int = 0) -> VisionColumns:
    rng = np.random.default_rng([3, seed])
    counts = make_relations(n, seed).n_objects
    return VisionColumns(
        frame_tokens=rng.standard_normal((n, TOKENS, WIDTH)).astype(np.float16),
        masked_token=rng.standard_normal((n, WIDTH)).astype(np.float16),
        n_objects=counts,
        object_tokens=rng.standard_normal((int(counts.sum()), WIDTH)).astype(np.float16),
    )


MAKERS = {"pose": make_pose, "relations": make_relations, "vision": make_vision}


def make_prints(version: str = "1") -> dict[str, Fingerprint]:
    relations = Fingerprint("relations", "reltr", version, "untrained", {"fps": 8.0})
    return {
        "pose": Fingerprint("pose", "higherhrnet", version, "sha256:" + "a" * 64, {"size": 512, "fps": 8.0}),
        "relations": relations,
        "vision": Fingerprint("vision", "clip", version, "untrained", {"grid": 2, "relations": relations.digest}),
    }


def make_source(name: str = "clip", *, content: str | None = None, path: str | None = None) -> VideoSource:
    return VideoSource(
        video_id=name,
        path=path or f"/videos/{name}.mp4",
        sha256=hashlib.sha256((content or name).encode()).hexdigest(),
        duration_s=12.5,
        width=320,
        height=240,
        source_fps=25.0,
        fps=8.0,
    )


def fill(store: FeatureStore, source: VideoSource, n: int, *, seed: int = 0, **options: Any) -> None:
    """Write the three families of one video, ``step`` frames at a time."""
    step = options.pop("step", n)
    prints = options.pop("prints", None) or make_prints()
    status = options.pop("status", "done")
    for family in options.pop("families", ("pose", "relations", "vision")):
        frames, columns = make_frames(n), MAKERS[family](n, seed)
        with store.writer(source, prints[family], meta={"note": family}) as writer:
            for start in range(0, n, step):
                writer.append(*part(frames, columns, start, min(start + step, n)))
            writer.commit(status)


def part(frames: FrameColumns, columns: Any, start: int, stop: int) -> tuple[FrameColumns, Any]:
    """The slow, literal way to cut columns."""
    cut = {}
    for field in fields(columns):
        value = getattr(columns, field.name)
        if field.name.startswith("n_") or field.name in ("frame_tokens", "masked_token"):
            cut[field.name] = value[start:stop]
        else:
            counts = columns.n_people if hasattr(columns, "n_people") else columns.n_objects
            if field.name in ("subject", "predicate", "object", "relation_score"):
                counts = columns.n_relations
            cut[field.name] = value[int(sum(counts[:start])) : int(sum(counts[:stop]))]
    taken = FrameColumns(**{field.name: getattr(frames, field.name)[start:stop] for field in fields(frames)})
    return taken, type(columns)(**cut)


def assert_same(found: Any, expected: Any) -> None:
    """Equal values, types and shapes in every field; tensors or arrays."""
    for field in fields(expected):
        left, right = np.asarray(getattr(found, field.name)), np.asarray(getattr(expected, field.name))
        assert left.dtype == right.dtype, field.name
        np.testing.assert_array_equal(left, right, err_msg=field.name)


@pytest.fixture(scope="session")
def make() -> SimpleNamespace:
    """The makers, as one object."""
    return SimpleNamespace(
        frames=make_frames, pose=make_pose, relations=make_relations, vision=make_vision, prints=make_prints,
        source=make_source, fill=fill, part=part, same=assert_same, makers=MAKERS, tokens=TOKENS, width=WIDTH,
    )  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    """An empty store on disk."""
    return FeatureStore.open(tmp_path / "store", create=True)


@pytest.fixture
def filled(store: FeatureStore, make: SimpleNamespace) -> FeatureStore:
    """Two videos: ``short`` of 40 frames, ``long`` of 1,100, which are three row groups."""
    make.fill(store, make.source("short"), 40, seed=1)
    make.fill(store, make.source("long"), 1100, seed=2, step=97)
    return store


Maker = Callable[..., Any]
