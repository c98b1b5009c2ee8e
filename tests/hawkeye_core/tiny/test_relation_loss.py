"""Set losses against literal loops, and what makes them small."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from hawkeye_core.relation.reltr import RelTROutput
from hawkeye_core.tiny.matching import Pairs
from hawkeye_core.tiny.relation_dense import cell_targets, dense_loss
from hawkeye_core.tiny.relation_loss import LossWeights, box_loss, redundant, relation_losses, set_class_loss
from hawkeye_core.tiny.relation_targets import Annotation, stack_targets

OBJECTS, PREDICATES = 152, 52


@pytest.fixture
def targets():
    first = Annotation(
        np.array([78, 4, 26]),
        np.array([[10, 10, 60, 130], [50, 60, 80, 90], [150, 100, 300, 200]], np.float32),
        np.array([[0, 21, 1], [0, 29, 2]]),
    )
    second = Annotation(np.array([149]), np.array([[100, 20, 140, 140]], np.float32), np.zeros((0, 3), np.int64))
    return stack_targets([first, second], width=320, height=240)


def _output(seed=0, queries=6, triplets=5):
    g = torch.Generator().manual_seed(seed)

    def logits(n, classes):
        return torch.randn((2, n, classes), generator=g)

    def boxes(n):
        return torch.rand((2, n, 4), generator=g) * 0.4 + 0.1

    return RelTROutput(
        logits(queries, OBJECTS), boxes(queries), logits(triplets, OBJECTS), boxes(triplets),
        logits(triplets, OBJECTS), boxes(triplets), logits(triplets, PREDICATES),
    )  # fmt: skip


def _perfect(targets, *, sure=20.0):
    """Queries that say exactly the annotations of both images, in reversed order, and nothing else."""
    output = _output()
    for name, classes in (("entity", OBJECTS), ("subject", OBJECTS), ("object", OBJECTS), ("predicate", PREDICATES)):
        logits = getattr(output, f"{name}_logits")
        logits.zero_()
        logits[..., classes - 1] = sure
    for image in range(2):
        for g in range(int(targets.entities[image])):
            output.entity_logits[image, -1 - g, targets.labels[image, g]] = 2 * sure
            output.entity_boxes[image, -1 - g] = targets.boxes[image, g]
        for r in range(int(targets.triplets[image])):
            for name in ("subject", "object"):
                entity = getattr(targets, name)[image, r]
                getattr(output, f"{name}_logits")[image, -1 - r, targets.labels[image, entity]] = 2 * sure
                getattr(output, f"{name}_boxes")[image, -1 - r] = targets.boxes[image, entity]
            output.predicate_logits[image, -1 - r, targets.predicate[image, r]] = 2 * sure
    return output


def test_class_loss_equals_a_literal_loop():
    logits, labels = torch.randn((2, 4, 7), generator=torch.Generator().manual_seed(1)), torch.tensor([[3, 1], [0, 5]])
    pairs = Pairs(torch.tensor([0, 0, 1]), torch.tensor([2, 0, 3]), torch.tensor([0, 1, 1]))
    spared = torch.zeros((2, 4), dtype=torch.bool)
    spared[0, 1] = spared[1, 3] = True  # an assigned query is never spared
    total = weight = 0.0
    assigned = {(0, 2): 3, (0, 0): 1, (1, 3): 5}
    for b in range(2):
        for n in range(4):
            w = 1.0 if (b, n) in assigned else 0.0 if spared[b, n] else 0.1
            total -= w * logits[b, n].log_softmax(0)[assigned.get((b, n), 6)].item()
            weight += w
    found = set_class_loss(logits, labels, pairs, spared=spared)
    assert found.item() == pytest.approx(total / weight, rel=1e-5)


def test_perfect_predictions_cost_nothing_whatever_their_order(targets):
    losses = relation_losses(_perfect(targets), targets, weights=LossWeights())
    assert sum(losses.values()).item() < 1e-3


def test_each_kind_of_mistake_shows_in_its_loss(targets):
    def losses(change):
        output = _perfect(targets)
        change(output)
        return relation_losses(output, targets, weights=LossWeights())

    assert losses(lambda o: o.entity_logits[0, -1].zero_())["entity_class"] > 0.5
    assert losses(lambda o: o.entity_boxes[0, -1].add_(0.2))["entity_box"] > 0.3
    assert losses(lambda o: o.subject_logits[0, -1].zero_())["triplet_class"] > 0.5
    assert losses(lambda o: o.object_boxes[0, -1].add_(0.2))["triplet_box"] > 0.3
    wrong = losses(lambda o: o.predicate_logits[0, -2].zero_())
    assert wrong["predicate"] > 0.5
    assert wrong["triplet_class"] < 1e-3


def test_earlier_layers_are_judged_too_and_all_gradients_are_finite(targets):
    output = replace(_output(), auxiliary=(_output(1),))
    leaf = output.auxiliary[0].entity_logits.requires_grad_()
    losses = relation_losses(output, targets, weights=LossWeights(early_repeats=3))
    sum(losses.values()).backward()
    assert losses["early"] > 1
    assert torch.isfinite(leaf.grad).all()
    assert leaf.grad.abs().sum() > 0


def test_frames_without_entities_have_finite_losses():
    nothing = Annotation(np.zeros(0, np.int64), np.zeros((0, 4), np.float32), np.zeros((0, 3), np.int64))
    targets = stack_targets([nothing, nothing], width=320, height=240)
    losses = relation_losses(_output(), targets, weights=LossWeights())
    assert all(torch.isfinite(value) for value in losses.values())
    assert losses["entity_box"] == losses["triplet_box"] == 0


def test_redundant_subjects_have_the_class_and_the_place_of_an_entity(targets):
    output = _perfect(targets)
    logits, boxes = output.subject_logits, output.subject_boxes
    logits[0, 0, 26] = 50.0
    boxes[0, 0] = targets.boxes[0, 2]
    logits[0, 1, 25] = 50.0  # another class in the same place
    boxes[0, 1] = targets.boxes[0, 2]
    logits[1, 0, 0] = 50.0  # the class and the place of padding
    boxes[1, 0] = 0.0
    expected = torch.zeros((2, 5), dtype=torch.bool)
    expected[0, [0, -1, -2]] = True
    assert torch.equal(redundant(logits, boxes, targets), expected)


def test_box_loss_of_equal_boxes_is_zero_and_of_none_too():
    box = torch.tensor([[0.5, 0.5, 0.2, 0.4]])
    assert box_loss(box, box).item() == pytest.approx(0, abs=1e-4)
    assert box_loss(box[:0], box[:0]).item() == 0


def test_cells_take_the_smallest_entity_whose_middle_covers_them(targets):
    h, w = 12, 16
    cells = cell_targets(targets, (h, w))
    for image in range(2):
        for cell in range(h * w):
            x, y = (cell % w + 0.5) / w, (cell // w + 0.5) / h
            best, ignored = (float("inf"), -1), False
            for g in range(int(targets.entities[image])):
                cx, cy, bw, bh = targets.boxes[image, g].tolist()
                away = abs(x - cx), abs(y - cy)
                if away[0] <= max(bw / 4, 0.5 / w) and away[1] <= max(bh / 4, 0.5 / h):
                    best = min(best, (bw * bh, g))
                ignored |= away[0] <= max(bw / 2, 0.5 / w) and away[1] <= max(bh / 2, 0.5 / h)
            assert cells.entity[image, cell] == best[1]
            assert cells.ignored[image, cell] == (ignored and best[1] < 0)


def test_every_entity_has_a_cell_unless_a_smaller_one_takes_it(targets):
    cells = cell_targets(targets, (12, 16))
    assert set(cells.entity[0].tolist()) == {-1, 0, 1, 2}
    assert set(cells.entity[1].tolist()) == {-1, 0}


def test_dense_loss_is_small_where_cells_say_what_is_there(targets):
    cells = cell_targets(targets, (12, 16))
    logits = torch.zeros((2, 192, OBJECTS))
    labels, boxes = targets.take(cells.entity.clamp(min=0))
    label = torch.where(cells.entity >= 0, labels, OBJECTS - 1)
    logits.scatter_(2, label[..., None], 20.0)
    assert dense_loss(logits, boxes, targets, (12, 16)).item() < 1e-3
    assert dense_loss(torch.zeros_like(logits), boxes, targets, (12, 16)).item() > 3
    logits[cells.ignored] = 100 * torch.randn(OBJECTS)
    assert dense_loss(logits, boxes, targets, (12, 16)).item() < 1e-3
