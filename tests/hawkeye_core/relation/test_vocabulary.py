import json
from pathlib import Path

import pytest

from hawkeye_core.relation.vocabulary import (
    COCO_CLASSES,
    EXTENDED_OBJECT_CLASSES,
    OBJECT_CLASSES,
    OBJECT_INDEX,
    PREDICATE_CLASSES,
    PREDICATE_INDEX,
    vocabulary_metadata,
)

SHARED = Path(__file__).parents[3] / ".." / "shared" / "parity" / "vg_labels.json"


def test_sizes_and_background():
    assert (len(OBJECT_CLASSES), len(PREDICATE_CLASSES), len(COCO_CLASSES)) == (151, 51, 80)
    assert OBJECT_CLASSES[0] == "N/A"
    assert PREDICATE_CLASSES[0] == "__background__"


def test_names_agree_with_texts_the_original_wrote(data):
    for triplet in data("reltr_post.json")["demo"]["triplets"]:
        subject, predicate, object_ = triplet["classes_sub_rel_obj"]
        names = f"{OBJECT_CLASSES[subject]} {PREDICATE_CLASSES[predicate]} {OBJECT_CLASSES[object_]}"
        assert names == triplet["text"]


def test_extension_keeps_vg_numbers_and_adds_each_missing_coco_name_once():
    assert EXTENDED_OBJECT_CLASSES[:151] == OBJECT_CLASSES
    assert len(set(EXTENDED_OBJECT_CLASSES)) == len(EXTENDED_OBJECT_CLASSES) == 192
    assert set(COCO_CLASSES) <= set(EXTENDED_OBJECT_CLASSES)
    assert EXTENDED_OBJECT_CLASSES[151] == "bicycle"
    assert EXTENDED_OBJECT_CLASSES[-1] == "toothbrush"


def test_lookups_invert_the_lists():
    assert [OBJECT_INDEX[name] for name in EXTENDED_OBJECT_CLASSES] == list(range(192))
    assert [PREDICATE_INDEX[name] for name in PREDICATE_CLASSES] == list(range(51))
    assert OBJECT_INDEX["man"] == 78
    assert PREDICATE_INDEX["holding"] == 21


def test_metadata_is_json_of_the_names_in_order():
    metadata = vocabulary_metadata()
    assert set(metadata) == {"object_classes", "predicate_classes"}
    assert tuple(json.loads(metadata["object_classes"])) == EXTENDED_OBJECT_CLASSES
    assert tuple(json.loads(metadata["predicate_classes"])) == PREDICATE_CLASSES


@pytest.mark.skipif(not SHARED.is_file(), reason="the shared label list is not beside this checkout")
def test_names_equal_the_shared_list():
    labels = json.loads(SHARED.read_text())
    assert labels["object_classes"] == list(OBJECT_CLASSES)
    assert labels["predicates"] == list(PREDICATE_CLASSES)
