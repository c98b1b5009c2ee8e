"""The table of parts and memory: counts are the model's, the formula is what autograd keeps."""

from __future__ import annotations

import json

import pytest
import torch
from typer.testing import CliRunner

from hawkeye_core.cli.app import app
from hawkeye_core.errors import ConfigError
from hawkeye_core.model.attention import EncoderLayer
from hawkeye_core.model.config import HawkeyeConfig
from hawkeye_core.model.hawkeye import HawkeyeModel
from hawkeye_core.model.summary import EXPERT_BYTES, SummarySettings, layer_bytes, summarize
from hawkeye_core.model.tiny import tiny_llava
from hawkeye_core.settings import load_settings


def settings(name: str, *overrides: str) -> SummarySettings:
    return load_settings(SummarySettings, config=name, package="hawkeye_core.model", overrides=overrides)


def kept_bytes(model: torch.nn.Module, run) -> int:
    """Bytes that a forward pass keeps for the backward pass, each storage once, without parameters."""
    own, storages = {p.untyped_storage().data_ptr() for p in model.parameters()}, {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            storages[storage.data_ptr()] = storage  # held, so that no address is used twice
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        run()
    return sum(storage.nbytes() for storage in storages.values())


def test_the_paper_preset_in_numbers() -> None:
    found = summarize(settings("paper-7b"))
    parts = {part.name: part for part in found.parts}
    assert parts["LoRA"].trained == 39_976_960
    assert parts["language model"].parameters == 6_607_605_760
    assert parts["language model"].trained == parts["head"].trained == 0
    assert parts["B-H MoE (Eq. 5)"].parameters == 201_543_680
    assert found.total.trained == 282_273_024
    frozen = found.total.parameters - found.total.trained
    assert found.training["weights"] == 2 * frozen + 4 * found.total.trained
    assert found.training["optimiser"] == 2 * found.training["gradients"] == 8 * found.total.trained
    assert sum(found.checkpointed.values()) < 40e9 < sum(found.training.values())  # the paper's card has 40 GB


def test_parts_add_up_to_the_model() -> None:
    for name, overrides in (("tiny", ()), ("tiny", ("model.lora=true",)), ("tiny", ("model.moe=false",))):
        chosen = settings(name, *overrides)
        with torch.device("meta"):
            model = HawkeyeModel(HawkeyeConfig(llava=chosen.backbone, **chosen.model))
        total = summarize(chosen).total
        assert total.parameters == sum(p.numel() for p in model.parameters())
        assert total.trained == sum(p.numel() for p in model.parameters() if p.requires_grad)


@pytest.mark.parametrize(("lora", "dtype"), [(True, torch.bfloat16), (False, torch.bfloat16), (False, torch.float32)])
def test_a_layer_keeps_what_the_formula_says(lora: bool, dtype: torch.dtype) -> None:
    kept = []
    for layers in (1, 3):
        llava = tiny_llava(vision_width=16, hidden_size=256, layers=layers, heads=4)
        config = HawkeyeConfig(llava=llava, lora=lora, scene_heads=2, expert_layers=1, action_width=4, graph_width=4)
        model = HawkeyeModel(config).train()
        for parameter in model.parameters():
            if not (lora and parameter.requires_grad):
                parameter.data = parameter.data.to(dtype)
        language_model = model.backbone.model.language_model
        embeds = torch.randn(1, 64, 256, dtype=dtype, requires_grad=True)
        kept.append(kept_bytes(model, lambda m=language_model, x=embeds: m(inputs_embeds=x, use_cache=False)))
    per_token = (kept[1] - kept[0]) / 2 / 64
    assert per_token == pytest.approx(layer_bytes(config, width=dtype.itemsize), rel=0.03)


def test_an_expert_layer_keeps_what_the_formula_says() -> None:
    layer = EncoderLayer(128, 4)
    x, mask = torch.randn(2, 32, 128, requires_grad=True), torch.ones(2, 32, dtype=torch.bool)
    assert kept_bytes(layer, lambda: layer(x, mask)) / 64 / 128 == pytest.approx(EXPERT_BYTES, rel=0.03)


def test_checkpointing_keeps_the_inputs_of_layers_only() -> None:
    kept = []
    for layers in (1, 3):
        llava = tiny_llava(vision_width=16, hidden_size=128, layers=layers, heads=4)
        model = HawkeyeModel(HawkeyeConfig(llava=llava, scene_heads=2, expert_layers=1)).train()
        model.gradient_checkpointing_enable({"use_reentrant": False})
        language_model = model.backbone.model.language_model
        embeds = torch.randn(1, 64, 128, requires_grad=True)
        kept.append(kept_bytes(model, lambda m=language_model, x=embeds: m(inputs_embeds=x, use_cache=False)))
    assert (kept[1] - kept[0]) / 2 / 64 == pytest.approx(4 * 128, rel=0.01)


def test_the_command_prints_tables_and_json() -> None:
    shown = CliRunner().invoke(app, ["model", "summary", "--config", "tiny"])
    assert shown.exit_code == 0
    for word in ("projector", "language model", "checkpointed", "inference", "optimiser = trained x 8"):
        assert word in shown.stdout
    printed = CliRunner().invoke(app, ["model", "summary", "--config", "tiny", "--json", "model.lora=true", "batch=2"])
    found = json.loads(printed.stdout)
    assert found["parts"][-1]["name"] == "all"
    assert any(part["name"] == "LoRA" for part in found["parts"])
    assert set(found["bytes"]) == {"training", "training_checkpointed", "inference"}
    assert found["formulas"]["gradients"] == "trained x 4"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.mo=false", "unknown key model.mo; known: action_width"),
        ("model.scene_heads=3", "does not divide the vision width 64"),
        ("frozen_bytes=3", "frozen_bytes"),
        ("modell=3", "modell"),
    ],
)
def test_wrong_settings_are_named(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        summarize(settings("tiny", override))


def test_checkpointed_experts_keep_the_inputs_of_layers_only() -> None:
    mask, kept = torch.ones(1, 32, dtype=torch.bool), []
    for layers in (1, 3):
        llava = tiny_llava(vision_width=64, hidden_size=16, layers=1, heads=2)
        model = HawkeyeModel(HawkeyeConfig(llava=llava, scene_heads=2, expert_layers=layers)).train()
        model.gradient_checkpointing_enable({"use_reentrant": False})
        expert, x = model.scene.moe.experts[0], torch.randn(1, 32, 64, requires_grad=True)
        kept.append(kept_bytes(expert, lambda e=expert, h=x: e(h, mask)))
    assert (kept[1] - kept[0]) / 2 / 32 == pytest.approx(4 * 64, rel=0.01)
