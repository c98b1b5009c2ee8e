"""Random 64-frame windows to torch tensors: the store against numpy's memmap and against one .npy a frame.

The same bytes three times: in a feature store, in one raw file a leaf (read through ``numpy.memmap``, with every
frame's offsets in memory: the limit), and in the layout of the paper's released code, one file a frame and family
(pose ``(people, 17, 5)``, relations ``(n, 353)``, vision tokens). Readers take turns on the same windows, which are in
the page cache; the figure is the median over rounds of the ratio of their times.

    python tests/benchmarks/bench_store.py [--videos 40] [--frames 480] [--windows 300] [--rounds 15] [--json]
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from feature_store import (
    FAMILIES,
    FeatureStore,
    Fingerprint,
    FrameColumns,
    PoseColumns,
    RelationColumns,
    VideoSource,
    VisionColumns,
)
from feature_store.ragged import to_arrays
from feature_store.schema import leaves_of

LENGTH = 64
TOKENS, WIDTH = 4, 1024  # g = 2 of a ViT-L tower
PEOPLE, OBJECTS, RELATIONS = 5, 20, 30  # at most, a frame
OBJECT_CLASSES, PREDICATES = 151, 51

Read = Callable[[str, int, int], Any]


def make_columns(rng: np.random.Generator, n: int) -> dict[str, Any]:
    """Random features of one video with the sizes of real ones."""
    people, objects, relations = (
        rng.integers(0, high + 1, n).astype(np.int32) for high in (PEOPLE, OBJECTS, RELATIONS)
    )
    relations[objects == 0] = 0
    persons, things, triplets = int(people.sum()), int(objects.sum()), int(relations.sum())
    number = np.arange(n, dtype=np.int32)
    limit = np.repeat(objects, relations)

    def index(below: np.ndarray) -> np.ndarray:
        return (rng.integers(0, 99, triplets) % below).astype(np.int32)

    tokens = rng.standard_normal((n * (TOKENS + 1) + things, WIDTH), dtype=np.float32).astype(np.float16)
    return {
        "frames": FrameColumns(number, number / 8, number / 8, np.full(n, 640, np.int32), np.full(n, 480, np.int32)),
        "pose": PoseColumns(
            people, rng.random((persons, 17, 3), dtype=np.float32), rng.random(persons, dtype=np.float32),
            rng.random((persons, 4), dtype=np.float32), np.full(persons, -1, np.int32),
        ),
        "relations": RelationColumns(
            objects, rng.integers(1, OBJECT_CLASSES, things).astype(np.int32), rng.random(things, dtype=np.float32),
            rng.random((things, 4), dtype=np.float32), relations, index(limit),
            rng.integers(1, PREDICATES, triplets).astype(np.int32), index(limit),
            rng.random(triplets, dtype=np.float32),
        ),
        "vision": VisionColumns(
            tokens[: n * TOKENS].reshape(n, TOKENS, WIDTH), tokens[n * TOKENS : n * (TOKENS + 1)], objects,
            tokens[n * (TOKENS + 1) :],
        ),
    }  # fmt: skip


def fingerprints() -> dict[str, Fingerprint]:
    """One for each family."""
    return {family: Fingerprint(family, "bench", "1", "untrained") for family in FAMILIES}


class StoreLayout:
    """The feature store."""

    name = "store"

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = FeatureStore.open(root, create=True)

    def write(self, video: str, columns: dict[str, Any]) -> None:
        source = VideoSource(video, f"/bench/{video}.mp4", "", 60.0, 640, 480, 25.0)
        for family, fingerprint in fingerprints().items():
            with self.store.writer(source, fingerprint) as writer:
                writer.append(columns["frames"], columns[family])
                writer.commit()

    def read(self, video: str, start: int, stop: int) -> Any:
        return self.store.window(video, start, stop)


class MemmapLayout:
    """One raw file a leaf, read by numpy.memmap; offsets and open maps are in memory."""

    name = "memmap"

    def __init__(self, root: Path) -> None:
        self.root = root
        self.maps: dict[str, list[tuple[np.memmap, list[int] | None]]] = {}

    def write(self, video: str, columns: dict[str, Any]) -> None:
        maps = []
        for family in FAMILIES:
            arrays = to_arrays(family, columns["frames"], columns[family])
            for leaf in leaves_of(family):
                # The frame's own columns stand in every family's shard, and are read once a window.
                if family != FAMILIES[0] and leaf.field in FrameColumns.__dataclass_fields__:
                    continue
                array = arrays[leaf.field]
                path = self.root / f"{video}.{family}.{leaf.field}.bin"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(array.tobytes())
                offsets = [0, *np.cumsum(arrays[leaf.count]).tolist()] if leaf.count else None
                maps.append((np.memmap(path, array.dtype, "r", shape=array.shape), offsets))
        self.maps[video] = maps

    def read(self, video: str, start: int, stop: int) -> Any:
        tensors = []
        for view, offsets in self.maps[video]:
            part = view[start:stop] if offsets is None else view[offsets[start] : offsets[stop]]
            tensors.append(torch.from_numpy(np.array(part)))
        return tensors


class ArrayLayout:
    """The released layout: ``<video>/<family>/<frame>.npy``."""

    name = "npy"

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, video: str, columns: dict[str, Any]) -> None:
        for family, arrays in (
            ("pose", self._pose(columns["pose"])),
            ("relation", self._relations(columns["relations"])),
            ("vision", self._vision(columns["vision"])),
        ):
            folder = self.root / video / family
            folder.mkdir(parents=True)
            for number, array in enumerate(arrays):
                np.save(folder / f"{number}.npy", array)

    def _pose(self, pose: PoseColumns) -> list[np.ndarray]:
        wide = np.concatenate([pose.keypoints, np.zeros((len(pose.score), 17, 2), np.float32)], axis=2)
        return np.split(wide, np.cumsum(pose.n_people)[:-1])

    def _relations(self, relations: RelationColumns) -> list[np.ndarray]:
        wide = np.zeros((len(relations.predicate), PREDICATES + 2 * OBJECT_CLASSES), np.float32)
        wide[np.arange(len(wide)), relations.predicate] = relations.relation_score
        return np.split(wide, np.cumsum(relations.n_relations)[:-1])

    def _vision(self, vision: VisionColumns) -> list[np.ndarray]:
        objects = np.split(vision.object_tokens, np.cumsum(vision.n_objects)[:-1])
        return [
            np.concatenate([tokens, masked[None], found])
            for tokens, masked, found in zip(vision.frame_tokens, vision.masked_token, objects, strict=True)
        ]

    def read(self, video: str, start: int, stop: int) -> Any:
        tensors = []
        for family in ("pose", "relation", "vision"):
            arrays = [np.load(self.root / video / family / f"{number}.npy") for number in range(start, stop)]
            tensors.append(torch.from_numpy(np.concatenate(arrays)))
        return tensors


def seconds(read: Read, windows: list[tuple[str, int, int]]) -> float:
    """Wall time to read some windows."""
    begin = time.perf_counter()
    for window in windows:
        read(*window)
    return time.perf_counter() - begin


def equal(store: StoreLayout, memmap: MemmapLayout, window: tuple[str, int, int]) -> bool:
    """True if both readers give the same tensors."""
    found = store.read(*window)
    parts = [found.frames, found.pose, found.relations, found.vision]
    tensors = [getattr(part, name) for part in parts for name in part.__dataclass_fields__]
    return all(torch.equal(left, right) for left, right in zip(tensors, memmap.read(*window), strict=True))


def run(options: argparse.Namespace, root: Path) -> dict[str, Any]:
    """Write the three layouts, read them in turns."""
    rng = np.random.default_rng(options.seed)
    layouts = (StoreLayout(root / "store"), MemmapLayout(root / "memmap"), ArrayLayout(root / "npy"))
    for number in range(options.videos):
        columns = make_columns(rng, options.frames)
        for layout in layouts:
            layout.write(f"video{number:04d}", columns)
    starts = rng.integers(0, options.frames - LENGTH + 1, options.windows)
    videos = rng.integers(0, options.videos, options.windows)
    windows = [(f"video{v:04d}", int(s), int(s) + LENGTH) for v, s in zip(videos, starts, strict=True)]
    if not all(equal(layouts[0], layouts[1], window) for window in windows[:20]):
        raise SystemExit("store and memmap differ")
    few = windows[: max(1, len(windows) // 15)]  # the .npy layout is slow
    for layout in layouts:
        seconds(layout.read, windows if layout.name != "npy" else few)
    times: dict[str, list[float]] = {layout.name: [] for layout in layouts}
    for round_number in range(options.rounds):
        for layout in layouts[round_number % 3 :] + layouts[: round_number % 3]:
            chosen = few if layout.name == "npy" else windows
            times[layout.name].append(seconds(layout.read, chosen) / len(chosen))
    return summary(options, layouts, times)


def summary(options: argparse.Namespace, layouts: tuple[Any, ...], times: dict[str, list[float]]) -> dict[str, Any]:
    """Medians and ratios."""
    median = {name: statistics.median(found) for name, found in times.items()}
    ratio = {
        name: statistics.median(other / mine for other, mine in zip(times[name], times["store"], strict=True))
        for name in ("memmap", "npy")
    }
    sizes = {item.name: sum(path.stat().st_size for path in item.root.rglob("*") if path.is_file()) for item in layouts}
    return {
        "videos": options.videos, "frames": options.frames, "window": LENGTH, "windows": options.windows,
        "rounds": options.rounds, "windows_per_s": {name: 1 / value for name, value in median.items()},
        "speed_of_memmap": ratio["memmap"], "times_npy": ratio["npy"], "bytes": sizes,
    }  # fmt: skip


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, value in (("videos", 40), ("frames", 480), ("windows", 300), ("rounds", 15), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--json", action="store_true", help="one line of JSON instead of the table")
    parser.add_argument("--dir", type=Path, default=None, help="where to write (about 1.5 GB by default)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    root = Path(tempfile.mkdtemp(prefix="bench-store-", dir=options.dir))
    try:
        result = run(options, root)
    finally:
        shutil.rmtree(root)
    if options.json:
        print(json.dumps(result))
        return
    print(f"random windows of {LENGTH} frames, {options.videos} videos x {options.frames} frames, page cache warm")
    for name, speed in result["windows_per_s"].items():
        print(f"  {name:8} {speed:9.0f} windows/s   {result['bytes'][name] / 2**20:8.0f} MiB")
    print(f"  store / memmap = {result['speed_of_memmap']:.2f} (to reach: 0.9)")
    print(f"  store / npy    = {result['times_npy']:.1f} (to reach: 20)")


if __name__ == "__main__":
    main()
