"""Towers read from tiny checkpoints in their true formats equal transformers' own hidden states; faults are named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from huggingface_hub.errors import LocalEntryNotFoundError, RemoteEntryNotFoundError
from safetensors.torch import load_file, save_file

from hawkeye_core.errors import ConfigError, WeightsError
from hawkeye_core.vision import checkpoint as checkpoint_module
from hawkeye_core.vision.checkpoint import FolderCheckpoint, load_prefixed, tensors_digest
from hawkeye_core.vision.config import VisionSettings
from hawkeye_core.vision.tower import Tower, load_tower

CopyOf = Callable[[str], Path]


def load(folder: Path | str, *, layer: int = -2, weights: str = "pretrained") -> Tower:
    return load_tower(
        VisionSettings(tower=str(folder), layer=layer, weights=weights), device="cpu", dtype=torch.float32
    )


def pixels() -> torch.Tensor:
    return torch.randn(3, 3, 56, 56, generator=torch.Generator().manual_seed(1))


@torch.inference_mode()
def hidden_states(model: torch.nn.Module, layer: int) -> torch.Tensor:
    return model(pixel_values=pixels(), output_hidden_states=True).hidden_states[layer][:, 1:]


@pytest.mark.parametrize("layer", [-1, -2, -4])
@pytest.mark.parametrize("folder", ["whole", "sharded"])
def test_video_tower_of_video_llava(checkpoints: SimpleNamespace, folder: str, layer: int) -> None:
    tower = load(checkpoints.root / folder, layer=layer)
    theirs = hidden_states(checkpoints.video_llava.model.video_tower, layer)
    torch.testing.assert_close(tower.patches(pixels()), theirs, atol=1e-6, rtol=0)
    assert (tower.width, tower.patch, tower.recipe.side) == (32, 14, 56)


def test_it_is_the_video_tower_not_the_image_tower(checkpoints: SimpleNamespace) -> None:
    image = hidden_states(checkpoints.video_llava.model.image_tower, -2)
    assert not torch.allclose(load(checkpoints.root / "whole").patches(pixels()), image, atol=1e-2)


def test_shards_and_one_file_have_one_digest(checkpoints: SimpleNamespace) -> None:
    whole, sharded = (load(checkpoints.root / name) for name in ("whole", "sharded"))
    assert whole.weights == sharded.weights
    assert whole.weights.startswith("sha256:")
    assert load(checkpoints.root / "clip").weights != whole.weights


@pytest.mark.parametrize("name", ["clip", "clip_vision"])
def test_clip(checkpoints: SimpleNamespace, name: str) -> None:
    model = checkpoints.clip.vision_model if name == "clip" else checkpoints.vision
    torch.testing.assert_close(
        load(checkpoints.root / name).patches(pixels()), hidden_states(model, -2), atol=1e-6, rtol=0
    )


def rename(folder: Path, change: Callable[[str], str]) -> None:
    state = load_file(folder / "model.safetensors")
    save_file({change(key): tensor for key, tensor in state.items()}, folder / "model.safetensors")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("video_tower.", "model.video_tower."),
        ("video_tower.", "video_tower.vision_model."),  # the published checkpoint
        ("video_tower.", "model.video_tower.vision_model."),
    ],
)
def test_other_names_of_the_same_tensors(checkpoints: SimpleNamespace, copy_of: CopyOf, old: str, new: str) -> None:
    folder = copy_of("whole")
    rename(folder, lambda key: new + key.removeprefix(old) if key.startswith(old) else key)
    renamed, plain = load(folder), load(checkpoints.root / "whole")
    assert torch.equal(renamed.patches(pixels()), plain.patches(pixels()))
    assert renamed.weights == plain.weights


def test_position_ids_of_old_checkpoints_are_ignored(checkpoints: SimpleNamespace, copy_of: CopyOf) -> None:
    folder = copy_of("clip")
    state = load_file(folder / "model.safetensors")
    state["vision_model.embeddings.position_ids"] = torch.arange(17)[None]
    save_file(state, folder / "model.safetensors")
    assert load(folder).weights == load(checkpoints.root / "clip").weights


def test_pytorch_model_bin(checkpoints: SimpleNamespace, copy_of: CopyOf) -> None:
    folder = copy_of("whole")
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    assert torch.equal(load(folder).patches(pixels()), load(checkpoints.root / "whole").patches(pixels()))


def test_pytorch_model_bin_in_shards(checkpoints: SimpleNamespace, copy_of: CopyOf) -> None:
    folder = copy_of("sharded")
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    for file in set(index["weight_map"].values()):
        torch.save(load_file(folder / file), folder / file.replace(".safetensors", ".bin"))
        (folder / file).unlink()
    index["weight_map"] = {key: file.replace(".safetensors", ".bin") for key, file in index["weight_map"].items()}
    (folder / "model.safetensors.index.json").unlink()
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    assert load(folder).weights == load(checkpoints.root / "whole").weights


def test_only_the_tower_is_read(checkpoints: SimpleNamespace, copy_of: CopyOf) -> None:
    """Shards without a tensor of the tower may be missing, as after a partial download."""
    folder = copy_of("sharded")
    index = json.loads((folder / "model.safetensors.index.json").read_text())["weight_map"]
    needed = {file for key, file in index.items() if key.startswith("video_tower.")}
    spare = set(index.values()) - needed
    assert spare
    for file in spare:
        (folder / file).unlink()
    assert load(folder).weights == load(checkpoints.root / "whole").weights
    state = load_prefixed(FolderCheckpoint(folder), ["model.video_tower.", "video_tower."])
    assert len(state) == sum(key.startswith("video_tower.") for key in index)


def test_half_precision_weights_are_digested_as_stored() -> None:
    state = {"a": torch.tensor([1.0, 2.0])}
    digests = {tensors_digest({"a": state["a"].to(dtype)}) for dtype in (torch.float32, torch.float16, torch.bfloat16)}
    assert len(digests | {tensors_digest({"b": state["a"]}), tensors_digest({"a": state["a"].view(2, 1)})}) == 5


def test_untrained_is_seeded_marked_and_needs_no_weights(copy_of: CopyOf) -> None:
    folder = copy_of("whole")
    (folder / "model.safetensors").unlink()
    first, second = (load(folder, weights="untrained") for _ in range(2))
    assert first.weights == "untrained"
    assert torch.equal(first.patches(pixels()), second.patches(pixels()))


def test_building_an_untrained_tower_leaves_the_random_state_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    load("tiny", weights="untrained")
    assert torch.equal(torch.rand(2), expected)


def test_tiny_must_be_asked_for_as_untrained() -> None:
    with pytest.raises(ConfigError, match="weights: untrained"):
        load("tiny")


def test_processor_of_the_checkpoint_is_used(copy_of: CopyOf) -> None:
    folder = copy_of("whole")
    processor = json.loads((folder / "video_preprocessor_config.json").read_text())
    (folder / "video_preprocessor_config.json").unlink()
    processor["image_mean"] = [0.5, 0.5, 0.5]
    (folder / "processor_config.json").write_text(json.dumps({"image_processor": {}, "video_processor": processor}))
    assert load(folder).recipe.mean == (0.5, 0.5, 0.5)


def test_missing_weights_say_what_to_do(copy_of: CopyOf) -> None:
    folder = copy_of("whole")
    (folder / "model.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"no model\.safetensors.*(?s:.*)weights: untrained"):
        load(folder)


def test_missing_shard_is_named(copy_of: CopyOf) -> None:
    folder = copy_of("sharded")
    index = json.loads((folder / "model.safetensors.index.json").read_text())["weight_map"]
    shard = index["video_tower.pre_layrnorm.weight"]
    (folder / shard).unlink()
    with pytest.raises(WeightsError, match=f"names {shard}, which is missing"):
        load(folder)


def test_shard_names_cannot_leave_the_folder(copy_of: CopyOf) -> None:
    folder = copy_of("sharded")
    path = folder / "model.safetensors.index.json"
    index = json.loads(path.read_text())
    index["weight_map"] = dict.fromkeys(index["weight_map"], "../whole/model.safetensors")
    path.write_text(json.dumps(index))
    with pytest.raises(WeightsError, match="no usable weight_map"):
        load(folder)


def test_truncated_weights(copy_of: CopyOf) -> None:
    folder = copy_of("whole")
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[: len(content) // 2])
    with pytest.raises(WeightsError, match=r"cannot be read(?s:.*)download the file again"):
        load(folder)


def test_missing_tensor_is_named(copy_of: CopyOf) -> None:
    folder = copy_of("whole")
    state = load_file(folder / "model.safetensors")
    del state["video_tower.encoder.layers.1.mlp.fc1.bias"]
    save_file(state, folder / "model.safetensors")
    with pytest.raises(WeightsError, match=r"1 missing keys .*encoder\.layers\.1\.mlp\.fc1\.bias"):
        load(folder)


def test_checkpoint_without_a_tower(copy_of: CopyOf) -> None:
    folder = copy_of("whole")
    rename(folder, lambda key: key.replace("video_tower", "other"))
    with pytest.raises(WeightsError, match=r"no tensors under 'model\.video_tower\.' or 'video_tower\.'"):
        load(folder)


def test_other_kinds_of_model_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(WeightsError, match="is a 'bert' checkpoint, not one of video_llava"):
        load(tmp_path)


def test_broken_config(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(WeightsError, match="is not JSON"):
        load(tmp_path)


@pytest.mark.parametrize("tower", ["/no/such/folder", "a/b/c", "https://host/model", "../up"])
def test_neither_folder_nor_hub_name(tower: str) -> None:
    with pytest.raises(WeightsError, match="no such folder, and not a hub name"):
        load(tower)


def test_layer_too_deep(checkpoints: SimpleNamespace) -> None:
    with pytest.raises(ConfigError, match="choose -4 to -1"):
        load(checkpoints.root / "whole", layer=-5)


def test_offline_hub_is_a_weights_error_with_a_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(WeightsError, match=r"cannot be reached(?s:.*)set `vision.tower` to its folder"):
        load("LanguageBind/Video-LLaVA-7B-hf")


def test_a_broken_download_is_a_weights_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def download(*args: object, local_files_only: bool = False, **kwargs: object) -> str:
        if local_files_only:
            raise LocalEntryNotFoundError("not cached")
        raise checkpoint_module._TRANSPORT_ERROR("connection reset")

    monkeypatch.setattr(checkpoint_module, "hf_hub_download", download)
    with pytest.raises(WeightsError, match=r"config\.json is not in the local cache"):
        load("some/tower")


def test_a_name_the_hub_does_not_allow() -> None:
    with pytest.raises(WeightsError, match=r"a--b: is not a hub name"):
        load("a--b")


def test_hub_files_come_from_the_cache_first_and_absent_ones_are_none(
    checkpoints: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, bool]] = []

    def download(name: str, file: str, *, revision: str | None, local_files_only: bool = False) -> str:
        assert (name, revision) == ("some/tower", "v1")
        asked.append((file, local_files_only))
        path = checkpoints.root / "sharded" / file
        if local_files_only:
            raise LocalEntryNotFoundError("not cached")
        if not path.is_file():
            raise RemoteEntryNotFoundError("no such file", response=SimpleNamespace(headers={}, request=None))
        return str(path)

    monkeypatch.setattr(checkpoint_module, "hf_hub_download", download)
    tower = load_tower(VisionSettings(tower="some/tower", revision="v1"), device="cpu", dtype=torch.float32)
    assert tower.weights == load(checkpoints.root / "whole").weights
    assert asked[:2] == [("config.json", True), ("config.json", False)]
    fetched = {file for file, local in asked if not local and file.startswith("model-")}
    index = json.loads((checkpoints.root / "sharded" / "model.safetensors.index.json").read_text())["weight_map"]
    assert fetched == {file for key, file in index.items() if key.startswith("video_tower.")}
