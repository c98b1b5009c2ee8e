import math
from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from hawkeye_core.relation.postprocess import Triplets, rank_triplets, select_triplets, top_entities
from hawkeye_core.relation.reltr import RelTROutput

SIZE = [(640, 480)]


def _random_output(batch, queries, *, seed=0, objects=6, predicates=5):
    generator = torch.Generator().manual_seed(seed)

    def logits(classes):
        return 3 * torch.randn(batch, queries, classes, generator=generator)

    boxes = [torch.rand(batch, queries, 4, generator=generator) for _ in range(3)]
    return RelTROutput(
        logits(objects), boxes[0], logits(objects), boxes[1], logits(objects), boxes[2], logits(predicates)
    )


def _softmax(logits):
    exponentials = [math.exp(x) for x in logits]
    return [x / sum(exponentials) for x in exponentials]


def _literal_demo(output, image, width, height, threshold, top_k, first):
    """One query at a time, by the words of the rule."""
    found = []
    for query in range(output.subject_logits.shape[1]):
        best = []
        for logits in (output.subject_logits, output.predicate_logits, output.object_logits):
            probabilities = _softmax(logits[image, query].tolist())[:-1]
            label = max(range(first, len(probabilities)), key=lambda c: probabilities[c])
            best.append((label, probabilities[label]))
        if all(score > threshold for _, score in best):
            cx, cy, w, h = output.subject_boxes[image, query].tolist()
            box = [(cx - w / 2) * width, (cy - h / 2) * height, (cx + w / 2) * width, (cy + h / 2) * height]
            found.append((query, best, math.prod(score for _, score in best), box))
    return sorted(found, key=lambda item: -item[2])[:top_k]


def test_demo_rule_equals_the_original(planted, data):
    expected = data("reltr_post.json")["demo"]
    (found,) = select_triplets(planted, SIZE, threshold=0.3, top_k=10, exclude_background=False)
    rows = expected["triplets"]
    assert found.query.tolist() == [row["query"] for row in rows]
    classes = np.stack((found.subject_class, found.predicate, found.object_class), axis=1)
    assert classes.tolist() == [row["classes_sub_rel_obj"] for row in rows]
    scores = np.stack((found.subject_score, found.predicate_score, found.object_score), axis=1)
    np.testing.assert_allclose(scores, [row["scores_sub_rel_obj"] for row in rows], atol=1e-6)
    np.testing.assert_allclose(found.score, [row["score"] for row in rows], atol=1e-6)
    np.testing.assert_allclose(found.subject_box, [row["subject_xyxy"] for row in rows], atol=1e-4)
    np.testing.assert_allclose(found.object_box, [row["object_xyxy"] for row in rows], atol=1e-4)


def test_demo_rule_keeps_the_original_queries_before_the_cut(planted, data):
    expected = data("reltr_post.json")["demo"]["kept_queries_before_topk"]
    (found,) = select_triplets(planted, SIZE, top_k=200, exclude_background=False)
    assert sorted(found.query.tolist()) == expected


def test_background_is_left_out_on_request(planted, data):
    expected = data("reltr_post.json")["demo"]["kept_queries_before_topk"]
    (found,) = select_triplets(planted, SIZE, top_k=200)
    assert sorted(found.query.tolist()) == [query for query in expected if query not in (190, 199)]
    (loose,) = select_triplets(planted, SIZE, threshold=0.0, top_k=200)
    for labels in (loose.subject_class, loose.predicate, loose.object_class):
        assert labels.min() >= 1
    assert loose.predicate.max() <= 50
    assert loose.object_class.max() <= 150


@pytest.mark.parametrize("exclude", [True, False])
@pytest.mark.parametrize("threshold", [0.0, 0.4])
def test_demo_rule_equals_a_literal_loop(exclude, threshold):
    output = _random_output(2, 30)
    sizes = [(100, 50), (64, 80)]
    found = select_triplets(output, sizes, threshold=threshold, top_k=7, exclude_background=exclude)
    for image, (triplets, (width, height)) in enumerate(zip(found, sizes, strict=True)):
        expected = _literal_demo(output, image, width, height, threshold, 7, 1 if exclude else 0)
        assert expected, "the case tests nothing"
        assert triplets.query.tolist() == [query for query, *_ in expected]
        labels = np.stack((triplets.subject_class, triplets.predicate, triplets.object_class), axis=1)
        assert labels.tolist() == [[label for label, _ in best] for _, best, *_ in expected]
        np.testing.assert_allclose(triplets.score, [product for _, _, product, _ in expected], rtol=1e-5)
        np.testing.assert_allclose(triplets.subject_box, [box for *_, box in expected], atol=1e-4)


def test_threshold_is_strict_and_asks_all_three():
    output = _random_output(1, 1)
    (best,) = select_triplets(output, SIZE, threshold=0.0)
    weakest = float(min(best.subject_score[0], best.predicate_score[0], best.object_score[0]))
    assert len(select_triplets(output, SIZE, threshold=weakest)[0]) == 0
    assert len(select_triplets(output, SIZE, threshold=weakest - 1e-6)[0]) == 1


def test_equal_scores_keep_the_order_of_the_queries():
    output = _random_output(1, 1)
    fivefold = RelTROutput(*(getattr(output, f.name).repeat(1, 5, 1) for f in fields(output) if f.name != "auxiliary"))
    for (found,) in (select_triplets(fivefold, SIZE, threshold=0.0, top_k=3), rank_triplets(fivefold, SIZE, top_k=3)):
        assert found.query.tolist() == [0, 1, 2]


def test_nothing_above_the_threshold_gives_empty_columns_of_the_right_shape():
    found = select_triplets(_random_output(2, 4), [(10, 10)] * 2, threshold=0.9999)
    for triplets in found:
        assert len(triplets) == 0
        assert triplets.subject_box.shape == triplets.object_box.shape == (0, 4)
        assert triplets.query.dtype == triplets.predicate.dtype == np.int32
        assert triplets.score.dtype == np.float32


def test_queries_of_undefined_score_are_dropped():
    output = _random_output(1, 3)
    broken = replace(output, subject_logits=output.subject_logits.clone())
    broken.subject_logits[0, 1] = float("nan")
    (found,) = select_triplets(broken, SIZE, threshold=0.0)
    assert sorted(found.query.tolist()) == [0, 2]


def test_images_of_a_batch_are_independent():
    output = _random_output(3, 20)
    sizes = [(64, 48), (100, 200), (7, 9)]
    for rule in (select_triplets, rank_triplets):
        together = rule(output, sizes)
        for i, size in enumerate(sizes):
            one = RelTROutput(*(getattr(output, f.name)[i : i + 1] for f in fields(output) if f.name != "auxiliary"))
            (alone,) = rule(one, [size])
            for field in fields(Triplets):
                np.testing.assert_array_equal(getattr(alone, field.name), getattr(together[i], field.name))


def test_evaluation_rule_equals_the_original(planted, data):
    expected = data("reltr_post.json")["eval"]
    (ranked,) = rank_triplets(planted, SIZE)
    assert len(ranked) == 200
    assert ranked.query[:30].tolist() == expected["order_top30"]
    np.testing.assert_allclose(ranked.score[:30], expected["order_scores_top30"], atol=1e-6)
    assert (ranked.predicate.min(), ranked.predicate.max()) >= (1, 1)


def test_evaluation_rule_scores_predicates_among_themselves():
    output = _random_output(1, 1)
    sure_of_nothing = replace(output, predicate_logits=output.predicate_logits + torch.tensor([9.0, 0, 0, 0, 9.0]))
    (before,), (after,) = rank_triplets(output, SIZE), rank_triplets(sure_of_nothing, SIZE)
    assert after.predicate_score == pytest.approx(before.predicate_score)
    assert before.predicate[0] == 1 + int(output.predicate_logits[0, 0, 1:-1].argmax())


def test_entities_equal_the_original(planted, data):
    expected = data("reltr_post.json")["entities_top8"]
    (found,) = top_entities(planted, SIZE, top_k=8)
    assert found.query.tolist() == [row["query"] for row in expected]
    assert found.label.tolist() == [row["label"] for row in expected]
    np.testing.assert_allclose(found.score, [row["score"] for row in expected], atol=1e-6)
    np.testing.assert_allclose(found.box, [row["xyxy"] for row in expected], atol=1e-4)
