"""SIGKILL at many random moments: the store opens, leftovers are named, the rerun gives equal content."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from feature_store import FAMILIES, FeatureStore

WRITER = """
import sys
sys.path[:0] = [{repository!r}, {here!r}]
import conftest as make
from feature_store import FeatureStore
store = FeatureStore.open({store!r}, create=True)
print("ready", flush=True)
for number in range({videos}):
    source = make.make_source(f"v{{number}}")
    store.assign_id(source.path, source.sha256)
    for family, fingerprint in make.make_prints().items():
        if store.find(source.sha256, family, fingerprint.digest) is None:
            make.fill(store, source, 150, seed=number, step=40, families=(family,))
    store.compact()
print("end", flush=True)
"""
VIDEOS = 6


def start(store: Path) -> subprocess.Popen[str]:
    here = Path(__file__).parent
    code = WRITER.format(repository=str(here.parents[1]), here=str(here), store=str(store), videos=VIDEOS)
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


def run_to_end(store: Path) -> None:
    process = start(store)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert out.split() == ["ready", "end"]


def content(store: FeatureStore, make: SimpleNamespace) -> None:
    assert store.videos(families=FAMILIES) == [f"v{number}" for number in range(VIDEOS)]
    for number in range(VIDEOS):
        window = store.window_numpy(f"v{number}", 0, 150)
        for family in FAMILIES:
            make.same(getattr(window, family), make.makers[family](150, number))
        make.same(window.frames, make.frames(150))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_killed_at_random_moments(tmp_path: Path, make: SimpleNamespace, seed: int) -> None:
    root = tmp_path / "store"
    moments = random.Random(seed)
    killed = 0
    for _ in range(6):
        process = start(root)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(moments.uniform(0, 0.12))
        process.kill()
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
        store = FeatureStore.open(root)
        assert {problem.kind for problem in store.verify()} <= {"temporary", "orphan"}
        for video in store.videos():
            for family, fingerprint in make.prints().items():
                record = store.find(video, family, fingerprint.digest)
                if record is not None:
                    window = store.window_numpy(video, 0, 150, families=(family,), fingerprints={family: record.digest})
                    make.same(getattr(window, family), make.makers[family](150, int(video[1:])))
    assert killed, "no run was interrupted"
    run_to_end(root)
    store = FeatureStore.open(root)
    content(store, make)
    store.clean()
    assert store.verify() == []
    assert not [path for path in root.rglob("*") if path.name.endswith(".tmp")]


STEPS = ["write_new", "publish", "begin_replacing", "close", "check"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_around_every_step_of_a_commit(tmp_path: Path, make: SimpleNamespace, step: str, when: str) -> None:
    """The same content, and new content over old: a fork dies without any clean-up."""
    from feature_store.commit_log import CommitLog
    from feature_store.shard_writer import ShardFileWriter
    from feature_store.storage import LocalStorage

    owner = {"write_new": LocalStorage, "publish": LocalStorage, "begin_replacing": CommitLog}.get(
        step, ShardFileWriter
    )
    root = tmp_path / "store"
    make.fill(FeatureStore.open(root, create=True), make.source(), 60, seed=1)
    new = make.source(content="new")
    child = os.fork()
    if child == 0:
        original = getattr(owner, step)

        def dying(*args: object, **kwargs: object) -> None:
            if when == "after":
                original(*args, **kwargs)
            os.kill(os.getpid(), signal.SIGKILL)

        setattr(owner, step, dying)
        make.fill(FeatureStore.open(root), new, 80, seed=2, families=("pose",))
        os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    store = FeatureStore.open(root)
    assert {problem.kind for problem in store.verify()} <= {"temporary", "orphan"}
    readable = store.videos(families=("pose",)) if store.fingerprints("pose") else []
    for video in readable:
        n, seed = (60, 1) if store.source(video).sha256 == make.source().sha256 else (80, 2)
        make.same(store.window_numpy(video, 0, n, families=("pose",)).pose, make.pose(n, seed))
    make.fill(store, new, 80, seed=2)
    make.same(store.window_numpy("clip", 0, 80).pose, make.pose(80, 2))
    store.clean()
    assert store.verify() == []
