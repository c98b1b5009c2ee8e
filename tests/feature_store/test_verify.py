from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest

from feature_store import FAMILIES, FeatureStore, leftovers
from feature_store.layout import fingerprint_path, shard_path


def kinds(store: FeatureStore) -> list[tuple[str, str]]:
    return [(problem.kind, problem.path) for problem in store.verify()]


def path_of(store: FeatureStore, make: SimpleNamespace, family: str, video: str = "long") -> str:
    return shard_path(family, make.prints()[family].digest, video)  # type: ignore[arg-type]


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 0x10
    path.write_bytes(data)


def test_a_store_in_order(filled: FeatureStore) -> None:
    filled.compact()
    assert filled.verify() == []
    assert filled.repair() == []
    assert filled.clean() == []


@pytest.mark.parametrize("family", FAMILIES)
def test_a_flipped_byte_is_found_with_its_column(filled: FeatureStore, make: SimpleNamespace, family: str) -> None:
    name = path_of(filled, make, family)
    path = Path(filled.url) / name
    metadata = pq.ParquetFile(path).metadata
    chunk = metadata.row_group(1).column(metadata.num_columns - 1)
    flip(path, chunk.data_page_offset + chunk.total_compressed_size - 3)
    (problem,) = filled.verify()
    assert (problem.kind, problem.path) == ("damaged", name)
    assert f"page of {chunk.path_in_schema}, row group 1" in problem.message
    assert problem.message.count("row group") == 1
    assert problem.record is not None
    assert problem.record.video_id == "long"
    assert filled.verify(deep=False) == []


@pytest.mark.parametrize(
    ("place", "message"), [(0, "bytes between"), (-20, "footer is wrong"), (-2, "footer is wrong")]
)
def test_a_flip_outside_the_pages(filled: FeatureStore, make: SimpleNamespace, place: int, message: str) -> None:
    flip(Path(filled.url) / path_of(filled, make, "pose"), place)
    (problem,) = filled.verify()
    assert problem.kind == "damaged"
    assert message in problem.message


def test_missing_and_truncated_shards(filled: FeatureStore, make: SimpleNamespace) -> None:
    gone, short = path_of(filled, make, "pose"), path_of(filled, make, "vision")
    (Path(filled.url) / gone).unlink()
    os.truncate(Path(filled.url) / short, 100)
    assert kinds(filled) == [("missing", gone), ("damaged", short)]
    assert [problem.kind for problem in filled.verify(deep=False)] == ["missing", "damaged"]


def test_leftovers_of_killed_writers(filled: FeatureStore, make: SimpleNamespace) -> None:
    root = Path(filled.url)
    record = next(r for r in filled.records() if (r.video_id, r.family) == ("short", "pose"))
    (root / record.name.path).unlink()  # as if killed between the rename and the record
    half = f"{path_of(filled, make, 'pose').rsplit('/', 1)[0]}/.x.parquet.99-aa.tmp"
    for name in (half, "commits/.x.json.99-bb.tmp", ".catalog.parquet.99-cc.tmp"):
        (root / name).write_bytes(b"PAR1")
    expected = {
        ("orphan", str(record.shard)), ("temporary", half), ("temporary", "commits/.x.json.99-bb.tmp"),
        ("temporary", ".catalog.parquet.99-cc.tmp"),
    }  # fmt: skip
    assert set(kinds(filled)) == expected
    assert set(filled.clean()) == {path for _, path in expected}
    assert filled.verify() == []
    assert filled.n_frames("long") == 1100


def test_a_living_writer_is_left_alone(filled: FeatureStore, make: SimpleNamespace) -> None:
    other = FeatureStore.open(filled.url)
    with filled.writer(make.source("third"), make.prints()["pose"]) as writer:
        writer.append(make.frames(600), make.pose(600))
        assert other.verify() == []
        assert other.clean() == []
        writer.commit()
        assert other.clean() == []
    assert other.n_frames("third", families=("pose",)) == 600


def test_repair_makes_damage_due_for_extraction(filled: FeatureStore, make: SimpleNamespace) -> None:
    root = Path(filled.url)
    flip(root / path_of(filled, make, "pose"), 5000)
    (root / path_of(filled, make, "relations", "short")).unlink()
    record = filled.find("short", "vision", make.prints()["vision"].digest)
    assert record is not None
    (root / record.name.path).write_bytes(b"{")
    broken = fingerprint_path("pose", make.prints()["pose"].digest)
    (root / broken).write_bytes(b"{}")
    store = FeatureStore.open(root)
    done = {repair.problem.kind: repair.action for repair in store.repair()}
    assert set(done) == {"damaged", "missing", "record", "fingerprint", "orphan"}
    assert store.verify() == []
    for video, n, seed in (("long", 1100, 2), ("short", 40, 1)):
        for family in FAMILIES:
            source, fingerprint = make.source(video), make.prints()[family]
            if store.find(source.sha256, family, fingerprint.digest) is None:
                make.fill(store, source, n, seed=seed, families=(family,))
        make.same(store.window_numpy(video, 0, n).vision, make.vision(n, seed))
    assert store.verify() == []
    assert FeatureStore.open(root).verify() == []


def test_superseded_shards_are_not_problems(filled: FeatureStore, make: SimpleNamespace) -> None:
    make.fill(filled, make.source("short", content="new"), 30, families=("pose",))
    assert filled.verify() == []


def test_remote_leftovers_wait_for_their_record(make: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FeatureStore.open("memory://verify-remote/store", create=True)
    make.fill(store, make.source(), 5)
    record = store.records()[0]
    store.storage.remove(record.name.path)
    assert store.verify() == [], "its writer may be about to write the record"
    monkeypatch.setattr(leftovers, "REMOTE_GRACE_S", 0.0)
    assert kinds(store) == [("orphan", record.shard)]
    assert store.clean() == [record.shard]


def test_remote_damage(make: SimpleNamespace) -> None:
    store = FeatureStore.open("memory://verify-damage/store", create=True)
    make.fill(store, make.source(), 50)
    record = store.records()[0]
    data = bytearray(store.storage.read(str(record.shard)))
    data[len(data) // 2] ^= 1
    store.storage.write(str(record.shard), bytes(data))
    assert kinds(store) == [("damaged", record.shard)]
