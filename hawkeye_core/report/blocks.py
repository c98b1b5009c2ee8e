"""Parts of the page for evaluations: result tables, key figures, the panels of Figure 5."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from hawkeye_core.evaluation.tables import Cell, ResultTable


@dataclass(frozen=True, slots=True)
class Number:
    """A cell: the number, its spread over seeds, its mark, and whether it is the best of its column."""

    text: str
    spread: str = ""
    mark: str = ""
    best: bool = False


@dataclass(frozen=True, slots=True)
class ResultBlock:
    """A table of results with groups of columns and sections of rows.

    Args:
        table: To be shown.
        first: Name of the row that stands out.
        about: Heading of the first column.
        files: Names of the files that hold the same table.
    """

    table: ResultTable
    first: str = ""
    about: str = "system"
    files: Sequence[str] = ()

    @property
    def wide(self) -> bool:
        """Whether it has so many columns that it takes the whole width."""
        return len(self.table.columns) > 5

    @property
    def groups(self) -> list[tuple[str, int]]:
        """Headings above columns and how many each spans; none where no column has one."""
        found = [(name, len(list(columns))) for name, columns in groupby(c.group for c in self.table.columns)]
        return found if any(name for name, _ in found) else []

    @property
    def heads(self) -> list[tuple[str, str]]:
        """Name of each column, and which of its numbers are better: ``higher``, ``lower``, ``neither``."""
        return [(column.name, column.better) for column in self.table.columns]

    @property
    def sections(self) -> list[tuple[str, list[tuple[str, bool, list[Number]]]]]:
        """Heading and rows: name, whether it stands out, cells."""
        best = self.table.best()
        rows = [
            (row.section, (
                row.name, row.name == self.first,
                [_number(cell, column.decimals, best=(index, place) in best)
                 for place, (cell, column) in enumerate(zip(row.cells, self.table.columns, strict=True))],
            ))
            for index, row in enumerate(self.table.rows)
        ]  # fmt: skip
        return [(name, [row for _, row in members]) for name, members in groupby(rows, key=lambda item: item[0])]


@dataclass(frozen=True, slots=True)
class Tile:
    """One key figure: what it is, the number, and what it is to be compared with."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class TilesBlock:
    """Key figures side by side; the title is for readers of a screen, and seen where ``shown``."""

    title: str
    tiles: Sequence[Tile]
    shown: bool = False


@dataclass(frozen=True, slots=True)
class PlainTable:
    """A table of texts; the first column names its row."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Image:
    """A picture with its size in pixels (so that nothing moves while it loads), caption and words."""

    source: str
    alt: str
    width: int
    height: int
    caption: str = ""


@dataclass(frozen=True, slots=True)
class LaneBar:
    """A stretch of a lane; place and width in percent of the video."""

    left: float
    width: float
    text: str
    title: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One line of a panel: segments as bars, or a drawing (SVG), with a name before it.

    Args:
        name: Of the system, or what is drawn.
        tone: Class of its colour: ``truth``, ``t1`` to ``t8``.
        bars: Segments.
        svg: Drawing, made of numbers only.
        alt: Of the drawing, in words.
    """

    name: str
    tone: str
    bars: Sequence[LaneBar] = ()
    svg: str = ""
    alt: str = ""


@dataclass(frozen=True, slots=True)
class PanelBlock:
    """One video of Figure 5.

    Args:
        title: The video.
        why: It is shown.
        note: On its pictures.
        images: The strip.
        key: The large picture.
        ticks: Place in percent and text of the time axis.
        lanes: Truth, systems, curves, router.
        answers: Name, class of its colour, and what it says.
        tables: The same as text.
        legend: Class of its colour and name, of what a drawing shows.
    """

    title: str
    why: str
    note: str
    images: Sequence[Image]
    key: Image | None
    ticks: Sequence[tuple[float, str]]
    lanes: Sequence[Lane]
    answers: Sequence[tuple[str, str, str]]
    tables: Sequence[PlainTable]
    legend: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class DetailsBlock:
    """Tables that are folded away until they are wanted."""

    title: str
    tables: Sequence[PlainTable | ResultBlock]


def _number(cell: Cell, decimals: int, *, best: bool) -> Number:
    if not math.isfinite(cell.value):
        return Number("–")  # noqa: RUF001 (a dash)
    spread = f"± {cell.std:.{decimals}f}" if math.isfinite(cell.std) else ""
    return Number(f"{cell.value:.{decimals}f}", spread, cell.mark, best)
