"""One small table of results, and its three forms: Markdown, LaTeX (booktabs) and CSV (RFC 4180).

Text from outside (names, captions, footnotes) is escaped for each form, so that no name breaks a table or becomes a
command. CSV holds plain numbers: no marks, no bold, no arrows; what is undefined is empty there and ``-`` elsewhere.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

Better = Literal["higher", "lower", "neither"]

_ARROWS: dict[Better, str] = {"higher": "", "lower": "↓", "neither": ""}

_MARKDOWN = str.maketrans({character: f"\\{character}" for character in "\\`*_{}[]<>#|~&$"})
_LATEX = str.maketrans(
    {character: f"\\{character}" for character in "&%$#_{}"}
    | {
        "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
        ">": r"\textgreater{}", "|": r"\textbar{}", '"': "''", "*": "{*}", "↓": r"$\downarrow$", "±": r"$\pm$",
        "†": r"$^\dagger$", "\u2212": "$-$", "≥": r"$\geq$", "≤": r"$\leq$", "[": "{[}", "]": "{]}",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """One column of numbers.

    Args:
        name: Its heading.
        group: Heading above it that neighbours share (``S-S``); empty for none.
        better: Which numbers are better; ``lower`` shows as an arrow, ``neither`` keeps the column out of ranking.
        decimals: Digits behind the point, in Markdown and LaTeX.
    """

    name: str
    group: str = ""
    better: Better = "higher"
    decimals: int = 2

    @property
    def title(self) -> str:
        """Group and name, which together name the column in CSV and among comparisons."""
        return f"{self.group} {self.name}".strip()


@dataclass(frozen=True, slots=True)
class Cell:
    """A number in its column's unit; NaN if there is none. ``std`` over seeds, NaN for one run; ``mark`` such as **."""

    value: float = math.nan
    std: float = math.nan
    mark: str = ""


@dataclass(frozen=True, slots=True)
class TableRow:
    """A line.

    Args:
        name: What was measured.
        cells: One a column.
        section: Heading above it that neighbours share; empty for none.
        ranked: Whether it can be best; quoted rows and those that need no model cannot.
    """

    name: str
    cells: tuple[Cell, ...]
    section: str = ""
    ranked: bool = True


@dataclass(frozen=True, slots=True)
class ResultTable:
    """A table.

    Args:
        caption: What it shows.
        columns: From left to right, without the one of the names.
        rows: From top to bottom.
        footnotes: Sentences under it: protocol, tests, what is quoted.

    Raises:
        ValueError: A row has another number of cells than there are columns, two columns have one title, or a row
            without a section follows one with a section.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[TableRow, ...]
    footnotes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row.cells) != len(self.columns):
                raise ValueError(f"row {row.name!r} has {len(row.cells)} cells, the table {len(self.columns)} columns")
        sections = [section for section, _ in groupby(row.section for row in self.rows)]
        if "" in sections[1:]:
            raise ValueError("a row without a section must stand before the sections, or it seems to be in one")
        titles = [column.title for column in self.columns]
        if len(set(titles)) != len(titles):
            raise ValueError(f"columns share a title: {titles}")

    def best(self) -> frozenset[tuple[int, int]]:
        """Row and column of the best numbers among ranked rows; all that print alike, none where only one competes."""
        found: set[tuple[int, int]] = set()
        for place, column in enumerate(self.columns):
            printed = {
                index: round(row.cells[place].value, column.decimals)
                for index, row in enumerate(self.rows)
                if row.ranked and math.isfinite(row.cells[place].value)
            }
            if len(printed) > 1 and column.better != "neither":
                top = (min if column.better == "lower" else max)(printed.values())
                found |= {(index, place) for index, value in printed.items() if value == top}
        return frozenset(found)

    def to_markdown(self) -> str:
        """GitHub's Markdown; best numbers bold, sections in italics."""
        heads = [_markdown(column.title) + _ARROWS[column.better] for column in self.columns]
        lines = [["", *heads], ["---", *["---:"] * len(heads)]]
        best = self.best()
        for index, row in enumerate(self.rows):
            if row.section and (index == 0 or self.rows[index - 1].section != row.section):
                lines.append([f"*{_markdown(row.section)}*", *[""] * len(heads)])
            cells = [
                _in_markdown(cell, self.columns[place].decimals, bold=(index, place) in best)
                for place, cell in enumerate(row.cells)
            ]
            lines.append([_markdown(row.name), *cells])
        body = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        notes = "".join(f"\n{_markdown(note)}\n" for note in self.footnotes)
        return f"**{_markdown(self.caption)}**\n\n{body}\n{notes}"

    def to_latex(self, *, label: str) -> str:
        """A ``table*`` that needs ``\\usepackage{booktabs}``; letters beyond ASCII stay as they are (UTF-8).

        Args:
            label: For ``\\ref``: letters, digits, ``:``, ``-``.

        Raises:
            ValueError: The label has other characters.
        """
        if not label or not all(c.isascii() and (c.isalnum() or c in ":-") for c in label):
            raise ValueError(f"label may have letters, digits, ':' and '-': {label!r}")
        width = len(self.columns) + 1
        heads = [_latex(column.name + _ARROWS[column.better]) for column in self.columns]
        lines = [
            r"\begin{table*}", r"\centering\small", rf"\caption{{{_latex(self.caption)}}}", rf"\label{{{label}}}",
            rf"\begin{{tabular}}{{l{'r' * len(heads)}}}", r"\toprule", *_groups(self.columns),
            " & ".join(["", *heads]).strip() + r" \\", r"\midrule",
        ]  # fmt: skip
        best = self.best()
        for index, row in enumerate(self.rows):
            if row.section and (index == 0 or self.rows[index - 1].section != row.section):
                lines += [r"\midrule"] if index else []
                lines.append(rf"\multicolumn{{{width}}}{{l}}{{\textit{{{_latex(row.section)}}}}} \\")
            cells = [
                _in_latex(cell, self.columns[place].decimals, bold=(index, place) in best)
                for place, cell in enumerate(row.cells)
            ]
            lines.append(" & ".join([_latex(row.name), *cells]) + r" \\")
        lines += [r"\bottomrule", r"\end{tabular}"]
        if self.footnotes:
            notes = [rf"{_latex(note)}\par" for note in self.footnotes]
            lines += [r"\par\smallskip", r"\begin{minipage}{\linewidth}\footnotesize", *notes, r"\end{minipage}"]
        return "\n".join([*lines, r"\end{table*}", ""])

    def to_csv(self) -> str:
        """One header line, then one record a row, ended by CRLF; a ``std`` column beside each that has spreads."""
        spread = [any(math.isfinite(row.cells[place].std) for row in self.rows) for place in range(len(self.columns))]
        out = io.StringIO(newline="")
        writer = csv.writer(out, lineterminator="\r\n")
        heads = [
            title
            for column, wide in zip(self.columns, spread, strict=True)
            for title in ([column.title, f"{column.title} std"] if wide else [column.title])
        ]
        writer.writerow(["section", "name", *heads])
        for row in self.rows:
            numbers = [
                _plain(number)
                for cell, wide in zip(row.cells, spread, strict=True)
                for number in ([cell.value, cell.std] if wide else [cell.value])
            ]
            writer.writerow([_one_line(row.section), _one_line(row.name), *numbers])
        return out.getvalue()


def _groups(columns: Sequence[Column]) -> list[str]:
    """The line of group headings and the rules under them; none if no column has a group."""
    if not any(column.group for column in columns):
        return []
    heads, rules, start = [], [], 2
    for group, members in groupby(columns, key=lambda column: column.group):
        count = len(list(members))
        heads.append(rf"\multicolumn{{{count}}}{{c}}{{{_latex(group)}}}")
        if group:
            rules.append(rf"\cmidrule(lr){{{start}-{start + count - 1}}}")
        start += count
    return ["& " + " & ".join(heads) + r" \\", " ".join(rules)]


def _in_markdown(cell: Cell, decimals: int, *, bold: bool) -> str:
    text = _number(cell, decimals)
    return (f"**{text}**" if bold else text) + _markdown(_mark(cell))


def _in_latex(cell: Cell, decimals: int, *, bold: bool) -> str:
    text = _latex(_number(cell, decimals))
    mark = f"$^{{{_latex(cell.mark)}}}$" if _mark(cell) else ""
    return (rf"\textbf{{{text}}}" if bold else text) + mark


def _mark(cell: Cell) -> str:
    """No number, no mark."""
    return cell.mark if math.isfinite(cell.value) else ""


def _number(cell: Cell, decimals: int) -> str:
    if not math.isfinite(cell.value):
        return "-"
    spread = f" ± {cell.std:.{decimals}f}" if math.isfinite(cell.std) else ""
    return f"{cell.value:.{decimals}f}{spread}"


def _plain(value: float) -> str:
    return f"{value:.10g}" if math.isfinite(value) else ""


def _one_line(text: str) -> str:
    """White space as single blanks, nothing unprintable (a line break would end a row)."""
    return "".join(character for character in " ".join(text.split()) if character.isprintable())


def _markdown(text: str) -> str:
    return _one_line(text).translate(_MARKDOWN)


def _latex(text: str) -> str:
    return _one_line(text).translate(_LATEX)
