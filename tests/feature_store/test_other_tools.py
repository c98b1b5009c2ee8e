"""Shards are ordinary Parquet: other tools read them as they are, and what they write is read here."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.parquet as pq
import pytest

from feature_store import FAMILIES, FeatureStore
from feature_store.arrow_shard import ArrowShard
from feature_store.mapped_shard import open_mapped
from feature_store.ragged import from_arrays


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory, make: SimpleNamespace) -> dict[str, Path]:
    store = FeatureStore.open(tmp_path_factory.mktemp("tools") / "store", create=True)
    make.fill(store, make.source("a"), 600, seed=5)
    make.fill(store, make.source("b"), 10, seed=6)
    return {r.family: Path(store.url) / str(r.shard) for r in store.records() if r.video_id == "a"}


def first_with(counts: np.ndarray, at_least: int) -> tuple[int, int]:
    """A frame with so many items, and the number of its first."""
    frame = int(np.flatnonzero(counts >= at_least)[0])
    return frame, int(counts[:frame].sum())


def check(make: SimpleNamespace, family: str, row: Any) -> None:
    """``row(k)`` is frame k as nested dicts and sequences."""
    if family == "pose":
        pose = make.pose(600, 5)
        frame, item = first_with(pose.n_people, 2)
        found = row(frame)
        assert found["n_people"] == pose.n_people[frame] == len(found["people"])
        np.testing.assert_array_equal(
            np.stack([*map(np.asarray, found["people"][1]["keypoints"])]), pose.keypoints[item + 1]
        )
        np.testing.assert_array_equal(np.asarray(found["people"][1]["box"]), pose.box[item + 1])
        assert found["people"][0]["previous"] == pose.previous[item]
    elif family == "relations":
        relations = make.relations(600, 5)
        frame, item = first_with(relations.n_relations, 2)
        found = row(frame)
        assert found["relations"][1]["predicate"] == relations.predicate[item + 1]
        first = int(relations.n_objects[:frame].sum())
        assert [thing["class_id"] for thing in found["objects"]] == [
            *relations.object_class[first : first + relations.n_objects[frame]]
        ]
    else:
        vision = make.vision(600, 5)
        frame, item = first_with(vision.n_objects, 2)
        found = row(frame)
        tokens = np.frombuffer(found["frame_tokens"], "<f2").reshape(make.tokens, make.width)
        np.testing.assert_array_equal(tokens, vision.frame_tokens[frame])
        np.testing.assert_array_equal(
            np.frombuffer(found["objects"][1]["token"], "<f2"), vision.object_tokens[item + 1]
        )
    assert found["video"] == "a"
    assert found["time"] == frame / 8


@pytest.mark.parametrize("family", FAMILIES)
def test_pandas(shards: dict[str, Path], make: SimpleNamespace, family: str) -> None:
    import pandas as pd

    frame = pd.read_parquet(shards[family])
    assert len(frame) == 600
    check(make, family, lambda k: frame.iloc[k].to_dict())


@pytest.mark.parametrize("family", FAMILIES)
def test_polars(shards: dict[str, Path], make: SimpleNamespace, family: str) -> None:
    import polars as pl

    frame = pl.read_parquet(shards[family])
    check(make, family, lambda k: frame.row(k, named=True))
    everything = pl.scan_parquet(str(shards[family].parents[1] / "**/*.parquet")).select(pl.len()).collect()
    assert everything.item() == 610


@pytest.mark.parametrize("family", FAMILIES)
def test_duckdb(shards: dict[str, Path], make: SimpleNamespace, family: str) -> None:
    import duckdb

    def row(k: int) -> dict[str, Any]:
        result = duckdb.sql(f"select * from '{shards[family]}' where frame = {k}")
        return dict(zip(result.columns, result.fetchall()[0], strict=True))

    check(make, family, row)
    glob = shards[family].parents[1] / "*/*.parquet"
    counts = duckdb.sql(f"select video, count(*) from '{glob}' group by video order by video").fetchall()
    assert counts == [("a", 600), ("b", 10)]


@pytest.mark.parametrize("family", FAMILIES)
def test_datasets(
    shards: dict[str, Path], make: SimpleNamespace, family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import datasets

    found = datasets.load_dataset("parquet", data_files=str(shards[family]), split="train", cache_dir=str(tmp_path))
    assert len(found) == 600
    check(make, family, lambda k: found[k])


@pytest.mark.parametrize("family", FAMILIES)
def test_arrow_data_set_of_the_whole_family(shards: dict[str, Path], family: str) -> None:
    """Fingerprint files and half-written ones are hidden from it; the fingerprint is a partition column."""
    folder = shards[family].parents[1]
    (shards[family].parent / ".c.parquet.1-0.tmp").write_bytes(b"half")
    found = pads.dataset(folder, format="parquet", partitioning="hive")
    assert found.count_rows() == 610
    assert "fingerprint" in found.schema.names
    (shards[family].parent / ".c.parquet.1-0.tmp").unlink()


TOOLS = ["zstd", "dictionary", "small pages", "page v2", "split bytes", "groups of 100", "polars", "pandas", "duckdb"]


def rewrite(path: Path, target: Path, tool: str) -> None:
    table = pq.read_table(path)
    if tool == "zstd":
        pq.write_table(table, target, compression="zstd", use_dictionary=False)
    elif tool == "dictionary":
        pq.write_table(table, target, compression="none", use_dictionary=True)
    elif tool == "small pages":
        pq.write_table(table, target, compression="none", use_dictionary=False, data_page_size=512, write_batch_size=8)
    elif tool == "page v2":
        pq.write_table(table, target, compression="none", use_dictionary=False, data_page_version="2.0")
    elif tool == "split bytes":
        pq.write_table(table, target, compression="none", use_dictionary=False, use_byte_stream_split=["time", "width"])
    elif tool == "groups of 100":
        pq.write_table(table, target, compression="none", use_dictionary=False, row_group_size=100)
    elif tool == "polars":
        import polars as pl

        pl.read_parquet(path).write_parquet(target)
    elif tool == "pandas":
        import pandas as pd

        pd.read_parquet(path).to_parquet(target)
    else:
        import duckdb

        duckdb.sql(f"copy (select * from '{path}' order by frame) to '{target}' (format parquet)")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("tool", TOOLS)
def test_files_of_other_tools_read_equal(
    shards: dict[str, Path], make: SimpleNamespace, tmp_path: Path, family: str, tool: str
) -> None:
    target = tmp_path / "a.parquet"
    rewrite(shards[family], target, tool)
    mapped = open_mapped(target, family=family)  # type: ignore[arg-type]
    readers = [ArrowShard(target, family=family, where=str(target)), *([mapped] if mapped else [])]  # type: ignore[arg-type]
    assert bool(mapped) == (tool == "groups of 100"), "only that one lies as a memory map needs it"
    for reader in readers:
        for start, stop in ((0, 600), (95, 305), (599, 600)):
            frames, columns = from_arrays(family, reader.read(start, stop))  # type: ignore[arg-type]
            expected = make.part(make.frames(600), make.makers[family](600, 5), start, stop)
            make.same(frames, expected[0])
            make.same(columns, expected[1])


def test_every_cell_equals_pyarrows_own_view(shards: dict[str, Path]) -> None:
    """No common code: pyarrow's Python lists against the mapped leaves."""
    mapped = open_mapped(shards["pose"], family="pose")
    assert mapped is not None
    arrays = mapped.read(0, 600)
    people = pq.read_table(shards["pose"], columns=["people"])["people"].to_pylist()
    flat = [person["keypoints"] for frame in people for person in frame]
    np.testing.assert_array_equal(arrays["keypoints"], np.array(flat, np.float32))
    assert pa.types.is_struct(pq.read_schema(shards["pose"]).field("people").type.value_type)
