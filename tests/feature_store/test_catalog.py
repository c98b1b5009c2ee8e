from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from feature_store import FeatureStore, StoreError, VideoUnknownError
from feature_store.catalog import parse_compacted
from feature_store.layout import CATALOG


def ids(store: FeatureStore) -> list[tuple[str, str, int, str]]:
    return [(r.video_id, r.family, r.attempt, r.status) for r in store.records()]


def test_catalog_is_a_cache(filled: FeatureStore, make: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = filled.records()
    filled.compact()
    again = FeatureStore.open(filled.url)
    assert again.records() == expected
    read: list[str] = []
    original = type(filled.storage).read_many
    monkeypatch.setattr(
        type(filled.storage), "read_many", lambda self, paths: read.extend(paths) or original(self, paths)
    )
    make.fill(filled, make.source("third"), 5, families=("pose",))
    FeatureStore.open(filled.url)
    assert [path.split(".")[0] for path in read] == ["commits/third"], "only what the catalog lacks is read"


@pytest.mark.parametrize("damage", ["missing", "empty", "text", "truncated", "flipped", "foreign"])
def test_damaged_catalogs_are_rebuilt(filled: FeatureStore, damage: str) -> None:
    filled.compact()
    path = Path(filled.url) / CATALOG
    data = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "foreign":
        pd.DataFrame({"a": [1]}).to_parquet(path)
    elif damage == "flipped":
        place = data.index(b"\x28\xb5\x2f\xfd") + 12  # inside the first zstd frame
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
    else:
        path.write_bytes({"empty": b"", "text": b"name,video\n", "truncated": data[:-30]}[damage])
    store = FeatureStore.open(filled.url)
    assert store.records() == filled.records()
    assert [problem.kind for problem in store.verify()] == ([] if damage == "missing" else ["catalog"])
    store.repair()
    assert store.verify() == []
    if damage != "missing":
        assert len(parse_compacted(path.read_bytes())) == len(store.records())


def test_stale_catalog_rows_are_dropped(filled: FeatureStore) -> None:
    filled.compact()
    record = filled.records()[0]
    (Path(filled.url) / record.name.path).unlink()
    assert record not in FeatureStore.open(filled.url).records()


def test_catalog_is_an_ordinary_table(filled: FeatureStore) -> None:
    filled.compact()
    frame = pd.read_parquet(Path(filled.url) / CATALOG)
    assert set(frame["status"]) == {"done"}
    assert frame["n_frames"].sum() == 3 * (40 + 1100)


def test_other_processes_are_seen_after_refresh(filled: FeatureStore, make: SimpleNamespace) -> None:
    other = FeatureStore.open(filled.url)
    make.fill(other, make.source("third"), 5)
    assert "third" not in filled.videos()
    filled.refresh()
    assert filled.videos() == ["long", "short", "third"]
    assert filled.n_frames("third") == 5


def test_highest_attempt_wins(store: FeatureStore, make: SimpleNamespace) -> None:
    source, fingerprint = make.source(), make.prints()["pose"]
    store.record_failure(source, fingerprint, "no such codec")
    assert store.find(source.sha256, "pose", fingerprint.digest) is None
    with pytest.raises(VideoUnknownError, match="has no pose features"):
        store.n_frames("clip", families=("pose",))
    make.fill(store, source, 10, families=("pose",))
    assert store.find(source.sha256, "pose", fingerprint.digest) is not None
    for number in range(2, 12):
        store.record_failure(source, fingerprint, f"failure {number}")
    assert FeatureStore.open(store.url).find("clip", "pose", fingerprint.digest) is None, "attempt 12 comes after 9"
    assert ids(store) == [("clip", "pose", 12, "failed")]


def test_failures_name_their_reason(store: FeatureStore, make: SimpleNamespace) -> None:
    prints = make.prints()
    make.fill(store, make.source("good"), 10)
    for fingerprint in prints.values():
        store.record_failure(make.source("bad"), fingerprint, "bad.mp4: no video stream")
    assert store.videos() == ["bad", "good"]
    assert store.videos(families=("pose", "relations", "vision")) == ["good"]
    with pytest.raises(VideoUnknownError, match=r"bad has no pose .*: bad.mp4: no video stream"):
        store.window("bad", 0, 1)


def test_new_content_supersedes_all_families(store: FeatureStore, make: SimpleNamespace) -> None:
    old, new = make.source(), make.source(content="new")
    make.fill(store, old, 10)
    assert store.assign_id(new.path, new.sha256) == "clip"
    make.fill(store, new, 12, families=("pose",))
    assert store.n_frames("clip", families=("pose",)) == 12
    with pytest.raises(VideoUnknownError, match="has no relations"):
        store.n_frames("clip", families=("pose", "relations"))
    assert store.source("clip").sha256 == new.sha256
    for digest in (item.digest for item in make.prints().values()):
        assert store.find(old.sha256, "pose", digest) is None


def test_find_wants_the_shard_to_be_there(filled: FeatureStore, make: SimpleNamespace) -> None:
    source, digest = make.source("short"), make.prints()["pose"].digest
    record = filled.find(source.sha256, "pose", digest)
    assert record is not None
    assert filled.find("short", "pose", digest) == record
    assert filled.find("short", "pose", make.prints("2")["pose"].digest) is None
    path = Path(filled.url) / str(record.shard)
    path.write_bytes(path.read_bytes() + b"x")
    assert filled.find(source.sha256, "pose", digest) is None
    path.unlink()
    assert filled.find(source.sha256, "pose", digest) is None


def test_ids_are_stable_and_reserved(store: FeatureStore, make: SimpleNamespace) -> None:
    a, b = make.source(content="a").sha256, make.source(content="b").sha256
    assert store.assign_id("/one/cam.mp4", a) == "cam"
    assert store.assign_id("/two/cam.mp4", b) == f"cam-{b[:8]}", "before anything is committed"
    assert store.assign_id("/two/cam.mp4", b) == f"cam-{b[:8]}"
    assert store.assign_id("/three/copy.mp4", a) == "cam"
    make.fill(store, make.source("cam", content="a", path="/one/cam.mp4"), 5)
    assert FeatureStore.open(store.url).assign_id("/two/cam.mp4", b) == f"cam-{b[:8]}"
    assert FeatureStore.open(store.url).assign_id("/moved/else.mp4", a) == "cam"


def test_two_writers_of_one_video_both_end_well(store: FeatureStore, make: SimpleNamespace) -> None:
    other = FeatureStore.open(store.url)
    make.fill(store, make.source(), 10)
    make.fill(other, make.source(), 10)
    store.refresh()
    assert {record.attempt for record in store.records()} == {2}
    assert store.verify() == []


class TestChoice:
    def test_the_only_one(self, filled: FeatureStore, make: SimpleNamespace) -> None:
        assert filled.choose() == {family: item.digest for family, item in make.prints().items()}

    def test_the_latest_complete_one(self, filled: FeatureStore, make: SimpleNamespace) -> None:
        new = make.prints("2")
        make.fill(filled, make.source("short"), 40, prints=new)
        assert filled.choose() == {family: item.digest for family, item in make.prints().items()}, "not complete yet"
        make.fill(filled, make.source("long"), 1100, prints=new)
        assert filled.choose() == {family: item.digest for family, item in new.items()}

    def test_given_ones_win_and_folders_never_mix(self, filled: FeatureStore, make: SimpleNamespace) -> None:
        make.fill(filled, make.source("short"), 40, seed=9, prints=make.prints("2"))
        for version, seed in (("1", 1), ("2", 9)):
            digest = make.prints(version)["pose"].digest
            window = filled.window_numpy("short", 0, 40, families=("pose",), fingerprints={"pose": digest})
            make.same(window.pose, make.pose(40, seed))

    def test_ambiguity_lists_what_there_is(self, store: FeatureStore, make: SimpleNamespace) -> None:
        make.fill(store, make.source("a"), 5, families=("pose",))
        make.fill(store, make.source("b"), 5, families=("pose",), prints=make.prints("2"))
        with pytest.raises(StoreError, match=r"2 fingerprints(.|\n)*1 of 2 videos(.|\n)*fingerprints=") as caught:
            store.window("a", 0, 1, families=("pose",))
        for version in "12":
            assert make.prints(version)["pose"].digest in str(caught.value)

    def test_vision_brings_its_relations(self, filled: FeatureStore, make: SimpleNamespace) -> None:
        newer = make.prints("2")
        for name, n in (("short", 40), ("long", 1100)):
            make.fill(filled, make.source(name), n, families=("relations",), prints=newer)
        assert filled.choose(("relations",)) == {"relations": newer["relations"].digest}
        assert filled.choose(("relations", "vision"))["relations"] == make.prints()["relations"].digest

    def test_families_of_unequal_length(self, store: FeatureStore, make: SimpleNamespace) -> None:
        make.fill(store, make.source(), 5, families=("pose",))
        make.fill(store, make.source(), 6, families=("relations",))
        with pytest.raises(StoreError, match=r"differ in their frames: pose 5 at 8 fps, relations 6 at 8 fps"):
            store.n_frames("clip", families=("pose", "relations"))

    def test_nonsense(self, filled: FeatureStore) -> None:
        with pytest.raises(StoreError, match="not a fingerprint digest"):
            filled.window("short", 0, 1, fingerprints={"pose": "../.."})
        with pytest.raises(VideoUnknownError, match="no pose of fingerprint 0000000000000000"):
            filled.window("short", 0, 1, fingerprints={"pose": "0" * 16})


def test_stats(filled: FeatureStore, make: SimpleNamespace) -> None:
    filled.record_failure(make.source("bad"), make.prints()["pose"], "broken")
    make.fill(filled, make.source("cut"), 20, status="partial")
    stats = filled.stats()
    assert (stats.videos, stats.frames) == (4, 1160)
    assert stats.statuses == {"done": 2, "partial": 1, "failed": 1}
    assert stats.hours == pytest.approx(1160 / 8 / 3600)
    assert not stats.trained
    assert {item.family: item.trained for item in stats.fingerprints} == {
        "pose": True, "relations": False, "vision": False
    }  # fmt: skip
    shards = [path for path in Path(filled.url).rglob("*.parquet") if path.parent.name.startswith("fingerprint=")]
    assert sum(stats.bytes.values()) == sum(path.stat().st_size for path in shards)
    assert stats.to_dict()["fingerprints"][0]["videos"] == 3
