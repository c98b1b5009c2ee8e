import pytest
import torch

from hawkeye_core.relation.architecture import RelTRArchitecture
from hawkeye_core.relation.backbone import Backbone, FrozenBatchNorm2d, convolve

SMALL = RelTRArchitecture(stem=4, blocks=(1, 2, 1, 1))


def _randomise(norm):
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        norm.weight.uniform_(0.5, 1.5, generator=generator)
        norm.bias.normal_(generator=generator)
        norm.running_mean.normal_(generator=generator)
        norm.running_var.uniform_(0.2, 3.0, generator=generator)
    return norm


@torch.no_grad()
def test_frozen_norm_equals_evaluated_batch_norm():
    frozen = _randomise(FrozenBatchNorm2d(6))
    ordinary = _randomise(torch.nn.BatchNorm2d(6)).eval()
    x = torch.randn(2, 6, 5, 4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(frozen(x), ordinary(x), atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("kind", [FrozenBatchNorm2d, torch.nn.BatchNorm2d])
def test_folded_convolution_equals_convolution_then_norm(kind):
    torch.manual_seed(0)
    conv = torch.nn.Conv2d(3, 6, 3, stride=2, padding=1, bias=False)
    norm = _randomise(kind(6)).eval()
    x = torch.randn(2, 3, 9, 7)
    torch.testing.assert_close(convolve(x, conv, norm), norm(conv(x)), atol=1e-5, rtol=1e-5)


def test_folding_keeps_gradients():
    torch.manual_seed(0)
    conv, norm = torch.nn.Conv2d(3, 6, 1, bias=False), _randomise(FrozenBatchNorm2d(6))
    x = torch.randn(2, 3, 4, 4)
    folded = torch.autograd.grad(convolve(x, conv, norm).square().sum(), conv.weight)[0]
    plain = torch.autograd.grad(norm(conv(x)).square().sum(), conv.weight)[0]
    torch.testing.assert_close(folded, plain, atol=1e-4, rtol=1e-4)


def test_frozen_norm_has_four_buffers_and_nothing_to_train():
    norm = FrozenBatchNorm2d(3)
    assert set(norm.state_dict()) == {"weight", "bias", "running_mean", "running_var"}
    assert not list(norm.parameters())


@pytest.mark.parametrize(("strides", "expected"), [((1, 2, 2, 2), (3, 4)), ((1, 2, 2, 1), (6, 8))])
def test_output_grid_follows_the_strides(strides, expected):
    config = RelTRArchitecture(stem=4, blocks=(1, 1, 1, 1), strides=strides)
    with torch.no_grad():
        assert Backbone(config)(torch.zeros(1, 3, 96, 128)).shape == (1, 128, *expected)
        assert Backbone(config)(torch.zeros(1, 3, 95, 121)).shape[2:] == expected
    assert (96 // config.stride, 128 // config.stride) == expected


def test_stem_and_first_stage_are_frozen_the_rest_learns():
    learning = {name for name, p in Backbone(SMALL).named_parameters() if p.requires_grad}
    assert not any(name.startswith(("body.conv1", "body.layer1")) for name in learning)
    assert {name.split(".")[1] for name in learning} == {"layer2", "layer3", "layer4"}


def test_ordinary_norms_follow_the_batch_while_training():
    config = RelTRArchitecture(stem=4, blocks=(1, 1, 1, 1), trainable_norm=True, frozen_stages=0)
    backbone = Backbone(config).train()
    before = backbone.body.bn1.running_mean.clone()
    backbone(torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))).sum().backward()
    assert not torch.equal(backbone.body.bn1.running_mean, before)
    assert all(p.grad is not None for p in backbone.parameters())
