"""Comparisons of systems: against scipy by hand, against literal versions, and where nothing can be tested."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hawkeye_core.evaluation.bootstrap import draw_videos
from hawkeye_core.evaluation.metrics import Detection
from hawkeye_core.evaluation.per_video import drawn_metrics
from hawkeye_core.evaluation.result import Truth
from hawkeye_core.evaluation.significance import (
    Comparison,
    bootstrap_test,
    correct,
    holm,
    mark,
    statement,
    summarise,
    t_test,
)

NAMES = ("Hawkeye", "w/o ASG")
P_VALUES = st.lists(st.floats(0, 1), max_size=9)


def over_seeds(first: list[float], second: list[float]) -> Comparison:
    return t_test(dict(enumerate(first)), dict(enumerate(second)), names=NAMES, metric="F2", unit="seeds")


# Summaries


def test_summary_of_three_seeds_by_hand() -> None:
    found = summarise([0.30, 0.34, 0.38])
    assert (found.n, found.mean, found.std) == (3, pytest.approx(0.34), pytest.approx(0.04))
    # t(0.975, 2) = 4.30265, standard error 0.04 / sqrt(3).
    assert found.t_high - found.mean == pytest.approx(4.30265 * 0.04 / math.sqrt(3), rel=1e-5)
    assert found.mean - found.t_low == pytest.approx(found.t_high - found.mean)
    assert 0.299 < found.boot_low < found.mean < found.boot_high < 0.381
    assert found == summarise([0.30, 0.34, 0.38])


def test_summary_of_one_seed_has_no_spread() -> None:
    found = summarise([0.3])
    assert (found.n, found.mean) == (1, 0.3)
    assert all(map(math.isnan, (found.std, found.t_low, found.t_high, found.boot_low, found.boot_high)))


def test_summary_of_equal_values_has_no_width() -> None:
    found = summarise([0.1] * 3)  # whose sum is not 0.3
    assert (found.std, found.t_low, found.t_high, found.boot_low, found.boot_high) == (0.0, 0.1, 0.1, 0.1, 0.1)


@pytest.mark.parametrize("values", [[], [math.nan], [0.1, math.inf]])
def test_summary_refuses(values: list[float]) -> None:
    with pytest.raises(ValueError, match=r"no values|not finite"):
        summarise(values)


# t-tests


def test_t_test_equals_the_textbook() -> None:
    first, second = [0.42, 0.45, 0.41, 0.47], [0.40, 0.41, 0.40, 0.42]
    found = over_seeds(first, second)
    apart = np.subtract(first, second)
    error = apart.std(ddof=1) / 2
    t = apart.mean() / error
    # Student's t with 3 degrees of freedom has this distribution function in closed form.
    x = t / math.sqrt(3)
    p = 2 * (0.5 - (math.atan(x) + x / (1 + x * x)) / math.pi)
    assert found.p == pytest.approx(p)
    assert found.difference == pytest.approx(0.03)
    assert found.high - found.difference == pytest.approx(3.18245 * error, rel=1e-5)  # t(0.975, 3)
    assert (found.n, found.note, found.test) == (4, "", "t-test over seeds")
    assert over_seeds(second, first).p == pytest.approx(found.p)


def test_pairs_follow_their_keys_not_their_order() -> None:
    first, second = {"a": 0.1, "b": 0.5, "c": 0.9}, {"c": 0.8, "a": 0.05, "b": 0.3}
    found = t_test(first, second, names=NAMES, metric="F2", unit="videos")
    again = t_test(first, dict(sorted(second.items())), names=NAMES, metric="F2", unit="videos")
    assert found == again
    assert found.difference == pytest.approx(0.35 / 3)


def test_one_seed_is_no_test() -> None:
    found = over_seeds([0.4], [0.3])
    assert math.isnan(found.p)
    assert found.difference == pytest.approx(0.1)
    assert found.note == "no test: 1 seed, at least 2 needed"
    assert correct([found])[0].mark == ""


def test_all_equal_pairs_have_p_1() -> None:
    found = over_seeds([0.4, 0.3, 0.5], [0.4, 0.3, 0.5])
    assert (found.difference, found.p, found.note) == (0.0, 1.0, "all pairs are equal")


def test_the_same_difference_everywhere_is_no_test() -> None:
    # 0.1 + 0.2 - 0.2 and the like differ by rounding alone: scipy would give p = 0 or nearly.
    found = over_seeds([0.4, 0.3, 0.8], [0.3, 0.2, 0.7])
    assert math.isnan(found.p)
    assert found.difference == pytest.approx(0.1)
    assert "the same in every pair" in found.note


def test_undefined_videos_are_left_out_and_counted() -> None:
    first = {"a": 0.1, "b": math.nan, "c": 0.4, "d": 0.3}
    second = {"a": 0.2, "b": 0.5, "c": 0.3, "d": 0.1}
    found = t_test(first, second, names=NAMES, metric="FNR", unit="videos")
    assert (found.n, found.note) == (3, "1 of 4 videos left out: the metric is undefined there")
    none = t_test({"a": math.nan}, {"a": 0.3}, names=NAMES, metric="FNR", unit="videos")
    assert (none.n, math.isnan(none.difference), math.isnan(none.p)) == (0, True, True)
    assert none.note.startswith("no test: 0 videos")


def test_unpaired_or_infinite_values_are_refused() -> None:
    with pytest.raises(ValueError, match="Hawkeye has seeds 0, 1, w/o ASG has 0"):
        over_seeds([0.1, 0.2], [0.1])
    with pytest.raises(ValueError, match="none"):
        over_seeds([], [])
    with pytest.raises(ValueError, match="not finite"):
        over_seeds([0.1, math.inf], [0.1, 0.2])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=8))
def test_any_values_give_a_p_or_a_reason(pairs: list[tuple[float, float]]) -> None:
    found = over_seeds([a for a, _ in pairs], [b for _, b in pairs])
    assert 0 <= found.p <= 1 if not math.isnan(found.p) else found.note.startswith("no test")
    if not math.isnan(found.p):
        assert found.low <= found.difference <= found.high


# Bootstrap


def made_up() -> tuple[Truth, list[Detection], list[Detection]]:
    """Twelve videos; the first system finds all of the truth, the second half of it."""
    names = [f"v{index}" for index in range(12)]
    truth = Truth(dict.fromkeys(names, 20.0), {name: [(4.0, 12.0)] for name in names})
    whole = [Detection(name, 4.0, 12.0, 0.9) for name in names]
    half = [Detection(name, 4.0, 8.0 + index % 3, 0.5) for index, name in enumerate(names)]
    return truth, whole, half


def test_bootstrap_finds_a_clear_difference_in_either_direction() -> None:
    truth, whole, half = made_up()
    counts = draw_videos(12, seed=1, draws=999)
    first, second = (drawn_metrics(system, truth, counts).fnr for system in (whole, half))
    ahead = bootstrap_test([first], [second, second], names=NAMES, metric="FNR", videos=12)
    behind = bootstrap_test([second], [first], names=NAMES, metric="FNR", videos=12)
    assert ahead.p == behind.p == pytest.approx(2 / 1000)
    assert ahead.difference == pytest.approx(-behind.difference)
    assert ahead.low <= ahead.difference <= ahead.high < 0 < behind.low
    assert correct([ahead])[0].mark == "**"


def test_bootstrap_of_seeds_takes_their_mean() -> None:
    rng = np.random.default_rng(0)
    one, two, other = rng.random((3, 101))
    found = bootstrap_test([one, two], [other], names=NAMES, metric="F2", videos=9)
    assert found.difference == pytest.approx((one[0] + two[0]) / 2 - other[0])
    assert found == bootstrap_test([(one + two) / 2], [other], names=NAMES, metric="F2", videos=9)


def test_bootstrap_of_equal_systems_and_of_one_video() -> None:
    values = np.random.default_rng(0).random(101)
    assert bootstrap_test([values], [values], names=NAMES, metric="F2", videos=9).p == 1.0
    one = bootstrap_test([values], [values + 0.1], names=NAMES, metric="F2", videos=1)
    assert math.isnan(one.p)
    assert one.note == "no test: 1 video, at least 2 needed"


def test_bootstrap_refuses_other_draws() -> None:
    with pytest.raises(ValueError, match="same draws"):
        bootstrap_test([np.zeros(11)], [np.zeros(12)], names=NAMES, metric="F2", videos=3)
    with pytest.raises(ValueError, match="same draws"):
        bootstrap_test([], [np.zeros(12)], names=NAMES, metric="F2", videos=3)


# Holm's correction


def literal_holm(p: list[float], level: Fraction) -> list[bool]:
    """The procedure of 1979 as it is told: smallest first, stop at the first that is not below level / (M - k)."""
    rejected = [False] * len(p)
    for k, index in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        if Fraction(p[index]) > level / (len(p) - k):
            break
        rejected[index] = True
    return rejected


@given(P_VALUES, st.fractions(Fraction(1, 1000), Fraction(1, 2)))
def test_holm_rejects_what_the_literal_procedure_does(p: list[float], level: Fraction) -> None:
    # Where an adjusted p hits the level to the last bit, only the literal one (in fractions) is exact.
    adjusted = holm(p)
    assert all(
        (value <= float(level)) == rejected or math.isclose(value, float(level))
        for value, rejected in zip(adjusted, literal_holm(p, level), strict=True)
    )


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


@given(P_VALUES)
def test_holm_lies_between_the_plain_p_and_bonferroni_s_and_keeps_the_order(p: list[float]) -> None:
    adjusted = holm(p)
    assert all(a <= b <= min(1.0, a * len(p)) for a, b in zip(p, adjusted, strict=True))
    by_plain = [adjusted[i] for i in sorted(range(len(p)), key=lambda i: p[i])]
    assert by_plain == sorted(by_plain)


def test_what_was_not_tested_does_not_count() -> None:
    adjusted = holm([0.02, math.nan, 0.03])
    assert math.isnan(adjusted[1])
    assert [adjusted[0], adjusted[2]] == pytest.approx([0.04, 0.04])
    with pytest.raises(ValueError, match=r"0\.\.1"):
        holm([1.5])


def test_marks_are_the_paper_s_bounds_and_strict() -> None:
    assert [mark(p) for p in (0.0, 0.00999, 0.01, 0.0499, 0.05, 1.0, math.nan)] == ["**", "**", "*", "*", "", "", ""]


def test_a_family_loses_marks_by_its_size() -> None:
    one = Comparison(*NAMES, "F2", "t-test over seeds", 5, 0.1, p=0.008)
    assert one.mark == ""  # not corrected yet
    assert correct([one])[0].mark == "**"
    assert [item.mark for item in correct([one] * 3)] == ["*"] * 3
    assert [item.mark for item in correct([one] * 9)] == [""] * 9


def test_the_statement_names_tests_correction_and_what_is_missing() -> None:
    tested = over_seeds([0.42, 0.45, 0.41], [0.40, 0.41, 0.40])
    alone = over_seeds([0.4], [0.3])
    text = statement(correct([tested, tested, alone]))
    assert "** p < 0.01, * p < 0.05" in text
    assert "paired t-test over seeds (n = 3)" in text
    assert "Holm's correction over 2 comparisons" in text
    assert "Not tested: 1" in text
    assert "1 seed" in text
    assert statement([alone]).startswith("No significance test: no test: 1 seed")
    assert statement([]) == "No significance test: nothing was compared."
