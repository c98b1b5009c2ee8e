"""Which entities and triplets of a frame count, and how a batch is padded."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from hawkeye_core.relation.vocabulary import OBJECT_INDEX, PREDICATE_INDEX
from hawkeye_core.tiny.relation_targets import alike, annotation, stack_targets


@pytest.fixture
def frame():
    nothing = [np.nan] * 4
    return SimpleNamespace(
        image=np.zeros((240, 320, 3), np.uint8),
        entities=("man", "woman", "bag", "car", "door"),
        boxes=np.array([[0, 0, 40, 120], nothing, [32, 60, 64, 84], [100, 100, 200, 180], [5, 5, 9, 9]], np.float32),
        visible=np.array([1.0, 0.0, 0.5, 0.29, 0.3], np.float32),
        triplets=[(0, "holding", 2), (0, "near", 3), (1, "near", 0), (4, "behind", 0), (0, "holding", 2)],
    )


def test_hidden_and_absent_entities_and_their_triplets_do_not_count(frame):
    found = annotation(frame)
    assert found.labels.tolist() == [OBJECT_INDEX[name] for name in ("person", "bag", "door")]
    np.testing.assert_array_equal(found.boxes, frame.boxes[[0, 2, 4]])
    expected = [[0, PREDICATE_INDEX["holding"], 1], [2, PREDICATE_INDEX["behind"], 0]]
    assert found.triplets.tolist() == expected


def test_a_name_outside_the_vocabulary_is_an_error(frame):
    frame.entities = ("unicorn", *frame.entities[1:])
    with pytest.raises(KeyError, match="unicorn"):
        annotation(frame)


def test_a_batch_is_padded_and_in_fractions(frame):
    full = annotation(frame)
    frame.visible = np.zeros(5, np.float32)
    empty = annotation(frame)
    targets = stack_targets([empty, full], width=320, height=240)
    assert targets.entities.tolist() == [0, 3]
    assert targets.triplets.tolist() == [0, 2]
    torch.testing.assert_close(targets.boxes[1, 1], torch.tensor([48 / 320, 72 / 240, 32 / 320, 24 / 240]))
    assert targets.boxes[0].abs().sum() == 0
    labels, boxes = targets.take(targets.object)
    assert labels[1].tolist() == [OBJECT_INDEX["bag"], OBJECT_INDEX["person"]]
    torch.testing.assert_close(boxes[1, 1], targets.boxes[1, 0])


def test_a_batch_of_empty_frames_has_one_column_of_padding(frame):
    frame.visible = np.zeros(5, np.float32)
    targets = stack_targets([annotation(frame)] * 2, width=320, height=240)
    assert targets.labels.shape == (2, 1)
    assert targets.predicate.shape == (2, 1)


def test_men_and_women_are_persons_and_nothing_else_changes() -> None:
    names = ("man", "woman", "child", "person", "bag", "car")
    found = alike(np.array([OBJECT_INDEX[name] for name in names]))
    assert found.tolist() == [OBJECT_INDEX[name] for name in ("person", "person", "child", "person", "bag", "car")]
