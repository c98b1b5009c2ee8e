"""Reading a Video-LLaVA checkpoint without its towers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import VideoLlavaConfig, VideoLlavaForConditionalGeneration

from hawkeye_core.errors import ConfigError, WeightsError
from hawkeye_core.model.backbone import load_backbone, read_backbone_config
from hawkeye_core.model.saving import config_for, new_model
from hawkeye_core.model.tiny import tiny_llava

LAYOUTS = {
    "before transformers 5": {
        "model.language_model.": "language_model.model.",
        "lm_head.": "language_model.lm_head.",
        "model.multi_modal_projector.": "multi_modal_projector.",
        "model.video_tower.": "video_tower.",
        "model.image_tower.": "image_tower.",
    },
    "transformers 5": {},
}


@pytest.fixture(scope="module")
def full() -> VideoLlavaForConditionalGeneration:
    torch.manual_seed(3)
    config = VideoLlavaConfig(**tiny_llava(vision_width=16, hidden_size=16, layers=2, heads=2))
    return VideoLlavaForConditionalGeneration(config).eval()


def save(model: VideoLlavaForConditionalGeneration, folder: Path, renames: dict[str, str], *, shards: int = 3) -> Path:
    """The real class's own names, renamed to a layout, in shards with an index."""
    folder.mkdir()
    model.config.save_pretrained(folder)
    state = {}
    for key, tensor in model.state_dict().items():
        old = next((prefix for prefix in renames if key.startswith(prefix)), "")
        state[renames.get(old, "") + key.removeprefix(old)] = tensor
    files = [f"model-{i + 1:05}-of-{shards:05}.safetensors" for i in range(shards)]
    where = {key: files[i % shards] for i, key in enumerate(sorted(state))}
    for file in files:
        save_file({key: state[key].contiguous() for key in where if where[key] == file}, folder / file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": where}))
    return folder


def same_answers(slim: VideoLlavaForConditionalGeneration, whole: VideoLlavaForConditionalGeneration) -> None:
    embeds = torch.randn(2, 7, 16)
    mask = torch.tensor([[1] * 7, [1] * 4 + [0] * 3])
    arguments = {"inputs_embeds": embeds, "attention_mask": mask, "output_hidden_states": True}
    with torch.no_grad():
        ours, theirs = slim(**arguments), whole(**arguments)
    assert len(ours.hidden_states) == 3
    for mine, other in zip(ours.hidden_states, theirs.hidden_states, strict=True):
        assert torch.equal(mine, other)
    assert torch.equal(ours.logits, theirs.logits)
    features = torch.randn(3, 16)
    projected = slim.model.multi_modal_projector(features), whole.model.multi_modal_projector(features)
    assert torch.equal(*projected)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_hidden_states_equal_those_of_the_whole_model(full, tmp_path, layout: str) -> None:
    slim = load_backbone(str(save(full, tmp_path / "base", LAYOUTS[layout])))
    same_answers(slim, full)
    assert not any("tower" in name for name, _ in slim.named_parameters())
    assert all(parameter.device.type == "cpu" for parameter in slim.parameters())
    assert all(buffer.device.type == "cpu" for buffer in slim.buffers())


def test_what_the_real_class_saves_is_read(full, tmp_path) -> None:
    full.save_pretrained(tmp_path, max_shard_size="40KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 2
    same_answers(load_backbone(str(tmp_path)), full)


def test_shards_that_hold_towers_only_are_not_opened(full, tmp_path) -> None:
    folder = save(full, tmp_path / "base", {})
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    for key in index["weight_map"]:
        if "tower" in key:
            index["weight_map"][key] = "towers.safetensors"
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "towers.safetensors").write_bytes(b"not weights")
    same_answers(load_backbone(str(folder)), full)


@pytest.mark.parametrize("dtype", [None, torch.float16, torch.bfloat16])
def test_the_type_is_the_stored_one_or_the_chosen_one(full, tmp_path, dtype) -> None:
    slim = load_backbone(str(save(full, tmp_path / "base", {})), dtype=dtype)
    assert {parameter.dtype for parameter in slim.parameters()} == {dtype or torch.float32}
    frequencies = slim.model.language_model.rotary_emb.inv_freq
    assert torch.equal(frequencies, full.model.language_model.rotary_emb.inv_freq)  # never rounded


def test_a_model_on_a_base_keeps_its_weights_and_starts_scene_modules_anew(full, tmp_path) -> None:
    folder = save(full, tmp_path / "base", LAYOUTS["before transformers 5"])
    torch.manual_seed(0)
    config = config_for(str(folder), action_width=8, graph_width=8, scene_heads=2, expert_layers=1)
    assert config.vision_width == 16
    model = new_model(config)
    same_answers(model.backbone, full)
    torch.manual_seed(0)
    again = new_model(config).scene.state_dict()
    for name, tensor in model.scene.state_dict().items():
        assert torch.equal(tensor, again[name]), name
        assert tensor.dtype in (torch.float32, torch.bool)
    drawn = model.scene.moe.experts[0].layers[0].ffn[0].weight
    assert drawn.std().item() == pytest.approx(drawn.shape[1] ** -0.5, rel=0.1)
    assert model.scene.actions.tokens.nobody.abs().sum() > 0
    assert model.scene_token_id == full.config.video_token_index


def test_a_base_that_cannot_be_used_is_an_error_with_a_remedy(full, tmp_path, monkeypatch) -> None:
    folder = save(full, tmp_path / "base", {})
    shard = sorted(folder.glob("*.safetensors"))[0]
    state = {key: tensor.clone() for key, tensor in load_file(shard).items()}
    kept = shard.read_bytes()

    shard.write_bytes(kept[: len(kept) // 2])
    with pytest.raises(WeightsError, match=r"cannot be read(?s:.*)download the file again"):
        load_backbone(str(folder))
    victim = next(key for key in sorted(state) if "language_model.layers" in key)
    save_file({key: tensor for key, tensor in state.items() if key != victim}, shard)
    with pytest.raises(WeightsError, match=r"model\.language_model\).*1 missing keys"):
        load_backbone(str(folder))
    save_file(state | {victim: torch.zeros(2, 2)}, shard)
    with pytest.raises(WeightsError, match=r"1 wrong shapes"):
        load_backbone(str(folder))
    shard.unlink()
    with pytest.raises(WeightsError, match=f"names {shard.name}, which is missing"):
        load_backbone(str(folder))

    (folder / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(WeightsError, match=r"is a 'llama' checkpoint(?s:.*)set `base` to a Video-LLaVA"):
        read_backbone_config(str(folder))
    (folder / "config.json").write_text('{"model_type": "video_llava", "text_config": 3}')
    with pytest.raises(WeightsError, match=r"config\.json cannot be used"):
        read_backbone_config(str(folder))
    (folder / "config.json").unlink()
    with pytest.raises(WeightsError, match=r"no config\.json"):
        read_backbone_config(str(folder))
    with pytest.raises(WeightsError, match=r"no such folder(?s:.*)set `base` to a folder"):
        load_backbone(str(tmp_path / "nowhere"))
    monkeypatch.setattr("hawkeye_core.vision.checkpoint.hf_hub_download", offline)
    with pytest.raises(WeightsError, match=r"cannot be reached(?s:.*)`base` to its folder"):
        load_backbone("LanguageBind/Video-LLaVA-7B-hf")


def offline(*_: object, local_files_only: bool = False, **__: object) -> str:
    from huggingface_hub.errors import LocalEntryNotFoundError, OfflineModeIsEnabled

    raise LocalEntryNotFoundError("not cached") if local_files_only else OfflineModeIsEnabled("offline")


def test_values_that_do_not_fit_the_base_are_refused(full, tmp_path) -> None:
    folder = save(full, tmp_path / "base", {})
    with pytest.raises(ConfigError, match="scene_heads 5 does not divide"):
        config_for(str(folder), scene_heads=5)
