"""Files of results: what stands in them, and how they are named; the overlay's pictures."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from hawkeye_core.ground.outputs import output_names, write_outputs
from hawkeye_core.ground.outputs_text import COLUMNS, csv_text, json_text, srt_text, vtt_text
from hawkeye_core.ground.overlay import drawn_frames, fitted, write_overlay
from hawkeye_core.ground.overlay_panel import BAR, CURVE, EDGE, HEIGHT, LINE, Panel
from hawkeye_core.ground.records import (
    Evidence,
    GroundedSegment,
    GroundedVideo,
    HeldTriplet,
    ModelNote,
    MovedJoint,
    MovedPerson,
    RouterShare,
    WindowText,
)
from hawkeye_core.ground.words import clock, routed, seen
from hawkeye_core.visual.palette import STRIP, WARNING

EVIDENCE = Evidence(
    (61.5, 62.0),
    (MovedPerson((0.1, 0.2, 0.3, 0.4), 0.9, 61.0, 63.5, (MovedJoint("right_wrist", 0.391), MovedJoint("nose", 0.1))),),
    (HeldTriplet("man", "holding", "phone", 0.8, 0.625, 61.0, 63.0),),
    RouterShare((0.4, 0.6), (0.39, 0.61), (), ()),
    0.75,
)
FOUND = GroundedVideo(
    "cams/a.mp4", "a", "0" * 64, 3661.5, 8.0, "partial", "cut", (
        GroundedSegment(61.0, 63.5, "theft", 'takes "it" <b> & runs --> off\n\nfast', 0.71, EVIDENCE),
        GroundedSegment(3600.0, 3661.5, "", "", 0.5),
    ), (0.1, 1 / 3), (WindowText("From ...", "repaired", 0.0, 64.0),), ModelNote("Hawkeye", "run", ("x",), "nothing"),
    {"extracting": 1.23},
)  # fmt: skip


def test_json_has_everything_but_the_wall_times_and_round_numbers() -> None:
    found = json.loads(json_text(FOUND))
    assert (found["format"], found["version"]) == ("hawkeye-ground", 1)
    assert "seconds" not in found
    assert found["curve"] == [0.1, 0.333333]
    assert found["segments"][0]["evidence"]["people"][0]["joints"][0] == {"joint": "right_wrist", "speed": 0.391}
    assert found["segments"][1]["evidence"] == {
        "frames": [], "people": [], "triplets": [], "router": None, "peak": None
    }  # fmt: skip
    assert json_text(replace(FOUND, seconds={"extracting": 9.9})) == json_text(FOUND)


def test_csv_is_a_row_a_segment() -> None:
    rows = list(csv.DictReader(io.StringIO(csv_text(FOUND))))
    assert tuple(rows[0]) == COLUMNS
    assert [row["start_s"] for row in rows] == ["61", "3600"]
    assert rows[0]["reason"] == FOUND.segments[0].reason
    assert rows[0]["moved"] == "right wrist 0.39, nose 0.10 frame heights a second"
    assert rows[0]["held"] == "man holding phone (62 % of the time)"
    assert (rows[0]["peak"], rows[1]["peak"]) == ("0.7500", "")
    assert [row["untrained"] for row in rows] == ["x", "x"]


def test_of_a_trained_model_nothing_is_said_but_in_the_note() -> None:
    trained = replace(FOUND, model=replace(FOUND.model, marks=(), good_for="drawn --> scenes\n\nonly"))
    assert {row["untrained"] for row in csv.DictReader(io.StringIO(csv_text(trained)))} == {""}
    assert "(x)" not in srt_text(trained) + vtt_text(trained)
    assert vtt_text(trained).split("\n\n")[1] == "NOTE Hawkeye: drawn -> scenes only"


def test_subtitles_are_cues_without_empty_lines() -> None:
    srt = srt_text(FOUND)
    first, second = srt.split("\n\n")
    assert first.splitlines()[:3] == [
        "1", "00:01:01,000 --> 00:01:03,500", "theft (0.71)",
    ]  # fmt: skip
    assert first.splitlines()[3] == 'takes "it" <b> & runs -> off fast'
    title = "an implicit anomalous sentiment (0.50)"
    assert second.splitlines() == ["2", "01:00:00,000 --> 01:01:01,500", title, "(x)"]
    vtt = vtt_text(FOUND)
    assert vtt.startswith("WEBVTT\n\nNOTE Hawkeye: x\n\n00:01:01.000 --> 00:01:03.500\ntheft (0.71)\n")
    assert 'takes "it" &lt;b&gt; &amp; runs -&gt; off fast' in vtt
    empty = vtt_text(replace(FOUND, segments=()))
    assert (srt_text(replace(FOUND, segments=())), empty) == ("", "WEBVTT\n\nNOTE Hawkeye: x\n")


def test_words() -> None:
    assert routed(EVIDENCE) == "experts 40/60 on actions, 39/61 on objects"
    assert seen(Evidence()) == routed(Evidence()) == ""
    assert [clock(s) for s in (0, 59.9996, 3599.9994, 360000)] == [
        "00:00:00.000", "00:01:00.000", "00:59:59.999", "100:00:00.000",
    ]  # fmt: skip


def test_names_are_stems_and_never_meet() -> None:
    assert output_names(["a/x.mp4", "b/X.avi", "c/x-2.mp4", "d/../e.mkv"]) == ["x", "X-2", "x-2-2", "e"]


def test_only_the_files_asked_for_are_written(tmp_path: Path) -> None:
    assert write_outputs(FOUND, tmp_path / "new", "a", ["vtt", "json"]) == [
        tmp_path / "new" / "a.json", tmp_path / "new" / "a.vtt",
    ]  # fmt: skip
    assert len(list((tmp_path / "new").iterdir())) == 2


def test_the_strip_shows_segments_curve_and_now() -> None:
    video = replace(FOUND, duration_s=10.0, segments=(GroundedSegment(2, 4, "theft", "why", 0.7, EVIDENCE),),
                    curve=(0.0,) * 5 + (1.0,) * 5, model=replace(FOUND.model, marks=()))  # fmt: skip
    panel = Panel(video, width=200 + 2 * EDGE + 1)
    image = panel.at(8.0)
    column = lambda seconds: EDGE + round(20 * seconds)  # noqa: E731
    middle = (BAR[0] + BAR[1]) // 2
    assert tuple(image[middle, column(3)]) == WARNING
    assert tuple(image[middle, column(6)]) == STRIP
    assert tuple(image[CURVE[1], column(2.5)]) == LINE
    assert tuple(image[CURVE[0], column(7)]) == LINE
    assert image[CURVE[0] + 10, column(8)].min() > 200
    assert panel.now(1.9) is None
    assert panel.now(2.0) == video.segments[0]
    assert (panel.at(3.0)[CURVE[1] + 5 :] != panel.at(8.0)[CURVE[1] + 5 :]).any()
    untrained = Panel(replace(video, model=FOUND.model), width=225).at(8.0)
    assert tuple(untrained[CURVE[0], column(9)]) == WARNING


def test_an_overlay_has_a_drawn_picture_for_every_frame(hawkeye, clip, tmp_path: Path) -> None:
    path = clip(tmp_path / "walk.mp4", frames=12, fps=10, seed=2)
    handle = hawkeye.extract(path)
    found = hawkeye.ground(handle)
    counted = []
    written = write_overlay(found, handle, tmp_path / "o.mp4", progress=lambda *at: counted.append(at))
    capture = cv2.VideoCapture(str(written))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == handle.n_frames == len(counted) == 10
    assert capture.get(cv2.CAP_PROP_FPS) == handle.fps == 8.0
    assert counted[-1] == (10, 10)
    images = list(drawn_frames(found, handle))
    plain = cv2.resize(cv2.cvtColor(cv2.VideoCapture(str(path)).read()[1], cv2.COLOR_BGR2RGB), images[0].shape[1::-1])
    top = images[0][:-HEIGHT]
    assert (np.abs(top.astype(int) - plain[: len(top)].astype(int)) > 60).mean() > 0.01
    assert {image.shape for image in images} == {(256 + HEIGHT, 384, 3)}


def test_pictures_are_made_smaller_to_fit() -> None:
    assert fitted(7680, 4320) == 1 / 6
    assert fitted(1080, 1920) == 2 / 3
    assert fitted(96, 64) == 1
    assert fitted(12800, 100) == 0.1
