from dataclasses import fields

import numpy as np
import pytest

from hawkeye_core.relation.boxes import pairwise_iou
from hawkeye_core.relation.graph import build_graph
from hawkeye_core.relation.postprocess import Triplets
from hawkeye_core.scene import FrameRelations

MAN, DOOR, GUN = 78, 38, 4
HOLDING, NEAR = 21, 29
A, A2, B, C = [10.0, 10, 50, 90], [11.0, 10, 51, 90], [60.0, 10, 90, 90], [20.0, 40, 30, 50]


def _graph(triplets, **changes):
    return build_graph(triplets, **{"merge_iou": 0.7, "width": 100, "height": 100, **changes})


def _edges(graph):
    """Relations as classes, independent of object numbers."""
    columns = (graph.object_class[graph.subject], graph.predicate, graph.object_class[graph.object])
    return [tuple(row) for row in np.stack(columns, axis=1).tolist()]


def _random(make_triplets, n, *, seed):
    random = np.random.RandomState(seed)
    rows = []
    for _ in range(n):
        (x, y, u, v), jitter = random.choice([0.0, 5.0, 40.0], 4), random.uniform(0, 4, 4)
        boxes = ([x, y, x + 30, y + 30], [u, v, u + 30, v + 30])
        boxes = tuple((np.array(box) + jitter).tolist() for box in boxes)
        classes = random.randint(1, 3, 3)
        rows.append((*classes.tolist(), *random.uniform(0.3, 1, 2).tolist(), *boxes))
    return make_triplets(*rows)


def _literal(triplets, merge_iou):
    """Lists and loops, by the words of the rule (scores distinct)."""
    mentions = []
    for i in range(len(triplets)):
        mentions.append(
            (float(triplets.subject_score[i]), int(triplets.subject_class[i]), triplets.subject_box[i], i, 0)
        )
        mentions.append((float(triplets.object_score[i]), int(triplets.object_class[i]), triplets.object_box[i], i, 1))
    objects, owner = [], {}
    for score, label, box, i, role in sorted(mentions, key=lambda mention: -mention[0]):
        for number, (_, other_label, other_box) in enumerate(objects):
            if label == other_label and pairwise_iou(box[None], other_box[None])[0, 0] > merge_iou:
                owner[i, role] = number
                break
        else:
            owner[i, role] = len(objects)
            objects.append((score, label, box))
    best = {}
    for i in range(len(triplets)):
        edge = (owner[i, 0], int(triplets.predicate[i]), owner[i, 1])
        if edge[0] != edge[2]:
            best[edge] = max(best.get(edge, 0.0), float(triplets.score[i]))
    return objects, sorted(((score, *edge) for edge, score in best.items()), reverse=True)


def test_triplets_share_their_objects(make_triplets):
    graph = _graph(
        make_triplets((MAN, NEAR, DOOR, 0.9, 0.8, A, B), (MAN, HOLDING, GUN, 0.7, 0.6, A2, C)),
    )
    assert graph.object_class.tolist() == [MAN, DOOR, GUN]
    np.testing.assert_allclose(graph.object_score, [0.9, 0.8, 0.6])
    np.testing.assert_allclose(graph.object_box, [A, B, C])
    assert list(zip(graph.subject.tolist(), graph.predicate.tolist(), graph.object.tolist(), strict=True)) == [
        (0, NEAR, 1),
        (0, HOLDING, 2),
    ]
    np.testing.assert_allclose(graph.score, [0.36, 0.21])


def test_other_class_or_too_little_overlap_is_another_object(make_triplets):
    triplets = make_triplets((MAN, NEAR, DOOR, 0.9, 0.8, A, A))
    assert _graph(triplets).object_class.tolist() == [MAN, DOOR]
    twins = make_triplets((MAN, NEAR, DOOR, 0.9, 0.8, A, B), (MAN, HOLDING, GUN, 0.7, 0.6, A2, C))
    iou = float(pairwise_iou(np.array([A], np.float32), np.array([A2], np.float32))[0, 0])
    assert len(_graph(twins, merge_iou=iou).object_class) == 4
    assert len(_graph(twins, merge_iou=iou - 1e-6).object_class) == 3


def test_relations_that_say_the_same_are_one_with_the_better_score(make_triplets):
    graph = _graph(make_triplets((MAN, NEAR, DOOR, 0.5, 0.8, A, B), (MAN, NEAR, DOOR, 0.9, 0.8, A2, B)))
    assert _edges(graph) == [(MAN, NEAR, DOOR)]
    assert graph.score[0] == pytest.approx(0.36)


def test_a_thing_has_no_relation_with_itself(make_triplets):
    graph = _graph(make_triplets((MAN, NEAR, MAN, 0.9, 0.8, A, A2)))
    assert graph.object_class.tolist() == [MAN]
    assert len(graph.subject) == len(graph.score) == 0


@pytest.mark.parametrize("seed", range(5))
def test_equals_literal_loops(make_triplets, seed):
    triplets = _random(make_triplets, 25, seed=seed)
    graph = _graph(triplets)
    objects, relations = _literal(triplets, 0.7)
    assert len(objects) < 50, "nothing was merged"
    assert graph.object_class.tolist() == [label for _, label, _ in objects]
    np.testing.assert_array_equal(graph.object_box, np.clip([box for *_, box in objects], 0, 100))
    found = list(
        zip(graph.score.tolist(), graph.subject.tolist(), graph.predicate.tolist(), graph.object.tolist(), strict=True)
    )
    assert found == relations


@pytest.mark.parametrize("rounded", [False, True], ids=["distinct scores", "many equal scores"])
def test_order_of_the_triplets_does_not_matter(make_triplets, rounded):
    triplets = _random(make_triplets, 25, seed=7)
    if rounded:
        tied = {name: np.full(25, 0.5, np.float32) for name in ("subject_score", "object_score", "score")}
        triplets = Triplets(**{f.name: tied.get(f.name, getattr(triplets, f.name)) for f in fields(Triplets)})
    order = np.random.RandomState(1).permutation(25)
    permuted = Triplets(*(getattr(triplets, field.name)[order] for field in fields(Triplets)))
    before, after = _graph(triplets), _graph(permuted)
    for field in fields(FrameRelations):
        np.testing.assert_array_equal(getattr(before, field.name), getattr(after, field.name))


def test_objects_and_relations_come_best_first(make_triplets):
    graph = _graph(_random(make_triplets, 25, seed=3))
    assert (np.diff(graph.object_score) <= 0).all()
    assert (np.diff(graph.score) <= 0).all()


def test_boxes_are_clipped_to_the_frame_only_after_merging(make_triplets):
    inside, beyond = [0.0, 0, 100, 100], [0.0, 0, 300, 100]
    graph = _graph(make_triplets((MAN, NEAR, DOOR, 0.9, 0.8, inside, B), (MAN, NEAR, GUN, 0.7, 0.6, beyond, C)))
    assert graph.object_class.tolist() == [MAN, DOOR, MAN, GUN]
    np.testing.assert_allclose(graph.object_box[2], [0, 0, 100, 100])


def test_no_triplets_give_an_empty_graph(make_triplets):
    graph = _graph(make_triplets())
    assert graph.object_box.shape == (0, 4)
    for name in ("object_class", "subject", "predicate", "object"):
        column = getattr(graph, name)
        assert column.shape == (0,)
        assert column.dtype == np.int32
    assert graph.score.dtype == graph.object_score.dtype == graph.object_box.dtype == np.float32
