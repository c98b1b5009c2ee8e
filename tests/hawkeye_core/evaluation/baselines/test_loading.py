"""What cannot be loaded says what it is and what to do; nothing is made up and no foreign code is run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM

from hawkeye_core.errors import ConfigError, WeightsError
from hawkeye_core.evaluation.baselines.loading import load_video_text

from .tiny_video_text import WIDTH, tokenizer

Models = Callable[..., Path]


@pytest.fixture
def copy(model_folder: Models, tmp_path: Path) -> Path:
    return Path(shutil.copytree(model_folder("video-llava"), tmp_path / "copy"))


def test_a_hub_name_out_of_reach_says_how_to_get_it() -> None:
    with pytest.raises(WeightsError, match=r"not in the local cache") as caught:
        load_video_text("nobody/no-such-model-7b-hf")
    assert "hf download nobody/no-such-model-7b-hf" in str(caught.value.remedy)
    assert "HF_HOME" in str(caught.value.remedy)


@pytest.mark.parametrize("name", ["./nowhere", "/no/such/folder", "a/b/c"])
def test_no_folder_is_no_hub_name(name: str) -> None:
    with pytest.raises(WeightsError, match="no such folder"):
        load_video_text(name)


def test_a_folder_without_a_model_and_a_file(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"has no config\.json"):
        load_video_text(str(tmp_path))
    (tmp_path / "model.bin").write_bytes(b"x")
    with pytest.raises(WeightsError, match="is a file"):
        load_video_text(str(tmp_path / "model.bin"))


def test_code_of_its_own_is_refused_and_not_run(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    (tmp_path / "own.py").write_text(f"open({str(ran)!r}, 'w')\nclass C: pass\n")
    config = {"model_type": "their_own", "auto_map": {"AutoConfig": "own.C", "AutoModelForImageTextToText": "own.C"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(WeightsError, match="needs code of its own") as caught:
        load_video_text(str(tmp_path))
    assert "--predictions" in str(caught.value.remedy)
    assert not ran.exists()


def test_a_kind_that_is_not_known(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "video_llama_99"}')
    with pytest.raises(WeightsError, match="does not know") as caught:
        load_video_text(str(tmp_path))
    assert "newer transformers" in str(caught.value.remedy)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(WeightsError):
        load_video_text(str(tmp_path))


def test_a_model_of_text_alone(tmp_path: Path) -> None:
    words = tokenizer()
    size = {"hidden_size": WIDTH, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    LlamaForCausalLM(LlamaConfig(vocab_size=len(words), **size)).save_pretrained(tmp_path)
    words.save_pretrained(tmp_path)
    with pytest.raises((ConfigError, WeightsError), match=r"takes no videos|no video-text model"):
        load_video_text(str(tmp_path))


def test_missing_tensors_are_not_made_up(copy: Path) -> None:
    path = copy / "model.safetensors"
    state = load_file(path)
    gone = next(key for key in state if key.endswith("layers.1.mlp.down_proj.weight"))
    save_file({key: value for key, value in state.items() if key != gone}, path, metadata={"format": "pt"})
    with pytest.raises(WeightsError, match=r"lacks 1 of the model's tensors \(first: .*down_proj"):
        load_video_text(str(copy))


def test_a_truncated_file_and_one_for_another_size(copy: Path) -> None:
    path = copy / "model.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WeightsError, match="cannot be loaded"):
        load_video_text(str(copy))
    path.write_bytes(whole)
    config = json.loads((copy / "config.json").read_text())
    config["text_config"]["intermediate_size"] += 8
    (copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(WeightsError):
        load_video_text(str(copy))


def test_without_a_processor_and_without_a_chat_template(copy: Path) -> None:
    (copy / "chat_template.jinja").unlink()
    with pytest.raises(ConfigError, match="without a chat template") as caught:
        load_video_text(str(copy))
    assert "baseline.prompt_template" in str(caught.value.remedy)
    load_video_text(str(copy), template="{video}{question}")
    (copy / "chat_template.jinja").write_text("{{ messages[0]['content'] | nonsense }}")
    with pytest.raises(ConfigError, match="cannot be used"):
        load_video_text(str(copy))
    (copy / "chat_template.jinja").write_text("no video here")
    with pytest.raises(ConfigError, match="puts 0 marks"):
        load_video_text(str(copy))
    for path in copy.glob("*processor*"):
        path.unlink()
    with pytest.raises((ConfigError, WeightsError)):
        load_video_text(str(copy))
