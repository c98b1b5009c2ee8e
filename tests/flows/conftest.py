"""A stand-in for extraction with the same interface, so that the flow's own logic is tested without networks.

A video is a text file: its words decide what happens to it (``bad``, ``partial``, ``flaky 2``, ``broken``, ``slow``).
The store is a folder with one file a finished video; ``calls.log`` in it lists every extraction that was begun.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
import types
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import hawkeye_core.extraction
from hawkeye_core.errors import HawkeyeError
from hawkeye_core.extraction.config import ExtractSettings

os.environ["DO_NOT_TRACK"] = "1"
os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"


FIRST = ("services", "extract", "demo", "ablation", "ablation_commands", "build_instructions", "extract_features")
"""Files in the order in which they are begun: what takes longest first, so that two processes end together, and what
trains in its own process before Prefect's threads are there (see pyproject.toml). The others follow."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of this folder in that order; others keep their places."""
    ranks = {f"test_{name}": rank for rank, name in enumerate(FIRST)}
    places = [place for place, item in enumerate(items) if item.path.parent == Path(__file__).parent]
    mine = sorted((items[place] for place in places), key=lambda item: ranks.get(item.path.stem, len(FIRST)))
    for place, item in zip(places, mine, strict=True):
        items[place] = item


@dataclass(frozen=True)
class FakePlan:
    path: str
    video_id: str
    sha256: str = ""
    missing: tuple[str, ...] = ("pose",)


@dataclass(frozen=True)
class FakeResult:
    path: str
    video_id: str
    status: str
    frames: int
    seconds: float
    error: str | None = None
    families: dict[str, str] = field(default_factory=dict)


def plan_videos(settings: ExtractSettings) -> list[FakePlan]:
    store = Path(settings.store)
    store.mkdir(parents=True, exist_ok=True)
    paths = sorted(path for folder in settings.videos for path in Path(folder).glob("*.txt"))
    if not paths:
        raise HawkeyeError("no videos", path=settings.videos[0])
    return [
        FakePlan(str(path), path.stem, missing=() if (store / f"{path.stem}.done").exists() else ("pose",))
        for path in paths
    ]


def extract_video(
    settings: ExtractSettings, plan: FakePlan, *, progress: Callable[[int, int | None], None]
) -> FakeResult:
    store = Path(settings.store)
    with (store / "calls.log").open("a") as log:
        log.write(plan.video_id + "\n")
    words = Path(plan.path).read_text().split()
    begun = (store / "calls.log").read_text().split().count(plan.video_id)
    if "bad" in words:
        return FakeResult(plan.path, plan.video_id, "failed", 0, 0.1, "not a video: no moov atom\nat byte 0")
    if "broken" in words:
        raise TypeError("a fault of the program")
    if "flaky" in words and begun <= int(words[words.index("flaky") + 1]):
        raise OSError(5, "Input/output error")
    steps = 600 if "slow" in words else 4
    for step in range(steps):
        progress(step + 1, steps)
        if "slow" in words:
            time.sleep(0.1)
    (store / f"{plan.video_id}.done").write_text("done")
    if "partial" in words:
        return FakeResult(plan.path, plan.video_id, "partial", 4, 0.2, "ends at 1.0 of 2.0 s")
    return FakeResult(plan.path, plan.video_id, "done", 4, 0.2)


def record_fault(settings: ExtractSettings, plan: FakePlan, reason: str) -> None:
    if plan.video_id == "full":
        raise OSError(28, "No space left on device")
    (Path(settings.store) / f"{plan.video_id}.fault").write_text(reason)


def settle(settings: ExtractSettings) -> types.SimpleNamespace:
    return types.SimpleNamespace(trained=True)


@pytest.fixture
def fake_extraction(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """Put the stand-in where the flow imports extraction from."""
    module = types.ModuleType("hawkeye_core.extraction.run")
    module.plan_videos = plan_videos  # type: ignore[attr-defined]
    module.extract_video = extract_video  # type: ignore[attr-defined]
    module.record_fault = record_fault  # type: ignore[attr-defined]
    module.settle = settle  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "hawkeye_core.extraction.run", module)
    monkeypatch.setattr(hawkeye_core.extraction, "run", module, raising=False)
    return module


@pytest.fixture
def make_settings(tmp_path: Path) -> Callable[..., ExtractSettings]:
    """Settings for text videos: ``make_settings(a="", b="bad", retries=1)``."""

    def make(*, retries: int = 2, workers: int = 2, **videos: str) -> ExtractSettings:
        folder = tmp_path / "videos"
        folder.mkdir(exist_ok=True)
        for name, words in videos.items():
            (folder / f"{name}.txt").write_text(words)
        return ExtractSettings(videos=(str(folder),), store=str(tmp_path / "store"), retries=retries, workers=workers)

    return make


@pytest.fixture(scope="session")
def kept_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the session, for all its processes, with Prefect's empty database once a test has left it there."""
    mine = tmp_path_factory.getbasetemp()
    return (mine.parent if "PYTEST_XDIST_WORKER" in os.environ else mine) / "prefect-database"


def keep_database(folder: Path, kept: Path) -> None:
    """Leave the database that a run in ``folder`` has made to the tests that follow."""
    if not kept.exists():
        copy = shutil.copytree(folder / "work/prefect", kept.with_name(f"{kept.name}-{os.getpid()}"))
        with suppress(OSError):  # another process was faster
            copy.rename(kept)


@pytest.fixture
def empty_database(tmp_path: Path, kept_database: Path) -> Iterator[None]:
    """A project whose first run was before: a first one spends nine seconds of CPU on an empty database."""
    if kept_database.exists():
        shutil.copytree(kept_database, tmp_path / "work/prefect")
    yield
    if list((tmp_path / "work/prefect").glob("blank-*.db")):
        keep_database(tmp_path, kept_database)


@pytest.fixture(scope="session")
def prefect_api() -> Iterator[None]:
    """Prefect's own test harness: a server with a throw-away database (11 s, once)."""
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        yield
