"""Bad files: typed errors that name the file, or correct values; never a crash, never another exception."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from feature_store import FAMILIES, FeatureStore, ShardCorruptError, StoreError, StoreMissingError
from feature_store.arrow_shard import ArrowShard
from feature_store.layout import MARKER
from feature_store.mapped_shard import open_mapped
from feature_store.page import PageError, read_page


def shard_of(store: FeatureStore, video: str, family: str) -> Path:
    record = next(r for r in store.records() if (r.video_id, r.family) == (video, family))
    return Path(store.url) / str(record.shard)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("keep", [0, 3, 11, 500, -1, -9])
def test_truncated_shards(filled: FeatureStore, family: str, keep: int) -> None:
    path = shard_of(filled, "short", family)
    path.write_bytes(path.read_bytes()[:keep])
    for memory_map in (True, False):
        store = FeatureStore.open(filled.url, memory_map=memory_map)
        with pytest.raises(ShardCorruptError, match=path.name):
            store.window("short", 0, 5)
    with pytest.raises(ShardCorruptError, match=path.name):
        open_mapped(path, family=family) or ArrowShard(path, family=family, where=str(path))  # type: ignore[arg-type]


@pytest.mark.parametrize("content", [b"frame,time\n0,0.0\n", b"", b"PAR1PAR1", b"PAR1" + b"\xff" * 400 + b"PAR1"])
def test_other_files_as_parquet(filled: FeatureStore, content: bytes) -> None:
    path = shard_of(filled, "short", "pose")
    size = path.stat().st_size
    path.write_bytes(content if content == b"" else content + bytes(max(0, size - len(content) - 4)) + content[-4:])
    with pytest.raises(ShardCorruptError, match=r"short\.parquet"):
        filled.window("short", 0, 5)


def test_a_missing_shard(filled: FeatureStore) -> None:
    shard_of(filled, "short", "vision").unlink()
    with pytest.raises(ShardCorruptError, match=r"short.parquet is missing.*\n.*remedy"):
        filled.window("short", 0, 5)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_shard_of_another_family(filled: FeatureStore, family: str) -> None:
    path = shard_of(filled, "short", family)
    for other in set(FAMILIES) - {family}:
        with pytest.raises(ShardCorruptError, match=r"short\.parquet"):
            open_mapped(path, family=other) or ArrowShard(path, family=other, where=str(path))  # type: ignore[arg-type]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("memory_map", [True, False])
def test_any_flipped_byte_gives_an_error_or_values(filled: FeatureStore, family: str, memory_map: bool) -> None:
    """Footer and page headers get most of the hits; a flip among the values reads as another value."""
    path = shard_of(filled, "short", family)
    good = path.read_bytes()
    footer = len(good) - 8 - int.from_bytes(good[-8:-4], "little")
    rng = np.random.default_rng(0)
    outcomes: dict[str, set[str]] = {"footer": set(), "pages": set()}
    for place in [*rng.integers(footer, len(good), 60), *rng.integers(0, footer, 60), *range(4, 44)]:
        data = bytearray(good)
        data[place] ^= int(rng.integers(1, 256))
        path.write_bytes(data)
        store = FeatureStore.open(filled.url, memory_map=memory_map)
        outcomes["footer" if place >= footer else "pages"].add(read(store, family))
    assert outcomes["footer"] == {"short.parquet"}, "always noticed"
    assert "values" in outcomes["pages"]
    assert outcomes["pages"] <= {"short.parquet", "values"}


def read(store: FeatureStore, family: str) -> str:
    """The name of the file that an error blames, or "values"."""
    try:
        store.window("short", 0, 40, families=(family,))  # type: ignore[arg-type]
    except ShardCorruptError as error:
        return "short.parquet" if "short.parquet" in error.message else "nothing"
    return "values"


def test_counts_that_disagree_with_the_lists(filled: FeatureStore, tmp_path: Path) -> None:
    """Someone edits a count column with another tool: neither reader takes it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path, edited = shard_of(filled, "short", "pose"), tmp_path / "edited.parquet"
    table = pq.read_table(path)
    counts = table["n_people"].to_numpy() + 1
    table = table.set_column(
        table.schema.get_field_index("n_people"), table.schema.field("n_people"), pa.array(counts, pa.int32())
    )
    pq.write_table(table, edited, use_dictionary=False, compression="none", data_page_size=1 << 30)
    assert open_mapped(edited, family="pose") is None
    with pytest.raises(ShardCorruptError, match=r"edited.parquet.*disagrees with the counts"):
        ArrowShard(edited, family="pose", where=str(edited)).read(0, 5)


def test_missing_values(filled: FeatureStore, tmp_path: Path) -> None:
    import pandas as pd

    path, edited = shard_of(filled, "short", "relations"), tmp_path / "edited.parquet"
    frame = pd.read_parquet(path)
    frame["pts"] = frame["pts"].where(frame["frame"] != 3)
    frame.to_parquet(edited)
    shard = ArrowShard(edited, family="relations", where=str(edited))
    with pytest.raises(ShardCorruptError, match=r"edited.parquet.*'pts' has 1 missing"):
        shard.read(0, 5)


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value.update(shard="../../../etc/passwd"),
        lambda value: value.update(n_frames=-1),
        lambda value: value.update(shard_bytes="many"),
        lambda value: value.update(status="fine"),
        lambda value: value.update(more=1),
        lambda value: value.pop("source"),
        lambda value: value["source"].update(video_id="../x"),
        lambda value: value["source"].update(video_id="other"),
        lambda value: value["source"].update(duration_s="long"),
        lambda value: value["fingerprint"].update(version="2"),
        lambda value: value["fingerprint"].update(family="audio"),
        lambda value: value.update(attempt=7),
        lambda value: value.update(created=5),
    ],
)
def test_hostile_records_are_not_followed(
    filled: FeatureStore, make: SimpleNamespace, change: Callable[[dict], object]
) -> None:
    record = filled.find("short", "pose", make.prints()["pose"].digest)
    assert record is not None
    path = Path(filled.url) / record.name.path
    value = json.loads(path.read_bytes())
    change(value)
    path.write_text(json.dumps(value))
    store = FeatureStore.open(filled.url)
    assert store.find("short", "pose", record.digest) is None
    assert store.n_frames("long") == 1100
    assert [(p.kind, p.path) for p in store.verify()] == [("record", record.name.path), ("orphan", record.shard)]


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b"null", b'"text"', b"{}", b'{"source": 3}'])
def test_text_as_record(filled: FeatureStore, make: SimpleNamespace, content: bytes) -> None:
    record = filled.find("short", "pose", make.prints()["pose"].digest)
    assert record is not None
    (Path(filled.url) / record.name.path).write_bytes(content)
    assert FeatureStore.open(filled.url).find("short", "pose", record.digest) is None


def test_a_replaced_shard_of_equal_size_has_other_frames(filled: FeatureStore) -> None:
    path = shard_of(filled, "short", "pose")
    store = FeatureStore.open(filled.url)
    record = next(r for r in store.records() if (r.video_id, r.family) == ("short", "pose"))
    wrong = replace(record, n_frames=41)
    (Path(store.url) / record.name.path).write_bytes(wrong.to_json())
    with pytest.raises(ShardCorruptError, match=rf"{path.name} has 40 frames; 41 were written"):
        FeatureStore.open(filled.url).window("short", 0, 5, families=("pose",))


def test_not_a_store(tmp_path: Path) -> None:
    with pytest.raises(StoreMissingError, match=r"nothing is not a feature store.*\n.*make extract"):
        FeatureStore.open(tmp_path / "nothing")
    with pytest.raises(StoreMissingError, match="not a feature store"):
        FeatureStore.open(tmp_path)
    with pytest.raises(StoreMissingError, match="not a feature store"):
        FeatureStore.open("memory://nobody/there")
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreMissingError, match="is a file"):
        FeatureStore.open(tmp_path / "file", create=True)
    with pytest.raises(StoreError, match=r"holds other things \(file\)"):
        FeatureStore.open(tmp_path, create=True)
    with pytest.raises(StoreMissingError, match="cannot open nosuch://"):
        FeatureStore.open("nosuch://x/y")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is damaged"),
        (b"\xff", "is damaged"),
        (b'{"format": "other", "version": 1}', "is damaged"),
        (b'{"format": "hawkeye-feature-store", "version": 99}', "format version 99"),
    ],
)
def test_damaged_marker(filled: FeatureStore, content: bytes, message: str) -> None:
    (Path(filled.url) / MARKER).write_bytes(content)
    with pytest.raises(StoreError, match=message):
        FeatureStore.open(filled.url)


def test_a_store_can_be_moved(filled: FeatureStore, tmp_path: Path) -> None:
    shutil.move(filled.url, tmp_path / "moved")
    assert FeatureStore.open(tmp_path / "moved").window("long", 0, 5).stop == 5


@pytest.mark.parametrize(
    "data", [b"", b"\x15", b"\xff" * 40, b"\x1c" * 200, b"\x15\x00\x15\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"]
)
def test_page_headers_of_nonsense(data: bytes) -> None:
    with pytest.raises(PageError):
        read_page(memoryview(data), 0)
