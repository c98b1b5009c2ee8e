"""Extraction of a video, wall time, against the bare forward passes of the same networks on the same inputs.

    python tests/benchmarks/bench_extract.py [VIDEO] [--size real|tiny|both] [--seconds 2] [--repeat 3] [--json]

A hook records every tensor that enters a network during one extraction. Then, in turn, the whole extraction (decode,
preparation, networks, post-processing, scene graphs, Parquet, commit) and the networks alone on the recorded tensors
are timed. 1.0 would mean that everything but the networks is free; decoding must overlap inference to come near.
`real` is HigherHRNet W32-512 with flip test, RelTR R50 at 800 pixels, CLIP ViT-L/14, all with random weights (the
arithmetic is the same). People and relations found by random weights are few, so post-processing is also timed with a
scene per frame by the parts' own tests, not here.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from transformers import CLIPVisionConfig

from hawkeye_core.extraction.backends import get_backends
from hawkeye_core.extraction.config import ExtractSettings
from hawkeye_core.extraction.run import extract_video, plan_videos
from hawkeye_core.settings import load_settings

Recorded = list[tuple[torch.nn.Module, tuple[Any, ...], dict[str, Any]]]

REAL = (
    "pose.size=w32-512", "pose.flip_test=true", "relations.size=r50", "relations.short_side=800",
    "relations.long_side=1333",
)  # fmt: skip


def make_clip(path: Path, seconds: float) -> Path:
    """480x360 at 25 frames a second: moving blobs over noise."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 25, (480, 360))
    rng = np.random.default_rng(0)
    for number in range(round(seconds * 25)):
        image = rng.integers(0, 90, (360, 480, 3), np.uint8)
        for person in range(4):
            cv2.ellipse(image, (60 + 110 * person + number % 40, 200), (18, 60), 0, 0, 360, (200, 170, 90), -1)
        writer.write(image)
    writer.release()
    return path


def settings_for(size: str, video: Path, folder: Path) -> ExtractSettings:
    """The preset tiny-untrained, or the published sizes with random weights."""
    overrides = list(REAL) if size == "real" else []
    if size == "real":
        tower = folder / "vit-l-14"
        CLIPVisionConfig(
            hidden_size=1024, intermediate_size=4096, num_hidden_layers=24, num_attention_heads=16, patch_size=14,
            image_size=224, projection_dim=768,
        ).save_pretrained(tower)  # fmt: skip
        overrides.append(f"vision.tower={tower}")
    return load_settings(
        ExtractSettings,
        config="tiny-untrained",
        package="hawkeye_core.extraction",
        values={"videos": [str(video)], "store": str(folder / f"store-{size}")},
        overrides=overrides,
    )


def networks(settings: ExtractSettings) -> list[torch.nn.Module]:
    """The outermost torch module of each backend."""
    found = []
    backends = get_backends(settings)
    for backend in (backends.pose, backends.relations, backends.vision):
        for value in vars(backend).values():
            inner = [value, *vars(value).values()] if hasattr(value, "__dict__") else [value]
            found += [item for item in inner if isinstance(item, torch.nn.Module)][:1]
    assert len(found) == 3, found
    return found


def record(settings: ExtractSettings) -> Recorded:
    """Every call into a network during one extraction."""
    calls: Recorded = []

    def hook(module: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        calls.append((module, tuple(a.clone() if isinstance(a, torch.Tensor) else a for a in args), kwargs))

    handles = [module.register_forward_pre_hook(hook, with_kwargs=True) for module in networks(settings)]
    extract(settings, -1)
    for handle in handles:
        handle.remove()
    return calls


def extract(settings: ExtractSettings, run: int) -> float:
    """Seconds of a whole extraction into a new store, networks ready."""
    fresh = settings.model_copy(update={"store": f"{settings.store}-{run}"})
    begun = time.perf_counter()
    for plan in plan_videos(fresh):
        assert extract_video(fresh, plan).status == "done"
    return time.perf_counter() - begun


@torch.inference_mode()
def forward_only(calls: Recorded) -> float:
    """Seconds of the networks alone."""
    begun = time.perf_counter()
    for module, args, kwargs in calls:
        module(*args, **kwargs)
    return time.perf_counter() - begun


def measure(size: str, video: Path, folder: Path, repeat: int) -> dict[str, Any]:
    """Medians of both, and of the ratio pair by pair."""
    settings = settings_for(size, video, folder)
    calls = record(settings)
    whole, bare = [], []
    for run in range(repeat):
        whole.append(extract(settings, run))
        bare.append(forward_only(calls))
    ratios = [a / b for a, b in zip(whole, bare, strict=True)]
    return {
        "size": size,
        "network_calls": len(calls),
        "extract_s": statistics.median(whole),
        "forward_s": statistics.median(bare),
        "ratio": statistics.median(ratios),
        "ratio_min": min(ratios),
        "ratio_max": max(ratios),
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", nargs="?", type=Path, help="default: a generated clip of 480x360")
    parser.add_argument("--size", choices=["real", "tiny", "both"], default="both")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of the generated clip")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = []
        for size in ("tiny", "real") if args.size == "both" else (args.size,):
            # Tiny networks take milliseconds a frame: a longer clip, so that the fixed cost of a video does not rule.
            seconds = args.seconds * (15 if size == "tiny" else 1)
            video = args.video or make_clip(folder / f"clip-{size}.mp4", seconds)
            rows.append(measure(size, video, folder, args.repeat))
    if args.json:
        print(json.dumps(rows))
        return
    print(f"{'networks':<10}{'extract s':>12}{'forward s':>12}{'ratio':>8}{'min':>8}{'max':>8}   (goal <= 1.15)")
    for row in rows:
        print(
            f"{row['size']:<10}{row['extract_s']:>12.2f}{row['forward_s']:>12.2f}{row['ratio']:>8.3f}"
            f"{row['ratio_min']:>8.3f}{row['ratio_max']:>8.3f}"
        )


if __name__ == "__main__":
    main()
