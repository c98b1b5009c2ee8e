"""Queries that begin as cells of the image, against literal loops."""

from dataclasses import replace

import pytest
import torch

from hawkeye_core.relation.architecture import ARCHITECTURES
from hawkeye_core.relation.proposals import cell_anchors, cells_at, ordered_pairs, ranked_cells
from hawkeye_core.relation.reltr import build_reltr


def literal_ranking(logits, grid, inside):
    """Peaks by falling likelihood, then the other cells, then padding; ties by number."""
    h, w = grid
    likelihood = logits.softmax(-1)[..., :-1]
    found = []
    for image in range(len(logits)):
        scores = []
        for cell in range(h * w):
            row, column = divmod(cell, w)
            score, label = (value.item() for value in likelihood[image, cell].max(0))
            around = [
                likelihood[image, r * w + c, label].item()
                for r in range(max(0, row - 1), min(h, row + 2))
                for c in range(max(0, column - 1), min(w, column + 2))
            ]
            rank = 2 if not inside[image, cell] else 0 if score >= max(around) else 1
            scores.append((rank, -score, cell))
        found.append([cell for *_, cell in sorted(scores)])
    return torch.tensor(found)


@pytest.mark.parametrize("padded", [False, True])
def test_peaks_rank_first_then_their_neighbours_then_padding(padded):
    logits = 3 * torch.randn(2, 20, 7, generator=torch.Generator().manual_seed(1))
    inside = torch.ones(2, 20, dtype=torch.bool)
    inside[1, 12:] = not padded
    found = ranked_cells(logits, (4, 5), count=12, inside=inside)
    torch.testing.assert_close(found, literal_ranking(logits, (4, 5), inside)[:, :12])


def test_more_queries_than_cells_begin_again():
    logits = torch.randn(1, 4, 3, generator=torch.Generator().manual_seed(2))
    found = ranked_cells(logits, (2, 2), count=7)[0]
    assert found[:4].sort().values.tolist() == [0, 1, 2, 3]
    assert found[4:].tolist() == found[:3].tolist()


def test_pairs_are_all_ordered_ones_as_often_as_asked():
    first, second = ordered_pairs(4, repeats=2)
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == [
        (i, j) for i in range(4) for j in range(4) if i != j for _ in range(2)
    ]


def test_anchors_are_the_middles_of_the_cells():
    boxes = cell_anchors((3, 4), like=torch.zeros(1)).sigmoid()
    for cell in range(12):
        row, column = divmod(cell, 4)
        expected = torch.tensor([(column + 0.5) / 4, (row + 0.5) / 3, 0.5, 0.5])
        torch.testing.assert_close(boxes[cell], expected)


def test_cells_are_looked_up_by_image():
    content = torch.arange(24.0).view(2, 4, 3)
    found = cells_at(content, torch.tensor([[3, 0], [1, 1]]))
    torch.testing.assert_close(found, torch.stack([content[0, [3, 0]], content[1, [1, 1]]]))


@torch.no_grad()
def test_queries_begin_at_the_cells_that_look_most_like_something():
    """Boxes of an untrained head with zero output lie in the middle of the cell each query began with."""
    model = build_reltr(ARCHITECTURES["tiny"]).eval()
    for head in (model.entity_bbox_embed, model.sub_bbox_embed, model.obj_bbox_embed):
        for parameter in head.layers[-1].parameters():
            parameter.zero_()
    images = torch.randn(2, 3, 96, 128, generator=torch.Generator().manual_seed(3))
    memory, grid = model.encode(images)
    best = ranked_cells(model.entity_class_embed(memory.content), grid, count=model.config.entities)
    middles = cell_anchors(grid, like=images).sigmoid()
    output = model(images)
    first, second = ordered_pairs(model.config.paired_cells, repeats=model.config.pair_queries)
    for boxes, cells in (
        (output.entity_boxes, best), (output.subject_boxes, best[:, first]), (output.object_boxes, best[:, second]),
    ):  # fmt: skip
        torch.testing.assert_close(boxes, middles[cells])


def test_a_number_of_queries_that_does_not_fit_the_pairs_is_refused():
    with pytest.raises(ValueError, match="83 triplet queries for the ordered pairs of 7 cells, 2 each"):
        replace(ARCHITECTURES["tiny"], triplets=83)


@torch.no_grad()
def test_learned_queries_are_those_of_the_published_network():
    """Without the option nothing of a cell reaches a query before the first layer of the decoder."""
    config = replace(ARCHITECTURES["tiny"], paired_cells=0, placed_content=False)
    model = build_reltr(config).eval()
    states, anchors = model.decode(*model.encode(torch.zeros(1, 3, 96, 128)), every_layer=True)
    assert anchors is None
    assert len(states) == config.decoder_layers
