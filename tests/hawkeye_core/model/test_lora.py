"""Adapters: where they go, what is trained, how they are saved, and that merging changes nothing."""

from __future__ import annotations

import json

import pytest
import torch
from peft import inject_adapter_in_model
from safetensors import safe_open
from transformers import AutoModel, VideoLlavaConfig, VideoLlavaForConditionalGeneration

from hawkeye_core.errors import WeightsError
from hawkeye_core.model.config import HawkeyeConfig
from hawkeye_core.model.hawkeye import HawkeyeModel
from hawkeye_core.model.lora import add_lora, lora_config, lora_parameters, merge_lora
from hawkeye_core.model.saving import TRAINABLE, config_for, load_trainable, new_model, save_trainable
from hawkeye_core.model.tiny import tiny_llava

SMALL = {"action_width": 8, "graph_width": 8, "scene_heads": 2, "expert_layers": 1}


@pytest.fixture
def base(tmp_path) -> str:
    torch.manual_seed(5)
    config = VideoLlavaConfig(**tiny_llava(vision_width=16, hidden_size=16, layers=2, heads=2))
    VideoLlavaForConditionalGeneration(config).save_pretrained(tmp_path / "base")
    return str(tmp_path / "base")


def trained(model: HawkeyeModel, scene) -> HawkeyeModel:
    """As after training: every trained tensor, B of the adapters too, differs from its start."""
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) * 0.05)
    return model.eval()


def output(model: HawkeyeModel, scene):
    ids = torch.tensor([[1, *[model.scene_token_id] * 6, 40, 41, 42]])
    with torch.no_grad():
        embeds, _ = model.embed(ids, scene)
        return model.backbone(inputs_embeds=embeds).logits


def test_the_paper_model_builds_without_memory_and_its_adapters_are_39976960_parameters() -> None:
    with torch.device("meta"):
        model = HawkeyeModel(HawkeyeConfig(lora=True))
    assert all(parameter.is_meta for parameter in model.parameters())
    assert lora_parameters(model) == 39_976_960
    trainable = {name for name, p in model.named_parameters() if p.requires_grad}
    assert all(".lora_" in n or n.startswith("scene.") or "multi_modal_projector" in n for n in trainable)
    assert not any("lora" in name for name in trainable if "language_model" not in name)
    config = HawkeyeConfig()
    assert (config.lora_rank, config.lora_alpha, config.lora_dropout) == (16, 64, 0.05)


def test_the_regex_leaves_the_towers_alone_in_a_whole_video_llava() -> None:
    llava = tiny_llava(vision_width=16, hidden_size=16, layers=2, heads=2)
    whole = VideoLlavaForConditionalGeneration(VideoLlavaConfig(**llava))
    towers = [name for name, _ in whole.named_modules() if "tower" in name and name.endswith("q_proj")]
    assert len(towers) == 4  # what a list of names would have matched
    inject_adapter_in_model(lora_config(rank=2, alpha=4, dropout=0.0), whole)
    adapted = {name.split(".lora_")[0] for name, _ in whole.named_parameters() if ".lora_" in name}
    assert len(adapted) == 2 * 7
    assert all(name.startswith("model.language_model.layers.") for name in adapted)


def test_new_adapters_do_not_change_the_model(make_config, make_scene) -> None:
    torch.manual_seed(0)
    model, scene = HawkeyeModel(make_config()).eval(), make_scene([3])
    before = output(model, scene)
    add_lora(model)
    assert lora_parameters(model) > 0
    assert torch.equal(output(model.eval(), scene), before)


def test_gradients_reach_adapters_projector_and_scene_and_nothing_else(make_config, make_scene) -> None:
    torch.manual_seed(0)
    model, scene = trained(HawkeyeModel(make_config(lora=True)), make_scene([3])), make_scene([3], objects=4)
    ids = torch.tensor([[1, *[model.scene_token_id] * 6, 40, 41, 42]])
    labels = torch.where(torch.arange(10) > 6, ids, -100)
    model.train()
    model(ids, torch.ones_like(ids), scene, labels).loss.backward()
    for name, parameter in model.named_parameters():
        learns = ".lora_" in name or name.startswith("scene.") or "multi_modal_projector" in name
        assert parameter.requires_grad is learns, name
        assert (parameter.grad is not None) is learns, name
        if ".lora_" in name or "projector" in name:
            assert parameter.grad.abs().sum() > 0, name


def test_what_is_trained_is_float32_over_a_bfloat16_base(base, make_scene) -> None:
    model = new_model(config_for(base, lora=True, **SMALL), dtype=torch.bfloat16)
    assert {p.dtype for p in model.parameters() if p.requires_grad} == {torch.float32}
    assert {p.dtype for p in model.parameters() if not p.requires_grad} == {torch.bfloat16}
    ids = torch.tensor([[1, *[model.scene_token_id] * 6, 40, 41, 42]])
    result = model(ids, torch.ones_like(ids), make_scene([3]), ids)
    result.loss.backward()
    assert torch.isfinite(result.loss)
    assert all(p.grad is not None and p.grad.dtype == torch.float32 for p in model.parameters() if p.requires_grad)


def test_round_trip_by_reference_holds_trained_tensors_only(base, make_scene, tmp_path) -> None:
    scene = make_scene([3])
    model = trained(new_model(config_for(base, lora=True, **SMALL)), scene)
    save_trainable(model, tmp_path / "out")
    names = {name for name, p in model.named_parameters() if p.requires_grad}

    with safe_open(tmp_path / "out" / TRAINABLE, framework="pt") as file:
        assert set(file.keys()) == names
    assert not any("base_layer" in name or "embed_tokens" in name for name in names)
    for again in (load_trainable(tmp_path / "out"), AutoModel.from_pretrained(tmp_path / "out")):
        assert isinstance(again, HawkeyeModel)
        assert torch.equal(output(again, scene), output(model, scene))
        assert {name for name, p in again.named_parameters() if p.requires_grad} == names


def test_round_trip_with_everything_inline(make_config, make_scene, tmp_path) -> None:
    torch.manual_seed(0)
    scene = make_scene([3])
    model = trained(HawkeyeModel(make_config(lora=True)), scene)
    model.save_pretrained(tmp_path)
    again = HawkeyeModel.from_pretrained(tmp_path).eval()
    assert torch.equal(output(again, scene), output(model, scene))
    assert {n for n, p in again.named_parameters() if p.requires_grad} == {
        n for n, p in model.named_parameters() if p.requires_grad
    }


def test_a_merged_model_answers_the_same_and_needs_no_base(base, make_scene, tmp_path) -> None:
    scene = make_scene([3])
    model = trained(new_model(config_for(base, lora=True, **SMALL)), scene)
    before = output(model, scene)
    merge_lora(model)
    assert lora_parameters(model) == 0
    assert not any("base_layer" in name for name, _ in model.named_parameters())
    torch.testing.assert_close(output(model, scene), before, atol=1e-5, rtol=1e-4)
    model.save_pretrained(tmp_path / "merged")
    assert json.loads((tmp_path / "merged" / "config.json").read_text())["lora"] is False
    again = AutoModel.from_pretrained(tmp_path / "merged").eval()
    assert torch.equal(output(again, scene), output(model, scene))


def test_frozen_weights_that_no_base_has_are_stored_too(make_config, make_scene, tmp_path) -> None:
    torch.manual_seed(0)
    scene = make_scene([3])
    model = trained(HawkeyeModel(make_config(lora=True)), scene)
    save_trainable(model, tmp_path)
    again = load_trainable(tmp_path)
    assert torch.equal(output(again, scene), output(model, scene))
    assert any(not p.requires_grad for p in again.parameters())


def test_tensors_of_another_model_are_refused(base, tmp_path) -> None:
    save_trainable(new_model(config_for(base, lora=True, **SMALL)), tmp_path / "out")
    other = config_for(base, lora=True, lora_rank=4, **SMALL)
    other.save_pretrained(tmp_path / "out")
    with pytest.raises(WeightsError, match=r"28 tensors are missing, unknown or of another shape"):
        load_trainable(tmp_path / "out")
    with pytest.raises(WeightsError, match="not a checkpoint of Hawkeye"):
        load_trainable(tmp_path)


@pytest.mark.parametrize("change", [{"lora_rank": 0}, {"lora_alpha": 0}, {"lora_dropout": 1.0}])
def test_impossible_adapters_are_refused(make_config, change) -> None:
    with pytest.raises(ValueError, match="lora_"):
        make_config(**change)
