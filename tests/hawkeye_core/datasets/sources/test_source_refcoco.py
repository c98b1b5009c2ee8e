"""RefCOCO: what its writer wrote is read back, traps are seen, and nothing gets lost in silence."""

from __future__ import annotations

import copy
import json
import pickle
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hawkeye_core.datasets import refcoco
from hawkeye_core.datasets.reconsim.formats.refcoco import IMAGES, write_refcoco
from hawkeye_core.datasets.reconsim.formats.video import EntityLook, FormatVideo
from hawkeye_core.datasets.reconsim.truth import VideoTruth
from hawkeye_core.datasets.refcoco import INSTANCES, REFS, read_refcoco, region_rows
from hawkeye_core.digest import sha256_of
from hawkeye_core.errors import AnnotationError
from hawkeye_core.training.stage1.rows import Region
from hawkeye_core.training.stage1.text import has_words, sentence

SHARED = (Path(__file__).parents[5] / "shared/data/annotations").resolve()
FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
PICTURE = {"id": 581857, "file_name": "COCO_train2014_000000581857.jpg", "width": 640, "height": 480, "license": 1}
BOX = {"id": 16, "image_id": 581857, "bbox": [10.5, 20, 100, 200.25], "category_id": 1, "segmentation": [[1.0, 2.0]]}


def said(*texts: str, first: int = 0) -> list[dict[str, Any]]:
    return [{"tokens": t.split(), "raw": t, "sent": t, "sent_id": first + i} for i, t in enumerate(texts)]


def ref(ref_id: int = 0, split: str = "train", ann: int = 16, texts: tuple[str, ...] = ("left man",)) -> dict[str, Any]:
    return {
        "ref_id": ref_id, "ann_id": ann, "image_id": 581857, "split": split, "category_id": 1,
        "file_name": "COCO_train2014_000000581857_16.jpg", "sentences": said(*texts, first=10 * ref_id),
        "sent_ids": [10 * ref_id + i for i in range(len(texts))],
    }  # fmt: skip


def write(folder: Path, refs: Any, images: Any = (PICTURE,), boxes: Any = (BOX,)) -> Path:
    (folder / "refcoco").mkdir(exist_ok=True)
    (folder / REFS).write_bytes(pickle.dumps(refs, 2))
    (folder / INSTANCES).write_text(json.dumps({"info": {}, "images": list(images), "annotations": list(boxes)}))
    return folder


def test_an_expression_has_corners_and_the_picture_of_instances(tmp_path: Path) -> None:
    found = read_refcoco(write(tmp_path, [ref(7, texts=("left  man", "guy"))]))
    first, second = found.expressions
    assert first.image.file_name == "COCO_train2014_000000581857.jpg"
    assert first.image.video == "COCO_train2014_000000581857"
    assert (first.image.width, first.image.height) == (640, 480)
    assert first.box == (10.5, 20.0, 110.5, 220.25)
    assert (first.expression, second.expression) == ("left man", "guy")
    assert (first.ref_id, first.sent_id, second.sent_id) == (7, 70, 71)
    assert found.remarks == ()
    assert found.files == {name: sha256_of(tmp_path / name) for name in (REFS, INSTANCES)}


def test_splits_are_the_sets_own_and_ours(tmp_path: Path) -> None:
    write(tmp_path, [ref(i, split) for i, split in enumerate(("train", "val", "testA", "testB"))])
    found = read_refcoco(tmp_path).expressions
    assert [(item.own_split, item.split) for item in found] == [
        ("train", "train"), ("val", "val"), ("testA", "test"), ("testB", "test"),
    ]  # fmt: skip
    assert [item.ref_id for item in read_refcoco(tmp_path, splits=("testA", "val")).expressions] == [1, 2]
    with pytest.raises(ValueError, match="no split 'test'"):
        read_refcoco(tmp_path, splits=("test",))


@pytest.mark.parametrize(
    ("bbox", "expected", "rule"),
    [
        ([-5, 10, 20, 20], (0, 10, 15, 30), ("clipped", "the box leaves the picture")),
        ([600, 470, 100, 100], (600, 470, 640, 480), ("clipped", "the box leaves the picture")),
        ([0, 0, 640, 480], (0, 0, 640, 480), None),
        ([10, 10, 0, 5], None, ("dropped", "the box has no area in the picture")),
        ([10, 10, -3, 5], None, ("dropped", "the box has no area in the picture")),
        ([700, 10, 10, 10], None, ("dropped", "the box has no area in the picture")),
    ],
)
def test_boxes_are_inside_their_picture(tmp_path: Path, bbox: Any, expected: Any, rule: Any) -> None:
    found = read_refcoco(write(tmp_path, [ref(3)], boxes=[{**BOX, "bbox": bbox}]))
    assert [item.box for item in found.expressions] == ([] if expected is None else [expected])
    assert [(r.deed, r.rule) for r in found.remarks] == ([] if rule is None else [rule])
    assert all(r.subject == "ref_id 3" for r in found.remarks)


def test_sentences_without_a_word_are_dropped_and_said(tmp_path: Path) -> None:
    found = read_refcoco(write(tmp_path, [ref(texts=("", " . ", "man\u200b in  red", "\u0000\ud800", "2"))]))
    assert [item.expression for item in found.expressions] == ["man in red", "2"]
    rules = Counter((r.deed, r.rule) for r in found.remarks)
    assert rules == {
        ("dropped", "the expression has no word"): 3,
        ("note", "characters that cannot be printed are left out"): 2,
    }


def test_a_sentence_id_that_occurs_again_is_said(tmp_path: Path) -> None:
    again = ref(1)
    again["sentences"][0]["sent_id"] = 0
    found = read_refcoco(write(tmp_path, [ref(0), again]))
    assert len(found.expressions) == 2
    assert [(r.rule, r.subject) for r in found.remarks] == [("a sent_id occurs again", "sent_id 0")]


def changed(row: dict[str, Any], **values: Any) -> dict[str, Any]:
    return {**copy.deepcopy(row), **values}


@pytest.mark.parametrize(
    ("refs", "images", "boxes", "message"),
    [
        ({}, [PICTURE], [BOX], "is no list of expressions"),
        ([], [PICTURE], [BOX], "is no list of expressions"),
        ([3], [PICTURE], [BOX], "entry 0: is a int"),
        ([ref(), ref()], [PICTURE], [BOX], "entry 1: ref_id 0 occurs a second time"),
        ([ref(ann=17)], [PICTURE], [BOX], "entry 0: ann_id 17 is not in"),
        ([changed(ref(), image_id=5)], [PICTURE], [BOX], "entry 0: image_id 5 is not in"),
        ([ref()], [PICTURE, {**PICTURE, "id": 5}], [{**BOX, "image_id": 5}], "box 16 is of picture 5"),
        ([ref(split="test")], [PICTURE], [BOX], "has no split"),
        ([changed(ref(), split=["train"])], [PICTURE], [BOX], "has no split"),
        ([changed(ref(), ann_id=True)], [PICTURE], [BOX], "ann_id is no whole number"),
        ([changed(ref(), sentences={})], [PICTURE], [BOX], "no list of sentences"),
        ([changed(ref(), sentences=[{"sent_id": 1}])], [PICTURE], [BOX], "no text `sent`"),
        ([ref(texts=("x" * 3000,))], [PICTURE], [BOX], "3,000 characters"),
        ([ref()], [PICTURE, PICTURE], [BOX], r"images\[1\]: id 581857 occurs a second time"),
        ([ref()], [{**PICTURE, "width": 0}], [BOX], r"images\[0\]: 0 x 480"),
        ([ref()], [{**PICTURE, "file_name": "../x.jpg"}], [BOX], "is no name of a video"),
        ([ref()], [3], [BOX], r"images\[0\]: is no object"),
        ([ref()], [PICTURE], [BOX, BOX], r"annotations\[1\]: id 16 occurs a second time"),
        ([ref()], [PICTURE], [{**BOX, "bbox": [1, 2, 3]}], r"annotations\[0\]: bbox is not"),
        ([ref()], [PICTURE], [{**BOX, "bbox": [1, 2, 3, 10**400]}], "bbox is not"),
        ([ref()], [PICTURE], [{**BOX, "bbox": [1, 2, 3, True]}], "bbox is not"),
        ([ref()], [PICTURE], [{**BOX, "bbox": [1, 2, 3, float("nan")]}], "NaN is no number"),
    ],
)
def test_wrong_content_names_file_and_place(tmp_path: Path, refs: Any, images: Any, boxes: Any, message: str) -> None:
    with pytest.raises(AnnotationError, match=rf"(refs\(unc\)\.p|instances\.json).*{message}") as caught:
        read_refcoco(write(tmp_path, refs, images, boxes))
    assert caught.value.remedy == refcoco.HOW_TO_GET


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"images": [], "images": [], "annotations": []}', "is no JSON that can be read: a key occurs twice"),
        ('{"images": {}, "annotations": []}', "has no lists"),
        ("[]", "is no JSON object"),
        ('{"images": [', "is no JSON that can be read"),
        ('{"images": [{"id": 1, "file_name": "a.jpg", "width": 1e999}]}', "has no lists"),
        ("[" * 100_000, "is no JSON that can be read"),
        ("", "is empty"),
    ],
)
def test_wrong_json_is_an_error(tmp_path: Path, text: str, message: str) -> None:
    write(tmp_path, [ref()])
    (tmp_path / INSTANCES).write_text(text)
    with pytest.raises(AnnotationError, match=rf"instances\.json: {message}"):
        read_refcoco(tmp_path)


def test_missing_files_have_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match=r"instances\.json: no such file\n.*unpack refcoco\.zip"):
        read_refcoco(tmp_path)
    write(tmp_path, [ref()])
    (tmp_path / REFS).unlink()
    with pytest.raises(AnnotationError, match=r"refs\(unc\)\.p: no such file"):
        read_refcoco(tmp_path)


def test_too_many_sentences_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refcoco, "MAX_EXPRESSIONS", 2)
    with pytest.raises(AnnotationError, match="more than 2 sentences"):
        read_refcoco(write(tmp_path, [ref(texts=("a", "b", "c"))]))


def test_rows_are_rows_of_the_table_of_regions(tmp_path: Path) -> None:
    write(tmp_path, [ref(i, split) for i, split in enumerate(("train", "val", "testA"))])
    rows = [Region.model_validate_json(json.dumps(row)) for row in region_rows(read_refcoco(tmp_path).expressions)]
    assert [row.split for row in rows] == ["train", "test"]
    assert rows[0].video == "COCO_train2014_000000581857"
    assert rows[0].box == (10.5, 20.0, 110.5, 220.25)
    assert rows[0].expression == "left man"


def test_what_reconsim_writes_is_read_back(tmp_path: Path) -> None:
    """Every sentence, box and picture of a drawn data set."""
    write_refcoco(tmp_path, drawn_videos(), seed=3, pictures=4)
    refs = pickle.loads((tmp_path / REFS).read_bytes())
    instances = json.loads((tmp_path / INSTANCES).read_text())
    boxes = {row["id"]: row["bbox"] for row in instances["annotations"]}
    names = {row["id"]: row["file_name"] for row in instances["images"]}
    found = read_refcoco(tmp_path)
    expected = [(r, s) for r in refs for s in r["sentences"]]
    assert len(found.expressions) == len(expected) > 5
    for item, (entry, row) in zip(found.expressions, expected, strict=True):
        x, y, w, h = boxes[entry["ann_id"]]
        assert item.box == pytest.approx((x, y, min(x + w, 320), y + h), abs=0.02)
        assert item.image.file_name == names[entry["image_id"]]
        assert (tmp_path / refcoco.IMAGES / item.image.file_name).is_file()
        assert (item.expression, item.ref_id, item.own_split) == (row["sent"], entry["ref_id"], entry["split"])
    assert refcoco.IMAGES == IMAGES
    assert {r.deed for r in found.remarks} == {"clipped"}


def drawn_videos() -> list[FormatVideo]:
    """People and a car that drift out of 320 x 240, in a training, a validation and two test videos."""
    boxes = np.array([[20, 40, 60, 140], [130, 42, 168, 141], [240, 45, 280, 150], [70, 90, 125, 130]], np.float32)
    boxes = boxes + np.linspace(0, 60, 16, dtype=np.float32)[:, None, None] * np.array([1, 0, 1, 0], np.float32)
    looks = tuple(EntityLook(colour) for colour in ((40, 40, 200), (200, 60, 40), (20, 20, 20), (235, 235, 235)))
    return [
        FormatVideo(
            VideoTruth(
                video=f"Assault{number:03d}_x264", split=split, fps=8.0, width=320, height=240, view="oblique",
                place="street", light="day", scenario="fighting", entities=("man", "man", "woman", "car"), n_people=3,
                keypoints=np.full((16, 3, 17, 3), 2, np.float32), boxes=boxes,
                visible=np.full((16, 4), 0.9, np.float32), body=np.zeros((16, 3, 22, 3), np.float32), actions=(),
                relations=(), segments=(), description="people on a street",
            ),
            "ucf_crime", looks, lambda frame: np.full((240, 320, 3), frame, np.uint8),
        )
        for number, split in enumerate(("train", "val", "test", "test"))
    ]  # fmt: skip


@FEW
@given(data=st.data())
def test_changed_files_raise_nothing_else(tmp_path: Path, data: st.DataObject) -> None:
    """Any value of an entry, a sentence, a picture or a box exchanged for anything."""
    anything = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just([]) | st.just({})
    refs, images, boxes = [ref(0), ref(1)], [dict(PICTURE)], [copy.deepcopy(BOX)]
    target = data.draw(st.sampled_from([refs[1], refs[1]["sentences"][0], images[0], boxes[0], refs, images, boxes]))
    key = data.draw(st.sampled_from(sorted(target))) if isinstance(target, dict) else 0
    value = data.draw(anything)
    if value is None and isinstance(target, dict):
        del target[key]
    else:
        target[key] = value
    try:
        read_refcoco(write(tmp_path, refs, images, boxes))
    except AnnotationError as error:
        if str(tmp_path) not in str(error):
            raise


@FEW
@given(content=st.binary(min_size=1, max_size=60))
def test_random_json_bytes_raise_nothing_else(tmp_path: Path, content: bytes) -> None:
    write(tmp_path, [ref()])
    (tmp_path / INSTANCES).write_bytes(content)
    with pytest.raises(AnnotationError, match=r"instances\.json"):
        read_refcoco(tmp_path)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real annotation files are not beside this checkout")
def test_real_expressions_fit_stage_1(tmp_path: Path) -> None:
    """All of the published sample pass through the reader and become sentences."""
    rows = json.loads((SHARED / "refcoco/sample_expressions_testA.json").read_text())["predictions"]
    refs = {row["ref_id"]: ref(row["ref_id"], "testA", texts=()) for row in rows}
    for number, row in enumerate(rows):
        refs[row["ref_id"]]["sentences"] += said(row["sent"], first=number)
    found = read_refcoco(write(tmp_path, list(refs.values())))
    dropped = [r for r in found.remarks if r.deed == "dropped"]
    assert len(found.expressions) + len(dropped) == len(rows) > 1000
    assert len(dropped) == sum(not has_words(row["sent"]) for row in rows) == 0
    for item in found.expressions:
        assert sentence(item.expression)[:-1].lower().split() == item.expression.strip(" .,;:!?").lower().split()
