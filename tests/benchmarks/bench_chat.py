"""A follow-up question behind the kept prefix of a window against reading the window again.

One window of 512 frames of made-up features, random weights, greedy. Reference: the same question with all before it
read anew (scene modules, prefill of video and turns), as every question costs that is asked by ``generate``. Both in
turn: seconds to the first word, and of an answer of 32 words. `tiny` is the language model of the preset
`tiny-stage2`; `larger` has the proportions of the paper's at 8 layers of width 1024.

    python tests/benchmarks/bench_chat.py [--rounds 3] [--frames 512] [--json]
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from typing import Any

import torch
from bench_step import config_of
from made_up_scenes import make_scene

from hawkeye_core.answers.render import INSTRUCTION
from hawkeye_core.chat.decode import Greedy
from hawkeye_core.chat.prefix import KeptWindow
from hawkeye_core.chat.turns import Layout, Turn
from hawkeye_core.model.config import HawkeyeConfig
from hawkeye_core.model.hawkeye import HawkeyeModel
from hawkeye_core.model.tiny import byte_tokenizer
from hawkeye_core.training.collate import Collator
from hawkeye_core.training.windows import WindowSpec

WORDS = 32
FIRST_ANSWER = "From 15.0 to 17.0 seconds, there exists shooting, as a man near the door is shooting at someone."
FOLLOW_UP = "What does the man near the door do before?"


def answer(kept: KeptWindow, choose: Greedy, row: list[int]) -> tuple[float, float]:
    """Seconds to the first word and to the last."""
    begun, row = time.perf_counter(), list(row)
    for number in range(WORDS):
        row.append(choose(kept.read(row)).token)
        if not number:
            first = time.perf_counter() - begun
    return first, time.perf_counter() - begun


def measured(config: HawkeyeConfig, *, frames: int, rounds: int) -> dict[str, Any]:
    """Medians of both ways."""
    torch.manual_seed(0)
    model = HawkeyeModel(config).eval()
    tokenizer = byte_tokenizer()
    collate = Collator(tokenizer, scene_token_id=model.scene_token_id, max_length=4096)
    layout = Layout(collate, WindowSpec("v", 0, frames, 8.0), room=WORDS)
    scene = make_scene(config, windows=1, frames=frames)
    said = Turn(INSTRUCTION, tuple(tokenizer.encode(f" {FIRST_ANSWER}", add_special_tokens=False)))
    before, row = layout.row([said]), layout.row([said], FOLLOW_UP)
    choose = Greedy(model)

    def window() -> KeptWindow:
        return KeptWindow(model, lambda: scene, layout.prefix)

    kept, times = window(), []
    kept.read(before)
    for _ in range(rounds + 1):  # the first one warms up
        kept.keep(before)
        times.append((*answer(kept, choose, row), *answer(window(), choose, row)))
    first, whole, fresh_first, fresh_whole = (statistics.median(column) for column in zip(*times[1:], strict=True))
    return {
        "parameters": sum(p.numel() for p in model.parameters()), "row": len(row), "new": len(row) - len(before),
        "first_s": first, "fresh_first_s": fresh_first, "first_ratio": fresh_first / first,
        "answer_s": whole, "fresh_answer_s": fresh_whole, "answer_ratio": fresh_whole / whole,
    }  # fmt: skip


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--frames", type=int, default=512)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    words = len(byte_tokenizer())
    shapes = {
        "tiny (2 layers of width 128)": config_of(hidden=128, layers=2, vision=64, expert_layers=2, words=words),
        "larger (8 layers of width 1024)": config_of(hidden=1024, layers=8, vision=512, expert_layers=2, words=words),
    }
    found = {name: measured(config, frames=options.frames, rounds=options.rounds) for name, config in shapes.items()}
    if options.json:
        print(json.dumps(found))
        return
    for name, one in found.items():
        print(f"{name}, {one['parameters'] / 1e6:.1f} M parameters: {one['new']} new tokens behind "
              f"{one['row'] - one['new']}; "
              f"first word {1e3 * one['first_s']:.0f} ms against {1e3 * one['fresh_first_s']:.0f} ms "
              f"({one['first_ratio']:.1f} times), {WORDS} words {1e3 * one['answer_s']:.0f} ms against "
              f"{1e3 * one['fresh_answer_s']:.0f} ms ({one['answer_ratio']:.1f} times)")  # fmt: skip


if __name__ == "__main__":
    main()
