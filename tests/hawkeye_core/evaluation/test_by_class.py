"""FNR by crime class against a literal loop over frames."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hawkeye_core.datasets.ucf_classes import TABLE_2
from hawkeye_core.errors import AnnotationError
from hawkeye_core.evaluation.by_class import pooled_counts, rows_by_class
from hawkeye_core.evaluation.metrics import Detection, false_negative_rate
from hawkeye_core.evaluation.result import Truth, score_row

ticks = st.integers(0, 24)
intervals = st.tuples(ticks, ticks).map(lambda p: (min(p) / 4, max(p) / 4))
NORMAL = "Testing_Normal_Videos_Anomaly"


@given(st.data())
def test_rows_equal_a_loop_over_frames(data: st.DataObject) -> None:
    names = [f"v{i}" for i in range(data.draw(st.integers(0, 6)))]
    labels = {
        name: data.draw(st.sampled_from(["Abuse", "RoadAccidents", "Stealing", NORMAL, "Normal"])) for name in names
    }
    truth = Truth(
        {name: data.draw(st.integers(0, 20)) / 4 for name in names},
        {name: [] if "Normal" in labels[name] else data.draw(st.lists(intervals, max_size=2)) for name in names},
    )
    found = [Detection(name, *data.draw(intervals), 0.5) for name in names for _ in range(data.draw(st.integers(0, 2)))]
    rows = rows_by_class(found, truth, labels)
    for row in rows:
        missed = positive = total = 0
        for name in names:
            if labels[name] != row.label:
                continue
            for k in range(round(truth.durations[name] * 8)):
                is_in = any(a <= k / 8 < b for a, b in truth.segments[name])
                said = any(d.start_s <= k / 8 < d.end_s for d in found if d.video == name)
                total, positive, missed = total + 1, positive + is_in, missed + (is_in and not said)
        assert row.videos == sum(label == row.label for label in labels.values())
        assert (row.counts.total, row.counts.positives, row.counts.false_negative) == (total, positive, missed)
        assert row.fnr == (missed / positive if positive else pytest.approx(math.nan, nan_ok=True))
    # Normal videos have nothing to miss: all classes together are the whole split.
    whole = score_row("x", found, truth).fnr
    assert false_negative_rate(pooled_counts(rows)) == pytest.approx(whole, nan_ok=True)


def test_rows_stand_in_the_order_of_table_2() -> None:
    rows = rows_by_class([], Truth({}, {}), {})
    assert tuple(row.heading for row in rows) == TABLE_2
    assert {row.heading: row.label for row in rows}["Accident"] == "RoadAccidents"
    assert all(row.videos == 0 and math.isnan(row.fnr) for row in rows)


def test_frames_are_pooled_not_videos_averaged() -> None:
    truth = Truth({"long": 10.0, "short": 10.0}, {"long": [(0.0, 9.0)], "short": [(0.0, 1.0)]})
    rows = rows_by_class([Detection("long", 0, 9, 1.0)], truth, {"long": "Arson", "short": "Arson"})
    assert next(row for row in rows if row.label == "Arson").fnr == 0.1  # The mean over videos would be 0.5.


def test_the_class_is_that_of_the_video_and_scores_do_not_matter() -> None:
    truth = Truth({"a": 4.0}, {"a": [(0.0, 2.0)]})
    for score in (0.0, 1.0):
        rows = rows_by_class(
            [Detection("a", 0, 1, score), Detection("a", 0, 1, score)], truth, {"a": "Abuse", "other": "?"}
        )
        assert rows[0].fnr == 0.5


def test_wrong_labels_are_refused() -> None:
    truth = Truth({"a": 4.0}, {"a": [(0.0, 2.0)]})
    for labels, message in (
        ({}, "a has no class"),
        ({"a": ""}, "is no anomalous class"),
        ({"a": "Accident"}, "'Accident' is no anomalous class"),
        ({"a": None}, "a has no class"),
        ({"a": NORMAL}, r"of the normal class .* 16 positive frames"),
    ):
        with pytest.raises(AnnotationError, match=message) as caught:
            rows_by_class([], truth, labels)
        assert caught.value.remedy
    with pytest.raises(ValueError, match="'z', which is no video"):
        rows_by_class([Detection("z", 0, 1, 1.0)], truth, {"a": "Abuse"})


anything = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), st.lists, max_leaves=3)


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from("ab"), anything))
def test_random_labels_raise_annotation_errors_only(labels: dict) -> None:
    with pytest.raises(AnnotationError):
        rows_by_class([], Truth({"a": 4.0}, {"a": [(0.0, 2.0)]}), labels)
