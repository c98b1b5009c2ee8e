"""Contrast of the page's colours by WCAG 2.2, computed from the style sheet itself, light and dark."""

from __future__ import annotations

import re
from importlib import resources

import pytest

from hawkeye_core.report.drawing import EXPERTS, SERIES, VARIABLES

STYLE = (resources.files("hawkeye_core.report") / "templates" / "page.css.j2").read_text()
TEXT, GRAPHIC = 4.5, 3.0
SERIES_NAMES = [f"--c{number}" for number in range(1, 9)]
ON_TEXT = [
    ("--ink", "--paper"), ("--ink", "--panel"), ("--ink", "--tint"), ("--soft", "--paper"), ("--soft", "--panel"),
    ("--soft", "--tint"), ("--accent", "--paper"), ("--accent", "--panel"), ("--truth", "--paper"),
    ("--truth", "--tint"), *(("--paper", name) for name in ["--truth", "--ours", "--other", *SERIES_NAMES]),
]  # fmt: skip
"""Text and what it stands on."""


def palettes() -> dict[str, dict[str, str]]:
    light, dark = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    plain = dict(re.findall(r"(--[\w-]+): (#[0-9a-f]{6})", light))
    return {"light": plain, "dark": plain | dict(re.findall(r"(--[\w-]+): (#[0-9a-f]{6})", dark))}


def luminance(colour: str) -> float:
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_of_known_colours() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read(scheme: str) -> None:
    colours = palettes()[scheme]
    low = {pair: ratio for pair in ON_TEXT if (ratio := round(contrast(colours[pair[0]], colours[pair[1]]), 2)) < TEXT}
    assert not low


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_curves_and_bars_stand_out_from_their_lane(scheme: str) -> None:
    colours = palettes()[scheme]
    low = {name: r for name in SERIES_NAMES if (r := contrast(colours[name], colours["--panel"])) < GRAPHIC}
    assert not low


def test_figures_take_their_colours_from_the_page() -> None:
    light = palettes()["light"]
    assert {variable: colour for colour, variable in VARIABLES.items()}.items() <= light.items()
    assert [light[name] for name in SERIES_NAMES] == list(SERIES)
    experts = re.findall(r"\.e(\d) \{ fill: var\((--c\d)\)", STYLE)
    assert [light[name] for _, name in sorted(experts)] == list(EXPERTS)


def test_every_colour_of_the_style_is_a_variable() -> None:
    rest = re.sub(r":root \{.*?\}", "", STYLE, flags=re.DOTALL)
    assert set(re.findall(r"#[0-9a-fA-F]{3,8}\b", rest)) <= {"#fff"}  # pictures that were drawn on white
