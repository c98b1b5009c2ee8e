"""What a report is made of, and the page it becomes."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from hawkeye_core.atomic import write_text
from hawkeye_core.errors import HawkeyeError
from hawkeye_core.report.blocks import DetailsBlock, PanelBlock, PlainTable, ResultBlock, TilesBlock

MAX_BYTES = 10_000_000
"""Largest page; more than this no mail takes."""


class PageTooLargeError(HawkeyeError):
    """A page is larger than :data:`MAX_BYTES`."""


@dataclass(frozen=True, slots=True)
class TableBlock:
    """A table; the first column is text, the others numbers.

    Args:
        title: Its caption.
        head: Names of the columns.
        rows: Cells as they are to be read.
        note: Protocol and footnotes.
        strong: Numbers of the rows that stand out.
    """

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    strong: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class FigureBlock:
    """A picture.

    Args:
        title: Its caption.
        source: Inline SVG, or the ``data:`` address of a picture.
        alt: What is seen, in words.
        themed: Whether the SVG takes its colours from the page (:func:`.drawing.for_page`); else it stands on white.
    """

    title: str
    source: str
    alt: str
    themed: bool = False

    @property
    def is_svg(self) -> bool:
        """Whether :attr:`source` is markup."""
        return self.source.lstrip().startswith("<svg")


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of a timeline, seconds."""

    start_s: float
    end_s: float
    label: str


@dataclass(frozen=True, slots=True)
class Track:
    """One line of a timeline: what one system says, or the truth (``kind`` ``truth``, ``ours`` or ``other``)."""

    name: str
    kind: str
    bars: Sequence[Bar]


@dataclass(frozen=True, slots=True)
class Still:
    """A picture of a video."""

    time_s: float
    source: str
    alt: str


@dataclass(frozen=True, slots=True)
class TimelineBlock:
    """One video: pictures, and under them the segments of every system (the paper's Figure 5)."""

    title: str
    text: str
    duration_s: float
    stills: Sequence[Still]
    tracks: Sequence[Track]


Block: TypeAlias = (
    TableBlock | FigureBlock | TimelineBlock | ResultBlock | TilesBlock | PlainTable | DetailsBlock | PanelBlock
)


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, what to know, and blocks."""

    heading: str
    text: Sequence[str]
    blocks: Sequence[Block] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """A whole page."""

    title: str
    lead: str
    sections: Sequence[Section]
    footer: str = ""


def render(report: Report) -> str:
    """The page as HTML; every text is escaped, SVG figures are taken as they are.

    Raises:
        PageTooLargeError: It is larger than :data:`MAX_BYTES`.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("hawkeye_core.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.globals["kind"] = lambda block: type(block).__name__
    html = environment.get_template("page.html.j2").render(report=report)
    size = len(html.encode("utf-8", "replace"))
    if size > MAX_BYTES:
        raise PageTooLargeError(f"the report takes {size / 1e6:.1f} MB", remedy="show fewer videos or smaller pictures")
    return html


def write_report(report: Report, path: str | Path) -> Path:
    """Render a report into a file."""
    return write_text(path, render(report))


def data_uri(image: NDArray[np.uint8], *, quality: int = 80) -> str:
    """A picture [H, W, 3] RGB as a ``data:`` address (JPEG)."""
    done, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise HawkeyeError(f"a picture of shape {image.shape} cannot be encoded")
    return f"data:image/jpeg;base64,{base64.b64encode(data.tobytes()).decode()}"
