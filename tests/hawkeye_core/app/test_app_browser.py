"""The page in a real browser: a video in; segments, jumps, evidence, a conversation, files; nothing from outside."""

from __future__ import annotations

import csv
import io
import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from hawkeye_core.ground.hawkeye import Hawkeye

from ..ground.conftest import SEGMENT, GroundRun
from ..report.browser import CHROMIUM, REASON, browser
from .conftest import Served, served
from .page_driver import DONE, Visitor

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=REASON)
REAL = (Path(__file__).parents[4] / "shared/data/videos/vtest.avi").resolve()
NAME = "<img src=x onerror=alert(1)>{{value}}${1+1}.mp4"


@pytest.fixture(scope="module")
def page(hawkeye: Hawkeye, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(hawkeye, tmp_path_factory.mktemp("page"), max_mb=2) as found:
        yield found


@pytest.fixture(scope="module")
def visitor(page: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    with browser(tmp_path_factory.mktemp("browser")) as one:
        visitor = Visitor(one, page.url)
        visitor.open()
        yield visitor
        outside = [url for url in one.requests if urlsplit(url).hostname not in ("127.0.0.1", None)]
        assert len(one.requests) > 20
        assert outside == []  # no fonts, scripts, telemetry from anywhere else


def test_a_video_is_found_in_jumped_in_and_talked_about(
    visitor: Visitor, page: Served, ground_run: GroundRun, tmp_path: Path
) -> None:
    evil = tmp_path / NAME
    evil.write_bytes(ground_run.clip.read_bytes())
    visitor.send(evil)
    visitor.wait(DONE)
    assert visitor.words("#hk-status").startswith(f"1 segment found in {NAME} (2.5 s)")
    assert visitor.number("document.querySelectorAll('img[src=x]').length") == 0
    row = visitor.words("tr[data-segment]")
    assert all(text in row for text in ("0.5 – 1.5 s", SEGMENT["category"], SEGMENT["reason"]))
    visitor.wait("document.querySelector('video').readyState > 1")
    visitor.one.evaluate("document.querySelector('video').currentTime = 2")
    visitor.wait("document.querySelector('output').textContent === '2.0 s'")
    for click in ("tr[data-segment] td:nth-child(2)", ".hk-bars button"):
        visitor.click(click)
        visitor.wait("Math.abs(document.querySelector('video').currentTime - 0.5) < 0.05")
        visitor.one.evaluate("document.querySelector('video').currentTime = 2")
        visitor.wait("document.querySelector('output').textContent === '2.0 s'")
    visitor.one.evaluate("document.querySelector('.hk-curve').focus()")
    visitor.one.press("Home", 36)
    visitor.one.press("ArrowRight", 39)
    visitor.wait("Math.abs(document.querySelector('video').currentTime - 1) < 0.05")
    assert visitor.words(".hk-evidence:not([hidden])").startswith("What was seen, 0.5 to 1.5 s")
    assert visitor.number("document.querySelectorAll('.hk-stills img').length") > 0
    assert visitor.number("[...document.querySelectorAll('.hk-stills img')].filter(i => !i.naturalWidth).length") == 0
    assert "actions, here" in visitor.words(".hk-facts")

    visitor.ask("Who is there at 1 s?")
    visitor.wait("document.querySelectorAll('#hk-talk .message.bot, #hk-talk .bot.message').length >= 2")
    said = visitor.words("#hk-talk")
    assert "Who is there at 1 s?" in said
    assert "Analyze the following video" in said
    for width, dark in ((360, True), (1280, False), (360, False)):
        visitor.look(width=width, dark=dark)
        visitor.wait(f"document.documentElement.scrollWidth <= {width}")
    visitor.look(width=1280)
    assert visitor.one.complaints == []

    links = visitor.one.evaluate("[...document.querySelectorAll('.hk-files a')].map(a => a.href).join(' ')").split()
    texts = [urllib.request.urlopen(link).read().decode() for link in links]
    found = json.loads(texts[0])
    assert (found["video"], found["format"]) == (NAME, "hawkeye-ground")
    assert found["segments"][0]["start_s"] == SEGMENT["start"]
    assert next(csv.DictReader(io.StringIO(texts[1])))["category"] == SEGMENT["category"]
    assert "00:00:00,500 --> 00:00:01,500" in texts[2]
    assert str(page.root) not in "".join(texts)


def test_a_text_is_refused_in_words(visitor: Visitor, tmp_path: Path) -> None:
    letter = tmp_path / "holiday.mp4"
    letter.write_text("Dear Sir, this is no video. " * 100)
    visitor.send(letter)
    visitor.wait("!!document.querySelector('#hk-status .hk-notice.error')")
    said = visitor.words("#hk-status")
    assert "is not a video" in said
    assert "/" not in said.replace("IN -c:v libx264", "")
    large = tmp_path / "large.mp4"
    large.write_bytes(bytes(3_000_000))
    found = visitor.one.call("Runtime.evaluate", expression="document.querySelector('.hk-zone input')")
    visitor.one.call("DOM.setFileInputFiles", files=[str(large)], objectId=found["result"]["objectId"])
    visitor.wait("document.querySelector('.hk-sent').textContent.includes('larger than the 2 MB')")
    visitor.one.complaints.clear()  # the browser's own line about status 413


@pytest.mark.skipif(not REAL.exists(), reason="the shared real videos are not beside this checkout")
def test_a_real_video_that_browsers_do_not_play_is_shown_as_a_copy(visitor: Visitor, tmp_path: Path) -> None:
    part = tmp_path / "street.avi"
    part.write_bytes(REAL.read_bytes()[:150_000])  # MPEG-4 part 2, cut
    visitor.open()
    visitor.send(part)
    visitor.wait(DONE, seconds=150)
    assert "street.avi" in visitor.words("#hk-status")
    assert "partial" in visitor.words("#hk-status")
    visitor.wait("document.querySelector('video').readyState > 1")
    assert visitor.number("document.querySelector('video').duration") == pytest.approx(
        visitor.number("parseFloat(document.querySelector('.hk-stage').dataset.duration)"), abs=0.2
    )
    assert visitor.one.complaints == []
