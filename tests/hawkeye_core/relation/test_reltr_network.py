"""Behaviour of the network at its tiny size; the full size is compared with the original in test_reltr_parity."""

import copy
from dataclasses import fields, replace

import pytest
import torch

from hawkeye_core.relation.architecture import ARCHITECTURES
from hawkeye_core.relation.reltr import RelTROutput, build_reltr

LEARNED = replace(ARCHITECTURES["tiny"], paired_cells=0, placed_content=False)
"""The tiny size with learned queries, as the published network has them."""

TENSORS = [field.name for field in fields(RelTROutput) if field.name != "auxiliary"]


@pytest.fixture
def images():
    return torch.randn(3, 3, 96, 128, generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def test_shapes_and_ranges(tiny, images):
    output = tiny(images)
    config = tiny.config
    assert output.entity_logits.shape == (3, config.entities, 152)
    assert output.subject_logits.shape == output.object_logits.shape == (3, config.triplets, 152)
    assert output.predicate_logits.shape == (3, config.triplets, 52)
    for boxes in (output.entity_boxes, output.subject_boxes, output.object_boxes):
        assert boxes.shape[2] == 4
        assert ((boxes > 0) & (boxes < 1)).all()
    assert all(getattr(output, name).isfinite().all() for name in TENSORS)
    assert output.auxiliary == ()


@torch.no_grad()
def test_auxiliary_predictions_do_not_change_the_final_ones(tiny, images):
    plain, full = tiny(images), tiny(images, auxiliary=True)
    assert len(full.auxiliary) == tiny.config.decoder_layers - 1
    for name in TENSORS:
        # Without them, earlier layers use fused attention: equal up to rounding.
        torch.testing.assert_close(getattr(full, name), getattr(plain, name), atol=1e-5, rtol=1e-4)
        assert not torch.allclose(getattr(full.auxiliary[0], name), getattr(plain, name), atol=1e-3)


@torch.no_grad()
def test_an_image_does_not_see_the_rest_of_its_batch(tiny, images):
    together = tiny(images)
    for i in range(len(images)):
        alone = tiny(images[i : i + 1])
        for name in TENSORS:
            torch.testing.assert_close(getattr(together, name)[i], getattr(alone, name)[0], atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_padding_that_marks_nothing_changes_nothing_and_marked_cells_are_ignored(tiny, images):
    none = torch.zeros(3, 96, 128, dtype=torch.bool)
    for name in TENSORS:
        expected = getattr(tiny(images), name)
        torch.testing.assert_close(getattr(tiny(images, padding=none), name), expected, atol=1e-5, rtol=1e-4)
    right = none.clone()
    right[:, :, 64:] = True
    memory, grid = tiny.encode(images, padding=right)
    inside = memory.attendable.view(3, *grid)
    assert inside[:, :, :4].all()
    assert not inside[:, :, 4:].any()
    state = tiny.decode(memory, grid, every_layer=False)[0][-1]
    assert state.subject_map.view(3, -1, *grid)[..., 4:].abs().max() == 0
    torch.testing.assert_close(state.subject_map.sum(-1), torch.ones(3, tiny.config.triplets))


@torch.no_grad()
def test_permuted_triplet_queries_give_permuted_triplets(images):
    tiny = build_reltr(LEARNED).eval()
    order = torch.randperm(tiny.config.triplets, generator=torch.Generator().manual_seed(1))
    permuted = copy.deepcopy(tiny)
    permuted.triplet_embed.weight.copy_(tiny.triplet_embed.weight[order])
    before, after = tiny(images), permuted(images)
    for name in ("subject_logits", "object_boxes", "predicate_logits"):
        torch.testing.assert_close(getattr(after, name), getattr(before, name)[:, order], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(after.entity_logits, before.entity_logits)


@torch.no_grad()
def test_predicates_depend_on_where_subject_and_object_look(tiny, images):
    memory, grid = tiny.encode(images)
    state = tiny.decode(memory, grid, every_layer=False)[0][-1]
    features = tiny.spatial_features(state, grid)
    mirrored = type(state)(state.entity, state.subject, state.object, state.object_map, state.subject_map)
    assert features.shape == (3, tiny.config.triplets, tiny.config.map_widths[1])
    assert not torch.allclose(features, tiny.spatial_features(mirrored, grid), atol=1e-5)


def test_the_spatial_head_sends_no_gradient_into_attention(tiny, images):
    memory, grid = tiny.encode(images)
    tiny.spatial_features(tiny.decode(memory, grid, every_layer=False)[0][-1], grid).sum().backward()
    assert tiny.so_mask_fc[0].weight.grad.abs().sum() > 0
    assert all(p.grad is None for p in tiny.transformer.parameters())


def test_a_state_without_maps_has_no_spatial_features(tiny, images):
    memory, grid = tiny.encode(images)
    state = tiny.decode(memory, grid, every_layer=False)[0][-1]
    with pytest.raises(ValueError, match="no attention maps"):
        tiny.spatial_features(type(state)(state.entity, state.subject, state.object), grid)


@pytest.mark.parametrize("config", [ARCHITECTURES["tiny"], LEARNED], ids=["cells", "learned"])
def test_every_parameter_of_tiny_learns(config, images):
    model = build_reltr(config).train()
    output = model(images, auxiliary=True)
    total = sum(getattr(part, name).square().sum() for part in (output, *output.auxiliary) for name in TENSORS)
    total.backward()
    idle = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert idle == []


def test_random_weights_depend_on_the_seed_alone():
    torch.manual_seed(11)
    first = build_reltr(ARCHITECTURES["tiny"], seed=1).state_dict()
    expected = torch.rand(3)
    torch.manual_seed(11)
    assert torch.equal(torch.rand(3), expected), "building a network moved the global generator"
    again = build_reltr(ARCHITECTURES["tiny"], seed=1).state_dict()
    other = build_reltr(ARCHITECTURES["tiny"], seed=2).state_dict()
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["input_proj.weight"], other["input_proj.weight"])


def test_tiny_is_tiny():
    assert sum(p.numel() for p in build_reltr(ARCHITECTURES["tiny"]).parameters()) < 2_000_000
