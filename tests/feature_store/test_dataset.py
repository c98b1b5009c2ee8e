from __future__ import annotations

import itertools
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from feature_store import FeatureStore, StoreError
from feature_store.dataset import StreamingWindows, WindowDataset, WindowSampler
from feature_store.window import Window
from feature_store.window_plan import WindowSpan, in_order, share, spans_of, this_process


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, make: SimpleNamespace) -> FeatureStore:
    store = FeatureStore.open(tmp_path_factory.mktemp("data") / "store", create=True)
    for number, n in enumerate((40, 7, 100, 33, 64)):
        make.fill(store, make.source(f"v{number}"), n, seed=number, families=("pose",))
    return store


@pytest.fixture
def dataset(store: FeatureStore) -> WindowDataset:
    return WindowDataset(store, length=16, hop=12, families=("pose",))


def names(batch: list[Window]) -> list[tuple[str, int, int]]:
    return [(window.video, window.start, window.stop) for window in batch]


@given(st.integers(0, 3000), st.integers(1, 600), st.data())
def test_windows_cover_every_frame(n_frames: int, length: int, data: st.DataObject) -> None:
    hop = data.draw(st.integers(1, length))
    spans = spans_of("v", n_frames, length=length, hop=hop)
    assert {frame for _, start, stop in spans for frame in range(start, stop)} == set(range(n_frames))
    assert all(stop - start == length for _, start, stop in spans[:-1])
    assert all(later.start - earlier.start == hop for earlier, later in itertools.pairwise(spans))
    assert all(later.stop > earlier.stop for earlier, later in itertools.pairwise(spans)), "none within another"


@pytest.mark.parametrize(("length", "hop"), [(16, 17), (16, 0), (0, 0), (-1, -2)])
def test_windows_that_would_leave_frames_out(length: int, hop: int) -> None:
    with pytest.raises(StoreError, match="hop must be 1 to length"):
        spans_of("v", 100, length=length, hop=hop)


@given(st.integers(0, 200), st.integers(1, 20))
def test_shares_are_all_and_even(n: int, parts: int) -> None:
    shares = [share(range(n), part=part, parts=parts) for part in range(parts)]
    assert [item for part in shares for item in part] == list(range(n))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_order_is_a_function_of_seed_and_epoch() -> None:
    spans = [span for video in "abcdef" for span in spans_of(video, 100, length=16, hop=12)]
    for shuffle in ("windows", "videos"):
        orders = [in_order(spans, shuffle=shuffle, seed=s, epoch=e) for s, e in ((0, 0), (0, 0), (0, 1), (1, 0))]  # type: ignore[arg-type]
        assert orders[0] == orders[1]
        assert len({tuple(order) for order in orders}) == 3
        assert all(sorted(order) == sorted(spans) for order in orders)
    videos = [span.video for span in orders[2]]
    assert len(list(itertools.groupby(videos))) == 6, "windows of a video stay together"
    assert in_order(spans, shuffle="off", seed=3, epoch=4) == spans
    with pytest.raises(StoreError, match="'windows', 'videos' or 'off'"):
        in_order(spans, shuffle="yes", seed=0, epoch=0)  # type: ignore[arg-type]


def test_items_are_windows(dataset: WindowDataset, make: SimpleNamespace) -> None:
    assert len(dataset) == len(dataset.spans) == 3 + 1 + 8 + 3 + 5
    for index in (0, 3, len(dataset) - 1):
        window, span = dataset[index], dataset.spans[index]
        assert names([window]) == [span]
        number = int(span.video[1:])
        n = dataset.store.n_frames(span.video, families=("pose",))
        make.same(window.pose, make.part(make.frames(n), make.pose(n, number), span.start, span.stop)[1])
    with pytest.raises(IndexError):
        dataset[len(dataset)]


def test_defaults_are_the_designs(store: FeatureStore) -> None:
    assert WindowDataset(store, families=("pose",)).spans == [
        WindowSpan(f"v{number}", 0, n) for number, n in enumerate((40, 7, 100, 33, 64))
    ]
    assert [span[1:] for span in spans_of("v", 1100)] == [(0, 512), (384, 896), (768, 1100)]


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("shuffle", ["videos", "windows", "off"])
def test_streaming_over_ranks_and_workers(dataset: WindowDataset, workers: int, shuffle: str) -> None:
    seen = []
    for rank in range(3):
        stream = StreamingWindows(dataset, shuffle=shuffle, seed=5, rank=rank, world=3)  # type: ignore[arg-type]
        stream.set_epoch(2)
        for batch in DataLoader(stream, batch_size=2, num_workers=workers, collate_fn=list):
            seen += names(batch)
    assert sorted(seen) == sorted(dataset.spans), "all of them, none twice"


@pytest.mark.parametrize("workers", [0, 2])
def test_map_style_over_ranks_and_workers(dataset: WindowDataset, workers: int) -> None:
    seen = []
    for rank in range(3):
        sampler = WindowSampler(dataset, seed=5, epoch=1, rank=rank, world=3)
        mine = []
        for batch in DataLoader(dataset, batch_size=2, sampler=sampler, num_workers=workers, collate_fn=list):
            mine += names(batch)
        assert len(mine) == len(sampler)
        seen += mine
    assert sorted(seen) == sorted(dataset.spans)
    assert seen == in_order(dataset.spans, shuffle="windows", seed=5, epoch=1), "workers do not change the order"


def test_more_consumers_than_windows(dataset: WindowDataset) -> None:
    streams = [StreamingWindows(dataset, rank=rank, world=50) for rank in range(50)]
    seen = [name for stream in streams for name in names(list(stream))]
    assert sorted(seen) == sorted(dataset.spans)


def test_persistent_workers_see_the_next_epoch(dataset: WindowDataset) -> None:
    stream = StreamingWindows(dataset, shuffle="windows", seed=1, rank=0, world=1)
    loader = DataLoader(stream, batch_size=None, num_workers=2, persistent_workers=True)
    orders = []
    for epoch in (0, 1, 0):
        stream.set_epoch(epoch)
        orders.append(names(list(loader)))
    assert orders[0] == orders[2]
    assert orders[0] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1]) == sorted(dataset.spans)


@pytest.mark.slow
def test_spawned_workers(dataset: WindowDataset) -> None:
    loader = DataLoader(dataset, batch_size=4, num_workers=2, collate_fn=list, multiprocessing_context="spawn")
    assert [name for batch in loader for name in names(batch)] == dataset.spans


def test_remote_stores_in_workers(make: SimpleNamespace, tmp_path: Path) -> None:
    """A forked worker opens its own files: the parent's would share their position with it."""
    store = FeatureStore.open(tmp_path / "store", create=True)
    make.fill(store, make.source("v"), 600, seed=3, families=("vision",))
    plain = FeatureStore.open(tmp_path / "store", memory_map=False)
    plain.window("v", 0, 1, families=("vision",))
    dataset = WindowDataset(plain, length=50, hop=50, families=("vision",))
    windows = list(DataLoader(dataset, batch_size=None, num_workers=2))
    tokens = torch.cat([window.vision.frame_tokens for window in windows])
    assert torch.equal(tokens, torch.from_numpy(make.vision(600, 3).frame_tokens))


def test_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    assert this_process(None, None) == (0, 1)
    monkeypatch.setenv("RANK", "2")
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert this_process(None, None) == (2, 4)
    assert this_process(1, 3) == (1, 3)
    for rank, world in ((3, 3), (-1, 2), (0, 0)):
        with pytest.raises(StoreError, match="ranks count from 0"):
            this_process(rank, world)
    with pytest.raises(StoreError, match="both rank and world"):
        this_process(0, None)


def test_rank_from_torch_distributed(tmp_path: Path, dataset: WindowDataset) -> None:
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/group", rank=0, world_size=1)
    try:
        assert this_process(None, None) == (0, 1)
        assert len(list(StreamingWindows(dataset))) == len(dataset)
    finally:
        torch.distributed.destroy_process_group()
