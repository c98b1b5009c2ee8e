"""Imported scene graphs: JSON forms, the released arrays, graphs without boxes, faults named by file and place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hawkeye_core.backend import RelationBackend
from hawkeye_core.errors import SidecarError
from hawkeye_core.relation.config import SidecarRelationSettings
from hawkeye_core.relation.sidecar import SidecarRelationBackend
from hawkeye_core.relation.vocabulary import (
    EXTENDED_OBJECT_CLASSES,
    OBJECT_CLASSES,
    OBJECT_INDEX,
    PREDICATE_CLASSES,
    PREDICATE_INDEX,
)
from hawkeye_core.scene import FrameBatch, FrameRelations

MAN = {"class": "man", "box": [10, 10, 40, 90], "score": 0.9}
DOOR = {"class": "door", "box": [100, 0, 140, 95], "score": 0.8}


def triplet(subject: Any = MAN, predicate: Any = "near", object_: Any = DOOR, **fields: Any) -> dict[str, Any]:
    return {"subject": subject, "predicate": predicate, "object": object_, **fields}


def batch(source: list[int], *, video: str = "v") -> FrameBatch:
    index = np.arange(len(source))
    images = np.zeros((len(source), 100, 200, 3), np.uint8)
    return FrameBatch(
        video=video, index=index, time=index / 8, pts=index / 8, source_index=np.array(source), images=images
    )


def write(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def backend(path: Path, **settings: Any) -> SidecarRelationBackend:
    return SidecarRelationBackend(SidecarRelationSettings(path=str(path), **settings))


def read(graph: FrameRelations) -> list[tuple[str, str, str]]:
    names = [EXTENDED_OBJECT_CLASSES[c] for c in graph.object_class]
    triples = zip(graph.subject, graph.predicate, graph.object, strict=True)
    return [(names[s], PREDICATE_CLASSES[p], names[o]) for s, p, o in triples]


FORMS: dict[str, Any] = {
    "frames": {"frames": [{"frame": 2, "relations": [triplet()]}, {"frame": 5, "relations": []}]},
    "list": [{"frame": 2, "relations": [triplet()]}, {"frame": 5, "relations": []}],
    "mapping": {"2": [triplet()], "5": []},
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_a_video_in_one_file(tmp_path: Path, form: str) -> None:
    write(tmp_path / "v.json", FORMS[form])
    importer = backend(tmp_path)
    assert isinstance(importer, RelationBackend)
    graphs = importer.detect(batch([0, 2, 5]))
    assert [read(graph) for graph in graphs] == [[], [("man", "near", "door")], []]
    assert graphs[0].object_box.shape == (0, 4)
    graph = graphs[1]
    np.testing.assert_allclose(graph.object_box, [MAN["box"], DOOR["box"]])
    np.testing.assert_allclose(graph.object_score, [0.9, 0.8])
    assert graph.score[0] == pytest.approx(0.72), "without a score of its own, the product of its parts'"


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_file_a_frame(tmp_path: Path, wrapped: bool) -> None:
    for number in (3, 4):
        relations = [triplet(predicate="on" if number == 3 else "near")]
        write(tmp_path / "v" / f"f{number:04d}.json", {"relations": relations} if wrapped else relations)
    graphs = backend(tmp_path, first_frame=1).detect(batch([2, 3, 9]))
    assert [read(graph) for graph in graphs] == [[("man", "on", "door")], [("man", "near", "door")], []]


def test_names_ids_and_other_keys(tmp_path: Path) -> None:
    ids = triplet(
        {**MAN, "class": OBJECT_INDEX["man"]}, PREDICATE_INDEX["near"], {**DOOR, "class": OBJECT_INDEX["door"]}
    )
    labels = {
        "subject": {"label": " Man ", "box": MAN["box"]},
        "relation": {"label": "near", "score": 0.5},
        "object": {"label": "traffic light", "box": DOOR["box"]},
    }
    write(tmp_path / "v.json", {"0": [ids], "1": [labels]})
    first, second = backend(tmp_path).detect(batch([0, 1]))
    assert read(first) == [("man", "near", "door")]
    assert read(second) == [("man", "near", "traffic light")], "names of COCO are in the extended vocabulary"
    assert second.score[0] == pytest.approx(0.5)


def test_mentions_of_one_object_are_merged(tmp_path: Path) -> None:
    shifted = {**MAN, "box": [11, 10, 41, 90], "score": 0.95}
    write(tmp_path / "v.json", {"0": [triplet(score=0.5), triplet(shifted, "in front of", score=0.6)]})
    merged = backend(tmp_path).detect(batch([0]))[0]
    assert len(merged.object_class) == 2
    assert read(merged) == [("man", "in front of", "door"), ("man", "near", "door")]
    assert len(backend(tmp_path, merge_iou=0.99).detect(batch([0]))[0].object_class) == 3


def test_threshold_and_class_zero(tmp_path: Path) -> None:
    none = {**DOOR, "class": 0}
    write(tmp_path / "v.json", {"0": [triplet(score=0.2), triplet(predicate="on", score=0.4), triplet(object_=none)]})
    assert read(backend(tmp_path, threshold=0.3).detect(batch([0]))[0]) == [("man", "on", "door")]
    assert len(backend(tmp_path).detect(batch([0]))[0].score) == 2


# ---- arrays


def scores(subject: str, predicate: str, object_: str, *, probability: float = 0.8) -> np.ndarray:
    """One row of the released layout: 51 predicate, 151 subject, 151 object probabilities."""
    parts = []
    for names, name in ((PREDICATE_CLASSES, predicate), (OBJECT_CLASSES, subject), (OBJECT_CLASSES, object_)):
        part = np.full(len(names), 0.001, np.float32)
        part[0] = 0.9 if probability < 0.5 else 0.01  # class 0 is likelier, and yet cannot win
        part[names.index(name)] = probability
        parts.append(part)
    return np.concatenate(parts)


def test_released_layout_without_boxes(tmp_path: Path) -> None:
    (tmp_path / "v").mkdir()
    rows = np.stack([scores("man", "near", "door", probability=0.4), scores("man", "holding", "phone")])
    np.save(tmp_path / "v/0.npy", rows)
    np.save(tmp_path / "v/1.npy", np.zeros((0, 353)))
    np.save(tmp_path / "v/2.npy", np.zeros(0))
    importer = backend(tmp_path, format="npy")
    graph, *empty = importer.detect(batch([0, 1, 2, 3]))
    assert read(graph) == [("man", "holding", "phone"), ("man", "near", "door")]
    np.testing.assert_allclose(graph.score, [0.8**3, 0.4**3], rtol=1e-5)
    np.testing.assert_allclose(graph.object_score, [0.8, 0.8, 0.4], rtol=1e-6)
    np.testing.assert_array_equal(graph.object_box, [[0, 0, 200, 100]] * 3)
    assert [len(g.object_class) for g in empty] == [0, 0, 0]
    assert importer.fingerprint.settings["boxes"] == "none"


def test_two_of_a_class_stay_two_within_a_triplet(tmp_path: Path) -> None:
    stack = np.stack(
        [scores("man", "near", "man"), scores("man", "near", "man", probability=0.6), scores("man", "near", "door")]
    )
    np.save(tmp_path / "v.npy", stack[None])
    graph = backend(tmp_path, format="npy").detect(batch([0]))[0]
    assert sorted(EXTENDED_OBJECT_CLASSES[c] for c in graph.object_class) == ["door", "man", "man"]
    assert sorted(read(graph)) == [("man", "near", "door"), ("man", "near", "man")], "the weaker repetition is gone"
    assert (graph.subject != graph.object).all()
    assert len(set(graph.subject.tolist())) == 1


def test_stacked_video_with_padding_and_order_of_rows(tmp_path: Path) -> None:
    rows = [scores("man", "near", "door", probability=p) for p in (0.5, 0.7)] + [scores("dog", "on", "bed")]
    stack = np.zeros((2, 4, 353), np.float32)
    stack[1, :3] = rows
    stack[1, 3] = np.nan
    np.save(tmp_path / "v.npy", stack)
    empty, graph = backend(tmp_path, format="npy").detect(batch([0, 1]))
    assert read(empty) == []
    stack[1] = stack[1, ::-1]
    np.save(tmp_path / "v.npy", stack)
    shuffled = backend(tmp_path, format="npy").detect(batch([1]))[0]
    for name in FrameRelations.__slots__:
        np.testing.assert_array_equal(getattr(graph, name), getattr(shuffled, name))


def test_logits_are_refused(tmp_path: Path) -> None:
    stack = np.stack([scores("man", "near", "door"), np.full(353, -2.0, np.float32)])
    np.save(tmp_path / "v.npy", stack[None])
    with pytest.raises(SidecarError, match=r"v\.npy: frame 0, row 1: .*apply softmax"):
        backend(tmp_path, format="npy").detect(batch([0]))


@pytest.mark.parametrize("shape", [(2, 353), (1, 2, 352), (1, 1, 2, 353)])
def test_wrong_shapes(tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.save(tmp_path / "v.npy", np.zeros(shape))
    with pytest.raises(SidecarError, match=r"has shape .*, not \(frames, n, 353\) for a whole video"):
        backend(tmp_path, format="npy").detect(batch([0]))


def test_arrays_of_objects_are_refused(tmp_path: Path) -> None:
    stack = np.empty(2, object)
    stack[:] = [np.zeros((1, 353)), np.zeros((2, 353))]
    np.save(tmp_path / "v.npy", stack)
    with pytest.raises(SidecarError, match="array of Python objects"):
        backend(tmp_path, format="npy").detect(batch([0]))


# ---- faults


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"0": [triplet(), triplet(predicate="loves")]}, r"frame '0', relations\[1\]: predicate 'loves' is neither"),
        ({"0": [triplet({**MAN, "class": "unicorn"})]}, r"relations\[0\]: subject 'unicorn' is neither"),
        ({"0": [triplet({**MAN, "class": 9999})]}, r"subject 9999 is neither .* index below"),
        ({"0": [triplet({**MAN, "class": True})]}, "subject True is neither"),
        ({"0": [triplet({**MAN, "box": [1, 2, 3]})]}, "the subject's box must be a list of 4 numbers"),
        ({"0": [triplet({**MAN, "box": [40, 10, 10, 90]})]}, "the subject's box is not x1, y1, x2, y2"),
        ({"0": [triplet(object_={**DOOR, "score": 1.5})]}, r"the object's score must be in 0\.\.1, not 1\.5"),
        ({"0": [triplet(score="x")]}, r"score must be in 0\.\.1, not 'x'"),
        ({"0": [{"subject": MAN, "object": DOOR}]}, "predicate None is neither"),
        ({"0": [{"subject": MAN, "predicate": "on"}]}, "a JSON object is needed, not None"),
        ({"0": [5]}, "a JSON object is needed, not 5"),
        ({"0": {}}, "a list of triplets is needed"),
        ({"zero": []}, "'zero' is no frame number"),
        ({"9" * 5000: []}, "is no frame number"),
        ({"frames": 3}, "frames: a list is needed"),
        ([{"relations": []}], r"frames\[0\]: None is no frame number"),
        ([{"frame": -1, "relations": []}], "-1 is no frame number"),
        ({"1": [], "01": []}, "frame 1 a second time"),
        (7, "a list is needed"),
    ],
)
def test_malformed_files_are_named_with_the_place(tmp_path: Path, content: Any, message: str) -> None:
    write(tmp_path / "v.json", content)
    with pytest.raises(SidecarError, match=rf"v\.json: .*{message}"):
        backend(tmp_path).detect(batch([0]))


def test_a_video_without_files(tmp_path: Path) -> None:
    write(tmp_path / "other.json", [])
    with pytest.raises(SidecarError, match=r"no results of video 'v'(?s:.*)relations\.path"):
        backend(tmp_path).detect(batch([0]))


def test_fingerprint(tmp_path: Path) -> None:
    write(tmp_path / "v.json", FORMS["list"])
    prints = [
        backend(tmp_path, **settings).fingerprint
        for settings in ({}, {"threshold": 0.1}, {"merge_iou": 0.5}, {"numbering": "sampled"}, {"first_frame": 1})
    ]
    write(tmp_path / "v.json", FORMS["mapping"])
    prints.append(backend(tmp_path).fingerprint)
    assert len({fingerprint.digest for fingerprint in prints}) == 6
    assert prints[0].settings["boxes"] == "given"
    assert str(tmp_path) not in prints[0].to_json()


def test_the_example_of_the_documentation(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs/backends.md").read_text()
    example = page.split("<!-- example: relations -->")[1].split("```")[1].removeprefix("json")
    (tmp_path / "v.json").write_text(example)
    graph = backend(tmp_path).detect(batch([12]))[0]
    assert read(graph) == [("man", "near", "door")]
    assert graph.score[0] == pytest.approx(0.58)
