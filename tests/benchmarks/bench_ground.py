"""From a video to segments: against the bare networks, and against the scheme of the authors' released code.

1. `Hawkeye.ground` of a drawn video, from the file into a new store to segments with evidence, against the same
   networks (pose, relations, tower, the model's one pass a window) on the very tensors they were given; by stage.
2. The released scheme, one `generate` for each second of 2,056 video tokens (`released_scheme.py`), against ours for a
   minute of video, at two shapes of the language model.
3. The paper's 7B shape: an estimate from operations and bytes, and on a GPU the measurement (`minute_at_7b.py`).

Each pair runs in turn in one process. 1 and 2 take some two minutes on one core.

    python tests/benchmarks/bench_ground.py [--parts whole released 7b] [--checkpoint RUN] [--networks tiny|real]
        [--seconds 12] [--rounds 3] [--threads 1] [--windows 4] [--compile] [--out FILE.json]
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import minute_at_7b
import released_scheme
import torch
import transformers
from bench_extract import REAL
from ground_stages import drawn_video, end_to_end
from rich.console import Console
from rich.table import Table

from hawkeye_core.extraction.config import ExtractSettings
from hawkeye_core.ground.hawkeye import Hawkeye
from hawkeye_core.model.config import HawkeyeConfig
from hawkeye_core.settings import load_settings
from hawkeye_core.training.build import base_tokenizer

PARTS = ("whole", "released", "7b")
SHAPES: dict[str, dict[str, int]] = {
    "tiny: 4 layers of 128": {"hidden": 128, "layers": 4, "heads": 4, "vision": 128, "experts": 2},
    "larger: 8 layers of 512": {"hidden": 512, "layers": 8, "heads": 8, "vision": 128, "experts": 8},
}
RANDOM = ("pose.weights=untrained", "relations.weights=untrained")
console = Console(width=120, highlight=False)


def whole(options: argparse.Namespace) -> dict[str, Any]:
    """Part 1."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        video = drawn_video(folder / "drawn.mp4", seconds=options.seconds)
        tiny = options.networks == "tiny"
        small = load_settings(
            ExtractSettings, config="tiny", package="hawkeye_core.extraction",
            values={"device": "cpu"}, overrides=[] if tiny else [*REAL, *RANDOM],
        )  # fmt: skip
        hawkeye = Hawkeye.from_pretrained(options.checkpoint, device="cpu", extract=small, store=folder / "store")
        found = end_to_end(hawkeye, video, folder, rounds=options.rounds)
    title = f"ground, {options.seconds:g} s of video, {options.networks} networks"
    table = Table("stage", "seconds", "of the bare networks", title=title)
    for stage, spent in sorted(found["stages_s"].items(), key=lambda item: -item[1]):
        table.add_row(stage, f"{spent:.3f}", f"{100 * spent / found['bare_s']:.1f} %")
    table.add_section()
    table.add_row("whole", f"{found['whole_s']:.3f}", "")
    table.add_row("bare networks", f"{found['bare_s']:.3f}", "")
    table.add_row("ratio (goal <= 1.2)", f"{found['ratio']:.2f}", f"{found['ratios']}")
    table.add_row("ratio of processor time", f"{found['ratio_cpu']:.2f}", "decoding in its own thread counts in full")
    console.print(table)
    return found


def released(options: argparse.Namespace) -> dict[str, Any]:
    """Part 2."""
    tokenizer = base_tokenizer("shipped")
    table = Table(
        "language model", "released scheme", "ours", "times (goal >= 20)", "ours with probes", "times",
        title="seconds for a minute of video, from features",
    )  # fmt: skip
    rows = {}
    for name, sizes in SHAPES.items():
        config = released_scheme.shape(**sizes, words=len(tokenizer))
        row = released_scheme.compare(config, tokenizer, rounds=options.rounds, asked=options.asked)
        table.add_row(
            f"{name} ({row['parameters'] / 1e6:.1f} M)", f"{row['released_s']:.1f}", f"{row['ours_s']:.2f}",
            f"{row['ratio']:.1f} (cpu {row['ratio_cpu']:.1f})", f"{row['probes_s']:.2f}",
            f"{row['probes']['ratio']:.1f} (cpu {row['probes']['ratio_cpu']:.1f})",
        )  # fmt: skip
        rows[name] = row
    console.print(table)
    return rows


def at_7b(options: argparse.Namespace) -> dict[str, Any]:
    """Part 3."""
    found = {"estimate": minute_at_7b.estimate()}
    one = found["estimate"]
    table = Table(
        "", "released scheme", "ours", "ours, nothing found",
        title="7B, a minute on one A100: an ESTIMATE for a perfect program",
    )  # fmt: skip
    for label, key, form in (
        ("tokens of prompts", "tokens", ",.0f"), ("TFLOP of prompts", "tflop", ",.0f"), ("tokens said", "said", ".0f"),
        ("GB read for them", "read_gb", ",.0f"), ("s of prompts at the peak", "prompts_s", ".2f"),
        ("s of said tokens at the bandwidth", "said_s", ".2f"),
    ):  # fmt: skip
        table.add_row(label, *(format(one[side][key], form) for side in ("released", "ours", "none")))
    table.add_row("seconds", *(f"{one[key]:.2f}" for key in ("released_s", "ours_s", "none_s")))
    console.print(table)
    console.print(f"estimated: {one['ratio']:.1f} times as fast with segments, {one['ratio_none']:.1f} times without; "
                  f"{one['ratio_operations']:.0f} times fewer operations in prompts")  # fmt: skip
    if not torch.cuda.is_available():
        console.print("7B is not measured: that needs a GPU, and there is none here (torch.cuda.is_available())")
        return found
    measured = minute_at_7b.measure(
        HawkeyeConfig(lora=True, dense_head=True), base_tokenizer("shipped"), device="cuda", windows=options.windows,
        compiled=options.compile, rounds=options.rounds, asked=options.asked,
    )  # fmt: skip
    console.print(f"7B measured, random weights, bfloat16 (goal <= 3 s a minute): {json.dumps(measured)}")
    return found | {"measured": measured}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--checkpoint", default="shipped", help="model of part 1")
    parser.add_argument("--networks", choices=("tiny", "real"), default="tiny",
                        help="of part 1; real: pose and relations of the published sizes, random")  # fmt: skip
    parser.add_argument("--seconds", type=float, default=12.0, help="of video in part 1")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--asked", type=int, default=3, help="seconds of video of the released scheme in a round")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--windows", type=int, default=4, help="answered together on a GPU")
    parser.add_argument("--compile", action="store_true", help="compile the pass of said tokens on a GPU")
    parser.add_argument("--out", type=Path, help="JSON file")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    transformers.logging.set_verbosity_error()
    ways = {"whole": whole, "released": released, "7b": at_7b}
    found = {part: ways[part](options) for part in PARTS if part in options.parts}
    if options.out:
        options.out.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
