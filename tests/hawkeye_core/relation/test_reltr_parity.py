"""The full network against numbers of the original: same parameters by name, same input, same output."""

import copy
import zlib

import numpy as np
import pytest
import torch

from hawkeye_core.relation.architecture import ARCHITECTURES
from hawkeye_core.relation.frames import IMAGENET_MEAN, IMAGENET_STD
from hawkeye_core.relation.reltr import RelTROutput

FIELDS = {
    "pred_logits": "entity_logits",
    "pred_boxes": "entity_boxes",
    "sub_logits": "subject_logits",
    "sub_boxes": "subject_boxes",
    "obj_logits": "object_logits",
    "obj_boxes": "object_boxes",
    "rel_logits": "predicate_logits",
}
CASES = ("noise_480x640", "block_480x640", "batch2_padded")


def _normalise(pixels):
    mean, std = (np.array(v, dtype=np.float32).reshape(1, 3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
    return (pixels.astype(np.float32) - mean) / std


def _noise(height, width):
    return _normalise(np.random.RandomState(0).rand(1, 3, height, width))


def _blocks(height, width, *, seed):
    """Random colours in cells of 32 pixels."""
    cells = np.random.RandomState(seed).rand(1, 3, height // 32, width // 32)
    return _normalise(cells.repeat(32, axis=2).repeat(32, axis=3))


def _case(name):
    if name == "noise_480x640":
        return torch.from_numpy(_noise(480, 640)), None
    if name == "block_480x640":
        return torch.from_numpy(_blocks(480, 640, seed=0)), None
    canvas, padding = np.zeros((2, 3, 480, 640), dtype=np.float32), np.ones((2, 480, 640), dtype=bool)
    for i, (height, width) in enumerate([(480, 640), (384, 512)]):
        canvas[i, :, :height, :width] = _blocks(height, width, seed=2 + i)[0]
        padding[i, :height, :width] = False
    return torch.from_numpy(canvas), torch.from_numpy(padding)


def _run(model, name) -> RelTROutput:
    images, padding = _case(name)
    images = images.to(next(model.parameters()).dtype)
    with torch.inference_mode():
        return model(images, padding=padding, auxiliary=True)


def _differences(output, reference):
    """Largest difference of logits and of boxes over the reference's samples of every output."""
    worst = {"logits": 0.0, "boxes": 0.0}
    for name, expected in reference.items():
        *layer, field = name.removeprefix("aux_outputs.").split(".")
        source = output.auxiliary[int(layer[0])] if layer else output
        actual = getattr(source, FIELDS[field])
        assert list(actual.shape) == expected["shape"], name
        sampled = actual.double().flatten()[expected["index"]].numpy()
        kind = field.rsplit("_", 1)[1]
        worst[kind] = max(worst[kind], float(np.abs(sampled - expected["value"]).max()))
    return worst


def test_keys_shapes_and_parameter_counts(filled_r50, data):
    reference = data("reltr_r50_keys.json")
    state = filled_r50.state_dict()
    assert {key: list(tensor.shape) for key, tensor in state.items()} == {
        key: shape for key, (shape, _, _) in reference["keys"].items()
    }
    parameters = list(filled_r50.parameters())
    assert sum(p.numel() for p in parameters) == reference["parameters"] == 63_901_928
    assert sum(p.numel() for p in parameters if p.requires_grad) == reference["trainable"] == 63_679_528


def test_filled_parameters_are_those_of_the_reference_run(filled_r50, data):
    reference = data("reltr_r50_keys.json")["keys"]
    state = {key: tensor.numpy() for key, tensor in filled_r50.state_dict().items()}
    checksums = {key: f"{zlib.crc32(np.ascontiguousarray(array)):08x}" for key, array in state.items()}
    assert checksums == {key: crc for key, (_, _, crc) in reference.items()}
    sums = {key: float(array.astype(np.float64).sum()) for key, array in state.items()}
    assert sums == {key: pytest.approx(total, rel=1e-8) for key, (_, total, _) in reference.items()}


@pytest.mark.parametrize("case", CASES)
def test_outputs_in_float32(filled_r50, data, case):
    worst = _differences(_run(filled_r50, case), data("reltr_r50_outputs.json")["cases"][case])
    assert worst["logits"] < 2e-5
    assert worst["boxes"] < 3e-6


@pytest.mark.slow
def test_outputs_in_float64_where_rounding_hides_nothing(filled_r50, data):
    case = "batch2_padded"
    worst = _differences(_run(copy.deepcopy(filled_r50).double(), case), data("reltr_r50_outputs.json")["cases"][case])
    assert worst["logits"] < 5e-7
    assert worst["boxes"] < 5e-8


@pytest.mark.slow
def test_tolerance_is_tight_enough_to_see_a_wrong_layer_norm_eps(filled_r50, data):
    model = copy.deepcopy(filled_r50)
    for module in model.modules():
        if isinstance(module, torch.nn.LayerNorm):
            module.eps = 1e-6
    worst = _differences(_run(model, CASES[0]), data("reltr_r50_outputs.json")["cases"][CASES[0]])
    assert worst["logits"] > 2e-5


def test_preset_sizes():
    r50, tiny = ARCHITECTURES["r50"], ARCHITECTURES["tiny"]
    assert (r50.entities, r50.triplets, r50.encoder_layers, r50.decoder_layers, r50.stride) == (100, 200, 6, 6, 32)
    assert (r50.object_classes, r50.predicate_classes) == (tiny.object_classes, tiny.predicate_classes) == (151, 51)
    assert tiny.stride == 16
