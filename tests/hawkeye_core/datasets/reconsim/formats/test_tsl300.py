"""TSL-300's files against the truth and against the real ones."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from hawkeye_core.answers.segments import Segment
from hawkeye_core.datasets.reconsim.formats.names import tsl_name
from hawkeye_core.datasets.reconsim.formats.tsl300 import merged, seconds_text, without, write_tsl300
from hawkeye_core.datasets.reconsim.truth import ActionSpan
from hawkeye_core.errors import AnnotationError

FILES = {
    "videosenti_gt.json", "gt.json", "len_duration_dict.json", "time.json", "fps_dict.json", "split_train.txt",
    "split_test.txt",
}  # fmt: skip


@pytest.fixture
def folder(make_video: Any, tmp_path: Path) -> Path:
    waves = ActionSpan(1, 0.5, 2.5, "wave", "a person waves")
    hits = ActionSpan(0, 2.0, 3.125, "hit", "a person hits")
    segment = Segment(2.0, 3.125, "fighting", "a man is hitting a woman")
    videos = [
        make_video(tsl_name(10, "car park"), split="test", segments=(segment,), actions=(waves, hits)),
        make_video(tsl_name(9, "street"), segments=(segment,), actions=(hits,)),
        make_video(tsl_name(2, "shop"), split="test"),
    ]
    paths = write_tsl300(tmp_path, iter(videos))
    assert {path.name for path in paths} == FILES == {path.name for path in tmp_path.iterdir()}
    return tmp_path


def test_segments_are_those_of_the_truth(folder: Path) -> None:
    rows = json.loads((folder / "videosenti_gt.json").read_text())["database"]
    assert rows["10_ReconSim_car_park_10"] == {
        "subset": "test",
        "annotations": [  # the waving ends for `p` where the blow begins
            {"segment": ["0.5", "2.0"], "label": "p"},
            {"segment": ["2.0", "3.125"], "label": "n"},
        ],
    }
    assert rows["9_ReconSim_street_9"]["annotations"] == [{"segment": ["2.0", "3.125"], "label": "n"}]
    assert rows["2_ReconSim_shop_2"]["annotations"] == []
    scored = json.loads((folder / "gt.json").read_text())["database"]
    assert scored["10_ReconSim_car_park_10"] == rows["10_ReconSim_car_park_10"]
    assert scored["9_ReconSim_street_9"] == {"subset": "train", "annotations": []}
    assert list(scored)[-1] == "9_ReconSim_street_9"
    assert next(iter(rows)) == "9_ReconSim_street_9"


def test_lengths_rates_and_splits(folder: Path) -> None:
    lengths = json.loads((folder / "len_duration_dict.json").read_text())
    assert set(lengths.values()) == {5.0}
    assert set(json.loads((folder / "fps_dict.json").read_text()).items()) == {(video, 8.0) for video in lengths}
    assert list(json.loads((folder / "time.json").read_text())) == ["10_ReconSim_car_park_10", "2_ReconSim_shop_2"]
    assert (folder / "split_test.txt").read_text() == "2_ReconSim_shop_2\n10_ReconSim_car_park_10\n"  # by number
    assert (folder / "split_train.txt").read_text() == "9_ReconSim_street_9\n"


def structure(value: Any, path: str = "") -> set[str]:
    """Every path in a JSON value with what stands at its end; names of videos and numbers in lists left out."""
    if isinstance(value, dict):
        return {
            found
            for key, inner in value.items()
            for found in structure(inner, f"{path}/{'VIDEO' if re.match('[0-9]+_', key) else key}")
        }
    if isinstance(value, list):
        return {f"{path}[]", *(found for inner in value for found in structure(inner, f"{path}[]"))}
    if isinstance(value, str):
        return {f"{path} = {re.sub('^[0-9]+[.][0-9]{1,3}$', 'SECONDS', value)}"}
    return {f"{path}: {type(value).__name__}"}


@pytest.mark.parametrize("name", sorted(FILES))
def test_structure_is_the_real_one(folder: Path, real: Path, name: str) -> None:
    ours, theirs = (root / name for root in (folder, real / "tsl300"))
    if name.endswith(".txt"):
        pattern = re.compile(r"(\d+_\S+\n)+")
        for path in (ours, theirs):
            assert pattern.fullmatch(path.read_text()), path
            numbers = [int(line.split("_")[0]) for line in path.read_text().split()]
            assert numbers == sorted(numbers)
        return
    a, b = (json.loads(path.read_text()) for path in (ours, theirs))
    assert structure(a) == structure(b)
    # The spelling too: separators, no line end.
    assert ours.read_text() == json.dumps(a)
    assert theirs.read_text() == json.dumps(b)


def test_seconds_have_one_to_three_decimals() -> None:
    assert [seconds_text(s) for s in (12, 0.1 + 0.2, 7.98765)] == ["12.0", "0.3", "7.988"]


def test_union_and_difference_of_spans() -> None:
    assert merged([(3, 4), (0, 2), (1, 3)]) == [(0, 4)]
    assert without([(0, 10)], [Segment(2, 3), Segment(5, 12)]) == [(0, 2), (3, 5)]
    assert without([(0, 1)], [Segment(2, 3)]) == [(0, 1)]


@pytest.mark.parametrize(
    ("names", "split", "message"),
    [
        (["clip"], "train", "'clip' is no name of a TSL-300 video"),
        (["3_a", "3_b"], "train", "number 3 is taken"),
        (["3_a"], "val", "no split 'val'"),
    ],
)
def test_what_it_cannot_hold_is_an_error(
    make_video: Any, tmp_path: Path, names: list[str], split: str, message: str
) -> None:
    with pytest.raises(AnnotationError, match=message):
        write_tsl300(tmp_path, [make_video(name, split=split) for name in names])
