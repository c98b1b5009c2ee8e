"""RefCOCO, opened as `refer.py` opens it, and its expressions, understood anew by a reader of words."""

from __future__ import annotations

import io
import json
import pickle
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from hawkeye_core.datasets.reconsim.formats.colours import colour_name, possible_names
from hawkeye_core.datasets.reconsim.formats.expressions import Sight, expressions
from hawkeye_core.datasets.reconsim.formats.refcoco import CATEGORIES, category_of, write_refcoco
from hawkeye_core.datasets.reconsim.formats.video import EntityLook, FormatVideo
from hawkeye_core.relation.vocabulary import OBJECT_CLASSES

coco = pytest.importorskip("pycocotools.coco")

PEOPLE = {"man": {"man"}, "guy": {"man"}, "woman": {"woman"}, "lady": {"woman"}, "kid": {"child"}, "child": {"child"}}


class NoGlobals(pickle.Unpickler):
    """Reads nothing but what pickle itself can build."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"{module}.{name}")


def read(folder: Path) -> tuple[list[dict[str, Any]], Any]:
    data = (folder / "refcoco" / "refs(unc).p").read_bytes()
    assert data[:2] == b"\x80\x02"  # protocol 2
    return NoGlobals(io.BytesIO(data)).load(), coco.COCO(str(folder / "refcoco" / "instances.json"))


def meant(sent: str, sight: Sight) -> list[int]:
    """Whom a phrase may mean: a slow reader that tries every entity, word by word."""
    text = f" {sent} "
    fits = []
    for e, kind in enumerate(sight.kinds):
        if np.isnan(sight.boxes[e]).any():
            continue
        person, look = e < sight.n_people, sight.looks[e]
        noun = next((w for w in (*PEOPLE, "person", "shirt") if f" {w} " in text), None)
        if noun is None or not (person or re.match(rf"(\w+ )?{kind}\b", sent)):
            if person or f"{kind} " not in text or " holding " in text:
                continue
        elif not person or (noun in PEOPLE and kind not in PEOPLE[noun]):
            continue
        if look is not None:
            pants = re.search(r"in (\w+) pants", text)
            if pants and pants[1] not in possible_names(look.trousers or (0, 0, 0)):
                continue
            worn = re.search(r"in (?!middle|front)(\w+) (?!pants)", text)
            colour = worn[1] if worn else sent.split()[0] if noun == "shirt" or not person else None
            if colour in {"red", "blue", "white", "black"} and colour not in possible_names(look.colour):
                continue
        holding = re.search(r"(holding|carrying) (\w+)", text)
        if holding and not any(
            s == e and p == holding[1] and sight.kinds[o] == holding[2] for s, p, o in sight.relations
        ):
            continue
        fits.append(e)
    middle = {e: sight.boxes[e, 0] + sight.boxes[e, 2] for e in fits}
    fits.sort(key=lambda e: middle[e])
    if re.search(r" on (the )?left |^ left ", text):
        return fits[:1]
    if re.search(r" on (the )?right |^ right ", text):
        return fits[-1:]
    if " in middle " in text:
        return fits[len(fits) // 2 :][:1]
    if " from left " in text:
        return fits[1:2]
    if " in front " in text:
        return [max(fits, key=lambda e: sight.boxes[e, 3])]
    return fits


def sight(video: FormatVideo, frame: int) -> Sight:
    truth, time = video.truth, (frame + 0.5) / 8
    boxes = np.where(truth.visible[frame, :, None] >= 0.02, truth.boxes[frame], np.nan).astype(np.float32)
    relations = tuple((r.subject, r.predicate, r.object) for r in truth.relations if r.start_s <= time < r.end_s)
    return Sight(truth.entities, truth.n_people, boxes, video.looks, relations, 320, 240, truth.view)


def test_every_expression_means_its_box_alone(make_video: Any, tmp_path: Path) -> None:
    """In the picture it belongs to, for a reader that knows nothing of how it was made."""
    videos = [make_video(f"Assault{i:03d}_x264") for i in range(1, 4)]
    write_refcoco(tmp_path, iter(videos), seed=3, pictures=12)
    refs, instances = read(tmp_path)
    count = 0
    for ref in refs:
        image, box = instances.imgs[ref["image_id"]], instances.anns[ref["ann_id"]]
        assert box["image_id"] == ref["image_id"]
        name, frame = image["coco_url"].removeprefix("reconsim://").split("/")
        video = next(v for v in videos if v.truth.video == name)
        x, y, w, h = box["bbox"]
        for sentence in ref["sentences"]:
            found = meant(sentence["sent"], sight(video, int(frame)))
            assert len(found) == 1, (sentence["sent"], found)
            np.testing.assert_allclose([x, y, x + w, y + h], video.truth.boxes[int(frame), found[0]], atol=0.016)
            count += 1
    assert count > 200


def test_phrases_for_a_known_picture(make_video: Any) -> None:
    """Two men and a woman; the first man and the woman wear red, the men black trousers; he holds the car."""
    now = sight(make_video("Assault001_x264"), 12)
    assert {"man in red", "left man", "man on left", "man holding car", "guy in red shirt", "left person"} <= set(
        expressions(now, 0)
    )
    assert {"man in blue", "person in blue", "blue shirt", "person in middle"} <= set(expressions(now, 1))
    assert "right man" not in expressions(now, 1)  # the rightmost man, but in the left half of the picture
    assert {"woman", "lady", "person in blue pants", "person in red on the right"} <= set(expressions(now, 2))
    assert {"car", "white car"} <= set(expressions(now, 3))
    assert "right man" not in expressions(now, 1)  # the last to the right, but left of the middle
    for target, wrong in ((0, "man"), (0, "person in red"), (1, "man in black pants"), (2, "person in red")):
        assert wrong not in expressions(now, target)


def test_doubtful_colours_tell_nobody_apart(make_video: Any) -> None:
    """Dark orange may be called brown: with a man in brown about, `man in orange` would not be safe."""
    now = sight(make_video("Assault001_x264"), 12)
    brown, nearly = EntityLook((30, 80, 140)), EntityLook((30, 95, 175))
    assert colour_name(brown.colour) != colour_name(nearly.colour)
    looks = (brown, nearly, *now.looks[2:])
    doubtful = Sight(now.kinds, now.n_people, now.boxes, looks, (), 320, 240, "oblique")
    assert not {"man in brown", "man in orange"} & {*expressions(doubtful, 0), *expressions(doubtful, 1)}


def test_at_night_nothing_is_said_of_colours(make_video: Any, tmp_path: Path) -> None:
    write_refcoco(tmp_path, [make_video("Assault001_x264", light="night")], seed=0)
    sentences = [sentence["sent"] for ref in read(tmp_path)[0] for sentence in ref["sentences"]]
    assert sentences
    assert not [text for text in sentences if re.search("red|blue|white|black|shirt|pants", text)]


def test_structure_is_that_of_the_published_example(make_video: Any, tmp_path: Path) -> None:
    """`refer.py` indexes refs, sentences, images and annotations; ids are unique and lead to one another."""
    videos = [make_video("Assault001_x264"), *(make_video(f"Assault{i:03d}_x264", split="test") for i in (2, 3))]
    write_refcoco(tmp_path, videos, seed=1)
    refs, instances = read(tmp_path)
    for number, ref in enumerate(refs):
        assert list(ref) == [
            "sent_ids", "file_name", "ann_id", "ref_id", "image_id", "split", "sentences", "category_id",
        ]  # fmt: skip
        assert ref["ref_id"] == number
        assert re.fullmatch(r"COCO_train2014_\d{12}_\d+\.jpg", ref["file_name"])
        assert instances.anns[ref["ann_id"]]["category_id"] == ref["category_id"]
        assert [sentence["sent_id"] for sentence in ref["sentences"]] == ref["sent_ids"]
        for sentence in ref["sentences"]:
            assert list(sentence) == ["tokens", "raw", "sent_id", "sent"]
            assert " ".join(sentence["tokens"]) == sentence["sent"] == sentence["raw"].lower().rstrip(".")
    ids = [number for ref in refs for number in ref["sent_ids"]]
    assert ids == list(range(len(ids)))
    assert len({ref["ann_id"] for ref in refs}) == len(refs)
    assert set(instances.dataset) == {"info", "images", "licenses", "annotations", "categories"}
    for image in instances.dataset["images"]:
        path = tmp_path / "images/mscoco/images/train2014" / image["file_name"]
        assert cv2.imread(str(path)).shape == (240, 320, 3)
    splits = {ref["image_id"]: set() for ref in refs}
    for ref in refs:
        splits[ref["image_id"]].add((ref["split"], ref["category_id"] == 1))
    kinds = set().union(*splits.values())
    assert {("train", True), ("train", False), ("testA", True), ("testB", False)} == kinds
    assert all(len({split for split, _ in members}) == 1 for members in splits.values())


def test_sentences_are_like_the_real_ones(make_video: Any, tmp_path: Path, real: Path) -> None:
    """Small letters, words and spaces; most of the words are words that people used."""
    write_refcoco(tmp_path, [make_video("Assault001_x264")], seed=1)
    ours = [sentence["sent"] for ref in read(tmp_path)[0] for sentence in ref["sentences"]]
    rows = json.loads((real / "refcoco/sample_expressions_testA.json").read_text())["predictions"]
    known = {word for row in rows for word in row["sent"].split()}
    words = [word for text in ours for word in text.split()]
    assert all(re.fullmatch("[a-z ]+", text) for text in ours)
    assert np.mean([word in known for word in words]) > 0.9


def test_categories_are_cocos_and_more() -> None:
    numbers = [row["id"] for row in CATEGORIES]
    assert len(set(numbers)) == len(numbers)
    assert [category_of(kind) for kind in ("man", "bike", "car", "phone", "tv")[:4]] == [1, 2, 3, 77]
    assert category_of("shelf") == 1000 + OBJECT_CLASSES.index("shelf")
    assert all(category_of(kind) for kind in OBJECT_CLASSES[1:])


def test_the_same_seed_gives_the_same_bytes(make_video: Any, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_refcoco(tmp_path / name, [make_video("Assault001_x264")], seed=seed)
    a, b, c = ((tmp_path / name / "refcoco/refs(unc).p").read_bytes() for name in "abc")
    assert a == b != c
