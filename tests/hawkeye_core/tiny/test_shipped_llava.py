"""A small Video-LLaVA in the place of the package's, read by the code that reads the published one."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoProcessor, AutoTokenizer, CLIPVisionModel, VideoLlavaForConditionalGeneration

from hawkeye_core.answers.render import INSTRUCTION
from hawkeye_core.errors import WeightsError
from hawkeye_core.model.backbone import backbone_digest, load_backbone
from hawkeye_core.model.saving import config_for, load_trainable, new_model, save_trainable
from hawkeye_core.tiny.account import Account
from hawkeye_core.tiny.clips import TokenClip
from hawkeye_core.tiny.llava_config import vision_config
from hawkeye_core.tiny.llava_folder import write_llava
from hawkeye_core.tiny.llava_tokenizer import train_tokenizer
from hawkeye_core.tiny.shipped import LLAVA, shipped_folder, shipped_llava
from hawkeye_core.training.build import base_tokenizer
from hawkeye_core.vision.checkpoint import locate
from hawkeye_core.vision.config import VisionSettings
from hawkeye_core.vision.tower import load_tower

MOST_BYTES = 25e6


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """What `hawkeye tiny card llava` writes, with new weights."""
    folder = tmp_path_factory.mktemp("package")
    tokenizer = train_tokenizer([f"USER: 0.0s\n{INSTRUCTION} ASSISTANT: From 3.0 to 4.5 seconds, there exists"] * 2)
    write_llava(folder / LLAVA, tokenizer, tower=CLIPVisionModel(vision_config()).state_dict())
    return folder


@pytest.fixture(autouse=True)
def in_place(package, monkeypatch):
    monkeypatch.setattr("hawkeye_core.tiny.shipped.shipped_folder", lambda: package)


def test_the_tower_is_read_and_tells_its_weights():
    tower = load_tower(VisionSettings(tower="shipped"), device="cpu", dtype=torch.float32)
    assert tower.weights.startswith("sha256:")
    assert tower.width == 128
    patches = tower.patches(torch.zeros(2, 3, tower.recipe.side, tower.recipe.side))
    assert patches.shape == (2, (tower.recipe.side // tower.patch) ** 2, tower.width)


def test_the_backbone_is_read_under_its_short_name():
    backbone = load_backbone("shipped", dtype=torch.float32)
    assert backbone.config.vision_config.hidden_size == 128
    assert backbone_digest("shipped") == backbone_digest(str(shipped_llava()))


def test_a_model_on_it_is_saved_by_name_and_read_again(tmp_path):
    values = {"action_width": 32, "graph_width": 32, "scene_heads": 4, "expert_layers": 1}
    model = new_model(config_for("shipped", lora=True, **values), dtype=torch.float32)
    save_trainable(model, tmp_path)
    again = load_trainable(tmp_path)
    assert again.config.base == "shipped"
    for name, value in model.state_dict().items():
        assert torch.equal(again.state_dict()[name].float(), value.float()), name


def test_its_tokenizer_takes_prompts_and_any_text():
    tokenizer = base_tokenizer("shipped")
    for text in (
        f"USER: 0.0s\n{INSTRUCTION} ASSISTANT:",
        "12.5s",
        "Größe 東京",
        " From 3.0 to 4.5 seconds, there exists",
    ):
        assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False)) == text
    assert len(tokenizer.encode(INSTRUCTION, add_special_tokens=False)) < 25
    backbone = load_backbone("shipped")
    assert tokenizer.convert_tokens_to_ids("<video>") == backbone.config.video_token_index
    assert len(tokenizer) == backbone.config.text_config.vocab_size


def test_transformers_reads_all_of_it_and_answers():
    folder = shipped_llava()
    model, info = VideoLlavaForConditionalGeneration.from_pretrained(
        folder, output_loading_info=True, dtype=torch.float32
    )
    assert not any(info[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    processor = AutoProcessor.from_pretrained(folder)
    video = np.random.default_rng(0).integers(0, 256, (8, 60, 80, 3), dtype=np.uint8)
    inputs = processor(text="USER: <video>\nDescribe the video. ASSISTANT:", videos=[video], return_tensors="pt")
    assert model.generate(**inputs, max_new_tokens=2).shape[1] >= inputs["input_ids"].shape[1] + 1


def test_the_weights_are_small(package):
    assert (package / LLAVA / "model.safetensors").stat().st_size <= MOST_BYTES / 4
    assert sum(path.stat().st_size for path in shipped_folder().rglob("*") if path.is_file()) <= MOST_BYTES


def test_other_names_stay_and_a_package_without_weights_says_so(monkeypatch, tmp_path):
    assert locate("LanguageBind/Video-LLaVA-7B-hf") == "LanguageBind/Video-LLaVA-7B-hf"
    monkeypatch.setattr("hawkeye_core.tiny.shipped.shipped_folder", lambda: tmp_path)
    with pytest.raises(WeightsError, match="hawkeye tiny train"):
        locate("shipped")


def test_training_of_the_language_model_can_begin_with_the_packages(tmp_path: Path, monkeypatch) -> None:
    """Weights and tokenizer go together: the numbers of words are the tokenizer's."""
    from hawkeye_core.tiny import llava_train
    from hawkeye_core.tiny.llava_folder import language_state
    from hawkeye_core.tiny.shipped import shipped_llava

    seen = {}

    def look(task, settings, *, begun):
        seen.update(task=task, begun=begun)
        raise KeyboardInterrupt

    clip = TokenClip(np.zeros((8, 5, 128), np.float16), 8.0, Account(1.0, (), "A street."))
    monkeypatch.setattr(llava_train, "train", look)
    monkeypatch.setattr(llava_train, "token_clips", lambda *_, **__: [clip])
    monkeypatch.setattr(llava_train, "tower_state", lambda path: None)
    monkeypatch.setattr(llava_train, "write_llava", lambda *_, **__: None)
    monkeypatch.setattr(llava_train, "ClipVisionBackend", lambda settings: None)
    monkeypatch.setattr(llava_train, "_tower", lambda settings: tmp_path)
    with pytest.raises(KeyboardInterrupt):
        llava_train.train_language(llava_train.LanguageSettings(start="shipped", run=str(tmp_path / "run")))
    state = language_state(shipped_llava())
    assert seen["begun"]
    assert set(state) == set(seen["task"].model.state_dict())
    assert all(torch.equal(value, state[key]) for key, value in seen["task"].model.state_dict().items())
    words = seen["task"].tokenizer.encode("a man hits a woman")
    assert words == AutoTokenizer.from_pretrained(shipped_llava()).encode("a man hits a woman")
