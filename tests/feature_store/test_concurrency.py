from __future__ import annotations

import os
import pickle
import random
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from feature_store import FeatureStore, shard_cache


@pytest.mark.parametrize("memory_map", [True, False])
def test_threads_share_a_store(filled: FeatureStore, make: SimpleNamespace, memory_map: bool) -> None:
    store = FeatureStore.open(filled.url, memory_map=memory_map)
    pose, vision = make.pose(1100, 2), make.vision(1100, 2)
    offsets = np.concatenate([[0], np.cumsum(pose.n_people)])

    def read(seed: int) -> bool:
        start = random.Random(seed).randrange(0, 1080)
        window = store.window_numpy("long", start, start + 20, families=("pose", "vision"))
        assert window.pose is not None
        assert window.vision is not None
        return np.array_equal(
            window.pose.keypoints, pose.keypoints[offsets[start] : offsets[start + 20]]
        ) and np.array_equal(window.vision.frame_tokens, vision.frame_tokens[start : start + 20])

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(read, range(60)))


def test_a_fork_while_another_thread_opens_shards(filled: FeatureStore) -> None:
    """The child must not wait for a lock whose owner does not exist there."""
    store = FeatureStore.open(filled.url)
    store.window("short", 0, 1)
    cache = store._reader._shards
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with cache._lock:
            entered.set()
            leave.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    entered.wait(20)
    child = os.fork()
    if child == 0:
        os._exit(0 if store.window_numpy("long", 5, 9).stop == 9 else 1)
    leave.set()
    thread.join()
    assert os.waitpid(child, 0)[1] == 0


def test_pickle(filled: FeatureStore) -> None:
    again = pickle.loads(pickle.dumps(filled))
    assert again.records() == filled.records()
    assert again.window_numpy("long", 3, 9).start == 3


def test_least_recently_used_shards_are_closed(
    filled: FeatureStore, make: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shard_cache, "OPEN_MAPS", 2)
    store = FeatureStore.open(filled.url)
    for _ in range(3):
        for video in ("short", "long"):
            make.same(store.window_numpy(video, 0, 40).pose, make.part(
                make.frames(40), make.pose(40 if video == "short" else 1100, 1 if video == "short" else 2), 0, 40
            )[1])  # fmt: skip
    assert len(store._reader._shards._shards) == 2


def test_open_shards_hold_no_file_descriptors(store: FeatureStore, make: SimpleNamespace) -> None:
    for number in range(20):
        make.fill(store, make.source(f"v{number}"), 4)
    before = len(os.listdir("/proc/self/fd"))
    for video in store.videos():
        store.window_numpy(video, 0, 4)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_replaced_shard_is_read_anew(filled: FeatureStore, make: SimpleNamespace) -> None:
    old = filled.window_numpy("short", 0, 40).pose
    other = FeatureStore.open(filled.url)
    make.fill(other, make.source("short", content="new"), 40, seed=8)
    assert filled.window_numpy("short", 0, 40).pose is not None
    make.same(filled.window_numpy("short", 0, 40).pose, old)
    filled.refresh()
    make.same(filled.window_numpy("short", 0, 40).pose, make.pose(40, 8))


def test_many_writers_at_once(store: FeatureStore, make: SimpleNamespace) -> None:
    def write(number: int) -> None:
        make.fill(store, make.source(f"v{number % 6}"), 30, seed=number % 6)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(12)))
    assert store.verify() == []
    for number in range(6):
        make.same(store.window_numpy(f"v{number}", 0, 30).relations, make.relations(30, number))


def test_import_leaves_torch_alone() -> None:
    code = "import sys, feature_store, feature_store.verify, feature_store.window; print('torch' in sys.modules)"
    root = Path(__file__).parents[2]
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert found.stdout.strip() == "False"
