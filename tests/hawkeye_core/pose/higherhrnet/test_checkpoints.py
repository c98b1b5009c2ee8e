from __future__ import annotations

import os
import pickle

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from hawkeye_core.errors import WeightsError
from hawkeye_core.pose.higher_hrnet import ARCHITECTURES, HigherHRNet
from hawkeye_core.pose.higher_hrnet_weights import build_network, fold_batch_norms, initialise


@pytest.fixture(scope="module")
def tiny():
    network = HigherHRNet(ARCHITECTURES["tiny"])
    initialise(network, seed=7)
    return network.eval()


def equal(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


@pytest.mark.parametrize("prefix", ["", "1.", "module.", "module.1."])
@pytest.mark.parametrize("outer", [None, "state_dict", "best_state_dict"])
def test_wrapped_and_bare_checkpoints_load_alike(tiny, tmp_path, prefix, outer):
    state = {prefix + key: value for key, value in tiny.state_dict().items()}
    torch.save(state if outer is None else {"epoch": 3, outer: state}, tmp_path / "w.pth.tar")
    network, name = build_network("tiny", str(tmp_path / "w.pth.tar"))
    assert equal(network, tiny)
    assert not network.training
    assert name.startswith("sha256:")
    assert len(name) == len("sha256:") + 64


def test_safetensors_load(tiny, tmp_path):
    save_file(tiny.state_dict(), tmp_path / "w.safetensors")
    assert equal(build_network("tiny", str(tmp_path / "w.safetensors"))[0], tiny)


def test_half_precision_is_widened(tiny, tmp_path):
    half = {k: v.half() if v.is_floating_point() else v for k, v in tiny.state_dict().items()}
    torch.save(half, tmp_path / "w.pth")
    network, _ = build_network("tiny", str(tmp_path / "w.pth"))
    assert {p.dtype for p in network.parameters()} == {torch.float32}
    assert torch.equal(network.conv1.weight, tiny.conv1.weight.half().float())


def test_code_in_a_pickle_is_refused_and_not_run(tmp_path):
    path, mark = tmp_path / "w.pth", tmp_path / "executed"

    class Hostile:
        def __reduce__(self):
            return os.system, (f"touch {mark}",)

    torch.save({"conv1.weight": torch.zeros(1), "x": Hostile()}, path)
    with pytest.raises(WeightsError, match=r"w\.pth: refused"):
        build_network("tiny", str(path))
    path.write_bytes(pickle.dumps(Hostile(), protocol=2))
    with pytest.raises(WeightsError, match=r"w\.pth: "):
        build_network("tiny", str(path))
    assert not mark.exists()


@pytest.mark.parametrize("part", [0.0, 0.5, 0.99])
def test_truncated_file_is_refused(tiny, tmp_path, part):
    path = tmp_path / "w.pth"
    torch.save(tiny.state_dict(), path)
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    with pytest.raises(WeightsError, match=r"w\.pth: .*\n  remedy: "):
        build_network("tiny", str(path))


def test_another_published_size_is_named(tmp_path):
    with torch.device("meta"):
        state = HigherHRNet(ARCHITECTURES["w48-640"]).state_dict()
    small = {k: torch.zeros(()).expand(v.shape).to(v.dtype) for k, v in state.items() if k.startswith("final_layers")}
    torch.save(small, tmp_path / "w48.pth")
    with pytest.raises(WeightsError, match=r"width 48, but `size: w32-512` has width 32(.|\n)*`pose.size: w48-640`"):
        build_network("w32-512", str(tmp_path / "w48.pth"))


def test_missing_and_foreign_keys_are_listed(tiny, tmp_path):
    state = dict(tiny.state_dict())
    state["foreign.weight"] = state.pop("conv2.weight")
    torch.save(state, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match=r"1 missing keys \(first: conv2.weight\); 1 unexpected keys"):
        build_network("tiny", str(tmp_path / "w.pth"))


def test_missing_file_says_where_to_get_it(tmp_path):
    with pytest.raises(WeightsError, match=r"HigherHRNet-Human-Pose-Estimation(.|\n)*`pose.weights`(.|\n)*untrained"):
        build_network("w32-512", str(tmp_path / "none.pth"))


def test_untrained_weights_are_the_same_at_every_call():
    (a, name), (b, _) = build_network("tiny", "untrained"), build_network("tiny", "untrained")
    assert name == "untrained"
    assert equal(a, b)
    other = HigherHRNet(ARCHITECTURES["tiny"])
    initialise(other, seed=1)
    assert not equal(a, other)


@pytest.mark.parametrize("size", ["tiny", "w32-512", pytest.param("w48-640", marks=pytest.mark.slow)])
def test_untrained_heatmaps_have_sane_values(size, by_name):
    network, _ = build_network(size, "untrained")
    with torch.inference_mode():
        for x in (by_name.images("block_128x192"), by_name.images("noise_128x192")):
            heat = network(x)[1]
            assert torch.isfinite(heat).all()
            assert 0.05 < heat.abs().max() < 1


def test_folding_batch_norms_changes_nothing_but_rounding(by_name):
    network = HigherHRNet(ARCHITECTURES["tiny"])
    by_name.fill(network)
    x = by_name.images("noise_64x96")
    with torch.inference_mode():
        before = network.eval()(x)
        fold_batch_norms(network)
        after = network(x)
    for a, b in zip(before, after, strict=True):
        np.testing.assert_allclose(b.numpy(), a.numpy(), atol=1e-4)
