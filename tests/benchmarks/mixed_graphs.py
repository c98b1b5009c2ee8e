"""Which half of the graphs costs a model most: pose and relations each of the truth or found by networks.

A finished model answers the same videos four times, with pose from one store and relations, and the vision tokens that
go with them, from the other. Metrics as `hawkeye eval` has them, times by the dense head.

    python tests/benchmarks/mixed_graphs.py --checkpoint shipped --annotations WORLD/segments.jsonl \\
        --true STORE --found STORE [--split test]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace

import torch
from rich.console import Console
from rich.table import Table
from transformers import AutoTokenizer

from feature_store.store import FeatureStore
from hawkeye_core.evaluation.curve_segments import CURVE_THRESHOLD
from hawkeye_core.evaluation.frame_ranking import rank_frames
from hawkeye_core.evaluation.metrics import Detection
from hawkeye_core.evaluation.predict import Predictor, predict_videos
from hawkeye_core.evaluation.result import Truth, score_row
from hawkeye_core.model.saving import load_trainable
from hawkeye_core.tiny.shipped import finished_model
from hawkeye_core.training.annotations import VideoAnnotation, of_split, read_annotations
from hawkeye_core.training.locate import locate_checkpoint
from hawkeye_core.training.windows import WindowDataset, WindowSample

LENGTH, HOP = 128, 96
"""Frames of a window and between two, as in the presets of drawn videos."""
console = Console(highlight=False)


class Mixed(WindowDataset):
    """Windows of one store with families of another.

    Args:
        store: Holds the videos.
        annotations: Of the videos.
        pose: Where people come from.
        relations: Where relations and vision tokens come from.
    """

    def __init__(
        self, store: FeatureStore, annotations: Sequence[VideoAnnotation], *, pose: FeatureStore,
        relations: FeatureStore,
    ) -> None:  # fmt: skip
        super().__init__(store, annotations, length=LENGTH, hop=HOP)
        self.pose, self.relations = pose, relations

    def __getitem__(self, index: int) -> WindowSample:
        sample = super().__getitem__(index)
        spec = sample.spec
        people, graphs = (store.window(spec.video, spec.start, spec.stop) for store in (self.pose, self.relations))
        window = replace(sample.window, pose=people.pose, relations=graphs.relations, vision=graphs.vision)
        return replace(sample, window=window)


def main() -> None:
    """Answer four times, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--annotations", "--true", "--found"):
        parser.add_argument(name, required=True)
    parser.add_argument("--checkpoint", default="shipped", help="a run's folder, or `shipped`")
    parser.add_argument("--split", default="test")
    options = parser.parse_args()
    torch.set_num_threads(1)
    folder = finished_model() if options.checkpoint == "shipped" else locate_checkpoint(options.checkpoint)
    model, tokenizer = load_trainable(folder, dtype=torch.float32).float().eval(), AutoTokenizer.from_pretrained(folder)
    stores = {name: FeatureStore.open(url) for name, url in (("true", options.true), ("found", options.found))}
    held = set.intersection(*(set(s.videos(families=("pose", "relations", "vision"))) for s in stores.values()))
    annotations = [a for a in of_split(read_annotations(options.annotations), options.split) if a.video in held]
    table = Table("pose", "relations", "F2", "mAP", "frame AUC", title=f"{len(annotations)} videos, {folder}")
    for pose in stores:
        for relations in stores:
            data = Mixed(stores["true"], annotations, pose=stores[pose], relations=stores[relations])
            table.add_row(pose, relations, *(f"{100 * value:.1f}" for value in measured(model, tokenizer, data)))
    console.print(table)


def measured(model: torch.nn.Module, tokenizer: object, data: Mixed) -> tuple[float, float, float]:
    """F2, mAP and frame AUC."""
    predictor = Predictor(model, tokenizer, max_new_tokens=96, curve=True, curve_threshold=CURVE_THRESHOLD)  # type: ignore[arg-type]
    predictions = predict_videos(predictor, data, batch_size=8)
    durations = {v: data.store.n_frames(v) / data.store.source(v).fps for v in data.timelines}
    truth = Truth(durations, {
        v: [(s.start_s, min(s.end_s, durations[v])) for s in timeline] for v, timeline in data.timelines.items()
    })  # fmt: skip
    detections = [
        Detection(one.video, item.segment.start_s, item.segment.end_s, item.score)
        for one in predictions
        for item in one.segments
    ]
    row = score_row("", detections, truth)
    curve = rank_frames([one.record() for one in predictions], detections, truth)[0]
    return row.f2, row.mean_ap["mean"], curve.auc


if __name__ == "__main__":
    main()
