import argparse
import os

import pytest
import torch
from safetensors.torch import save_file

from hawkeye_core.digest import sha256_of
from hawkeye_core.errors import WeightsError
from hawkeye_core.relation.architecture import ARCHITECTURES
from hawkeye_core.relation.config import RelTRSettings
from hawkeye_core.relation.reltr import build_reltr
from hawkeye_core.relation.reltr_weights import load_reltr
from hawkeye_core.tiny import shipped as shipped_module


@pytest.fixture
def state():
    return build_reltr(ARCHITECTURES["tiny"], seed=9).state_dict()


def _settings(path, **changes):
    return RelTRSettings(**{"size": "tiny", "weights": str(path), **changes})


def _equal(model, state):
    return all(torch.equal(tensor, state[key]) for key, tensor in model.state_dict().items())


def _training_checkpoint(state):
    """The layout that the original's training writes."""
    arguments = argparse.Namespace(lr=1e-4, dataset="vg", resume="", masks=False, clip_max_norm=0.1)
    optimizer = {"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"lr": 1e-4, "params": [0]}]}
    scheduler = {"step_size": 100, "base_lrs": [1e-4, 1e-5], "last_epoch": 150}
    return {"model": state, "optimizer": optimizer, "lr_scheduler": scheduler, "epoch": 149, "args": arguments}


def test_checkpoint_with_arguments_beside_the_weights(tmp_path, state):
    path = tmp_path / "checkpoint0149.pth"
    torch.save(_training_checkpoint(state), path)
    model, weights = load_reltr(_settings(path))
    assert _equal(model, state)
    assert not model.training
    assert weights.startswith("sha256:")
    assert len(weights) == 7 + 64


def test_bare_state_dict_and_safetensors(tmp_path, state):
    torch.save(state, tmp_path / "bare.pth")
    save_file({key: tensor.contiguous() for key, tensor in state.items()}, tmp_path / "bare.safetensors")
    for name in ("bare.pth", "bare.safetensors"):
        assert _equal(load_reltr(_settings(tmp_path / name))[0], state)


def test_a_pickle_that_would_run_a_command_is_refused_and_runs_nothing(tmp_path, state):
    proof = tmp_path / "ran"

    class Hostile:
        def __reduce__(self):
            return os.system, (f"touch {proof}",)

    path = tmp_path / "hostile.pth"
    torch.save({**_training_checkpoint(state), "args": Hostile()}, path)
    with pytest.raises(WeightsError, match=r"hostile\.pth: refused"):
        load_reltr(_settings(path))
    assert not proof.exists()


def test_the_open_images_checkpoint_is_named_as_such(tmp_path, state):
    for objects, predicates in ((290, 32), (289, 31)):
        other = dict(state)
        other["sub_class_embed.weight"] = torch.zeros(objects, 64)
        other["rel_class_embed.layers.1.weight"] = torch.zeros(predicates, 64)
        path = tmp_path / f"checkpoint0149_oi_{objects}.pth"
        torch.save(_training_checkpoint(other), path)
        with pytest.raises(WeightsError, match=r"Open Images checkpoint.*151 and 51(.|\n)*checkpoint0149\.pth"):
            load_reltr(_settings(path))


def test_a_file_of_another_size_is_refused_with_what_differs(tmp_path, state):
    path = tmp_path / "tiny.pth"
    torch.save({"model": state}, path)
    with pytest.raises(WeightsError, match=r"does not fit RelTR(.|\n)*network size"):
        load_reltr(_settings(path, size="r50"))


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 cut off"])
def test_damaged_files_are_refused(tmp_path, content):
    path = tmp_path / "damaged.pth"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"damaged\.pth"):
        load_reltr(_settings(path))


def test_truncated_checkpoint_is_refused(tmp_path, state):
    path = tmp_path / "cut.pth"
    torch.save({"model": state}, path)
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(WeightsError, match=r"cut\.pth"):
        load_reltr(_settings(path))


def test_missing_file_says_where_to_get_it_and_which_setting_names_it(tmp_path):
    with pytest.raises(WeightsError, match=r"no such weights file(.|\n)*checkpoint0149\.pth.*relations\.weights"):
        load_reltr(_settings(tmp_path / "nowhere.pth"))


def test_untrained_weights_are_the_same_every_time():
    (first, mark), (second, _) = load_reltr(_settings("untrained")), load_reltr(_settings("untrained"))
    assert mark == "untrained"
    assert _equal(first, second.state_dict())


def test_shipped_weights_are_the_packages_widened_to_float32_and_named_by_their_hash(tmp_path, state, monkeypatch):
    monkeypatch.setattr(shipped_module, "shipped_folder", lambda: tmp_path)
    with pytest.raises(WeightsError, match="hawkeye tiny train relations"):
        load_reltr(_settings("shipped"))
    halves = {key: value.half() if value.is_floating_point() else value for key, value in state.items()}
    path = tmp_path / "relations.safetensors"
    save_file({key: value.contiguous() for key, value in halves.items()}, path)
    model, weights = load_reltr(_settings("shipped"))
    assert weights == f"sha256:{sha256_of(path)}"
    assert all(p.dtype == torch.float32 for p in model.parameters())
    assert _equal(model, {key: value.float() if value.is_floating_point() else value for key, value in halves.items()})


def test_shipped_goes_with_tiny_only():
    with pytest.raises(WeightsError, match=r"`size: tiny` only, not with r50(.|\n)*checkpoint0149\.pth"):
        load_reltr(_settings("shipped", size="r50"))
