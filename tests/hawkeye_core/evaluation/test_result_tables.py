"""Tables in three forms: read back by a parser of each, with names that try to break them; the paper's two layouts."""

from __future__ import annotations

import csv
import io
import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from hawkeye_core.errors import AnnotationError
from hawkeye_core.evaluation import paper_numbers
from hawkeye_core.evaluation.paper_tables import QUOTED, SECTIONS, CrimeRates, Measured, marks_of, table_1, table_2
from hawkeye_core.evaluation.result import Row
from hawkeye_core.evaluation.significance import Comparison, correct
from hawkeye_core.evaluation.tables import Cell, Column, ResultTable, TableRow

NASTY = [
    "a|b",
    "**x**",
    "<b>&_",
    "100% $5 #1 {y} ~ ^ \\",
    "two\nlines\r\n",
    'say "hi", you',
    "`code`",
    "[l](http://x)",
    "*",
]
COLUMNS = (Column("FNRs", "S-S", "lower"), Column("F2", "S-S"), Column("I.T.", "S-D", "neither", 1))


def small(*rows: TableRow, footnotes: tuple[str, ...] = ()) -> ResultTable:
    return ResultTable("A table", COLUMNS, rows, footnotes)


def row(name: str, *values: float, section: str = "", ranked: bool = True, mark: str = "") -> TableRow:
    return TableRow(name, tuple(Cell(value, mark=mark) for value in values), section, ranked)


def markdown_cells(text: str) -> list[list[str]]:
    """Cells of the only table as HTML, read by a Markdown parser of its own."""
    html = MarkdownIt("commonmark").enable("table").render(text)
    lines = re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL)
    return [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", line, re.DOTALL) for line in lines]


def records(table: ResultTable) -> list[list[str]]:
    return list(csv.reader(io.StringIO(table.to_csv(), newline=""), strict=True))


def test_markdown_reads_back() -> None:
    table = small(row("a", 30, 50, 5), row("b", 40, 45.123, math.nan, mark="**"), footnotes=("** means p < 0.01",))
    head, first, second = markdown_cells(table.to_markdown())
    assert head == ["", "S-S FNRs↓", "S-S F2", "S-D I.T."]
    assert first == ["a", "<strong>30.00</strong>", "<strong>50.00</strong>", "5.0"]
    assert second == ["b", "40.00**", "45.12**", "-"]
    assert r"\*\* means p \< 0.01" in table.to_markdown()


def test_a_bold_number_keeps_its_mark_apart() -> None:
    _, first, _ = markdown_cells(small(row("a", 30, 50, 5, mark="*"), row("b", 40, 45, 6)).to_markdown())
    assert first[1] == "<strong>30.00</strong>*"


def test_best_follows_the_column_and_what_is_printed() -> None:
    table = small(
        row("a", 30.001, 50, 1), row("b", 30.004, 49, 2), row("c", 35, math.nan, 3), row("d", 1, 99, 4, ranked=False)
    )
    # Rows 0 and 1 print the same FNR; the unranked one is never best; the last column does not compete.
    assert table.best() == {(0, 0), (1, 0), (0, 1)}
    assert small(row("a", 30, 50, 1), row("d", 1, 99, 4, ranked=False)).best() == frozenset()
    assert small().best() == frozenset()


def test_latex_has_groups_rules_and_bold() -> None:
    spread = TableRow("b", (Cell(40.0, 1.5, "**"), Cell(40.0), Cell()), "Quoted †")
    text = small(row("a", 30, 50, 5, section="Ours"), spread).to_latex(label="tab:one")
    lines = text.splitlines()
    assert r"& \multicolumn{2}{c}{S-S} & \multicolumn{1}{c}{S-D} \\" in lines
    assert r"\cmidrule(lr){2-3} \cmidrule(lr){4-4}" in lines
    assert r"& FNRs$\downarrow$ & F2 & I.T. \\" in lines
    assert r"\multicolumn{4}{l}{\textit{Quoted $^\dagger$}} \\" in lines
    assert r"a & \textbf{30.00} & \textbf{50.00} & 5.0 \\" in lines
    assert r"b & 40.00 $\pm$ 1.50$^{{*}{*}}$ & 40.00 & - \\" in lines
    for kind in ("toprule", "bottomrule"):
        assert lines.count(rf"\{kind}") == 1
    plain = ResultTable("c", (Column("x"),), (row("a", 1),)).to_latex(label="t")
    assert "cmidrule" not in plain


def check_latex(text: str, columns: int) -> None:
    """Braces balance, environments close, no special character stands bare, every line of the table has its cells."""
    bare = re.sub(r"\\[\\&%$#_{}]", "", text)
    assert bare.count("{") == bare.count("}")
    assert not set(bare) & set("%#~_")
    assert re.findall(r"\^(.)", bare) == re.findall(r"\$\^(.)", bare)
    assert re.findall(r"\\begin\{(\w+\*?)\}", text) == ["table*", "tabular"]
    body = text.split(r"\midrule", 1)[1].split(r"\bottomrule")[0]
    for line in body.strip().splitlines():
        if r"\multicolumn" not in line and line != r"\midrule":
            assert line.endswith(r" \\")
            assert len(re.findall(r"(?<!\\)&", line)) == columns


@pytest.mark.parametrize("name", NASTY)
def test_nasty_names_break_no_form(name: str) -> None:
    table = small(row(name, 1, 2, 3, section=name), row("b", 2, 3, 4, section=name))
    _, section, first, _ = markdown_cells(table.to_markdown())
    shown = (
        " ".join(name.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    )
    assert first == [shown, "<strong>1.00</strong>", "2.00", "3.0"]
    assert section[0] == f"<em>{shown}</em>"
    assert records(table)[1] == [" ".join(name.split()), " ".join(name.split()), "1", "2", "3"]
    check_latex(table.to_latex(label="t"), 3)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=30), st.floats(), st.sampled_from(["", "*", "**"]))
def test_any_name_and_number_reads_back(name: str, value: float, mark: str) -> None:
    table = small(row(name, value, 2, 3, mark=mark), row("b", 2, 3, 4))
    assert [len(line) for line in markdown_cells(table.to_markdown())] == [4, 4, 4]
    assert [len(line) for line in records(table)] == [5, 5, 5]
    check_latex(table.to_latex(label="t"), 3)
    table.to_csv().encode()


def test_csv_is_rfc_4180_with_plain_numbers() -> None:
    spread = TableRow('say "hi", you', (Cell(40.125, 1.5, "**"), Cell(40.0, mark="*"), Cell()), "Quoted")
    text = small(row("a", 100 / 3, 50, 5), spread).to_csv()
    assert text.endswith("\r\n")
    assert text.replace("\r\n", "").count("\n") == 0
    assert text.splitlines() == [
        "section,name,S-S FNRs,S-S FNRs std,S-S F2,S-D I.T.",
        ",a,33.33333333,,50,5",
        'Quoted,"say ""hi"", you",40.125,1.5,40,',
    ]


def test_malformed_tables_are_refused() -> None:
    with pytest.raises(ValueError, match="'a' has 2 cells, the table 3 columns"):
        small(row("a", 1, 2))
    with pytest.raises(ValueError, match="share a title"):
        ResultTable("c", (Column("x"), Column("x")), ())
    with pytest.raises(ValueError, match="without a section"):
        small(row("a", 1, 2, 3, section="s"), row("b", 1, 2, 3))
    with pytest.raises(ValueError, match="label"):
        small().to_latex(label="a}b")


# The paper's layouts


def run(f2: float, *, note: str = "", fnr: float = 0.4) -> Row:
    return Row("x", note, fnr, f2, 0.5, 0.5, {"0.1": 0.3, "0.2": 0.2, "0.3": 0.1, "mean": 0.2}, 3)


def systems() -> list[Measured]:
    return [
        Measured("all positive", "trivial", {"S-S": [run(0.9, fnr=0.0)]}),
        Measured("Hawkeye", "ours", {"S-S": [run(0.5), run(0.6)], "S-D": [run(0.4), run(0.4)]}, {"S-S": 1.25}),
        Measured("motion energy", "baseline", {"S-S": [run(0.3)], "S-D": [run(0.3)]}, marks={"S-S F2": "**"}),
    ]


def test_table_1_has_our_sections_then_the_quoted_rows() -> None:
    table = table_1(systems(), protocols={"S-S": "100 videos", "S-D": "290 videos"}, statement="Nothing tested.")
    assert [row.section for row in table.rows[:3]] == [SECTIONS[kind] for kind in ("baseline", "ours", "trivial")]
    assert [row.name for row in table.rows[3:]] == [f"{row.name} †" for row in paper_numbers.TABLE_1]
    assert {row.section for row in table.rows[3:]} == {QUOTED}
    assert not any(row.ranked for row in table.rows[2:])
    ours = table.rows[1]
    assert ours.cells[1].value == pytest.approx(55)
    assert ours.cells[1].std == pytest.approx(100 * math.sqrt(0.005))
    assert [ours.cells[6].value, table.rows[0].cells[1].mark] == [1.25, "**"]
    assert math.isnan(table.rows[2].cells[7].value)  # no run on S-D
    assert (1, 1) in table.best()
    assert (2, 0) not in table.best()  # an FNR of 0 that needs no model


def test_table_1_says_what_is_quoted_and_how_it_differs() -> None:
    table = table_1(systems(), protocols={"S-S": "100 videos", "S-D": "290 videos"}, statement="Nothing tested.")
    notes = " ".join(table.footnotes)
    for part in ("S-S: 100 videos.", "Hawkeye (2)", "Nothing tested.", "not measured here", "98 (S-S)", "19.93"):
        assert part in notes
    own = table_1(systems(), protocols={}, quoted=False)
    assert len(own.rows) == 3
    assert "†" not in own.to_markdown()


def test_quoted_numbers_come_out_as_printed() -> None:
    by_name = {line[1]: line[2:] for line in records(table_1([], protocols={}))}
    assert by_name["Hawkeye †"] == (
        "35.82 38.09 35.24 21.21 14.71 23.72 66 45.66 45.03 34.41 19.22 12.1 21.91 74".split()
    )
    by_name = {line[1]: line[2:] for line in records(table_2([], protocol="x"))}
    assert by_name["Valley †"] == ("69.5 49.63 52.86 79.51 84.16 55.62 50.35 50 100 92.76 74.88 88.49 72.73".split())


def test_an_untrained_row_is_named_so_and_not_ranked() -> None:
    table = table_1(
        [Measured("Hawkeye", "ours", {"S-S": [run(0.9, note="UNTRAINED")]}), *systems()], protocols={}, quoted=False
    )
    found = next(row for row in table.rows if "UNTRAINED" in row.name)
    assert found.name == "Hawkeye (UNTRAINED)"
    assert not found.ranked


def test_table_2_translates_folders_to_headings() -> None:
    rates = CrimeRates("Hawkeye", "ours", {"RoadAccidents": [0.2, 0.4], "Abuse": [math.nan, math.nan]})
    table = table_2([rates], protocol="290 videos")
    cells = dict(zip(paper_numbers.CRIMES, table.rows[0].cells, strict=True))
    assert cells["Accident"].value == pytest.approx(30)
    assert math.isnan(cells["Abuse"].value)
    assert math.isnan(cells["Vandalism"].value)
    assert len(table.rows) == 1 + 8
    with pytest.raises(AnnotationError, match="Jaywalking"):
        table_2([CrimeRates("x", "ours", {"Jaywalking": [0.2]})], protocol="x")


def test_marks_stand_at_the_row_compared_with() -> None:
    family = correct(
        [
            Comparison("Hawkeye", "w/o ASG", "S-S F2", "t-test over seeds", 5, 0.1, p=0.001),
            Comparison("Hawkeye", "w/o ASG", "S-D F2", "t-test over seeds", 5, 0.1, p=0.4),
            Comparison("Hawkeye", "w/o ORG", "S-S F2", "t-test over seeds", 5, 0.1, p=0.02),
        ]
    )
    assert marks_of(family, "w/o ASG") == {"S-S F2": "**"}
    assert marks_of(family, "w/o ORG") == {"S-S F2": "*"}
    assert marks_of(family, "Hawkeye") == {}
