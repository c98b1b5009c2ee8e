"""Tables, and stores of made-up features that they fit."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from feature_store.store import FeatureStore
from hawkeye_core.training.stage1.dataset import Stage1Dataset
from hawkeye_core.training.stage1.table import read_motions, read_regions

REGIONS = [
    {"video": "photo", "box": [10, 5, 60, 45], "expression": "man in suit  wearing sunglasses"},
    {"video": "photo", "box": [0, 0, 100.4, 50], "expression": "everything"},
    {"video": "snap", "box": [70.5, 10, 90, 20], "expression": "salt & pepper."},
    {"video": "snap", "box": [1, 2, 3, 4], "expression": "the dot"},
    {"video": "photo", "box": [1, 2, 30, 40], "expression": "left man"},
]
MOTIONS = [
    {"video": "wave", "start": 0.0, "end": 1.0, "caption": "a person raises right hand, waves."},
    {"video": "walk", "start": 1.0, "end": 2.0, "caption": "a person walks"},
]
WriteRows = Callable[[str, Sequence[dict[str, Any]]], Path]


@pytest.fixture
def write_rows(tmp_path: Path) -> WriteRows:
    def write(name: str, rows: Sequence[dict[str, Any]]) -> Path:
        path = tmp_path / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return write


@pytest.fixture(scope="session")
def store(make_store: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> FeatureStore:
    """Two images of one frame, clips of 8, 20 and 5 frames; all 100 x 50 px."""
    folder = tmp_path_factory.mktemp("stage1") / "store"
    return FeatureStore.open(make_store(folder, {"photo": 1, "snap": 1, "wave": 8, "walk": 20, "short": 5}))


@pytest.fixture
def make_data(write_rows: WriteRows, store: FeatureStore) -> Callable[..., Stage1Dataset]:
    def make(
        regions: Sequence[dict[str, Any]] = REGIONS, motions: Sequence[dict[str, Any]] = MOTIONS, **changes: Any
    ) -> Stage1Dataset:
        tables = read_regions(write_rows("r.jsonl", regions)), read_motions(write_rows("m.jsonl", motions))
        return Stage1Dataset(*tables, **{"images": store, **changes})

    return make
