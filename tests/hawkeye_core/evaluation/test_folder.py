"""Evaluation folders: read back as written, and every kind of damage as an error that names the file."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hawkeye_core.errors import AnnotationError
from hawkeye_core.evaluation.folder import ROUTER_SCHEMA, read_evaluation, write_protocol
from hawkeye_core.evaluation.protocol import protocol_of

from .made_evaluations import VIDEOS, make_evaluation, near_truth, router_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_evaluation(tmp_path / "eval", "Hawkeye", near_truth(0.5), router=True)


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    record = json.loads(path.read_text())
    change(record)
    path.write_text(json.dumps(record))


def test_a_folder_reads_back(folder: Path) -> None:
    found = read_evaluation(folder)
    assert (found.protocol.name, found.protocol.kind, found.protocol.seed) == ("Hawkeye", "ours", 0)
    assert found.protocol.videos == VIDEOS
    assert found.protocol == protocol_of(found.protocol.record(), where="here")
    assert [item.video for item in found.predictions] == [video.video for video in VIDEOS]
    assert len(found.predictions[1].curve or ()) == 11  # 10.4 s
    assert found.seconds_per_minute == 2.0
    assert found.router is not None
    np.testing.assert_allclose(found.router["Arson001"].action, router_of(10.4).action)
    np.testing.assert_allclose(found.router["Arson001"].object, router_of(10.4).object)


def test_json_lines_do_where_there_is_no_parquet(folder: Path) -> None:
    first = read_evaluation(folder).predictions
    (folder / "predictions.parquet").unlink()
    (folder / "router.parquet").unlink()
    (folder / "results.json").unlink()
    found = read_evaluation(folder)
    assert found.predictions == first
    assert found.router is None
    assert found.seconds_per_minute is None


def test_the_same_protocol_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    again = write_protocol(tmp_path, read_evaluation(folder).protocol)
    assert again.read_bytes() == (folder / "protocol.json").read_bytes()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r: r.pop("split"), "has no split"),
        (lambda r: r.update(colour="red"), "unknown keys: colour"),
        (lambda r: r.update(version=2), "is of version 2, not 1"),
        (lambda r: r.update(version=True), "is of version True"),
        (lambda r: r.update(kind="best"), "none of ours, ablation, baseline"),
        (lambda r: r.update(seed=1.5), "a seed is a whole number"),
        (lambda r: r.update(seed=True), "a seed is a whole number"),
        (lambda r: r.update(name="a\nb"), "printable characters"),
        (lambda r: r.update(name=" "), "printable characters"),
        (lambda r: r.update(run=3), "run must be a text"),
        (lambda r: r.update(inputs={"f": "abc"}), "SHA-256"),
        (lambda r: r.update(versions=["a"]), "versions must be an object"),
        (lambda r: r.update(videos=[]), "must be a list that is not empty"),
        (lambda r: r["videos"].append(r["videos"][0]), "occurs a second time"),
        (lambda r: r["videos"][0].update(video="../x"), "is no name of a video"),
        (lambda r: r["videos"][0].update(duration_s=0), "a length, not 0.0 s"),
        (lambda r: r["videos"][0].update(duration_s=1e9), "must be a number from 0 to"),
        (lambda r: r["videos"][0]["segments"][0].update(end_s=99), "a segment is at 2.0 to 99.0"),
        (lambda r: r["videos"][0]["segments"][0].update(end_s=1), "must end after its start"),
        (lambda r: r["videos"].pop(0), "is no video of the protocol"),
        (lambda r: r["videos"][1].update(duration_s=11.4), "has 11 values; its 11.400 s need 12"),
    ],
)  # fmt: skip
def test_a_wrong_protocol_is_an_error_in_words(
    folder: Path, change: Callable[[dict[str, Any]], object], said: str
) -> None:
    edit(folder / "protocol.json", change)
    with pytest.raises(AnnotationError, match=r"(?s)(protocol\.json|predictions\.parquet): .*remedy: ") as error:
        read_evaluation(folder)
    assert said in str(error.value)


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"version": NaN}', b"\xff\xfe\x00", b'{"a": 1, "a": 2}'])
def test_a_damaged_protocol_is_an_error_in_words(folder: Path, content: bytes) -> None:
    (folder / "protocol.json").write_bytes(content)
    with pytest.raises(AnnotationError, match=r"protocol\.json: "):
        read_evaluation(folder)


def test_what_is_missing_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match=r"(?s)nowhere: no such folder.*hawkeye eval --out"):
        read_evaluation(tmp_path / "nowhere")
    (folder / "protocol.json").unlink()
    with pytest.raises(AnnotationError, match=r"(?s)protocol\.json: no such file.*hawkeye eval --out"):
        read_evaluation(folder)


@pytest.mark.parametrize(
    "content", ['{"seconds_per_minute": "fast"}', '{"marks": [1]}', "[]", '{"seconds_per_minute": -1}']
)
def test_wrong_results_are_an_error(folder: Path, content: str) -> None:
    (folder / "results.json").write_text(content)
    with pytest.raises(AnnotationError, match=r"results\.json: is not the result of an evaluation"):
        read_evaluation(folder)


def router_table(rows: list[tuple[str, int, list[float], list[float]]]) -> pa.Table:
    names = ("video", "second", "action", "object")
    return pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows], schema=ROUTER_SCHEMA)


HALF = [0.5, 0.5]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("stranger", 0, HALF, HALF)], "'stranger' is no video"),
        ([("Normal002", k, HALF, HALF) for k in range(5)], "not 0 to 5"),
        ([("Normal002", k, HALF, HALF) for k in (0, 1, 2, 3, 5, 4)], "not 0 to 5"),
        ([("Normal002", k, [0.5] * (1 + k % 2), HALF) for k in range(6)], "one number an expert"),
        ([("Normal002", k, HALF, [1.0]) for k in range(6)], "2 weights of actions and 1 of objects"),
        ([("Normal002", k, [float("nan"), 0.5], HALF) for k in range(6)], "no number of 0 to 1"),
        ([("Normal002", k, [7.0, 0.5], HALF) for k in range(6)], "no number of 0 to 1"),
        ([("Normal002", k, [], []) for k in range(6)], "one number an expert"),
    ],
)  # fmt: skip
def test_wrong_routing_weights_are_an_error(folder: Path, rows: list[Any], said: str) -> None:
    pq.write_table(router_table(rows), folder / "router.parquet")
    with pytest.raises(AnnotationError, match=said):
        read_evaluation(folder)


def test_routing_weights_of_another_kind_are_an_error(folder: Path) -> None:
    pq.write_table(pa.table({"a": [1]}), folder / "router.parquet")
    with pytest.raises(AnnotationError, match="no table of routing weights"):
        read_evaluation(folder)
    (folder / "router.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(AnnotationError, match="no table of routing weights"):
        read_evaluation(folder)


def test_no_torch_is_needed() -> None:
    code = "import sys, hawkeye_core.evaluation.systems, hawkeye_core.report.build; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
