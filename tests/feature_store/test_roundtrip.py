"""What is written is read back: by memory map and by pyarrow, within and across row groups, locally and remotely."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from feature_store import FAMILIES, FeatureStore, StoreError, VideoUnknownError
from feature_store.mapped_shard import MappedShard
from feature_store.schema import leaves_of

RANGES = [(0, 1), (0, 1100), (511, 513), (500, 1050), (512, 1024), (1024, 1100), (1099, 1100), (3, 67), (100, 612)]


@pytest.fixture(scope="module")
def long_store(tmp_path_factory: pytest.TempPathFactory, make: SimpleNamespace) -> FeatureStore:
    store = FeatureStore.open(tmp_path_factory.mktemp("long") / "store", create=True)
    make.fill(store, make.source("long"), 1100, seed=2, step=97)
    return store


@pytest.mark.parametrize(("start", "stop"), RANGES)
@pytest.mark.parametrize("memory_map", [True, False])
def test_windows_equal_literal_cuts(
    long_store: FeatureStore, make: SimpleNamespace, start: int, stop: int, memory_map: bool
) -> None:
    store = FeatureStore.open(long_store.url, memory_map=memory_map)
    arrays, tensors = store.window_numpy("long", start, stop), store.window("long", start, stop)
    for family in FAMILIES:
        frames, columns = make.part(make.frames(1100), make.makers[family](1100, 2), start, stop)
        for found in (arrays, tensors):
            make.same(getattr(found, family), columns)
            make.same(found.frames, frames)
    assert (tensors.video, tensors.start, tensors.stop) == ("long", start, stop)


def test_local_shards_are_read_by_map(long_store: FeatureStore) -> None:
    for record in long_store.records():
        shard = MappedShard(Path(long_store.url) / str(record.shard), family=record.family)
        assert shard.n_frames == 1100


def test_row_groups_hold_at_most_512_frames(long_store: FeatureStore) -> None:
    for record in long_store.records():
        metadata = pq.ParquetFile(Path(long_store.url) / str(record.shard)).metadata
        assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [512, 512, 76]


@pytest.mark.parametrize("step", [1, 7, 512, 513, 600])
def test_files_do_not_depend_on_how_frames_were_appended(tmp_path: Path, make: SimpleNamespace, step: int) -> None:
    shards = []
    for name, size in (("one", 600), ("other", step)):
        store = FeatureStore.open(tmp_path / name, create=True)
        make.fill(store, make.source(), 600, step=size, families=("pose",))
        shards.append((tmp_path / name / str(store.records()[0].shard)).read_bytes())
    assert shards[0] == shards[1]


def test_tensors_own_their_memory(long_store: FeatureStore) -> None:
    window = long_store.window("long", 10, 20)
    assert window.vision is not None
    before = window.vision.frame_tokens.clone()
    window.vision.frame_tokens.zero_()
    again = long_store.window("long", 10, 20)
    assert again.vision is not None
    assert torch.equal(again.vision.frame_tokens, before)


def test_only_the_families_asked_for(long_store: FeatureStore) -> None:
    window = long_store.window("long", 0, 5, families=("relations",))
    assert window.pose is None
    assert window.vision is None
    assert window.relations is not None
    assert len(window.frames.time) == 5


def test_videos_with_nobody_and_nothing(store: FeatureStore, make: SimpleNamespace) -> None:
    prints = make.prints()
    empty = {family: make.part(make.frames(8), make.makers[family](8), 0, 0)[1] for family in FAMILIES}
    for family in FAMILIES:
        columns = make.makers[family](1)
        frames = make.frames(3)
        none = {name: np.zeros((0, *getattr(columns, name).shape[1:]), getattr(columns, name).dtype)
                for name in columns.__dataclass_fields__}  # fmt: skip
        for name in none:
            if name.startswith("n_"):
                none[name] = np.zeros(3, np.int32)
            elif name in ("frame_tokens", "masked_token"):
                none[name] = np.zeros((3, *none[name].shape[1:]), np.float16)
        with store.writer(make.source(), prints[family]) as writer:
            writer.append(make.part(frames, columns, 0, 0)[0], empty[family])  # no frames at all: nothing happens
            writer.append(frames, type(columns)(**none))
            writer.commit()
    for memory_map in (True, False):
        window = FeatureStore.open(store.url, memory_map=memory_map).window("clip", 1, 3)
        assert window.pose is not None
        assert window.relations is not None
        assert window.vision is not None
        assert window.pose.keypoints.shape == (0, 17, 3)
        assert window.relations.object_box.shape == (0, 4)
        assert window.vision.object_tokens.shape == (0, make.width)
        assert window.vision.frame_tokens.shape == (2, make.tokens, make.width)


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_urls(tmp_path: Path, make: SimpleNamespace, kind: str) -> None:
    url = f"memory://{uuid4().hex}/store" if kind == "memory" else f"file://{tmp_path}/store"
    store = FeatureStore.open(url, create=True)
    make.fill(store, make.source("long"), 600, seed=4, step=100)
    store.compact()
    again = FeatureStore.open(url)
    assert again.videos() == ["long"]
    window = again.window_numpy("long", 500, 520)
    for family in FAMILIES:
        make.same(getattr(window, family), make.part(make.frames(600), make.makers[family](600, 4), 500, 520)[1])
    assert again.verify() == []
    record = again.find("long", "pose", make.prints()["pose"].digest)
    assert record is not None
    assert again.storage.size(str(record.shard)) == record.shard_bytes


@pytest.mark.parametrize(("start", "stop"), [(-1, 5), (5, 5), (6, 5), (0, 1101), (1100, 1101)])
def test_ranges_outside_the_video_are_errors(long_store: FeatureStore, start: int, stop: int) -> None:
    with pytest.raises(StoreError, match=r"not a range of long, which has 1100 frames"):
        long_store.window("long", start, stop)


def test_unknown_videos_and_families(long_store: FeatureStore) -> None:
    with pytest.raises(VideoUnknownError, match="no video 'nope'"):
        long_store.window("nope", 0, 1)
    with pytest.raises(VideoUnknownError, match="no video"):
        long_store.n_frames("../../etc/passwd")
    with pytest.raises(StoreError, match="unknown feature family 'audio'"):
        long_store.window("long", 0, 1, families=("audio",))  # type: ignore[arg-type]
    with pytest.raises(StoreError, match="no family was asked for"):
        long_store.window("long", 0, 1, families=())


def test_metadata_explains_itself(long_store: FeatureStore, make: SimpleNamespace) -> None:
    for record in long_store.records():
        schema = pq.read_schema(Path(long_store.url) / str(record.shard))
        assert schema.metadata[b"note"] == record.family.encode()
        assert schema.metadata[b"fingerprint"].decode() == make.prints()[record.family].to_json()
        columns = {leaf.column for leaf in leaves_of(record.family)}
        assert columns < set(schema.names)
        assert all(not field.nullable for field in schema)
    tokens = pq.read_schema(Path(long_store.url) / str(long_store.find("long", "vision", record.digest).shard))
    assert tokens.field("frame_tokens").metadata[b"shape"] == f"{make.tokens},{make.width}".encode()
