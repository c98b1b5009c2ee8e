"""Figures by Matplotlib that look the same each time, and SVG that takes its colours from the page it stands in."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, SOFT, LINE, PAPER = "#1c2126", "#59636e", "#d5dbe1", "#ffffff"
SERIES: tuple[str, ...] = (
    "#1a5fb4", "#c04400", "#1b7449", "#813d9c", "#8a5a2b", "#a51d5d", "#0b6f82", "#5c5f66",
)  # fmt: skip
"""Colours of systems on white, the first for ours; neighbours differ in lightness and hue."""
EXPERTS: tuple[str, ...] = tuple(SERIES[place] for place in (6, 4, 3, 2, 5, 1, 0, 7))
"""Colours of a router's experts."""
TRUTH = "#b3261e"
DASHES = ("-", "--", "-.", ":")
"""Curves differ in these too, so that colour alone tells nothing."""

VARIABLES: dict[str, str] = {
    INK: "--ink", SOFT: "--soft", LINE: "--line", PAPER: "--paper",
    **{colour: f"--c{number}" for number, colour in enumerate(SERIES, start=1)},
}  # fmt: skip
"""Colours of a drawing and the variables of the page's style that stand for them."""


def colour(place: int) -> str:
    """Colour of the system in a place of the table; after the last they begin again."""
    return SERIES[place % len(SERIES)]


def dash(place: int) -> str:
    """Dashes of a system's curve; systems of one colour differ in them."""
    return DASHES[(place + place // len(SERIES)) % len(DASHES)]


def short(text: str, most: int) -> str:
    """One line of at most so many letters, as a figure can show it."""
    found = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return found if len(found) <= most else f"{found[: most - 3]}..."


@contextmanager
def style() -> Iterator[None]:
    """Settings of all figures: system fonts, text as text, ids that do not change, no frames."""
    from matplotlib import rc_context

    settings = {
        "svg.fonttype": "none", "svg.hashsalt": "hawkeye", "font.family": "sans-serif", "font.size": 10.0,
        "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": SOFT, "xtick.color": SOFT, "ytick.color": SOFT,
        "axes.spines.top": False, "axes.spines.right": False, "grid.color": LINE, "legend.frameon": False,
        "text.parse_math": False, "figure.facecolor": "none", "savefig.facecolor": "none", "axes.facecolor": "none",
    }  # fmt: skip
    with rc_context(settings):  # type: ignore[arg-type]
        yield


def to_svg(figure: Figure) -> str:
    """The drawing as an ``<svg>`` element, without dates."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def for_page(svg: str, *, prefix: str) -> str:
    """The same element with the page's variables for colours, and ids that no other drawing of the page has.

    Args:
        svg: From :func:`to_svg`.
        prefix: Of its ids: letters and digits.
    """
    for value, variable in VARIABLES.items():
        svg = svg.replace(value, f"var({variable})")
    svg = re.sub(r'(\bid="|url\(#|href="#)', lambda found: f"{found[1]}{prefix}-", svg)
    return re.sub(r"font: ([^;\"]*?) 'DejaVu Sans'[^;\"]*", r"font: \1 inherit", svg)


def for_file(svg: str) -> str:
    """A file of its own: on white, since whoever opens it may have a dark window."""
    return '<?xml version="1.0" encoding="utf-8"?>\n' + svg.replace("<svg ", '<svg style="background:#ffffff" ', 1)
