"""Parts of Figure 5: which videos, where bars and curves stand, and pictures that fit their share of the page."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from hawkeye_core.answers.segments import Segment
from hawkeye_core.evaluation.folder import read_evaluation
from hawkeye_core.evaluation.protocol import VideoTruth
from hawkeye_core.evaluation.systems import Study, make_study
from hawkeye_core.report.choice import choose_videos
from hawkeye_core.report.lanes import BARS, bars, curve_svg, router_svg, ticks
from hawkeye_core.report.stills import BUDGET, share, still

from ..evaluation.made_evaluations import make_evaluation

ANOMALOUS = tuple(VideoTruth(f"a{k}", 10.0, "x", (Segment(0.0, 10.0, "x"),)) for k in range(5))
NORMAL = tuple(VideoTruth(f"n{k}", 10.0) for k in range(3))
SAID = {
    "a0": [(0.0, 4.0)], "a1": [(0.0, 9.0)], "a2": [], "a3": [(0.0, 6.0)], "a4": [(0.0, 1.0)],
    "n0": [(1.0, 2.0)], "n1": [(1.0, 5.0), (3.0, 6.0)], "n2": [],
}  # fmt: skip


@pytest.fixture
def study(tmp_path: Path) -> Study:
    folder = make_evaluation(tmp_path / "x", "x", SAID, videos=(*NORMAL, *ANOMALOUS))
    return make_study([read_evaluation(folder)], data="")


def test_best_median_worst_and_the_loudest_normal_video(study: Study) -> None:
    found = choose_videos(study, 4)
    assert [one.video for one in found] == ["a1", "a0", "a2", "n1"]
    assert found[0].why == "the best of 5 anomalous videos by mean IoU, 90.0 %"
    assert found[2].why.startswith("the worst of 5")
    assert found[3].why == "normal; 50.0 % of it called anomalous, number 1 of 3"  # overlapping segments count once


@pytest.mark.parametrize(
    ("count", "videos"),
    [
        (0, []),
        (1, ["a1"]),
        (2, ["a1", "n1"]),
        (8, ["a1", "a3", "a0", "a4", "a2", "n1", "n0", "n2"]),
        (30, ["a1", "a3", "a0", "a4", "a2", "n1", "n0", "n2"]),
    ],
)
def test_any_number_of_videos(study: Study, count: int, videos: list[str]) -> None:
    assert [one.video for one in choose_videos(study, count)] == videos


def test_bars_stand_where_their_seconds_are() -> None:
    one, two = bars([(Segment(3.0, 6.0, "arson", "a man"), 0.5), (Segment(11.99, 12.0), None)], 12.0)
    assert (one.left, one.width, one.text) == (25.0, 25.0, "arson 0.50")
    assert one.title == "3.0 to 6.0 s: arson 0.50, a man"
    assert two.width == 0.3  # still to be seen
    many = [(Segment(0.02 * k, 0.02 * k + 0.01), 0.1) for k in range(5000)]
    assert len(bars(many, 100.0)) == 1  # closer than a pixel
    apart = [(Segment(2.0 * k, 2.0 * k + 0.5), 0.1) for k in range(BARS + 20)]
    assert len(bars(apart, 2.0 * len(apart))) == len(apart)


@pytest.mark.parametrize("duration", [0.05, 0.7, 1.0, 12.3, 61.0, 3600.0, 90_000.0, 1e6])
def test_ticks_are_few_and_inside(duration: float) -> None:
    found = ticks(duration)
    assert 2 <= len(found) <= 9 or duration < 0.1
    assert all(0 <= place <= 100.001 for place, _ in found)


def test_a_curve_is_drawn_by_second() -> None:
    svg = curve_svg([("t1", np.array([0.0, 1.0, 0.5]))], 2.5)
    path = re.search(r'class="t1" d="([^"]*)"', svg)
    assert path is not None
    assert path[1] == "M0.0 100.0H400.0L400.0 0.0H800.0L800.0 50.0H1000.0"  # the last second is half of one


def test_a_long_curve_keeps_its_peaks() -> None:
    curve = np.zeros(10_000)
    curve[7777] = 1.0
    svg = curve_svg([("t1", curve)], 10_000.0)
    assert len(svg) < 12_000
    assert " 0.0H" in svg


def test_shares_of_experts_are_stacked() -> None:
    svg = router_svg(np.array([[0.25, 0.75], [1.0, 0.0]], np.float32), 2.0)
    first, second = re.findall(r'class="e\d" d="([^"]*)"', svg)
    assert first == "M0.0 100.0V75.0H500.0V100.0ZM500.0 100.0V0.0H1000.0V100.0Z"
    assert second == "M0.0 75.0V0.0H500.0V75.0ZM500.0 0.0V0.0H1000.0V0.0Z"


@pytest.mark.parametrize("pictures", [1, 30, 300, 1200])
def test_pictures_of_any_number_fit_the_page(pictures: int) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (540, 720, 3), np.uint8)  # nothing is harder to pack
    image = still(noise, width=400, room=share(pictures), alt="noise")
    assert image.source.startswith("data:image/webp;base64,")
    assert image.width / image.height == pytest.approx(720 / 540, rel=0.03)
    assert len(image.source) * pictures <= max(BUDGET, 1.2 * BUDGET * (pictures > 1000))


def test_a_tower_is_not_shown_at_full_height() -> None:
    image = still(np.zeros((4000, 100, 3), np.uint8), width=400, room=90_000, alt="tower")
    assert image.height <= 800
