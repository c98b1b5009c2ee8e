"""mIoU and R@1, of one segment and of sets, against counting on a fine grid."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hawkeye_core.evaluation.grounding import score_moments, score_sets, union_iou
from hawkeye_core.evaluation.metrics import Interval, temporal_iou

ticks = st.integers(-4, 40)
intervals = st.tuples(ticks, ticks).map(lambda p: (min(p) / 4, max(p) / 4))


def literal_iou(first: list[Interval], second: list[Interval]) -> float:
    """All times are quarters of a second: count those quarters."""
    sets = [{k for a, b in side for k in range(round(4 * a), round(4 * b))} for side in (first, second)]
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1]) if sets[0] | sets[1] else math.nan


@given(st.lists(intervals, max_size=5), st.lists(intervals, max_size=5))
def test_the_iou_of_unions_equals_counting(first: list[Interval], second: list[Interval]) -> None:
    iou = union_iou(first, second)
    assert iou == pytest.approx(literal_iou(first, second), abs=1e-12, nan_ok=True)
    assert iou == pytest.approx(union_iou(second, first), abs=1e-12, nan_ok=True)
    assert iou == pytest.approx(union_iou([*first[::-1], *first], second), abs=1e-12, nan_ok=True)
    assert math.isnan(iou) or 0 <= iou <= 1


times = st.floats(0, 1e6)


@given(st.tuples(times, times).map(sorted).map(tuple), st.tuples(times, times).map(sorted).map(tuple))
def test_one_segment_each_is_the_plain_iou(first: Interval, second: Interval) -> None:
    iou = union_iou([first], [second])
    if math.isnan(iou):
        assert temporal_iou(first, second) == 0.0
    else:
        assert iou == pytest.approx(temporal_iou(first, second), abs=1e-12)
        assert iou <= 1.0


@given(
    st.dictionaries(st.sampled_from("abcd"), intervals),
    st.dictionaries(st.sampled_from("abcd"), st.none() | intervals),
)
def test_moments_equal_a_loop(truths: dict[str, Interval], predicted: dict[str, Interval | None]) -> None:
    predicted = {query: answer for query, answer in predicted.items() if query in truths}
    score = score_moments(truths, predicted)
    ious = []
    for query, truth in truths.items():
        answer = predicted.get(query)
        iou = literal_iou([truth], [answer]) if answer is not None else 0.0
        ious.append(0.0 if math.isnan(iou) else iou)
    assert (score.queries, score.undefined) == (len(truths), 0)
    assert score.unanswered == sum(predicted.get(query) is None for query in truths)
    if truths:
        assert score.mean_iou == pytest.approx(sum(ious) / len(ious))
        assert score.recall_at_1 == {f"{m}": sum(i >= m for i in ious) / len(ious) for m in (0.3, 0.5, 0.7)}
    else:
        assert math.isnan(score.mean_iou)
        assert all(math.isnan(value) for value in score.recall_at_1.values())


def test_an_iou_of_just_the_threshold_counts() -> None:
    truths = {"a": (0.0, 10.0), "b": (0.0, 10.0), "c": (0.0, 10.0), "d": (0.0, 10.0)}
    predicted = {"a": (0.0, 3.0), "b": (0.0, 5.0), "c": (0.0, 7.0)}
    score = score_moments(truths, predicted)
    assert score.recall_at_1 == {"0.3": 0.75, "0.5": 0.5, "0.7": 0.25}
    assert score.mean_iou == pytest.approx(0.375)
    assert score.unanswered == 1


def test_edge_cases_of_moments() -> None:
    # Apart, touching, without length: 0, where TALL's code goes below 0.
    for answer in ((4.0, 5.0), (2.0, 3.0), (1.0, 1.0)):
        assert score_moments({"q": (0.0, 2.0)}, {"q": answer}).mean_iou == 0.0
    assert score_moments({"q": (1.0, 1.0)}, {"q": (1.0, 1.0)}).mean_iou == 0.0
    assert score_moments({"q": (0.0, 2.0)}, {"q": (0.0, 2.0)}, tious=[1.0]).recall_at_1 == {"1": 1.0}


def test_sets_merge_duplicates_and_splits() -> None:
    truths = {"a": [(0.0, 4.0), (6.0, 8.0)]}
    for answer in (
        [(0.0, 4.0), (6.0, 8.0)],
        [(6.0, 8.0), (0.0, 3.0), (2.0, 4.0)],
        [(0, 2), (2, 4), (6, 7), (7, 8), (6, 8)],
    ):
        assert score_sets(truths, {"a": answer}).mean_iou == 1.0
    assert score_sets(truths, {"a": [(0.0, 8.0)]}).mean_iou == 0.75


def test_sets_where_nothing_is_to_be_found() -> None:
    truths = {"normal": [], "other": [], "anomalous": [(0.0, 2.0)]}
    silent = score_sets(truths, {})
    assert (silent.queries, silent.undefined, silent.unanswered, silent.mean_iou) == (1, 2, 1, 0.0)
    alarmed = score_sets(truths, {"normal": [(0.0, 1.0)], "anomalous": [(0.0, 2.0)]})
    assert (alarmed.queries, alarmed.undefined, alarmed.unanswered, alarmed.mean_iou) == (2, 1, 0, 0.5)
    assert alarmed.recall_at_1["0.7"] == 0.5
    assert math.isnan(score_sets({"normal": []}, {}).mean_iou)


def test_wrong_input_is_refused() -> None:
    with pytest.raises(ValueError, match="1 unknown queries, such as 'z'"):
        score_moments({"a": (0.0, 1.0)}, {"z": (0.0, 1.0)})
    with pytest.raises(ValueError, match="1 unknown queries"):
        score_sets({"a": []}, {"z": []})
    for wrong in ((2.0, 1.0), (math.nan, 1.0), (0.0, math.inf), (-1e10, 0.0)):
        for truth, answer in ((wrong, (0.0, 1.0)), ((0.0, 1.0), wrong)):
            with pytest.raises(ValueError, match=r"q: .* must be times within"):
                score_moments({"q": truth}, {"q": answer})
            with pytest.raises(ValueError, match=r"q: .* must be times within"):
                score_sets({"q": [truth]}, {"q": [answer]})


@settings(max_examples=60)
@example((-1.7e308, 1.7e308), (0.0, 1.0))
@given(st.tuples(st.floats(), st.floats()), st.tuples(st.floats(), st.floats()))
def test_hostile_numbers_give_a_score_or_a_value_error(truth: Interval, answer: Interval) -> None:
    for score in (
        lambda: score_moments({"q": truth}, {"q": answer}).mean_iou,
        lambda: score_sets({"q": [truth, truth]}, {"q": [answer, (0.0, 1.0)]}).mean_iou,
    ):
        try:
            value = score()
        except ValueError:
            continue
        assert 0 <= value <= 1
