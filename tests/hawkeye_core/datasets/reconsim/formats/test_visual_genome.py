"""RelTR's Visual Genome files, read as its data loader reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hawkeye_core.datasets.reconsim.formats.visual_genome import write_visual_genome
from hawkeye_core.datasets.reconsim.truth import RelationSpan
from hawkeye_core.errors import AnnotationError
from hawkeye_core.relation.vocabulary import OBJECT_CLASSES, PREDICATE_CLASSES

coco = pytest.importorskip("pycocotools.coco")


def loaded(folder: Path, split: str) -> list[tuple[int, Any, Any, Any]]:
    """For each image its id, boxes [E, 4] corners, classes and relations, as the loader hands them to the network."""
    boxes = coco.COCO(str(folder / f"{split}.json"))
    relations = json.loads((folder / "rel.json").read_text())[split]
    found = []
    for image in sorted(boxes.imgs):
        rows = boxes.loadAnns(boxes.getAnnIds(imgIds=image, iscrowd=None))
        corners = np.array([row["bbox"] for row in rows], np.float32)
        corners[:, 2:] += corners[:, :2]
        assert (corners[:, 2:] > corners[:, :2]).all()  # the loader drops others and numbers fall out of step
        found.append((image, corners, [row["category_id"] for row in rows], relations[str(image)]))
        assert (folder / "images" / boxes.imgs[image]["file_name"]).is_file()
    assert set(relations) == {str(image) for image, *_ in found}
    return found


def test_relations_mean_the_boxes_of_the_truth(make_video: Any, tmp_path: Path) -> None:
    """The first frames have no car, so that boxes are numbered anew; a relation to it is not there either."""
    videos = [make_video(f"Assault{i:03d}_x264") for i in range(1, 11)]
    videos.append(make_video("Assault011_x264", split="test"))
    write_visual_genome(tmp_path, iter(videos), pictures=10)
    sizes = {split: len(loaded(tmp_path, split)) for split in ("train", "val", "test")}
    assert sizes == {"train": 90, "val": 10, "test": 10}
    truth = videos[0].truth
    for frame, (_, corners, classes, relations) in zip(range(2, 40, 4), loaded(tmp_path, "train")[:10], strict=True):
        entities = [e for e in range(4) if truth.visible[frame, e] >= 0.3]
        np.testing.assert_allclose(corners, truth.boxes[frame, entities], atol=0.02)
        assert [OBJECT_CLASSES[c] for c in classes] == [truth.entities[e] for e in entities]
        named = [(entities[s], PREDICATE_CLASSES[p], entities[o]) for s, o, p in relations]
        assert named == truth.triplets(frame)
        assert len(named) == (1 if frame < 8 else 2)


def test_frames_without_relations_give_no_picture(make_video: Any, tmp_path: Path) -> None:
    spans = (RelationSpan(0, "near", 2, 0.0, 1.0), RelationSpan(2, "near", 0, 0.0, 1.0))
    write_visual_genome(tmp_path, [make_video("Assault001_x264", relations=spans)], pictures=99)
    found = loaded(tmp_path, "train")
    assert len(found) == 8
    near = PREDICATE_CLASSES.index("near")
    assert found[0][3] == [[0, 1, near], [1, 0, near]]  # the man between them in the list cannot be seen yet
    assert found[1][3] == [[0, 2, near], [2, 0, near]]


def test_names_and_numbers(make_video: Any, tmp_path: Path) -> None:
    write_visual_genome(tmp_path, [make_video("Assault001_x264")])
    content = json.loads((tmp_path / "train.json").read_text())
    assert {row["id"]: row["name"] for row in content["categories"]} == dict(enumerate(OBJECT_CLASSES[1:], 1))
    assert list(content["annotations"][0]) == [
        "segmentation", "area", "bbox", "iscrowd", "image_id", "id", "category_id",
    ]  # fmt: skip
    relations = json.loads((tmp_path / "rel.json").read_text())
    assert list(relations) == ["train", "val", "test", "rel_categories"]
    assert relations["rel_categories"] == list(PREDICATE_CLASSES)


def test_other_names_are_an_error(make_video: Any, tmp_path: Path) -> None:
    spans = (RelationSpan(0, "hugging", 2, 0.0, 9.0),)
    with pytest.raises(AnnotationError, match="'hugging' is no name of Visual Genome"):
        write_visual_genome(tmp_path, [make_video("Assault001_x264", relations=spans)])
