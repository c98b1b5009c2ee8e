import numpy as np
import pytest

from hawkeye_core.relation.boxes import to_corners
from hawkeye_core.relation.postprocess import rank_triplets
from hawkeye_core.relation.recall import NEVER, TrueTriplets, matching_ranks, scene_graph_recall

A, B, C = [0.0, 0, 40, 40], [100.0, 0, 140, 40], [0.0, 100, 40, 140]


def _truth(*rows):
    """Rows of (subject class, predicate, object class, subject box, object box)."""
    classes = [np.array([row[i] for row in rows], dtype=np.int32) for i in range(3)]
    boxes = [np.array([row[i] for row in rows], dtype=np.float32).reshape(-1, 4) for i in (3, 4)]
    return TrueTriplets(*classes, *boxes)


@pytest.fixture
def planted_images(planted, data):
    (ranked,) = rank_triplets(planted, [(640, 480)])
    images = {}
    for name, image in data("reltr_post.json")["eval"]["images"].items():
        boxes = to_corners(np.array(image["gt_boxes_cxcywh"], dtype=np.float32), width=640, height=480)
        labels = np.array(image["gt_labels"])
        subject, object_, predicate = np.array(image["gt_rel_sub_obj_pred"]).T
        truth = TrueTriplets(labels[subject], predicate, labels[object_], boxes[subject], boxes[object_])
        images[name] = (ranked, truth)
    return images


def test_recalls_equal_the_original(planted_images, data):
    expected = data("reltr_post.json")["eval"]
    both = scene_graph_recall(planted_images.values())
    assert both.recall == {int(k): pytest.approx(value) for k, value in expected["R"].items()}
    assert both.mean_recall == {int(k[2:]): pytest.approx(value) for k, value in expected["mR"].items()}
    for name, image in expected["images"].items():
        alone = scene_graph_recall([planted_images[name]])
        assert alone.recall == {int(k): pytest.approx(value) for k, value in image["recall"].items()}


def test_a_match_needs_three_classes_and_both_boxes(make_triplets):
    truth = _truth((1, 2, 3, A, B))
    rows = [(9, 2, 3, A, B), (1, 9, 3, A, B), (1, 2, 9, A, B), (1, 2, 3, A, C), (1, 2, 3, C, B)]
    wrong = make_triplets(*((s, p, o, 0.9, 0.9, a, b) for s, p, o, a, b in rows))
    assert matching_ranks(wrong, truth).tolist() == [NEVER]
    right = make_triplets((9, 2, 3, 0.9, 0.9, A, B), (1, 2, 3, 0.8, 0.9, A, B), (1, 2, 3, 0.7, 0.9, A, B))
    assert matching_ranks(right, truth).tolist() == [1]


def test_iou_counts_corner_pixels(make_triplets):
    # 10 x 10 inclusive pixels against 5 x 10 of them: IoU exactly 0.5, and 0.44 without the corner pixels.
    whole, half = [0.0, 0, 9, 9], [0.0, 0, 4, 9]
    predicted = make_triplets((1, 2, 3, 0.9, 0.9, half, B))
    assert matching_ranks(predicted, _truth((1, 2, 3, whole, B))).tolist() == [0]
    assert matching_ranks(predicted, _truth((1, 2, 3, whole, B)), iou=0.51).tolist() == [NEVER]


def test_repeated_predictions_count_once_and_use_up_the_cutoff(make_triplets):
    truth = _truth((1, 2, 3, A, B), (3, 2, 1, B, A))
    predicted = make_triplets(*[(1, 2, 3, 0.9, 0.9, A, B)] * 3, (3, 2, 1, 0.5, 0.5, B, A))
    result = scene_graph_recall([(predicted, truth)], cutoffs=(1, 3, 4))
    assert result.recall == {1: 0.5, 3: 0.5, 4: 1.0}


def test_images_weigh_alike_and_predicates_weigh_alike(make_triplets):
    found = (make_triplets((1, 2, 3, 0.9, 0.9, A, B)), _truth((1, 2, 3, A, B)))
    half = (
        make_triplets((1, 2, 3, 0.9, 0.9, A, B)),
        _truth((1, 2, 3, A, B), (1, 2, 3, C, B), (1, 4, 3, A, B), (1, 4, 3, C, B)),
    )
    result = scene_graph_recall([found, half], cutoffs=(5,), predicates=11)
    assert result.recall[5] == pytest.approx((1 + 1 / 4) / 2)
    # Predicate 2: mean of 1 and 1/2; predicate 4: 0; eight more never occur and count as 0.
    assert result.mean_recall[5] == pytest.approx((1 + 1 / 2) / 2 / 10)


def test_images_without_annotations_are_left_out_and_images_without_predictions_are_missed(make_triplets):
    found = (make_triplets((1, 2, 3, 0.9, 0.9, A, B)), _truth((1, 2, 3, A, B)))
    unannotated = (make_triplets((1, 2, 3, 0.9, 0.9, A, B)), _truth())
    missed = (make_triplets(), _truth((1, 2, 3, A, B)))
    assert scene_graph_recall([found, unannotated], cutoffs=(20,)).recall == {20: 1.0}
    assert scene_graph_recall([found, missed], cutoffs=(20,)).recall == {20: 0.5}


def test_no_annotations_at_all_are_an_error(make_triplets):
    with pytest.raises(ValueError, match="at least one annotated triplet"):
        scene_graph_recall([(make_triplets(), _truth())])
