"""The relation task: batches by number, and labels that follow their picture."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
import torch

from hawkeye_core.datasets.reconsim.frames import LabelledFrame
from hawkeye_core.relation.vocabulary import OBJECT_INDEX, PREDICATE_INDEX
from hawkeye_core.tiny import relation_task as module
from hawkeye_core.tiny.relation_targets import ALIKE, Annotation
from hawkeye_core.tiny.relation_task import RelationTask, varied

COLOURS = {"man": (255, 0, 0), "bag": (0, 255, 0), "car": (0, 0, 255)}
WIDTH, HEIGHT = 160, 120


def blocks_frame(rng: np.random.Generator) -> LabelledFrame:
    """Three blocks of one colour each that do not overlap; the man holds the bag."""
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    boxes = np.zeros((3, 4), np.float32)
    for column, (box, colour) in enumerate(zip(boxes, COLOURS.values(), strict=True)):
        x, y = int(rng.integers(column * 53 + 3, column * 53 + 12)), int(rng.integers(4, 50))
        box[:] = x, y, x + rng.integers(20, 38), y + rng.integers(25, 60)
        left, top, right, bottom = box.astype(int).tolist()
        image[top:bottom, left:right] = colour
    return LabelledFrame(
        image, np.zeros((1, 17, 3), np.float32), tuple(COLOURS), boxes, np.ones(3, np.float32), [(0, "holding", 1)]
    )


def blocks_frames(seed: int, **_: int):
    rng = np.random.default_rng(seed)
    while True:
        yield blocks_frame(rng)


@pytest.fixture(scope="module")
def task():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "labelled_frames", blocks_frames)
        yield RelationTask(batch=8)


def box_of_colour(image: np.ndarray, channel: int) -> list[float] | None:
    """Where one colour outshines the others, found pixel by pixel."""
    others = [c for c in range(3) if c != channel]
    xs, ys = [], []
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            pixel = image[y, x].astype(int)
            if pixel[channel] - max(pixel[others]) > 80:
                xs.append(x)
                ys.append(y)
    return [min(xs), min(ys), max(xs) + 1, max(ys) + 1] if xs else None


def box_of_class(found: Annotation, name: str) -> np.ndarray | None:
    rows = np.flatnonzero(found.labels == OBJECT_INDEX[ALIKE.get(name, name)])
    return found.boxes[rows[0]] if len(rows) else None


def test_boxes_enclose_the_same_things_after_every_change():
    rng = np.random.default_rng(1)
    mirrored = plain = 0
    for _ in range(12):
        frame = blocks_frame(rng)
        image, found = varied(frame, rng)
        assert image.shape == frame.image.shape
        for channel, name in enumerate(COLOURS):
            box = box_of_class(found, name)
            if box is not None:
                np.testing.assert_allclose(box, box_of_colour(image, channel), atol=1.5)
        man, car = box_of_class(found, "man"), box_of_class(found, "car")
        if man is not None and car is not None:
            mirrored, plain = mirrored + (man[0] > car[0]), plain + (man[0] < car[0])
    assert mirrored
    assert plain


def test_what_is_cut_off_is_seen_less_and_taken_out_with_its_triplets():
    """The bag at the edge: whenever less than 0.3 of it is left, neither it nor the triplet counts."""
    rng = np.random.default_rng(2)
    frame = blocks_frame(rng)
    boxes = np.array([[60, 20, 90, 100], [0, 30, 10, 70], [100, 10, 140, 60]], np.float32)
    frame = LabelledFrame(frame.image, frame.keypoints, frame.entities, boxes, frame.visible, frame.triplets)
    kept = gone = 0
    for seed in range(60):
        _, found = varied(frame, np.random.default_rng(seed))
        bag = box_of_class(found, "bag")
        if bag is None:
            gone += 1
            assert not len(found.triplets)
            continue
        kept += 1
        scale = (bag[3] - bag[1]) / 40  # never cut above or below
        assert (bag[2] - bag[0]) / (10 * scale) >= 0.3 - 0.001
        assert found.triplets.tolist() == [[0, PREDICATE_INDEX["holding"], 1]]
    assert kept
    assert gone


def test_what_was_hidden_before_counts_less_still():
    rng = np.random.default_rng(3)
    frame = blocks_frame(rng)
    hidden = LabelledFrame(
        frame.image, frame.keypoints, frame.entities, frame.boxes, np.array([1, 0.2, 1], np.float32), frame.triplets
    )
    for seed in range(5):
        _, found = varied(hidden, np.random.default_rng(seed))
        assert box_of_class(found, "bag") is None
        assert not len(found.triplets)


def test_batch_k_is_a_function_of_seed_and_k(task):
    from_zero = list(islice(task.batches(3, 0), 12))
    for start in (3, 10):  # within the first pool of nine batches, and within the second
        again = next(task.batches(3, start))
        assert torch.equal(again.images, from_zero[start].images)
        assert torch.equal(again.targets.boxes, from_zero[start].targets.boxes)
        assert torch.equal(again.targets.predicate, from_zero[start].targets.predicate)
    assert not torch.equal(from_zero[0].images, from_zero[3].images)
    assert not torch.equal(from_zero[0].images, next(task.batches(4, 0)).images)


@pytest.mark.slow
def test_losses_are_finite_and_reach_every_parameter(task):
    losses = task.losses(next(task.batches(0, 0)))
    assert all(torch.isfinite(value) for value in losses.values()), losses
    task.model.zero_grad(set_to_none=True)
    torch.stack(list(losses.values())).sum().backward()
    without = [name for name, p in task.model.named_parameters() if p.requires_grad and p.grad is None]
    assert without == []
