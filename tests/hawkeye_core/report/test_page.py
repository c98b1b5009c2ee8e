"""The page: what it holds, what it escapes, and how it looks in a real browser."""

from __future__ import annotations

import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from hawkeye_core.errors import HawkeyeError
from hawkeye_core.report import page
from hawkeye_core.report.curves import loss_curves, read_losses, smooth
from hawkeye_core.report.page import (
    Bar,
    FigureBlock,
    Report,
    Section,
    Still,
    TableBlock,
    TimelineBlock,
    Track,
    data_uri,
    render,
    write_report,
)

CHROMIUM = shutil.which("chromium")


@pytest.fixture
def report() -> Report:
    picture = np.full((48, 64, 3), (200, 30, 30), np.uint8)
    timeline = TimelineBlock(
        title="clip <one>", text="A man & a car.", duration_s=12.0,
        stills=[Still(t, data_uri(picture), f"frame at {t} s") for t in (0.0, 3.0, 6.0)],
        tracks=[
            Track("truth", "truth", [Bar(3.0, 6.0, "assault")]),
            Track("Hawkeye", "ours", [Bar(2.5, 6.0, "assault"), Bar(9.0, 9.5, "<script>alert(1)</script>")]),
            Track("scene: off", "other", []),
        ],
    )  # fmt: skip
    table = TableBlock("IasDig", ["", "F2"], [["Hawkeye", "71.0"], ["all positive", "52.0"]], "290 videos", (0,))
    figure = FigureBlock("Figure 4", loss_curves({"a": [3.0, 2.0, 1.0], "b": [3.0, 2.5, 2.0]}), "Loss of two runs.")
    return Report(
        "A report", "What it is.", [Section("Results", ["Text."], [table, figure, timeline])], "made by a test"
    )


class _Checker(HTMLParser):
    """Collects tags and addresses, and checks that tags close."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.images_without_alt = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.addresses += [value for name in ("src", "href") if (value := values.get(name))]
        self.images_without_alt += tag == "img" and not values.get("alt")
        if tag not in ("meta", "img", "link", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value for name, value in attrs if name in ("src", "href") and value]

    def handle_endtag(self, tag: str) -> None:
        assert self.open, tag
        assert self.open.pop() == tag


def test_the_page_is_whole_and_needs_no_network(report: Report) -> None:
    html = render(report)
    checker = _Checker()
    checker.feed(html)
    assert not checker.open
    assert not checker.images_without_alt
    assert all(address.startswith(("data:", "#")) for address in checker.addresses)
    assert "url(http" not in html
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "clip &lt;one&gt;" in html


def test_a_bar_stands_where_its_seconds_are(report: Report) -> None:
    assert 'class="bar truth" style="left:25.00%;width:25.00%"' in render(report)


def test_a_page_too_large_is_refused(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "MAX_BYTES", 1000)
    with pytest.raises(HawkeyeError, match="fewer videos or smaller pictures"):
        render(report)


def test_the_same_report_gives_the_same_bytes(report: Report, tmp_path: Path) -> None:
    first, second = (write_report(report, tmp_path / name).read_bytes() for name in ("a.html", "b.html"))
    assert first == second


def test_the_average_equals_the_weighted_sum() -> None:
    values = [3.0, 1.0, 2.0]
    weights = np.array([0.9**2, 0.9, 1.0])
    assert smooth(values)[-1] == pytest.approx(float((weights * values).sum() / weights.sum()))


def test_losses_are_those_of_the_steps_only(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text(
        '{"step": 0, "lm_loss": 2.0}\n{"step": 1, "test_loss": 9}\n{"lm_loss": 1.5}\n'
    )
    assert read_losses(tmp_path) == [2.0, 1.5]
    with pytest.raises(HawkeyeError, match=r"(?s)has no metrics.*train first"):
        read_losses(tmp_path / "none")


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (apt-get install chromium)")
def test_a_browser_shows_it(report: Report, tmp_path: Path) -> None:
    path, shot = write_report(report, tmp_path / "page.html"), tmp_path / "page.png"
    subprocess.run(
        [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
         f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1100,1200", f"--screenshot={shot}", path.as_uri()],
        check=True, timeout=120, capture_output=True,
    )  # fmt: skip
    image = cv2.imread(str(shot))
    assert image.shape[:2] == (1200, 1100)
    red = (image[..., 2] > 180) & (image[..., 1] < 60) & (image[..., 0] < 60)
    assert red.sum() > 10_000  # the pictures, and the bar of the truth
