"""Assignment against all permutations, costs and overlaps against literal loops."""

import itertools

import numpy as np
import pytest
import torch

from hawkeye_core.tiny.matching import assign, class_cost, corners, entity_cost, iou_giou


def _boxes(generator, *shape):
    boxes = torch.rand((*shape, 4), generator=generator)
    boxes[..., 2:] = 0.05 + 0.5 * boxes[..., 2:]
    return boxes


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(4)


def _literal_giou(a, b):
    ax1, ay1, ax2, ay2 = a[0] - a[2] / 2, a[1] - a[3] / 2, a[0] + a[2] / 2, a[1] + a[3] / 2
    bx1, by1, bx2, by2 = b[0] - b[2] / 2, b[1] - b[3] / 2, b[0] + b[2] / 2, b[1] + b[3] / 2
    shared = max(0.0, min(ax2, bx2) - max(ax1, bx1)) * max(0.0, min(ay2, by2) - max(ay1, by1))
    union = (ax2 - ax1) * (ay2 - ay1) + (bx2 - bx1) * (by2 - by1) - shared
    hull = (max(ax2, bx2) - min(ax1, bx1)) * (max(ay2, by2) - min(ay1, by1))
    return shared / union, shared / union - (hull - union) / hull


def test_overlaps_equal_a_literal_computation(generator):
    a, b = _boxes(generator, 7), _boxes(generator, 5)
    iou, giou = iou_giou(a[:, None], b[None])
    for i, j in itertools.product(range(7), range(5)):
        expected = _literal_giou(a[i].tolist(), b[j].tolist())
        assert (iou[i, j].item(), giou[i, j].item()) == pytest.approx(expected, abs=1e-5)


def test_equal_boxes_overlap_fully_and_distant_ones_negatively():
    near = torch.tensor([0.5, 0.5, 0.2, 0.2])
    iou, giou = iou_giou(near, near)
    assert (iou.item(), giou.item()) == pytest.approx((1.0, 1.0), abs=1e-4)
    assert iou_giou(near, torch.tensor([0.1, 0.1, 0.02, 0.02]))[1] < -0.5
    torch.testing.assert_close(corners(near), torch.tensor([0.4, 0.4, 0.6, 0.6]))


def test_an_empty_box_has_a_finite_gradient():
    box = torch.tensor([0.5, 0.5, 0.0, 0.0], requires_grad=True)
    iou_giou(box, torch.tensor([0.5, 0.5, 0.2, 0.2]))[1].backward()
    assert torch.isfinite(box.grad).all()


def test_costs_equal_a_literal_loop(generator):
    logits, boxes = torch.randn((2, 4, 6), generator=generator), _boxes(generator, 2, 4)
    labels, true = torch.randint(0, 5, (2, 3), generator=generator), _boxes(generator, 2, 3)
    cost, classes = entity_cost(logits, boxes, labels, true), class_cost(logits, labels)
    for b, n, g in itertools.product(range(2), range(4), range(3)):
        probability = logits[b, n].softmax(0)[labels[b, g]].item()
        distance = sum(abs(x - y) for x, y in zip(boxes[b, n].tolist(), true[b, g].tolist(), strict=True))
        giou = _literal_giou(boxes[b, n].tolist(), true[b, g].tolist())[1]
        assert classes[b, n, g].item() == pytest.approx(-probability, abs=1e-5)
        assert cost[b, n, g].item() == pytest.approx(-probability + 5 * distance - 2 * giou, abs=1e-4)


def test_the_assignment_is_the_best_of_all_permutations(generator):
    cost = torch.randn((5, 5, 4), generator=generator)
    counts = torch.tensor([4, 3, 0, 1, 2])
    pairs = assign(cost, counts)
    for image, count in enumerate(counts.tolist()):
        mine = pairs.image == image
        assert sorted(pairs.truth[mine].tolist()) == list(range(count))
        queries = pairs.query[mine]
        assert len(set(queries.tolist())) == count
        best = min(
            sum(cost[image, query, truth].item() for truth, query in enumerate(order))
            for order in itertools.permutations(range(5), count)
        )
        assert cost[image, queries, pairs.truth[mine]].sum().item() == pytest.approx(best, abs=1e-5)


def test_repeats_give_each_annotation_several_queries(generator):
    pairs = assign(torch.randn((2, 6, 3), generator=generator), torch.tensor([2, 3]), repeats=3)
    for image, share in ((0, 3), (1, 2)):
        mine = pairs.image == image
        assert np.bincount(pairs.truth[mine].numpy()).tolist() == [share] * (2 + image)
        assert len(set(pairs.query[mine].tolist())) == int(mine.sum())


def test_a_batch_without_annotations_has_no_pairs():
    assert len(assign(torch.zeros((2, 4, 1)), torch.tensor([0, 0]))) == 0
