"""mAP over all orders of equal scores: the exact form against every order, the draws against the exact form."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hawkeye_core.evaluation import ties
from hawkeye_core.evaluation.metrics import Detection, Interval, average_precision, mean_average_precision
from hawkeye_core.evaluation.ties import expected_area, fixed_hits, order_free_map, tied_groups

ticks = st.integers(0, 16)
intervals = st.tuples(ticks, ticks).filter(lambda p: p[0] < p[1]).map(lambda p: (p[0] / 4, p[1] / 4))
videos = st.sampled_from("abcdef")
truth_sets = st.dictionaries(videos, st.lists(intervals, max_size=3), min_size=1)
detections = st.lists(
    st.builds(lambda v, i, s: Detection(v, *i, s), videos, intervals, st.sampled_from([0.9, 0.5, 0.1])), max_size=6
)


def all_orders(found: Sequence[Detection]) -> Iterator[list[Detection]]:
    """Every ranking that falling scores allow."""
    groups = [[found[i] for i in group] for group in tied_groups(found)]
    for orders in product(*(permutations(group) for group in groups)):
        yield list(chain.from_iterable(orders))


def literal_mean(truths: Mapping[str, Sequence[Interval]], found: Sequence[Detection], tiou: float) -> float:
    return float(np.mean([average_precision(truths, order, tiou=tiou) for order in all_orders(found)]))


@settings(max_examples=150, deadline=None)
@given(truth_sets, detections, st.sampled_from([0.1, 0.3, 0.6]))
def test_the_exact_form_equals_the_mean_over_every_order(
    truths: dict[str, list[Interval]], found: list[Detection], tiou: float
) -> None:
    result = order_free_map(truths, found, seed=0, orders=3, tious=[tiou])
    exact = result.exact[f"{tiou:g}"]
    if exact is not None:
        assert exact == pytest.approx(literal_mean(truths, found, tiou), abs=1e-12, nan_ok=True)
    assert result.given == mean_average_precision(truths, found, tious=[tiou]) or math.isnan(result.given["mean"])


@settings(deadline=None)
@given(truth_sets, detections, st.sampled_from([0.1, 0.3, 0.6]))
def test_fixed_hits_are_the_same_in_every_order(
    truths: dict[str, list[Interval]], found: list[Detection], tiou: float
) -> None:
    fixed = fixed_hits(truths, found, tiou=tiou)
    for order in all_orders(list(found)) if fixed is not None and len(set(found)) == len(found) else ():
        hits = ties.match_detections(truths, order, tiou=tiou)
        assert dict(zip(order, hits.tolist(), strict=True)) == dict(zip(found, fixed.tolist(), strict=True))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)).map(lambda p: (max(p), min(p))), max_size=3))
def test_groups_of_hits_and_misses_equal_every_order(groups: list[tuple[int, int]]) -> None:
    """With hits and misses set down by hand, more of them than matching allows to try."""
    total = sum(k for _, k in groups) + 1
    choices = [sorted(set(permutations([True] * k + [False] * (n - k)))) for n, k in groups]
    areas = []
    for order in product(*choices):  # Distinct arrangements of a group are equally likely.
        hits = list(chain.from_iterable(order))
        precisions = [sum(hits[: i + 1]) / (i + 1) for i in range(len(hits))]
        areas.append(sum(max(precisions[i:]) for i, hit in enumerate(hits) if hit) / total)
    assert expected_area(groups, total) == pytest.approx(np.mean(areas), abs=1e-12)


def test_one_hit_among_n_is_a_harmonic_sum() -> None:
    # At rank r its precision is 1 / r, so that the mean is (1 + 1/2 + ... + 1/n) / n.
    for n in (1, 2, 7, 100):
        expected = sum(1 / r for r in range(1, n + 1)) / n
        assert expected_area([(n, 1)], 1) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("groups", [[(300, 12)], [(40, 10), (1, 1), (60, 30)], [(25, 25), (10, 0), (3, 2)]])
def test_the_exact_form_equals_many_drawn_orders(groups: list[tuple[int, int]]) -> None:
    generator = np.random.default_rng(1)
    total = sum(k for _, k in groups)
    areas = []
    for _ in range(4000):
        hits = np.concatenate([generator.permutation(np.arange(n) < k) for n, k in groups])
        precisions = np.cumsum(hits) / np.arange(1, len(hits) + 1)
        areas.append(sum(np.maximum.accumulate(precisions[::-1])[::-1][hits]) / total)
    error = np.std(areas) / math.sqrt(len(areas))
    assert expected_area(groups, total) == pytest.approx(np.mean(areas), abs=5 * error + 1e-12)


def test_without_ties_every_order_is_the_given_one() -> None:
    truths = {"a": [(0.0, 2.0)], "b": [(1.0, 3.0)]}
    found = [Detection("a", 0, 2, 0.1), Detection("b", 5, 6, 0.9), Detection("b", 1, 3, 0.5)]
    result = order_free_map(truths, found, seed=0, orders=5)
    assert result.tied == 0
    for key, value in result.given.items():
        assert set(result.drawn[key].tolist()) == {value}
        assert result.exact[key] == pytest.approx(value, abs=1e-12)


def test_equal_scores_no_longer_favour_who_comes_first() -> None:
    truths = {"a": [(0.0, 2.0)], "b": []}
    right, wrong = Detection("a", 0, 2, 1.0), Detection("b", 0, 2, 1.0)
    first, last = (order_free_map(truths, found, seed=0) for found in ([right, wrong], [wrong, right]))
    assert (first.given["mean"], last.given["mean"]) == (1.0, 0.5)
    assert first.exact == last.exact == dict.fromkeys(("0.1", "0.2", "0.3", "mean"), 0.75)
    assert first.best == last.best == first.exact
    assert first.tied == 2
    assert (first.low["0.1"], first.high["0.1"]) == (0.5, 1.0)
    assert first.mean["0.1"] == pytest.approx(0.75, abs=0.05)


def test_detections_that_compete_leave_draws_only() -> None:
    # Who is first takes (0, 4); only if that is the second, both find something.
    truths = {"a": [(0.0, 4.0), (4.0, 6.0)]}
    found = [Detection("a", 0.0, 6.0, 1.0), Detection("a", 0.0, 4.0, 1.0)]
    result = order_free_map(truths, found, seed=0, tious=[0.3, 0.9])
    assert fixed_hits(truths, found, tiou=0.3) is None
    assert result.exact["0.3"] is None is result.exact["mean"]
    assert sorted(set(result.drawn["0.3"].tolist())) == [0.5, 1.0]
    assert result.mean["0.3"] == pytest.approx(literal_mean(truths, found, 0.3), abs=0.03)
    assert result.best["0.3"] == result.mean["0.3"]
    # At 0.9 one of them is out of reach: no competition.
    assert result.best["0.9"] == result.exact["0.9"] == pytest.approx(literal_mean(truths, found, 0.9), abs=1e-12)


def test_a_truth_taken_by_a_higher_score_is_out_of_reach() -> None:
    truths = {"a": [(0.0, 4.0)]}
    found = [Detection("a", 0, 4, 0.9), Detection("a", 0, 4, 0.5), Detection("a", 0, 4, 0.5)]
    hits = fixed_hits(truths, found, tiou=0.5)
    assert hits is not None
    assert hits.tolist() == [True, False, False]


def test_edge_cases() -> None:
    none = order_free_map({"a": []}, [Detection("a", 0, 1, 1.0)], seed=0, orders=2)
    assert all(math.isnan(value) for values in (none.given, none.mean, none.best) for value in values.values())
    silent = order_free_map({"a": [(0.0, 1.0)]}, [], seed=0, orders=2)
    assert set(silent.best.values()) == set(silent.mean.values()) == {0.0}
    assert expected_area([], 3) == 0.0
    assert expected_area([(5, 5)], 5) == 1.0
    for kwargs in ({"orders": 0}, {"tious": []}, {"tious": [0.0]}, {"tious": [math.nan]}):
        with pytest.raises(ValueError, match="at least one order"):
            order_free_map({"a": []}, [], seed=0, **kwargs)
    with pytest.raises(ValueError, match="a: a score is not a number"):
        order_free_map({"a": []}, [Detection("a", 0, 1, math.nan)], seed=0)


def test_draws_repeat_with_their_seed() -> None:
    truths = {name: [(0.0, 1.0)] if name in "ace" else [] for name in "abcdefgh"}
    found = [Detection(name, 0, 1, 1.0) for name in truths]
    one, same, other = (order_free_map(truths, found, seed=s, orders=20).drawn["mean"].tolist() for s in (3, 3, 4))
    assert one == same != other


def test_too_large_groups_are_left_to_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    assert expected_area([(50, 20)], 20) is not None
    monkeypatch.setattr(ties, "MAX_STEPS", 1000)
    assert expected_area([(50, 20)], 20) is None


def test_chunks_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = expected_area([(30, 10), (20, 5)], 15)
    monkeypatch.setattr(ties, "CHUNK", 7)
    assert expected_area([(30, 10), (20, 5)], 15) == pytest.approx(whole, abs=1e-15)
