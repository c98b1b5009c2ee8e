"""Input tables: what is read, what is refused, and at which line."""

from __future__ import annotations

import contextlib
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from hawkeye_core.errors import AnnotationError
from hawkeye_core.training.stage1.table import MAX_LINE_BYTES, Table, read_motions, read_regions

REGION = '{"video": "a", "box": [1, 2, 3.5, 4], "expression": "the man"}'
MOTION = '{"video": "a", "start": 0, "end": 1.0, "caption": "a man runs"}'


def rows_of(table: Table) -> list[tuple[str, list[float], str, str]]:
    return [(table.video(i), table.numbers[i].tolist(), table.words(i), table.where(i)) for i in range(len(table))]


def test_rows_of_a_split_are_kept_in_order(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    other = REGION.replace('"a"', '"b"').replace("the man", "le café")
    test = REGION.replace("}", ', "split": "test", "note": "n"}')
    path.write_text(f"\ufeff{REGION}\n\n{test}\r\n{other}\n{REGION}", encoding="utf-8")
    assert rows_of(read_regions(path)) == [
        ("a", [1, 2, 3.5, 4], "the man", f"{path}:1"),
        ("b", [1, 2, 3.5, 4], "le café", f"{path}:4"),
        ("a", [1, 2, 3.5, 4], "the man", f"{path}:5"),
    ]
    assert read_regions(path).videos == ("a", "b")
    assert [line for *_, line in rows_of(read_regions(path, split="test"))] == [f"{path}:3"]


def test_parquet_gives_the_same_rows(tmp_path: Path) -> None:
    rows = [
        {"video": f"v{i % 3}", "start": float(i), "end": i + 1.0, "caption": f"c{i}", "split": None} for i in range(9)
    ]
    rows[4]["split"] = "test"
    lines = tmp_path / "m.jsonl"
    lines.write_text("".join(json.dumps({k: v for k, v in row.items() if v is not None}) + "\n" for row in rows))
    path = tmp_path / "m.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=2)
    ours, theirs = rows_of(read_motions(path)), rows_of(read_motions(lines))
    assert [row[:3] for row in ours] == [row[:3] for row in theirs]
    assert ours[4][3] == f"{path}:row 6"


def test_a_split_without_rows_is_empty_and_a_file_without_rows_an_error(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text(REGION)
    table = read_regions(path, split="test")
    assert len(table) == 0
    assert table.numbers.shape == (0, 4)
    path.write_text("\n\n")
    with pytest.raises(AnnotationError, match="has no row"):
        read_regions(path)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", r"t\.jsonl:2: Invalid JSON"),
        ("[]", r"t\.jsonl:2: .*[Oo]bject"),
        ("null", r"t\.jsonl:2"),
        (REGION.replace("[1, 2, 3.5, 4]", "[3.5, 2, 1, 4]"), r"t\.jsonl:2: .*corners, not width and height"),
        (REGION.replace("[1, 2, 3.5, 4]", "[1, 2, 3]"), r"t\.jsonl:2: box\.3"),
        (REGION.replace("[1, 2, 3.5, 4]", "[1, 2, 3, 4, 5]"), r"t\.jsonl:2: box"),
        (REGION.replace("3.5", "NaN"), r"t\.jsonl:2: box\.2"),
        (REGION.replace("3.5", "1e999"), r"t\.jsonl:2: box\.2"),
        (REGION.replace("3.5", '"3.5"'), r"t\.jsonl:2: box\.2"),
        (REGION.replace("3.5", "true"), r"t\.jsonl:2: box\.2"),
        (REGION.replace("the man", " ... "), r"t\.jsonl:2: expression: .*no letter"),
        (REGION.replace("the man", "m" * 2001), r"t\.jsonl:2: expression"),
        (REGION.replace("the man", "\\ud800"), r"t\.jsonl:2"),
        (REGION.replace('"a"', '""'), r"t\.jsonl:2: video"),
        (REGION.replace('"video"', '"vidio"'), r"t\.jsonl:2: v"),
        (REGION.replace("}", ', "split": "dev"}'), r"t\.jsonl:2: split: .*'train', 'test' or 'val'"),
        (REGION.replace("}", ', "area": 3}'), r"t\.jsonl:2: area"),
        (" " * MAX_LINE_BYTES + REGION, r"t\.jsonl:2: the line is longer than"),
    ],
)
def test_errors_name_file_and_line(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(f"{REGION}\n{line}\n")
    with pytest.raises(AnnotationError, match=message):
        read_regions(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("1.0", "0", "must end after its start, not 0.0 to 0.0"),
        ('"start": 0', '"start": -1', "start"),
        ("1.0", '"soon"', "end"),
        ("a man runs", "?", "caption: .*no letter"),
    ],
)
def test_motions_that_cannot_be(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "m.jsonl"
    path.write_text(f"{MOTION}\n{MOTION.replace(old, new)}\n")
    with pytest.raises(AnnotationError, match=rf"(?s)m\.jsonl:2: .*{message}.*remedy: a row is"):
        read_motions(path)


@pytest.mark.parametrize("name", ["t.jsonl", "t.parquet"])
def test_missing_and_foreign_files(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with pytest.raises(AnnotationError, match=r"(?s)no such table.*set `regions`"):
        read_regions(path)
    path.mkdir()
    with pytest.raises(AnnotationError, match="cannot be read"):
        read_regions(path)
    path.rmdir()
    path.write_bytes(b"PAR1\xff\xfe\x00")
    with pytest.raises(AnnotationError, match="t\\."):
        read_regions(path)


@pytest.mark.parametrize(
    "column",
    [pa.array([[1.0, 2.0]]), pa.array(["x"]), pa.array([{"x": 1}]), pa.array([None], pa.list_(pa.float64()))],
    ids=str,
)
def test_parquet_of_another_shape_is_refused_with_its_row(tmp_path: Path, column: pa.Array) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"video": ["a"], "box": column, "expression": ["the man"]}), path)
    with pytest.raises(AnnotationError, match=r"t\.parquet:row 1: box"):
        read_regions(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda x: st.lists(x, max_size=5) | st.dictionaries(st.sampled_from(["video", "box", "expression", "split"]), x),
    max_leaves=8,
)


@given(st.text(max_size=80) | JSON.map(json.dumps))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("read", [read_regions, read_motions])
def test_nothing_but_the_typed_error_comes_out_of_a_strange_file(
    tmp_path: Path, read: Callable[..., Table], text: str
) -> None:
    path = tmp_path / "strange.jsonl"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    with contextlib.suppress(AnnotationError):
        assert len(read(path)) > 0


@pytest.mark.parametrize("name", ["many.jsonl", "many.parquet"])
def test_many_rows_are_columns_and_not_objects(tmp_path: Path, name: str) -> None:
    """Peak of Python's and numpy's memory under 220 bytes a row; texts kept as Python objects would pass that."""
    rows: list[dict[str, Any]] = [
        {"video": f"image-{i % 2000}", "box": [i % 7, 0, i % 7 + 1, 9], "expression": f"the man number {i}"}
        for i in range(20_000)
    ]
    path = tmp_path / name
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    del rows
    tracemalloc.start()
    before = pa.total_allocated_bytes()
    try:
        table = read_regions(path)
        peak = tracemalloc.get_traced_memory()[1] + pa.total_allocated_bytes() - before
    finally:
        tracemalloc.stop()
    assert len(table) == 20_000
    assert np.all(table.numbers[:, 2] == table.numbers[:, 0] + 1)
    assert table.words(19_999) == "the man number 19999"
    assert peak < 220 * 20_000
