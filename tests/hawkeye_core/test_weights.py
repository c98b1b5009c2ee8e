"""Weights files: the true layouts are read, hostile and damaged ones are refused with the file's name."""

from __future__ import annotations

import argparse
import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from hawkeye_core.digest import sha256_of
from hawkeye_core.errors import WeightsError
from hawkeye_core.weights import load_state_dict, load_strictly, require_weights

STATE = {"a.weight": torch.arange(6.0).reshape(2, 3), "a.bias": torch.ones(2)}


class Payload:
    """What a hostile file would hold: code that runs when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.marker),)


@pytest.mark.parametrize("key", [None, "model", "state_dict", "best_state_dict"])
def test_reads_bare_and_wrapped_state_dicts(tmp_path: Path, key: str | None) -> None:
    path = tmp_path / "weights.pth"
    torch.save(STATE if key is None else {key: STATE, "epoch": 3}, path)
    state = load_state_dict(path)
    assert list(state) == list(STATE)
    assert torch.equal(state["a.weight"], STATE["a.weight"])


def test_reads_a_checkpoint_with_an_argparse_namespace(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pth"
    torch.save({"model": STATE, "args": argparse.Namespace(lr=1e-4, dataset="vg"), "epoch": 149}, path)
    assert torch.equal(load_state_dict(path)["a.bias"], STATE["a.bias"])


def test_reads_safetensors(tmp_path: Path) -> None:
    save_file(STATE, tmp_path / "weights.safetensors")
    assert torch.equal(load_state_dict(tmp_path / "weights.safetensors")["a.weight"], STATE["a.weight"])


@pytest.mark.parametrize("wrap", [lambda p: p, lambda p: {"model": STATE, "args": p}])
def test_code_in_a_pickle_never_runs(tmp_path: Path, wrap) -> None:
    marker, path = tmp_path / "marker", tmp_path / "hostile.pth"
    torch.save(wrap(Payload(marker)), path)
    with pytest.raises(WeightsError, match=r"hostile\.pth.*refused"):
        load_state_dict(path)
    assert not marker.exists()


def test_code_in_a_bare_pickle_never_runs(tmp_path: Path) -> None:
    marker, path = tmp_path / "marker", tmp_path / "hostile.pth"
    path.write_bytes(pickle.dumps(Payload(marker)))
    with pytest.raises(WeightsError, match=r"hostile\.pth"):
        load_state_dict(path)
    assert not marker.exists()


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_truncated_and_empty_files_are_refused(tmp_path: Path, suffix: str) -> None:
    whole, cut, empty = (tmp_path / f"{name}{suffix}" for name in ("whole", "cut", "empty"))
    save_file(STATE, whole) if suffix == ".safetensors" else torch.save(STATE, whole)
    cut.write_bytes(whole.read_bytes()[:-40])
    empty.touch()
    for path in (cut, empty):
        with pytest.raises(WeightsError, match=path.name):
            load_state_dict(path)


def test_a_file_without_tensors_is_refused(tmp_path: Path) -> None:
    torch.save({"epoch": 3}, tmp_path / "x.pth")
    with pytest.raises(WeightsError, match="no state dict"):
        load_state_dict(tmp_path / "x.pth")


def test_missing_weights_say_where_to_get_them_and_which_key(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"(?s)nowhere\.pth.*model zoo.*pose\.weights.*untrained"):
        require_weights(tmp_path / "nowhere.pth", published="the model zoo", key="pose.weights")
    with pytest.raises(WeightsError, match="is not a file"):
        require_weights(tmp_path, published="the model zoo", key="pose.weights")


def test_strict_loading_names_the_differences() -> None:
    module = torch.nn.Module()
    module.a = torch.nn.Linear(3, 2)
    load_strictly(module, STATE, path="x.pth")
    assert torch.equal(module.a.weight, STATE["a.weight"])
    with pytest.raises(WeightsError, match=r"1 missing keys \(first: a\.bias\); 1 unexpected keys \(first: b\)"):
        load_strictly(module, {"a.weight": STATE["a.weight"], "b": torch.ones(1)}, path="x.pth")
    with pytest.raises(WeightsError, match=r"a\.bias is \(3,\), the network needs \(2,\)"):
        load_strictly(module, STATE | {"a.bias": torch.ones(3)}, path="x.pth")


def test_the_hash_follows_the_content(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"abc")
    assert sha256_of(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    path.write_bytes(b"abcd")
    assert sha256_of(path).startswith("88d4266fd4e6338d")
