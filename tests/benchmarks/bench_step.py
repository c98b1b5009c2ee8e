"""A training step of Hawkeye against the bare backbone's at the same sequence length.

`flops` counts both at the paper's 7B shape on the meta device, which computes nothing: 8 windows of 512 frames, LoRA,
the head on answer rows. The bare step is projector, language model and head on as many tokens. What has shapes that
depend on data (the scene graph's sums over edges) is a formula; the same count at a small size is compared with
a count of the whole model. `measured` runs both here, in turn, at the largest size with the paper's proportions that a
step of some seconds allows; `--device cuda` runs the 7B shape with random weights in bfloat16 instead, batch 8 one
window at a time, and adds memory, MFU, hours, and the seconds of one minute of video.

    python tests/benchmarks/bench_step.py [--device cuda] [--rounds 5] [--tiny] [--json]
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
import transformers
from made_up_scenes import OBJECTS, RELATIONS, make_batch, make_scene
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.flop_counter import FlopCounterMode

from hawkeye_core.model.config import HawkeyeConfig
from hawkeye_core.model.hawkeye import HawkeyeModel
from hawkeye_core.model.saving import new_model
from hawkeye_core.training.meter import step_flops

TEXT, ANSWER = 640, 64
MINUTE = 480  # frames
WINDOWS = 2300
"""Of the paper's stage 2: 1,000 videos, of 128 s as UCF-Crime's test videos have on average (1.11 M frames at 30 fps in
290 videos), in windows of 64 s every 48 s. An estimate: the training videos are not here."""


def config_of(*, hidden: int, layers: int, vision: int, expert_layers: int, words: int) -> HawkeyeConfig:
    """The paper's proportions at another size; no words for the sinusoids' heads to differ."""
    heads = max(hidden // 128, 2)
    text = {"model_type": "llama", "vocab_size": words, "hidden_size": hidden, "intermediate_size": hidden * 43 // 16,
            "num_hidden_layers": layers, "num_attention_heads": heads, "num_key_value_heads": heads,
            "max_position_embeddings": 4096}  # fmt: skip
    tower = {"model_type": "clip_vision_model", "hidden_size": vision, "intermediate_size": 4 * vision,
             "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 28, "patch_size": 14}  # fmt: skip
    llava = {"text_config": text, "vision_config": tower, "image_token_index": 3, "video_token_index": 4}
    return HawkeyeConfig(
        llava=llava, lora=True, expert_layers=expert_layers, action_width=vision // 4, graph_width=vision // 2
    )


def counted(call: Callable[[], Tensor]) -> float:
    """Floating-point operations of a forward and backward pass."""
    with FlopCounterMode(display=False) as counter:
        call().sum().backward()
    return float(counter.get_total_flops())


def flops(
    config: HawkeyeConfig, *, windows: int, frames: int, text: int = TEXT, answer: int = ANSWER
) -> dict[str, float]:
    """Of a step, by part."""
    with torch.device("meta"):
        model = HawkeyeModel(config).train()
    inner, llava = model.backbone.model, config.llava_config()
    hidden: int = llava.text_config.hidden_size  # type: ignore[union-attr]
    length, tokens = 2 * frames + text, windows * 2 * frames

    def meta(*shape: int) -> Tensor:
        return torch.empty(*shape, device="meta", requires_grad=True)

    def language() -> Tensor:
        mask = torch.ones(windows, 1, length, length, dtype=torch.bool, device="meta")
        out = inner.language_model(inputs_embeds=meta(windows, length, hidden), attention_mask=mask, use_cache=False)
        return model.backbone.lm_head(out.last_hidden_state[:, -answer:])

    scene = make_scene(config, windows=windows, frames=frames).to("meta")
    width, graph = config.vision_width, model.scene.relations.graph  # type: ignore[union-attr]
    nodes = windows * frames * (OBJECTS + RELATIONS)
    edges = windows * frames * 4 * RELATIONS + nodes  # both directions, self loops

    def relations() -> Tensor:
        x = model.scene.relations._nodes(scene)  # type: ignore[union-attr]
        for layer in graph.layers:
            x = torch.relu(layer.lin(x))
        return graph.ffn(x)

    own_mask = torch.ones(windows, 2 * frames, dtype=torch.bool, device="meta")
    # The people of make_scene are all there.
    with torch.fx.experimental._config.patch(meta_nonzero_assume_all_nonzero=True):
        actions = counted(lambda: model.scene.actions(scene, meta(windows, frames, width)))  # type: ignore[misc]
    return {
        "action graph": actions,
        "relation graph": counted(relations) + config.graph_layers * 4.0 * edges * config.graph_width,
        "experts": counted(lambda: model.scene.moe(meta(windows, 2 * frames, width), own_mask).tokens),  # type: ignore[misc]
        "projector": counted(lambda: inner.multi_modal_projector(meta(tokens, width))),
        "language model": counted(language),
    }


def ratio_of(parts: dict[str, float]) -> float:
    """Hawkeye's step over the bare backbone's."""
    return sum(parts.values()) / (parts["projector"] + parts["language model"])


class Bare(nn.Module):
    """Projector, language model and head of the same model, on as many tokens."""

    def __init__(self, model: HawkeyeModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: dict[str, Any]) -> Tensor:
        """Next-token loss on the answers."""
        backbone = self.model.backbone
        places = batch["input_ids"] == self.model.scene_token_id
        linear = backbone.model.multi_modal_projector.linear_1.weight
        video = batch["scene"].frame_tokens[:, :, :2].flatten(1, 2).to(linear.dtype)  # two tokens a frame
        text = self.model.get_input_embeddings()(batch["input_ids"].masked_fill(places, 0))
        tokens = backbone.model.multi_modal_projector(video.flatten(0, 1)).to(text.dtype)
        embeds = text.masked_scatter(places[..., None], tokens)
        hidden = backbone.model.language_model(inputs_embeds=embeds, attention_mask=batch["attention_mask"],
                                               use_cache=False).last_hidden_state  # fmt: skip
        targets = batch["labels"][:, 1:]
        return cross_entropy(backbone.lm_head(hidden[:, :-1][targets != -100]).float(), targets[targets != -100])


def step(
    optimizer: torch.optim.Optimizer, loss: Callable[[dict[str, Any]], Tensor], batches: list[dict[str, Any]]
) -> float:
    """Seconds of one optimiser step in pieces."""
    synchronize()
    begun = time.perf_counter()
    for batch in batches:
        (loss(batch) / len(batches)).backward()
    optimizer.step()
    optimizer.zero_grad()
    synchronize()
    return time.perf_counter() - begun


def synchronize() -> None:
    """Wait for the GPU, if there is one."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def measured(config: HawkeyeConfig, *, frames: int, text: int, pieces: int, rounds: int, device: str,
             checkpointing: bool) -> dict[str, Any]:  # fmt: skip
    """Both steps in turn; Hawkeye's memory, tokens a second and FLOPs."""
    gpu = device == "cuda"
    model = new_model(config, dtype=torch.bfloat16 if gpu else torch.float32).to(device).train()  # type: ignore[arg-type]
    if checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    batches = [make_batch(config, windows=1, frames=frames, text=text, answer=ANSWER, seed=seed, device=device)
               for seed in range(pieces)]  # fmt: skip
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-5)
    bare = Bare(model)
    sides: tuple[Callable[[dict[str, Any]], Tensor], ...] = (lambda batch: model(**batch).loss, bare)
    with torch.autocast(device, torch.bfloat16, enabled=gpu):  # the first round warms up
        times = [tuple(step(optimizer, side, batches) for side in sides) for _ in range(rounds + 1)]
    own, other = (statistics.median(column) for column in zip(*times[1:], strict=True))
    tokens, scene = pieces * (2 * frames + text), pieces * 2 * frames
    found = {
        "seconds": own, "bare_seconds": other, "ratio": statistics.median(a / b for a, b in times[1:]),
        "ratios": sorted(round(a / b, 3) for a, b in times[1:]),
        "tokens_per_s": tokens / own, "tflops_per_s": step_flops(model, tokens=tokens, scene_tokens=scene) / own / 1e12,
    }  # fmt: skip
    if gpu:
        found["memory_gb"] = torch.cuda.max_memory_allocated() / 1e9
        found["hours_of_stage_2"] = own / pieces * WINDOWS / 3600
    return found | {"inference": inference(model, text=text, device=device, frames=min(frames, MINUTE))}


@torch.no_grad()
def inference(model: HawkeyeModel, *, text: int, device: str, frames: int) -> dict[str, float]:
    """Seconds of one window by stage: scene modules, all before the first word, and 64 words."""
    model.eval()
    batch = make_batch(model.config, windows=1, frames=frames, text=text, answer=ANSWER, device=device)
    ask = {name: batch[name] for name in ("input_ids", "attention_mask", "scene")}

    def timed(call: Callable[[], Any]) -> float:
        times = []
        for _ in range(4):  # the first one warms up
            synchronize()
            begun = time.perf_counter()
            call()
            synchronize()
            times.append(time.perf_counter() - begun)
        return statistics.median(times[1:])

    with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
        ways = {n: timed(lambda n=n: model.generate(**ask, max_new_tokens=n, eos_token_id=-1, pad_token_id=0))  # type: ignore[misc]
                for n in (1, ANSWER)}  # fmt: skip
        scene = timed(lambda: model.scene(batch["scene"]))
    return {"frames": frames, "scene": scene, "prefill": ways[1] - scene, "decode": ways[ANSWER] - ways[1],
            "all": ways[ANSWER]}  # fmt: skip


def check(config: HawkeyeConfig) -> float:
    """Operations of a whole small model over the sum of its parts; 1 if nothing was forgotten."""
    parts = flops(config, windows=2, frames=16, text=24, answer=8)
    model = HawkeyeModel(config).train()
    batch = make_batch(config, windows=2, frames=16, text=24, answer=8)
    edges = 2 * 16 * (4 * RELATIONS + OBJECTS + RELATIONS)
    sums = config.graph_layers * 4.0 * edges * config.graph_width  # which the counter does not see
    return (counted(lambda: model(**batch).loss) + sums) / sum(parts.values())


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tiny", action="store_true", help="smallest sizes, to see that all of it runs")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    transformers.logging.set_verbosity_error()
    small = config_of(hidden=64, layers=2, vision=32, expert_layers=2, words=320)
    paper = HawkeyeConfig(lora=True)
    if options.tiny:
        size, frames, text, pieces = small, 16, 96, 2
    elif options.device == "cuda":
        size, frames, text, pieces = paper, 512, TEXT, 8
    else:
        size, frames, text, pieces = (
            config_of(hidden=2048, layers=8, vision=512, expert_layers=2, words=32064),
            128,
            160,
            1,
        )
    parts = flops(paper, windows=8, frames=512)
    found: dict[str, Any] = {
        "flops_7b": parts, "flops_ratio_7b": ratio_of(parts), "whole_over_parts": check(small),
        "flops_ratio_here": ratio_of(flops(size, windows=pieces, frames=frames, text=text)),
        "here": measured(size, frames=frames, text=text, pieces=pieces, rounds=options.rounds, device=options.device,
                         checkpointing=options.device == "cuda"),
    }  # fmt: skip
    if options.json:
        print(json.dumps(found))
        return
    for name, value in parts.items():
        print(f"{name:16} {value / 1e12:8.2f} TFLOP {100 * value / sum(parts.values()):5.1f} %")
    print(f"7B shape, 8 windows of 512 frames: {found['flops_ratio_7b']:.3f} of the bare step's operations "
          f"(goal <= 1.10); whole model / parts at a small size {found['whole_over_parts']:.4f}")  # fmt: skip
    here = found["here"]
    print(f"measured ({options.device}): {here['ratio']:.3f} of the bare step's time, {found['flops_ratio_here']:.3f} "
          f"of its operations; {json.dumps(here)}")  # fmt: skip


if __name__ == "__main__":
    main()
