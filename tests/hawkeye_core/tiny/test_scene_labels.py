"""Labels of frames against loops, and average precision against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from hawkeye_core.tiny.account import Account, Told
from hawkeye_core.tiny.scene_labels import LabelBook, labelled, mean_average_precision

TOLD = (
    Told(0.0, 3.0, "a man walks", "a man walks slowly", 0, True),
    Told(3.0, 4.5, "a man hits", "a man hits", 0, True),
    Told(2.0, 4.0, "a man near a woman", "a man near a woman", 0, False),
    Told(3.0, 6.0, "a woman near a car", "a woman near a car", 1, False),
)
ACCOUNT = Account(6.0, TOLD)


def test_what_is_told_as_labels():
    assert sorted(labelled(TOLD)) == [
        (0, "hits", 3.0, 4.5), (0, "walks", 0.0, 3.0),
        (1, "near a car", 3.0, 6.0), (1, "near a person", 2.0, 4.0),
        (2, "hits while near a person", 3.0, 4.0), (2, "walks while near a person", 2.0, 3.0),
    ]  # fmt: skip


def test_frames_by_a_loop():
    book = LabelBook.of([ACCOUNT], least_s=0.5)
    assert (len(book.actions), len(book.relations), len(book.both)) == (2, 2, 2)
    frames = book.frames(ACCOUNT, 48, 8.0)
    names = [(kind, name) for kind, row in enumerate((book.actions, book.relations, book.both)) for name in row]
    for k in range(48):
        for column, wanted in enumerate(names):
            holds = any(
                (kind, name) == wanted and start <= (k + 0.5) / 8 < end for kind, name, start, end in labelled(TOLD)
            )
            assert frames[k, column] == holds


def test_what_is_told_too_seldom_is_no_label():
    book = LabelBook.of([ACCOUNT, ACCOUNT], least_s=5.0)
    assert (book.actions, book.relations, book.both) == (("walks",), ("near a car",), ())


def test_average_precision_is_scikit_learns():
    rng = np.random.default_rng(0)
    scores, truth = rng.random((200, 5)).astype(np.float32), (rng.random((200, 5)) < 0.1).astype(np.float32)
    truth[:, 3] = 0  # does not occur
    expected = np.mean([average_precision_score(truth[:, v], scores[:, v]) for v in (0, 1, 2, 4)])
    assert mean_average_precision(scores, truth) == pytest.approx(expected, abs=1e-5)
    assert mean_average_precision(scores, np.zeros_like(truth)) == 0.0
