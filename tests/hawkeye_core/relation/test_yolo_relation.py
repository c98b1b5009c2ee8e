"""YOLO detection with geometric predicates: names into the vocabulary, graphs from boxes, random weights marked."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from hawkeye_core.backend import RelationBackend
from hawkeye_core.errors import BackendUnavailableError, WeightsError
from hawkeye_core.relation.config import YoloRelationSettings
from hawkeye_core.relation.vocabulary import EXTENDED_OBJECT_CLASSES, OBJECT_INDEX, PREDICATE_CLASSES
from hawkeye_core.relation.yolo import YoloRelationBackend
from hawkeye_core.scene import FrameBatch
from hawkeye_core.yolo import YoloModel, import_ultralytics


@pytest.fixture(scope="module", autouse=True)
def _ultralytics(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ.setdefault("YOLO_CONFIG_DIR", str(tmp_path_factory.mktemp("ultralytics")))
    os.environ["YOLO_OFFLINE"] = "true"
    try:
        import_ultralytics()
    except BackendUnavailableError as error:
        pytest.skip(f"the extra `yolo` is not installed: {error}")


def build(**values: Any) -> YoloRelationBackend:
    defaults = {"weights": "yolo11n.yaml", "confidence": 0.0, "image_size": 64, "max_objects": 6, "max_relations": 5}
    return YoloRelationBackend(YoloRelationSettings(**{**defaults, **values}))


def batch(frames: int = 2) -> FrameBatch:
    index = np.arange(frames)
    images = np.random.default_rng(0).integers(0, 256, (frames, 96, 128, 3), dtype=np.uint8)
    return FrameBatch(video="v", index=index, time=index / 8, pts=index / 8, source_index=index, images=images)


@pytest.fixture(scope="module")
def backend() -> YoloRelationBackend:
    return build()


Plant = Callable[..., None]


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch) -> Plant:
    """Let the network find these boxes."""

    def planted(names: dict[int, str], boxes: list[tuple[float, ...]]) -> None:
        from ultralytics.engine.results import Results

        result = Results(
            np.zeros((300, 400, 3), np.uint8), path="", names=names, boxes=torch.tensor(boxes).reshape(-1, 6)
        )
        monkeypatch.setattr(YoloModel, "names", property(lambda self: names))
        monkeypatch.setattr(YoloModel, "predict", lambda self, images, **limits: [result] * len(images))

    return planted


def test_graphs_of_a_random_network(backend: YoloRelationBackend) -> None:
    assert isinstance(backend, RelationBackend)
    for graph in backend.detect(batch()):
        assert len(graph.object_class) == 6
        assert (np.diff(graph.object_score) <= 0).all()
        assert len(graph.score) <= 5
        assert ((graph.object_class >= 1) & (graph.object_class < len(EXTENDED_OBJECT_CLASSES))).all()
        assert (graph.object_box <= [128, 96, 128, 96]).all()
    assert backend.detect(batch(0)) == []


def test_random_weights_are_seeded_and_marked(backend: YoloRelationBackend) -> None:
    again = build()
    for one, two in zip(backend.detect(batch()), again.detect(batch()), strict=True):
        np.testing.assert_array_equal(one.object_box, two.object_box)
        np.testing.assert_array_equal(one.predicate, two.predicate)
    assert again.fingerprint == backend.fingerprint
    assert backend.fingerprint.weights == "untrained:yolo11n.yaml"
    assert build(max_relations=6).fingerprint.digest != backend.fingerprint.digest


def test_a_scene(plant: Plant) -> None:
    names = {0: "person", 1: "bicycle", 2: "bottle"}
    plant(names, [(300, 200, 310, 220, 0.5, 2), (80, 130, 180, 225, 0.8, 1), (100, 60, 150, 200, 0.9, 0)])
    graph = build().detect(batch(1))[0]
    assert [EXTENDED_OBJECT_CLASSES[c] for c in graph.object_class] == ["person", "bicycle", "bottle"]
    np.testing.assert_allclose(graph.object_score, [0.9, 0.8, 0.5])
    triplets = zip(graph.subject, graph.predicate, graph.object, strict=True)
    assert [(int(s), PREDICATE_CLASSES[p], int(o)) for s, p, o in triplets] == [(0, "riding", 1)]
    assert 0.3 < graph.score[0] <= 0.9 * 0.8 + 1e-6


def test_nothing_found(plant: Plant) -> None:
    plant({0: "person"}, [])
    graph = build().detect(batch(1))[0]
    assert graph.object_box.shape == (0, 4)
    assert graph.score.shape == (0,)


def test_names_outside_the_vocabulary_are_left_out_and_said(plant: Plant, caplog: pytest.LogCaptureFixture) -> None:
    names = {0: "Person", 1: "crossbow", 2: "cell_phone"}
    plant(names, [(0, 0, 50, 90, 0.9, 1), (0, 0, 50, 90, 0.8, 0), (10, 10, 20, 20, 0.7, 2)])
    backend = build()
    assert "crossbow" in caplog.text
    assert backend.fingerprint.settings["left_out"] == ["crossbow"]
    graph = backend.detect(batch(1))[0]
    assert graph.object_class.tolist() == [OBJECT_INDEX["person"], OBJECT_INDEX["cell phone"]]
    assert graph.subject.tolist() == [0]
    assert graph.object.tolist() == [1]


def test_a_detector_of_unknown_classes_is_refused(plant: Plant) -> None:
    plant({0: "crossbow"}, [])
    with pytest.raises(WeightsError, match=r"none of its classes is in the vocabulary \(first: crossbow\)"):
        build()


def test_a_pose_network_is_not_a_detector() -> None:
    with pytest.raises(WeightsError, match="is a network for 'pose', the backend needs 'detect'"):
        build(weights="yolo11n-pose.yaml")
