from __future__ import annotations

import zlib

import numpy as np
import pytest
import torch

from hawkeye_core.pose.config import HigherHRNetSettings
from hawkeye_core.pose.higher_hrnet import ARCHITECTURES, HigherHRNet
from hawkeye_core.pose.higher_hrnet_weights import fold_batch_norms


@pytest.fixture(scope="module")
def w32(by_name):
    network = HigherHRNet(ARCHITECTURES["w32-512"])
    by_name.fill(network)
    return network.eval()


@pytest.mark.parametrize(("size", "count"), [("w32-512", 28_645_331), ("w48-640", 63_827_139)])
def test_parameter_count_is_the_published_one(size, count):
    with torch.device("meta"):
        assert sum(p.numel() for p in HigherHRNet(ARCHITECTURES[size]).parameters()) == count


def test_every_size_of_the_settings_has_an_architecture():
    assert set(HigherHRNetSettings.model_fields["size"].annotation.__args__) == set(ARCHITECTURES)


def test_keys_and_shapes_equal_the_published_state_dict(key_table):
    with torch.device("meta"):
        state = HigherHRNet(ARCHITECTURES["w32-512"]).state_dict()
    assert [(key, tuple(value.shape)) for key, value in state.items()] == [row[:2] for row in key_table]


def test_filled_parameters_have_the_recorded_sums(key_table, by_name):
    for key, shape, total, crc in key_table:
        value = by_name.array(key, shape)
        assert value.astype(np.float64).sum() == pytest.approx(total, rel=1e-6, abs=1e-6), key
        assert zlib.crc32(np.ascontiguousarray(value).tobytes()) == crc, key


@pytest.mark.slow
@pytest.mark.parametrize("case", ["noise_512", "block_512", "block_512x640"])
def test_outputs_equal_the_original_network(w32, by_name, reference, case):
    with torch.inference_mode():
        outputs = w32(by_name.images(case))
    for name, output in zip(("out0", "out1"), outputs, strict=True):
        expected = reference("w32_outputs.json")["cases"][case][name]
        assert list(output.shape) == expected["shape"]
        sampled = output.flatten()[expected["index"]].double().numpy()
        np.testing.assert_allclose(sampled, expected["value"], rtol=0, atol=1e-4)
        assert float(output.std()) == pytest.approx(expected["std"], rel=1e-4)


@pytest.mark.slow
def test_folded_channels_last_network_equals_the_original_network(by_name, reference):
    network = HigherHRNet(ARCHITECTURES["w32-512"])
    by_name.fill(network)
    fold_batch_norms(network.eval())
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in network.modules())
    network.to(memory_format=torch.channels_last)
    with torch.inference_mode():
        outputs = network(by_name.images("block_512").contiguous(memory_format=torch.channels_last))
    for name, output in zip(("out0", "out1"), outputs, strict=True):
        expected = reference("w32_outputs.json")["cases"]["block_512"][name]
        sampled = output.contiguous().flatten()[expected["index"]].double().numpy()
        np.testing.assert_allclose(sampled, expected["value"], rtol=0, atol=1e-4)


def test_tiny_network_is_the_same_class_of_network():
    network = HigherHRNet(ARCHITECTURES["tiny"])
    assert sum(p.numel() for p in network.parameters()) < 2_000_000
    published = {key.split(".")[0] for key in HigherHRNet(ARCHITECTURES["w32-512"]).state_dict()}
    assert {key.split(".")[0] for key in network.state_dict()} == published
    coarse, fine = network.eval()(torch.zeros(2, 3, 64, 96))
    assert coarse.shape == (2, 34, 16, 24)
    assert fine.shape == (2, 17, 32, 48)


def test_every_parameter_of_the_tiny_network_learns():
    torch.manual_seed(0)
    network = HigherHRNet(ARCHITECTURES["tiny"])
    coarse, fine = network(torch.randn(2, 3, 64, 64))
    (coarse.square().mean() + fine.square().mean()).backward()
    without = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert without == []


def test_sides_off_the_grid_are_refused():
    with pytest.raises(ValueError, match=r"\(48, 64\).*multiples of 32"):
        HigherHRNet(ARCHITECTURES["tiny"])(torch.zeros(1, 3, 48, 64))
