"""The whole report: all files, the same bytes twice, hostile names, many videos, errors in words."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from hawkeye_core.answers.segments import Segment
from hawkeye_core.cli.app import app
from hawkeye_core.errors import AnnotationError, ConfigError, HawkeyeError
from hawkeye_core.evaluation.protocol import VideoTruth
from hawkeye_core.report import frames
from hawkeye_core.report.build import read_curves, read_studies, write_evaluation_report
from hawkeye_core.report.config import ReportSettings
from hawkeye_core.settings import load_settings

from ..evaluation.made_evaluations import VIDEOS, make_evaluation, near_truth
from ..tiny.drawn_store import write_world
from .browser import CHROMIUM, REASON, browser

EVIL = '<script>alert("x")</script>&amp;{{7*7}}'
HOSTILE: tuple[VideoTruth, ...] = (
    replace(VIDEOS[0], video="a<img src=x onerror=alert(1)>", segments=(Segment(2.0, 6.0, EVIL, EVIL + "w" * 900),)),
    replace(VIDEOS[1], video='"onload="x'),
    VideoTruth("c" * 200, 8.0),
)  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of two drawn videos, one video file of the right size, three evaluations of them, runs, a report."""
    folder = tmp_path_factory.mktemp("report")
    _, store = write_world(folder, {"first": "test", "second": "test"})
    videos = (VideoTruth("first", 6.0, "Assault", (Segment(1.0, 3.0, "assault", "a man hits a man"),)),
              VideoTruth("second", 6.0))  # fmt: skip
    for seed in (0, 1):
        said = {"first": [(1.0 + 0.2 * seed, 3.5)], "second": [(4.0, 5.0)]}
        make_evaluation(folder / f"ours-{seed}", "Hawkeye", said, videos=videos, seed=seed, router=True)
    make_evaluation(folder / "off", "scene: off", {"first": [(2.0, 3.0)]}, kind="baseline", videos=videos, curves=False)
    for name in ("run-0", "run-1"):
        (folder / name).mkdir()
        lines = [json.dumps({"step": s, "lm_loss": 3 * 0.9**s + 0.2}) for s in range(60)]
        (folder / name / "metrics.jsonl").write_text("\n".join(lines))
    write_clip(folder / "videos" / "first.mp4", size=drawn_size(store))
    write_evaluation_report(settings(folder, store=str(store), videos=str(folder / "videos")))
    return folder


def drawn_size(store: Path) -> tuple[int, int]:
    from feature_store.store import FeatureStore

    source = FeatureStore.open(store).source("first")
    return source.width, source.height


def write_clip(path: Path, *, size: tuple[int, int]) -> None:
    path.parent.mkdir()
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 8, size)
    for number in range(48):
        writer.write(np.full((size[1], size[0], 3), (40, 40, 4 * number), np.uint8))
    writer.release()


def settings(folder: Path, **values: object) -> ReportSettings:
    given = {
        "evaluations": tuple(str(folder / name) for name in ("ours-0", "ours-1", "off")),
        "runs": tuple(f"Hawkeye={folder / name}" for name in ("run-0", "run-1")),
        "out": str(folder / "out"), "draws": 100, "data": "drawn",
    }  # fmt: skip
    return ReportSettings.model_validate(given | values)


def test_without_runs_those_that_the_evaluations_name_are_shown(tmp_path: Path) -> None:
    mean_of_runs = tmp_path / "run-3"  # has no steps of its own
    mean_of_runs.mkdir()
    (mean_of_runs / "metrics.jsonl").write_text(
        '{"step": 0, "test_loss": 2.0}\n{"step": 6, "averaged": 2, "seconds": 1}\n'
    )
    for seed, there in ((0, True), (1, True), (2, False), (3, False)):
        run = tmp_path / f"run-{seed}"
        make_evaluation(tmp_path / f"ours-{seed}", "Hawkeye", near_truth(), seed=seed, run=str(run))
        if there:
            run.mkdir()
            lines = [json.dumps({"step": s, "lm_loss": 3 * 0.9**s + 0.2}) for s in range(60)]
            (run / "metrics.jsonl").write_text("\n".join(lines))
    asked = settings(tmp_path, evaluations=tuple(str(tmp_path / f"ours-{seed}") for seed in range(4)), runs=())
    (curve,) = read_curves(asked, read_studies(asked))
    assert (curve.curve.name, len(curve.curve.runs)) == ("Hawkeye", 2)


def test_what_random_weights_made_says_so_in_every_picture_and_list(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "metrics.jsonl").write_text("\n".join(json.dumps({"step": s, "lm_loss": 3 * 0.9**s}) for s in range(60)))
    results = {"seconds_per_minute": 2.0, "marks": ["untrained backbone"]}
    make_evaluation(tmp_path / "ours", "Hawkeye", near_truth(), run=str(run), results=results)
    asked = settings(tmp_path, evaluations=(str(tmp_path / "ours"),), runs=(), shown=1)
    write_evaluation_report(asked)
    report = (tmp_path / "out" / "report.html").read_text()
    names = re.findall(r">\s*(Hawkeye(?: \(UNTRAINED\))?)\s*<", report)
    assert names
    assert set(names) == {"Hawkeye (UNTRAINED)"}
    assert "Hawkeye (UNTRAINED)" in (tmp_path / "out" / "figure4.csv").read_text()


class Page(HTMLParser):
    """Tags, texts of cells and what a reader of a screen gets."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_all_files_are_there(world: Path) -> None:
    names = {path.name for path in (world / "out").iterdir()}
    tables = ("table1", "table1-paper", "table2", "measures", "comparisons", "comparisons-more", "inflections")
    assert names == {
        *(f"{table}.{end}" for table in tables for end in ("md", "tex", "csv")), "overview.svg", "figure4.svg",
        "figure4.csv", "figure5-first.png", "figure5-second.png", "report.html", "report.json",
    }  # fmt: skip
    numbers = json.loads((world / "out" / "report.json").read_text())
    assert set(numbers["files"]) == names
    ours = numbers["data"][0]["systems"][0]
    assert [run["seed"] for run in ours["runs"]] == [0, 1]
    assert ours["over seeds"]["F2"]["n"] == 2
    assert numbers["figure5"]["drawn"][0]["video"] == "first"


def test_the_same_inputs_give_the_same_bytes(world: Path) -> None:
    again = world / "again"
    again.mkdir()
    (again / "figure5-gone.png").write_bytes(b"of an earlier report")
    (again / "mine.txt").write_text("not the report's")
    (again / "report.json").write_text('{"files": ["figure5-gone.png", "mine.txt", "../x"]}')
    write_evaluation_report(settings(world, store=str(world / "store"), videos=str(world / "videos"), out=str(again)))
    names = {path.name for path in again.iterdir()}
    assert names - {path.name for path in (world / "out").iterdir()} == {"mine.txt"}
    for path in (world / "out").iterdir():
        assert (again / path.name).read_bytes() == path.read_bytes(), path.name


def test_the_page_says_in_words_what_it_shows(world: Path) -> None:
    html = (world / "out" / "report.html").read_text()
    page = Page(html)
    images = [attrs for tag, attrs in page.tags if tag == "img"]
    assert len(images) == 2 * (6 + 1)
    assert all(re.match(r"(first|second) at \d\.\d s: \d people, \d objects", str(image["alt"])) for image in images)
    assert all(str(image["src"]).startswith("data:image/webp") for image in images)
    heads = [attrs for tag, attrs in page.tags if tag == "th"]
    assert heads
    assert all(attrs.get("scope") in ("row", "col", "rowgroup", "colgroup") for attrs in heads)
    assert all(attrs.get("aria-label") for _, attrs in page.tags if attrs.get("role") in ("img", "region"))
    ids = [str(attrs["id"]) for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    for words in ("action, expert 1", "a man hits a man", "0.90", "Frames of the video with skeletons", "blank canvas"):
        assert words in page.text
    assert not re.search(r"(?:src|href)=\"(?!data:|#)", html)
    assert str(world) not in html


def test_a_still_shows_the_video_and_its_graph(world: Path) -> None:
    image = cv2.imread(str(world / "out" / "figure5-first.png"))
    assert image is not None
    reddest = image[..., 2].astype(int) - image[..., 1]
    assert (reddest > 100).sum() > 2000  # the last frames of the clip, and the bar of the truth


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    said = {video.video: [(1.0, 3.0)] for video in HOSTILE}
    make_evaluation(tmp_path / "a", EVIL, said, videos=HOSTILE, command=EVIL, router=True)
    make_evaluation(tmp_path / "b", "$x_1$ \\input{/etc/passwd}", said, kind="baseline", videos=HOSTILE)
    written = write_evaluation_report(
        ReportSettings(evaluations=(str(tmp_path / "a"), str(tmp_path / "b")), out=str(tmp_path / "out"), draws=100,
                       title=EVIL, data=EVIL[:40])
    )  # fmt: skip
    html = (tmp_path / "out" / "report.html").read_text()
    page = Page(html)
    assert "script" not in {tag for tag, _ in page.tags}
    assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)
    assert EVIL in page.text
    assert "{{7*7}}" in page.text  # not a template
    assert "No pictures (no feature store was given)." in page.text
    assert all(re.fullmatch(r"[\w.~-]+", name) for name in written.files)
    assert all((tmp_path / "out" / name).resolve().parent == (tmp_path / "out").resolve() for name in written.files)
    assert "\\input" not in (tmp_path / "out" / "table1.tex").read_text()


def test_a_page_of_many_videos_stays_below_the_limit(tmp_path: Path) -> None:
    videos = tuple(VideoTruth(f"v{k:03}", 200.0, "", (Segment(5.0, 9.0, "x", "y" * 300),)) for k in range(12))
    said = {video.video: [(5.0 + k, 7.0 + k), (20.0 + k, 22.0)] for k, video in enumerate(videos[:2])}
    said |= {video.video: [(5.0, 7.0)] for video in videos[2:]}
    for k in range(3):
        make_evaluation(tmp_path / f"e{k}", f"system {k}", said, videos=videos, kind="baseline", router=True)
    noise = np.random.default_rng(0).integers(0, 255, (270, 480, 3), np.uint8)  # nothing is harder to pack
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frames.FrameSource, "pictures", lambda self, video, times: frames.Pictures(
            tuple(frames.Picture(time, noise, "noise") for time in times), "made up"))  # fmt: skip
        patch.setattr("hawkeye_core.report.build.write_panel", lambda panel, path: path)
        write_evaluation_report(
            ReportSettings(evaluations=tuple(str(tmp_path / f"e{k}") for k in range(3)), out=str(tmp_path / "out"),
                           draws=100, shown=12, stills=2)
        )  # fmt: skip
        assert 2_000_000 < (tmp_path / "out" / "report.html").stat().st_size < 10_000_000
        patch.setattr("hawkeye_core.report.page.MAX_BYTES", 1_000_000)
        less = ReportSettings(evaluations=(str(tmp_path / "e0"),), out=str(tmp_path / "less"), draws=100, stills=2)
        write_evaluation_report(less)
    html = (tmp_path / "less" / "report.html").read_text()
    assert len(html) < 1_000_000
    assert re.search(r"here are [12] of 4 videos", html)


def test_the_command_line_says_what_is_wrong(world: Path) -> None:
    runner = CliRunner()
    helped = runner.invoke(app, ["report", "--help"], env={"COLUMNS": "140"})
    assert "hawkeye report" in re.sub(r"\x1b\[[0-9;]*m", "", helped.output)
    assert isinstance(runner.invoke(app, ["report"]).exception, ConfigError)
    small = world / "small"
    done = runner.invoke(app, ["report", "--eval", str(world / "off"), "-o", str(small), "shown=0", "draws=100"])
    assert done.exit_code == 0
    assert "scene: off" in done.output
    assert not list(small.glob("figure[45]*"))
    wrong = runner.invoke(app, ["report", "--eval", str(world / "videos")])
    assert isinstance(wrong.exception, AnnotationError)
    assert "protocol.json: no such file" in str(wrong.exception)


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["runs=[nameless]"], "is not NAME=FOLDER"),
        (["evaluations=[S-D=a, b]"], "in front of all evaluation folders, or of none"),
        (["data=S-D"], "in front of the folders"),
        (["shown=99"], "less than or equal"),
        (["colour=red"], "known keys"),
        (["title="], "at least 1 character"),
    ],
)
def test_wrong_settings_are_named(overrides: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        load_settings(ReportSettings, overrides=overrides)


def test_a_folder_without_videos_is_an_error(world: Path) -> None:
    with pytest.raises(HawkeyeError, match="holds no video file"):
        write_evaluation_report(settings(world, videos=str(world / "run-0"), out=str(world / "none")))


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason=REASON)
def test_a_browser_shows_it_in_light_dark_and_narrow(world: Path, tmp_path: Path) -> None:
    with browser(tmp_path) as one:
        shots = {}
        for name, width, dark in (("light", 1280, False), ("dark", 1280, True), ("narrow", 360, False)):
            one.open(world / "out" / "report.html", width=width, dark=dark)
            assert one.evaluate("document.documentElement.scrollWidth") == width
            assert one.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
            shots[name] = one.picture(whole=True)
        one.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert one.evaluate("document.documentElement.scrollWidth") == 360
        one.evaluate("window.scrollTo(0, 0)")
        one.press("Tab", 9)
        assert one.evaluate("document.activeElement.className") == "skip"
        assert one.evaluate("document.activeElement.getBoundingClientRect().left") >= 0  # the link is seen when reached
        one.press("Tab", 9)
        assert one.evaluate("document.activeElement.hash") == "#s1"
        assert one.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        assert not one.complaints
        assert {url.split(":")[0] for url in one.requests} <= {"file", "data"}
    assert shots["light"].mean() > 200
    assert shots["dark"].mean() < 80
    assert all(len(np.unique(shot.reshape(-1, 3)[::50], axis=0)) > 200 for shot in shots.values())
