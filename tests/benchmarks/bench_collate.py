"""Reading and collating a batch of stored windows against the training step that uses it.

A store of made-up features with the sizes of real ones is written, then whole batches are read (memory-mapped, in the
page cache) and collated as in training, in one process. `tiny`: the preset `tiny-stage2`, against its own step, both in
turn. `paper`: 8 windows of 512 frames of a ViT-L tower, against the operations of the paper's step at 7B at half the
peak of an A100 (312 TFLOP/s), which is a good step there. Goal: at most 5 % of a step; with `workers` it runs
beside the step anyway.

    python tests/benchmarks/bench_collate.py [--rounds 7] [--json]
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import bench_store
import numpy as np
import torch
from bench_step import flops

from feature_store import FAMILIES, FeatureStore, VideoSource
from hawkeye_core.model.config import HawkeyeConfig
from hawkeye_core.model.tiny import SCENE, byte_tokenizer
from hawkeye_core.settings import load_settings
from hawkeye_core.training.annotations import read_annotations
from hawkeye_core.training.collate import Collator
from hawkeye_core.training.config import TrainSettings
from hawkeye_core.training.trainer import Trainer
from hawkeye_core.training.windows import WindowDataset

SPEED = 0.5 * 312e12  # FLOP/s, half the peak of an A100 in bfloat16


def write(folder: Path, *, videos: int, frames: int, width: int) -> tuple[Path, Path]:
    """A store, and segments that say that nothing happens in half of its videos."""
    bench_store.WIDTH = width
    rng, store = np.random.default_rng(0), FeatureStore.open(folder / "store", create=True)
    lines = []
    for number in range(videos):
        sha = f"{number:064x}"
        source = VideoSource(store.assign_id(f"/v/{number}.mp4", sha), f"/v/{number}.mp4", sha, frames / 8, 640, 480,
                             8.0, 8.0)  # fmt: skip
        columns = bench_store.make_columns(rng, frames)
        for family, fingerprint in bench_store.fingerprints().items():
            with store.writer(source, fingerprint) as writer:
                writer.append(columns["frames"], columns[family])
                writer.commit(status="done")
        segments = [{"start": 1.0, "end": 3.0, "category": "fighting", "reason": "two men"}] * (number % 2)
        lines.append(json.dumps({"video": source.video_id, "split": "train", "segments": segments}))
    (folder / "segments.jsonl").write_text("\n".join(lines) + "\n")
    return folder / "store", folder / "segments.jsonl"


def collate_seconds(data: WindowDataset, collator: Collator, *, size: int, rounds: int) -> tuple[float, float]:
    """Median seconds of a batch: reading its windows, and collating them."""
    times = []
    for start in range(rounds + 1):
        begun = time.perf_counter()
        samples = [data[(start * size + i) % len(data)] for i in range(size)]
        read = time.perf_counter()
        collator(samples)
        times.append((read - begun, time.perf_counter() - read))
    first, second = (statistics.median(column) for column in zip(*times[1:], strict=True))
    return first, second


def paper(folder: Path, rounds: int) -> dict[str, Any]:
    """Eight windows of 512 frames."""
    store, annotations = write(folder, videos=8, frames=512, width=1024)
    data = WindowDataset(FeatureStore.open(store), read_annotations(annotations), length=512, hop=384)
    tokenizer = byte_tokenizer()
    collator = Collator(tokenizer, scene_token_id=tokenizer.convert_tokens_to_ids(SCENE), max_length=4096)
    read, collate = collate_seconds(data, collator, size=8, rounds=rounds)
    step = sum(flops(HawkeyeConfig(lora=True), windows=8, frames=512).values()) / SPEED
    return {"read_s": read, "collate_s": collate, "step_s": step, "share": (read + collate) / step}


def tiny(folder: Path, rounds: int) -> dict[str, Any]:
    """The preset's own step."""
    store, annotations = write(folder, videos=8, frames=224, width=64)
    settings = load_settings(
        TrainSettings, config="tiny-stage2", package="hawkeye_core.training", overrides=["device=cpu"],
        values={"store": str(store), "annotations": str(annotations), "run": str(folder / "run"), "tensorboard": False},
    )  # fmt: skip
    trainer = Trainer(settings)
    trainer.setup()
    batches = iter(trainer._loader())
    steps = []
    for _ in range(rounds + 1):
        pieces, waited = trainer._next(batches)
        begun = time.perf_counter()
        trainer.step(pieces)
        steps.append((waited, time.perf_counter() - begun))
    waited, step = (statistics.median(column) for column in zip(*steps[1:], strict=True))
    return {"read_and_collate_s": waited, "step_s": step, "share": waited / step}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    assert set(bench_store.fingerprints()) == set(FAMILIES)
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        found = {"tiny": tiny(Path(first), options.rounds), "paper": paper(Path(second), options.rounds)}
    if options.json:
        print(json.dumps(found))
        return
    for name, values in found.items():
        times = ", ".join(f"{key} {1e3 * value:.1f} ms" for key, value in values.items() if key.endswith("_s"))
        print(f"{name}: {100 * values['share']:.1f} % of a step (goal <= 5): {times.replace('_s ', ' ')}")


if __name__ == "__main__":
    main()
