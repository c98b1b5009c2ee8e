"""Networks filled from their key names, and planted predictions, as the carried reference numbers were made with."""

import json
import re
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from hawkeye_core.relation.architecture import ARCHITECTURES
from hawkeye_core.relation.postprocess import Triplets
from hawkeye_core.relation.reltr import RelTR, RelTROutput, build_reltr

DATA = Path(__file__).parents[2] / "data" / "relation"
TABLES = ("entity_embed.weight", "triplet_embed.weight", "so_embed.weight")
SKIP = re.compile(r"(\.out_proj|\.linear2[a-z_]*)\.weight$")


def _filled(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """A tensor as a pure function of its name: gains that keep random activations in a sensible range."""
    leaf = name.rsplit(".", 1)[-1]
    if leaf == "num_batches_tracked":
        return np.zeros(shape, dtype=np.int64)
    random = np.random.RandomState(zlib.crc32(name.encode()))
    if leaf == "running_var":
        values = 0.5 + random.random_sample(shape)
    elif name in TABLES:
        values = random.standard_normal(shape)
    elif len(shape) >= 2:
        gain = 200.0 if name == "so_mask_conv.1.weight" else 1.5 if leaf == "in_proj_weight" else 1.2
        gain = 0.4 if SKIP.search(name) else gain
        values = random.standard_normal(shape) * (gain / np.sqrt(float(np.prod(shape[1:]))))
    elif leaf == "weight":
        values = (0.5 + random.random_sample(shape)) * (0.2 if name.endswith(".bn3.weight") else 1.0)
    else:
        values = 0.1 * random.standard_normal(shape)
    return values.astype(np.float32)


@pytest.fixture(scope="session")
def data() -> Callable[[str], dict]:
    """Reads a JSON file of the carried reference numbers."""
    return lambda name: json.loads((DATA / name).read_text())


@pytest.fixture(scope="session")
def filled_r50() -> RelTR:
    """The full network with name-seeded parameters. Shared: do not change it."""
    model = RelTR(ARCHITECTURES["r50"]).eval()
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            tensor.copy_(torch.from_numpy(_filled(name, tuple(tensor.shape))))
    return model


@pytest.fixture
def tiny() -> RelTR:
    """A tiny random network whose attention maps and norms are not at their trivial initial values."""
    model = build_reltr(ARCHITECTURES["tiny"], seed=3).eval()
    generator = torch.Generator().manual_seed(5)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1, generator=generator)
            module.running_var.uniform_(0.5, 1.5, generator=generator)
    return model


def _background(queries: int, classes: int, seed: int) -> np.ndarray:
    """Logits of queries that all prefer the last class."""
    logits = np.random.RandomState(seed).standard_normal((1, queries, classes))
    logits[..., -1] += 6.0
    return logits


def _random_boxes(queries: int, seed: int) -> np.ndarray:
    boxes = 0.1 + 0.8 * np.random.RandomState(seed).random_sample((1, queries, 4))
    boxes[..., 2:] *= 0.4
    return boxes


@pytest.fixture(scope="session")
def planted(data: Callable[[str], dict]) -> RelTROutput:
    """Predictions for one image with 17 planted triplets, checked against the checksums of the original's inputs."""
    reference = data("reltr_post.json")
    subject, object_ = _background(200, 152, 31), _background(200, 152, 32)
    predicate, entity = _background(200, 52, 33), _background(100, 152, 36)
    for query, s, p, o, *offsets in reference["planted_q_sub_rel_obj_offsets"]:
        subject[0, query, s] += offsets[0]
        predicate[0, query, p] += offsets[1]
        object_[0, query, o] += offsets[2]
    for i, (label, offset) in enumerate([(78, 12), (20, 11), (149, 9), (26, 7)]):
        entity[0, 10 * i + 5, label] += offset
    arrays = {
        "pred_logits": entity,
        "pred_boxes": _random_boxes(100, 37),
        "sub_logits": subject,
        "sub_boxes": _random_boxes(200, 34),
        "obj_logits": object_,
        "obj_boxes": _random_boxes(200, 35),
        "rel_logits": predicate,
    }
    arrays = {name: np.round(array, 6).astype("<f4") for name, array in arrays.items()}
    assert {name: f"{zlib.crc32(array.tobytes()):08x}" for name, array in arrays.items()} == reference["crc32"]
    return RelTROutput(*(torch.from_numpy(array) for array in arrays.values()))


@pytest.fixture
def make_triplets() -> Callable[..., Triplets]:
    """Triplets from rows (subject class, predicate, object class, subject score, object score, two boxes)."""

    def make(*rows: tuple[int, int, int, float, float, list[float], list[float]]) -> Triplets:
        columns = list(zip(*rows, strict=True)) if rows else [()] * 7
        subject_score, object_score = (np.array(column, dtype=np.float32) for column in columns[3:5])
        integers = [np.array(column, dtype=np.int32) for column in columns[:3]]
        boxes = [np.array(column, dtype=np.float32).reshape(-1, 4) for column in columns[5:7]]
        half = np.full(len(rows), 0.5, dtype=np.float32)
        return Triplets(
            np.arange(len(rows), dtype=np.int32),
            *integers,
            subject_score,
            half,
            object_score,
            subject_score * half * object_score,
            *boxes,
        )

    return make
