"""Folders as rows of one table: seeds of a name are one row, all on the same videos, or an error says what differs."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from hawkeye_core.answers.segments import Segment
from hawkeye_core.errors import AnnotationError
from hawkeye_core.evaluation.folder import read_evaluation
from hawkeye_core.evaluation.metrics import Detection
from hawkeye_core.evaluation.protocol import VideoTruth
from hawkeye_core.evaluation.result import score_row
from hawkeye_core.evaluation.scored_run import detections_of
from hawkeye_core.evaluation.systems import make_study, truth_of

from .made_evaluations import VIDEOS, make_evaluation, near_truth


def changed(place: int, **values: object) -> tuple[VideoTruth, ...]:
    videos = list(VIDEOS)
    videos[place] = replace(videos[place], **values)  # type: ignore[arg-type]
    return tuple(videos)


def test_seeds_are_one_row_and_rows_stand_in_order(tmp_path: Path) -> None:
    made = [
        make_evaluation(tmp_path / "a", "plain", near_truth(2.0), kind="baseline", seed=None),
        make_evaluation(tmp_path / "b", "w/o ASG", near_truth(1.0), kind="ablation", seed=3),
        make_evaluation(tmp_path / "c", "Hawkeye", near_truth(0.5), seed=7),
        make_evaluation(tmp_path / "d", "Hawkeye", near_truth(0.0), seed=2),
    ]
    study = make_study([read_evaluation(folder) for folder in made], data="")
    assert [(one.name, one.kind) for one in study.systems] == [
        ("Hawkeye", "ours"), ("w/o ASG", "ablation"), ("plain", "baseline"),
        ("all positive", "trivial"), ("random 1 s clips", "trivial"), ("oracle 1 s clips", "trivial"),
    ]  # fmt: skip
    assert [run.seed for run in study.ours.runs] == [2, 7]
    assert study.ours.runs[0].row.f2 == 1.0
    assert study.ours.runs[0].auc == 1.0  # by its curve, which is exact to the second
    assert study.ours.runs[0].by_curve
    assert study.ours.runs[0].grounding.mean_iou == pytest.approx(1.0)
    assert study.ours.runs[1].grounding.mean_iou < 0.9
    assert study.anomalous == ("Abuse001", "Arson001", "Arson002")
    assert study.systems[2].seeds == frozenset()


def test_a_row_is_what_the_metrics_say(tmp_path: Path) -> None:
    folder = make_evaluation(tmp_path / "a", "x", near_truth(0.7), curves=False)
    run = make_study([read_evaluation(folder)], data="").ours.runs[0]
    assert run.row == score_row("x", run.detections, truth_of(VIDEOS))
    assert not run.by_curve
    assert 0.5 < run.auc < 1
    assert run.unparsed == 0
    assert run.seconds == 2.0


def test_the_order_of_videos_may_differ_and_changes_nothing(tmp_path: Path) -> None:
    first = make_evaluation(tmp_path / "a", "x", near_truth(0.7), scored=False)
    turned = make_evaluation(tmp_path / "b", "y", near_truth(0.7), scored=False, videos=VIDEOS[::-1], kind="baseline")
    study = make_study([read_evaluation(first), read_evaluation(turned)], data="")
    one, other = (study.systems[place].runs[0] for place in (0, 1))
    assert one.detections == other.detections
    assert replace(one.row, name="") == replace(other.row, name="")


def test_a_video_without_a_prediction_counts_as_missed(tmp_path: Path) -> None:
    said = near_truth()
    del said["Arson002"]
    run = make_study([read_evaluation(make_evaluation(tmp_path / "a", "x", said))], data="").ours.runs[0]
    assert run.row.fnr == pytest.approx(4 / 12)
    assert not run.by_curve  # one video has no curve, so none counts
    assert run.grounding.mean_iou == pytest.approx(2 / 3)


def test_untrained_parts_are_said_at_the_row(tmp_path: Path) -> None:
    marks = {"seconds_per_minute": None, "marks": ["untrained backbone"]}
    study = make_study([read_evaluation(make_evaluation(tmp_path / "a", "x", near_truth(), results=marks))], data="")
    assert study.ours.note == study.ours.runs[0].row.note == "UNTRAINED"
    assert math.isnan(study.ours.runs[0].seconds)


def test_segments_that_end_with_their_video_are_cut_to_it(tmp_path: Path) -> None:
    folder = make_evaluation(tmp_path / "a", "x", {"Normal002": [(5.0, 6.0 + 5e-7)]}, scored=False)
    assert detections_of(read_evaluation(folder)) == [Detection("Normal002", 5.0, 6.0, 1.0)]


@pytest.mark.parametrize(
    ("videos", "split", "said"),
    [
        (VIDEOS, "all", "its split is 'all', that of the latter 'test'"),
        (VIDEOS[1:], "test", "'Abuse001' is among the 5 videos of the latter and not among these 4"),
        ((*VIDEOS, VideoTruth("New", 3.0)), "test", "'New' is among these 6 videos"),
        (changed(3, duration_s=9.5), "test", "'Normal001' lasts 9.500 s here and 9.000 s there"),
        (changed(0, segments=(Segment(2.0, 6.5),)), "test", "[2.000-6.500] here and [2.000-6.000] there"),
        (changed(3, segments=(Segment(1.0, 2.0),)), "test", "[1.000-2.000] here and [] there"),
        (changed(3, category="Arrest"), "test", "category 'Arrest' here and '' there"),
    ],
)  # fmt: skip
def test_another_protocol_is_an_error_that_names_both_folders(
    tmp_path: Path, videos: tuple[VideoTruth, ...], split: str, said: str
) -> None:
    first = make_evaluation(tmp_path / "first", "x", near_truth())
    other = make_evaluation(tmp_path / "other", "y", near_truth(videos=videos), videos=videos, split=split)
    with pytest.raises(AnnotationError) as error:
        make_study([read_evaluation(first), read_evaluation(other)], data="")
    text = str(error.value)
    assert text.startswith(f"{other}: is of another protocol than {first}: ")
    assert said in text


def test_the_same_row_twice_is_an_error(tmp_path: Path) -> None:
    one = make_evaluation(tmp_path / "a", "x", near_truth(), seed=1)
    two = make_evaluation(tmp_path / "b", "x", near_truth(1.0), seed=1)
    with pytest.raises(AnnotationError, match=r"row 'x' with seed 1, as is .*a\n"):
        make_study([read_evaluation(one), read_evaluation(two)], data="")
    three = make_evaluation(tmp_path / "c", "x", near_truth(1.0), seed=2, kind="baseline")
    with pytest.raises(AnnotationError, match="calls 'x' 'baseline'"):
        make_study([read_evaluation(one), read_evaluation(three)], data="")
    with pytest.raises(AnnotationError, match="give --eval FOLDER"):
        make_study([], data="")
