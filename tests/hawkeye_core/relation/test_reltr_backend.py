from dataclasses import fields

import numpy as np
import pytest
import torch

from hawkeye_core.backend import RelationBackend
from hawkeye_core.relation.config import RelTRSettings
from hawkeye_core.relation.reltr_backend import RelTRBackend
from hawkeye_core.relation.vocabulary import OBJECT_CLASSES, PREDICATE_CLASSES
from hawkeye_core.scene import FrameBatch, FrameRelations


def _frames(images):
    n = len(images)
    return FrameBatch("clip", np.arange(n), np.arange(n) / 8, np.arange(n) / 8, np.arange(n), images)


def _pictures(n, *, width=160, height=120):
    """Coarse coloured blocks: unlike noise, they differ after pooling."""
    cells = np.random.RandomState(0).randint(0, 256, (n, 4, 4, 3), dtype=np.uint8)
    return cells.repeat(-(-height // 4), axis=1).repeat(-(-width // 4), axis=2)[:, :height, :width]


def _settings(**changes):
    return RelTRSettings(**{"size": "tiny", "weights": "untrained", "short_side": 96, "threshold": 0.0, **changes})


@pytest.fixture(scope="module")
def backend():
    return RelTRBackend(_settings())


def test_is_a_relation_backend(backend):
    assert isinstance(backend, RelationBackend)


@pytest.mark.parametrize("size", [(160, 120), (90, 160)])
def test_graphs_are_well_formed(backend, size):
    width, height = size
    graphs = backend.detect(_frames(_pictures(3, width=width, height=height)))
    assert len(graphs) == 3
    for graph in graphs:
        objects, relations = len(graph.object_class), len(graph.subject)
        assert 1 <= relations <= 10
        assert objects <= 20
        assert set(graph.subject) | set(graph.object) <= set(range(objects))
        assert (graph.subject != graph.object).all()
        assert (graph.object_class >= 1).all()
        assert (graph.predicate >= 1).all()
        x1, y1, x2, y2 = graph.object_box.T
        assert ((x1 >= 0) & (x1 < x2) & (x2 <= width) & (y1 >= 0) & (y1 < y2) & (y2 <= height)).all()


def test_a_graph_does_not_depend_on_the_rest_of_the_batch(backend):
    images = _pictures(4)
    together = backend.detect(_frames(images))
    for i in range(4):
        (alone,) = backend.detect(_frames(images[i : i + 1]))
        for field in fields(FrameRelations):
            expected, actual = getattr(together[i], field.name), getattr(alone, field.name)
            # Classes and edges exactly; scores and pixels up to the rounding of matrix products of other shapes.
            np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=0.01 if field.name == "object_box" else 0)


def test_planted_predictions_come_out_in_pixels_of_the_frame(backend, planted, monkeypatch, data):
    def answer(inputs):
        assert inputs.shape == (1, 3, 96, 128)
        assert not torch.is_grad_enabled()
        return planted

    monkeypatch.setattr(backend, "model", answer)
    (graph,) = backend.detect(_frames(_pictures(1, width=640, height=480)))
    names = [
        f"{OBJECT_CLASSES[graph.object_class[s]]} {PREDICATE_CLASSES[p]} {OBJECT_CLASSES[graph.object_class[o]]}"
        for s, p, o in zip(graph.subject, graph.predicate, graph.object, strict=True)
    ]
    expected = [row for row in data("reltr_post.json")["demo"]["triplets"] if 0 not in row["classes_sub_rel_obj"]]
    assert names[: len(expected)] == [row["text"] for row in expected]
    for place, row in enumerate(expected):
        for objects, box in ((graph.subject, row["subject_xyxy"]), (graph.object, row["object_xyxy"])):
            clipped = np.clip(box, 0, [640, 480, 640, 480])
            np.testing.assert_allclose(graph.object_box[objects[place]], clipped, atol=1e-3)


def test_random_weights_find_nothing_at_the_usual_threshold():
    (graph,) = RelTRBackend(_settings(threshold=0.3)).detect(_frames(_pictures(1)))
    assert len(graph.object_class) == len(graph.subject) == 0


def test_two_backends_agree_and_no_frames_give_no_graphs(backend):
    frames = _frames(_pictures(2))
    for first, second in zip(backend.detect(frames), RelTRBackend(_settings()).detect(frames), strict=True):
        for field in fields(FrameRelations):
            np.testing.assert_array_equal(getattr(first, field.name), getattr(second, field.name))
    assert backend.detect(_frames(_pictures(0))) == []


def test_lower_precision_runs(backend):
    half = RelTRBackend(_settings(precision="bfloat16"))
    assert {p.dtype for p in half.model.parameters()} == {torch.bfloat16}
    (graph,) = half.detect(_frames(_pictures(1)))
    assert graph.object_box.dtype == np.float32
    assert np.isfinite(graph.object_box).all()


def test_fingerprint_names_weights_and_everything_that_changes_a_graph(backend, tmp_path):
    assert not backend.fingerprint.trained
    assert backend.fingerprint.family == "relations"
    assert backend.fingerprint.digest == RelTRBackend(_settings()).fingerprint.digest
    half = RelTRBackend(_settings(precision="bfloat16")).fingerprint
    assert half.digest == RelTRBackend(_settings(), dtype=torch.bfloat16).fingerprint.digest
    assert "precision" not in half.settings  # stores made before there was this setting stay what they are
    digests = {backend.fingerprint.digest, half.digest}
    changes = ({"short_side": 64}, {"long_side": 200}, {"threshold": 0.1}, {"max_relations": 5}, {"merge_iou": 0.5})
    for change in (*changes, {"exclude_background": False}):
        digests.add(RelTRBackend(_settings(**change)).fingerprint.digest)
    assert len(digests) == 8
    path = tmp_path / "trained.pth"
    torch.save({"model": backend.model.state_dict()}, path)
    trained = RelTRBackend(_settings(weights=str(path))).fingerprint
    assert trained.trained
    path_of_copy = tmp_path / "copy.pth"
    path_of_copy.write_bytes(path.read_bytes())
    assert RelTRBackend(_settings(weights=str(path_of_copy))).fingerprint == trained


def test_tiny_reads_smaller_frames_by_default():
    assert (RelTRSettings().short_side, RelTRSettings().long_side) == (800, 1333)
    tiny = RelTRSettings(size="tiny")
    assert (tiny.short_side, tiny.long_side) == (192, 358)
    assert RelTRSettings(size="tiny", short_side=320).short_side == 320
