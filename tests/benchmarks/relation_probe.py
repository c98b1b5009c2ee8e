"""How much of the true relations can be read from found scene graphs: with or without scores, alone or over time.

Nothing is learned. A label is a predicate and the class of its object (``near car``; men and women are one class). Its
score in a frame is that of the surest found relation of the label, or 1 where there is any; then the mean over some
frames either way. Average precision over the frames of all videos, mean over the labels that hold in enough frames.

    python tests/benchmarks/relation_probe.py --true STORE --found STORE [--found STORE2 ...] [--only VIDEOS.txt]

Stores hold the same videos; their own graphs of the truth come from the `sidecar` backends (docs/tiny.md).
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from sklearn.metrics import average_precision_score

from feature_store.columns import RelationColumns
from feature_store.store import FeatureStore
from hawkeye_core.tiny.relation_targets import alike

LEAST_FRAMES = 80
REACHES = (0, 4, 8, 16)
Label = tuple[int, int]
console = Console(highlight=False)


def main() -> None:
    """Read the stores, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--true", required=True, help="store with graphs of the truth")
    parser.add_argument("--found", action="append", required=True, help="store with graphs that networks found")
    parser.add_argument("--only", help="file with a video a line; without, the videos that all stores hold")
    parser.add_argument(
        "--least", type=int, default=LEAST_FRAMES, help="frames in which a label must hold (%(default)s)"
    )
    options = parser.parse_args()
    true, *found = (FeatureStore.open(url) for url in (options.true, *options.found))
    videos = sorted(set.intersection(*(set(store.videos(families=("relations",))) for store in (true, *found))))
    if options.only:
        with open(options.only, encoding="utf-8") as file:
            wanted = set(file.read().split())
        videos = [video for video in videos if video in wanted]
    wanted_frames = [frame for video in videos for frame in labelled_frames(true, video)]
    counts = Counter(label for frame in wanted_frames for label in frame)
    labels = sorted(label for label, count in counts.items() if count >= options.least)
    if not labels:
        raise SystemExit(f"no relation holds in {options.least} frames of these {len(videos)} videos; lower --least")
    holds = matrix(wanted_frames, labels) > 0
    ends = np.cumsum([true.n_frames(video) for video in videos])
    title = f"AP of {len(labels)} relations, {len(videos)} videos, {len(holds)} frames; means over +- frames"
    table = Table("store", "read", *(f"+- {reach}" for reach in REACHES), title=title)
    for url, store in zip(options.found, found, strict=True):
        scores = matrix([frame for video in videos for frame in labelled_frames(store, video)], labels)
        for name, values in (("there or not", (scores > 0).astype(np.float64)), ("its score", scores)):
            table.add_row(url, name, *(f"{mean_ap(holds, over_time(values, ends, reach)):.3f}" for reach in REACHES))
    console.print(table)


def labelled_frames(store: FeatureStore, video: str) -> list[dict[Label, float]]:
    """The labels of each frame of a video with their highest score."""
    relations = store.window_numpy(video, 0, store.n_frames(video), families=("relations",)).relations
    assert relations is not None
    return list(_frames(relations))


def _frames(columns: RelationColumns) -> Sequence[dict[Label, float]]:
    objects, relations = np.cumsum(columns.n_objects), np.cumsum(columns.n_relations)
    kinds = alike(columns.object_class)
    found: list[dict[Label, float]] = []
    for k, (last, end) in enumerate(zip(objects, relations, strict=True)):
        first, own = last - columns.n_objects[k], slice(end - columns.n_relations[k], end)
        frame: dict[Label, float] = {}
        for p, o, score in zip(columns.predicate[own], columns.object[own], columns.relation_score[own], strict=True):
            label = int(p), int(kinds[first + o])
            frame[label] = max(frame.get(label, 0.0), float(score))
        found.append(frame)
    return found


def matrix(frames: Sequence[dict[Label, float]], labels: Sequence[Label]) -> NDArray[np.float64]:
    """[T, V] scores, 0 where a label is not there."""
    return np.array([[frame.get(label, 0.0) for label in labels] for frame in frames])


def over_time(values: NDArray[np.float64], ends: NDArray[np.int64], reach: int) -> NDArray[np.float64]:
    """[T, V] means over ``reach`` frames either way within a video; ``ends`` are the videos' last frames, plus one."""
    found, first = np.empty_like(values), 0
    for end in ends.tolist():
        own = values[first:end]
        sums = np.vstack([np.zeros((1, own.shape[1])), own.cumsum(0)])
        place = np.arange(len(own))
        low, high = np.clip(place - reach, 0, None), np.clip(place + reach + 1, None, len(own))
        found[first:end] = (sums[high] - sums[low]) / (high - low)[:, None]
        first = end
    return found


def mean_ap(holds: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Mean over the labels."""
    return float(np.mean([average_precision_score(holds[:, v], scores[:, v]) for v in range(holds.shape[1])]))


if __name__ == "__main__":
    main()
