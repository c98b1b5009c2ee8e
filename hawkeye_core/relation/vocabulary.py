"""Names of objects and predicates: Visual Genome's VG150 vocabulary, extended by the COCO classes it lacks.

RelTR's class logits index :data:`OBJECT_CLASSES` and :data:`PREDICATE_CLASSES`. Every stored object class indexes
:data:`EXTENDED_OBJECT_CLASSES`, whose first 151 entries are VG150, so that graphs from a COCO detector and from RelTR
share one numbering.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType

OBJECT_CLASSES: tuple[str, ...] = (
    "N/A", "airplane", "animal", "arm", "bag", "banana", "basket", "beach", "bear", "bed", "bench", "bike",
    "bird", "board", "boat", "book", "boot", "bottle", "bowl", "box", "boy", "branch", "building", "bus",
    "cabinet", "cap", "car", "cat", "chair", "child", "clock", "coat", "counter", "cow", "cup", "curtain", "desk",
    "dog", "door", "drawer", "ear", "elephant", "engine", "eye", "face", "fence", "finger", "flag", "flower",
    "food", "fork", "fruit", "giraffe", "girl", "glass", "glove", "guy", "hair", "hand", "handle", "hat", "head",
    "helmet", "hill", "horse", "house", "jacket", "jean", "kid", "kite", "lady", "lamp", "laptop", "leaf", "leg",
    "letter", "light", "logo", "man", "men", "motorcycle", "mountain", "mouth", "neck", "nose", "number",
    "orange", "pant", "paper", "paw", "people", "person", "phone", "pillow", "pizza", "plane", "plant", "plate",
    "player", "pole", "post", "pot", "racket", "railing", "rock", "roof", "room", "screen", "seat", "sheep",
    "shelf", "shirt", "shoe", "short", "sidewalk", "sign", "sink", "skateboard", "ski", "skier", "sneaker",
    "snow", "sock", "stand", "street", "surfboard", "table", "tail", "tie", "tile", "tire", "toilet", "towel",
    "tower", "track", "train", "tree", "truck", "trunk", "umbrella", "vase", "vegetable", "vehicle", "wave",
    "wheel", "window", "windshield", "wing", "wire", "woman", "zebra",
)  # fmt: skip
"""The 150 object classes of VG150 behind index 0, `N/A`, which stands for no class (Xu et al., CVPR 2017)."""

PREDICATE_CLASSES: tuple[str, ...] = (
    "__background__", "above", "across", "against", "along", "and", "at", "attached to", "behind", "belonging to",
    "between", "carrying", "covered in", "covering", "eating", "flying in", "for", "from", "growing on",
    "hanging from", "has", "holding", "in", "in front of", "laying on", "looking at", "lying on", "made of",
    "mounted on", "near", "of", "on", "on back of", "over", "painted on", "parked on", "part of", "playing",
    "riding", "says", "sitting on", "standing on", "to", "under", "using", "walking in", "walking on", "watching",
    "wearing", "wears", "with",
)  # fmt: skip
"""The 50 predicates of VG150 behind index 0, `__background__`, which stands for no relation."""

COCO_CLASSES: tuple[str, ...] = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow",
    "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee",
    "skis", "snowboard", "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard",
    "tennis racket", "bottle", "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple",
    "sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch",
    "potted plant", "bed", "dining table", "toilet", "tv", "laptop", "mouse", "remote", "keyboard", "cell phone",
    "microwave", "oven", "toaster", "sink", "refrigerator", "book", "clock", "vase", "scissors", "teddy bear",
    "hair drier", "toothbrush",
)  # fmt: skip
"""The 80 detection classes of COCO, in the order COCO detectors number them (0..79)."""

EXTENDED_OBJECT_CLASSES: tuple[str, ...] = OBJECT_CLASSES + tuple(
    name for name in COCO_CLASSES if name not in OBJECT_CLASSES
)
"""VG150, then the COCO classes whose name VG150 lacks, in COCO's order. Append only: stored class ids index it."""

OBJECT_INDEX: Mapping[str, int] = MappingProxyType({name: i for i, name in enumerate(EXTENDED_OBJECT_CLASSES)})
"""Object name to index into :data:`EXTENDED_OBJECT_CLASSES` (equal to the VG150 index for VG150 names)."""

PREDICATE_INDEX: Mapping[str, int] = MappingProxyType({name: i for i, name in enumerate(PREDICATE_CLASSES)})
"""Predicate name to index into :data:`PREDICATE_CLASSES`."""


def vocabulary_metadata() -> dict[str, str]:
    """Both vocabularies as JSON lists of names, under the keys a shard's metadata uses for them."""
    return {
        "object_classes": json.dumps(EXTENDED_OBJECT_CLASSES),
        "predicate_classes": json.dumps(PREDICATE_CLASSES),
    }
