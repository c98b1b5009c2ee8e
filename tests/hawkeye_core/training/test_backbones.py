"""Published backbones and adapters in training: what learns, what a checkpoint holds, what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate.state import AcceleratorState
from safetensors.torch import load_file
from transformers import VideoLlavaConfig, VideoLlavaForConditionalGeneration

from hawkeye_core.errors import BackendUnavailableError, ConfigError, WeightsError
from hawkeye_core.evaluation.config import EvalSettings
from hawkeye_core.evaluation.run import evaluate
from hawkeye_core.model import quantize
from hawkeye_core.model.backbone import build_backbone
from hawkeye_core.model.lora import merge_lora
from hawkeye_core.model.tiny import byte_tokenizer, tiny_llava
from hawkeye_core.settings import load_settings
from hawkeye_core.training.build import base_tokenizer
from hawkeye_core.training.checkpoint import WEIGHTS, load_checkpoint
from hawkeye_core.training.config import TrainSettings
from hawkeye_core.training.keeper import CHECKPOINT
from hawkeye_core.training.model_settings import BackboneSettings, LoraSettings
from hawkeye_core.training.record import read_record
from hawkeye_core.training.trainer import Trainer


def run_with(settings: TrainSettings) -> Path:
    AcceleratorState._reset_state(reset_partial_state=True)
    trainer = Trainer(settings)
    trainer.setup()
    return trainer.train()


def write_base(folder: Path, *, vision_width: int = 16, hidden_size: int = 16, seed: int = 5) -> str:
    """A Video-LLaVA as its class saves it, towers included, with a tokenizer."""
    torch.manual_seed(seed)
    config = VideoLlavaConfig(**tiny_llava(vision_width=vision_width, hidden_size=hidden_size, layers=2, heads=2))
    VideoLlavaForConditionalGeneration(config).save_pretrained(folder)
    byte_tokenizer().save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_base(tmp_path_factory.mktemp("base") / "video-llava")


@pytest.fixture
def adapted(settings: TrainSettings, base: str) -> TrainSettings:
    return settings.model_copy(
        update={"backbone": BackboneSettings(base=base), "lora": LoraSettings(rank=2, alpha=8), "tensorboard": False}
    )


def test_adapters_learn_and_the_published_weights_stay(adapted: TrainSettings, base: str) -> None:
    run = run_with(adapted)
    state = load_file(run / CHECKPOINT / WEIGHTS)
    assert all(".lora_" in n or n.startswith("scene.") or "multi_modal_projector" in n for n in state)
    assert any(float(tensor.abs().max()) > 0 for name, tensor in state.items() if ".lora_B." in name)
    model, tokenizer = load_checkpoint(run / CHECKPOINT)
    published = VideoLlavaForConditionalGeneration.from_pretrained(base).model.language_model
    own = dict(model.backbone.model.language_model.named_parameters())
    for name, parameter in published.named_parameters():
        layer, _, leaf = name.rpartition(".")
        kept = own.get(name, own.get(f"{layer}.base_layer.{leaf}"))
        assert kept is not None, name
        assert torch.equal(kept, parameter), name
    assert tokenizer.eos_token_id == byte_tokenizer().eos_token_id
    record = read_record(run)
    assert "backbone" not in record.untrained
    assert len(record.inputs["backbone"]) == 64
    assert record.parameters == sum(tensor.numel() for tensor in state.values())


def test_a_run_on_a_published_backbone_is_evaluated(adapted: TrainSettings, tmp_path: Path) -> None:
    run = run_with(adapted)
    result = evaluate(EvalSettings(store=adapted.store, annotations=adapted.annotations, run=str(run),
                                   out=str(tmp_path / "eval"), max_new_tokens=8, device="cpu"))  # fmt: skip
    assert not any("backbone" in mark for mark in result.marks)
    assert result.rows[0].name == "Hawkeye"


def test_adapters_with_dropout_resume_bit_for_bit(adapted: TrainSettings) -> None:
    chosen = adapted.model_copy(
        update={
            "lora": LoraSettings(rank=2, alpha=8, dropout=0.5),
            "precision": "bf16",
            "checkpoint_every": 2,
            "eval_every": 2,
            "eval_new_tokens": 4,
        }
    )
    whole = run_with(chosen)
    part = chosen.model_copy(update={"run": chosen.run + "-b"})
    run = run_with(part)
    shutil.rmtree(run / CHECKPOINT)  # as killed after step 2
    shutil.rmtree(run / "checkpoints" / "step-000004")
    (run / "run.json").write_text((run / "run.json").read_text().replace('"finished"', '"running"'))
    run_with(part.model_copy(update={"resume": True}))
    assert (whole / CHECKPOINT / WEIGHTS).read_bytes() == (run / CHECKPOINT / WEIGHTS).read_bytes()
    first, second = ([json.loads(line).get("loss") for line in (r / "metrics.jsonl").open()] for r in (whole, run))
    assert first == second
    calm = run_with(chosen.model_copy(update={"lora": LoraSettings(rank=2, alpha=8, dropout=0.0), "run": f"{run}-c"}))
    assert [json.loads(line).get("loss") for line in (calm / "metrics.jsonl").open()][3] != first[3]


def test_frozen_weights_are_bf16_where_training_is(adapted: TrainSettings) -> None:
    def types(**changes: Any) -> tuple[set[torch.dtype], set[torch.dtype]]:
        AcceleratorState._reset_state(reset_partial_state=True)
        trainer = Trainer(adapted.model_copy(update=changes))
        trainer.setup()
        parameters = list(trainer.bare.parameters())
        return {p.dtype for p in parameters if p.requires_grad}, {p.dtype for p in parameters if not p.requires_grad}

    assert types(precision="bf16") == ({torch.float32}, {torch.bfloat16})
    assert types(run=adapted.run + "-b") == ({torch.float32}, {torch.float32})
    half = BackboneSettings(base=adapted.backbone.base, dtype="bf16")
    assert types(run=adapted.run + "-c", backbone=half) == ({torch.float32}, {torch.bfloat16})


def test_adapters_on_a_random_backbone_are_stored_with_it(settings: TrainSettings) -> None:
    run = run_with(settings.model_copy(update={"lora": LoraSettings(rank=2)}))
    model, _ = load_checkpoint(run / CHECKPOINT)
    state = load_file(run / CHECKPOINT / WEIGHTS)
    assert "backbone.lm_head.weight" in state
    assert not model.backbone.lm_head.weight.requires_grad
    assert torch.equal(model.backbone.lm_head.weight, state["backbone.lm_head.weight"])


def test_a_run_is_not_resumed_on_other_published_weights(adapted: TrainSettings, base: str, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(base, moved)
    chosen = adapted.model_copy(update={"backbone": BackboneSettings(base=str(moved))})
    run_with(chosen)
    write_base(moved, seed=6)
    with pytest.raises(ConfigError, match="cannot be resumed: backbone was"):
        run_with(chosen.model_copy(update={"resume": True}))


def test_backbones_that_do_not_fit_are_refused(adapted: TrainSettings, base: str, tmp_path: Path) -> None:
    wide = BackboneSettings(base=write_base(tmp_path / "wide", vision_width=32))
    with pytest.raises(ConfigError, match=r"are 16 wide, those of .*wide 32(?s:.*)vision\.tower"):
        run_with(adapted.model_copy(update={"backbone": wide}))
    with pytest.raises(WeightsError, match=r"no such folder(?s:.*)base"):
        run_with(adapted.model_copy(update={"backbone": BackboneSettings(base=str(tmp_path / "none"))}))
    bare = tmp_path / "bare"
    shutil.copytree(base, bare)
    for path in bare.glob("tokenizer*"):
        path.unlink()
    with pytest.raises(WeightsError, match=r"has no tokenizer that can be read"):
        base_tokenizer(str(bare))
    assert not Path(adapted.run).exists()


def test_the_papers_presets_run_on_a_small_backbone_from_stage_1_to_stage_2(
    settings: TrainSettings, base: str, tmp_path: Path
) -> None:
    """All of the presets but the backbone's size, and fewer steps: what a GPU would run, on this CPU."""
    regions, motions = tmp_path / "regions.jsonl", tmp_path / "motions.jsonl"
    regions.write_text('{"video": "fight", "box": [1, 2, 30, 40], "expression": "left man"}\n')
    motions.write_text('{"video": "calm", "start": 0, "end": 1, "caption": "a person waves"}\n')
    common = [f"backbone.base={base}", "epochs=null", "steps=1", "workers=0", "device=cpu"]
    values = {"store": settings.store, "annotations": settings.annotations}
    package = "hawkeye_core.training"
    first = load_settings(
        TrainSettings, config="paper-7b-stage1", package=package,
        overrides=[*common, f"stage1.regions={regions}", f"stage1.motions={motions}"],
        values=values | {"run": str(tmp_path / "one")},
    )  # fmt: skip
    second = load_settings(
        TrainSettings, config="paper-7b-stage2", package=package, overrides=common,
        values=values | {"run": str(tmp_path / "two"), "start": str(tmp_path / "one")},
    )  # fmt: skip
    assert run_with(first) == tmp_path / "one"
    line = json.loads((run_with(second) / "metrics.jsonl").read_text().splitlines()[0])
    assert line["loss"] == pytest.approx(line["lm_loss"] + 0.2 * line["balance_loss"])
    assert 0 < line["mfu"] < 1
    assert read_record(tmp_path / "two").inputs.keys() == {"annotations", "backbone", "start"}


def test_a_base_in_4_bits_trains_its_adapters(adapted: TrainSettings, tmp_path: Path) -> None:
    pytest.importorskip("bitsandbytes", reason="the extra 4bit is not installed")
    backbone = BackboneSettings(base=write_base(tmp_path / "base", hidden_size=32), four_bit=True)  # its CPU code: 32s
    AcceleratorState._reset_state(reset_partial_state=True)
    trainer = Trainer(adapted.model_copy(update={"backbone": backbone, "lr": 3e-3, "steps": 8}))
    trainer.setup()
    packed = trainer.bare.backbone.model.language_model.layers[0].mlp.up_proj.base_layer.weight
    assert packed.dtype == torch.uint8
    assert packed.numel() * 2 == 32 * 96
    assert not packed.requires_grad
    run = trainer.train()
    losses = [json.loads(line).get("loss") for line in (run / "metrics.jsonl").open()]
    assert losses[7] < losses[0]
    state = load_file(run / CHECKPOINT / WEIGHTS)
    assert any(float(tensor.abs().max()) > 0 for name, tensor in state.items() if ".lora_B." in name)
    model, _ = load_checkpoint(run / CHECKPOINT)  # on the base as it was published
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    with pytest.raises(ConfigError, match="cannot be added to weights in 4 bits"):
        merge_lora(trainer.bare)


def test_weights_in_4_bits_are_near_the_published_ones_in_half_a_byte_each() -> None:
    pytest.importorskip("bitsandbytes", reason="the extra 4bit is not installed")
    torch.manual_seed(0)
    backbone = build_backbone(VideoLlavaConfig(**tiny_llava(vision_width=16, hidden_size=256, layers=1, heads=2)))
    layer, x = backbone.model.language_model.layers[0].mlp, torch.randn(64, 256)
    with torch.no_grad():
        before, count = layer.up_proj(x), layer.up_proj.weight.numel()
        quantize.quantize_4bit(backbone, compute_dtype=torch.float32)
        error = float((layer.up_proj(x) - before).norm() / before.norm())
    assert error == pytest.approx(0.092, abs=0.01)  # NF4 of normal weights in blocks of 64
    state = layer.up_proj.weight.quant_state
    parts = (layer.up_proj.weight, state.absmax, state.state2.absmax)
    assert sum(part.numel() * part.element_size() for part in parts) / count < 0.53
    assert quantize.numel(layer.up_proj.weight) == count
    assert type(backbone.lm_head).__name__ == "Linear"


def test_4_bits_without_a_base_or_adapters_are_refused(settings: TrainSettings, base: str) -> None:
    for change in ({}, {"backbone": {"base": base, "four_bit": True}}, {"lora": {}, "backbone": {"four_bit": True}}):
        values = settings.model_dump() | {"backbone": {"four_bit": True}} | change
        with pytest.raises(ValueError, match="four_bit needs"):
            TrainSettings(**values)


def test_the_remedy_where_bitsandbytes_is_missing(adapted: TrainSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantize.importlib.util, "find_spec", lambda name: None)
    backbone = BackboneSettings(base=adapted.backbone.base, four_bit=True)
    with pytest.raises(BackendUnavailableError, match=r"(?s)not installed.*four_bit=off"):
        run_with(adapted.model_copy(update={"backbone": backbone}))
