from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hawkeye_core.pose.munkres import assign


def tied_costs(seed: int) -> np.ndarray:
    """Costs as tag grouping makes them: rounded distances times 100, less a score, which often tie."""
    draw = np.random.RandomState(seed)
    candidates, people = draw.randint(1, 9), draw.randint(1, 9)
    tag, known = draw.uniform(-10, 10, (candidates, 1)), draw.uniform(-10, 10, (1, people))
    cost = 100 * np.rint(np.abs(tag - known)) - draw.uniform(0.1, 1, (candidates, 1))
    return np.pad(cost, ((0, 0), (0, max(0, candidates - people))), constant_values=1e10)


def test_ties_fall_as_in_the_original_solver(reference):
    cases = reference("munkres_ties.json")["cases"]
    assert len(cases) == 300
    for seed, shape, columns in cases:
        cost = tied_costs(seed)
        assert list(cost.shape) == shape
        assert assign(cost) == list(enumerate(columns)), f"seed {seed}"


@settings(deadline=None, max_examples=150)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 10**6), st.booleans())
def test_total_cost_is_the_least_of_all_assignments(rows, columns, seed, integers):
    draw = np.random.default_rng(seed)
    cost = draw.integers(-3, 4, (rows, columns)).astype(float) if integers else draw.normal(size=(rows, columns))
    pairs = assign(cost)
    tall = cost if rows <= columns else cost.T
    least = min(
        sum(tall[i, j] for i, j in enumerate(p)) for p in itertools.permutations(range(tall.shape[1]), len(tall))
    )
    assert len(pairs) == min(rows, columns)
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
    assert sum(cost[pair] for pair in pairs) == pytest.approx(least, abs=1e-9)


def test_large_problem_costs_what_scipy_finds():
    from scipy.optimize import linear_sum_assignment

    cost = np.random.default_rng(0).normal(size=(70, 90))  # more columns than a machine word has bits
    i, j = linear_sum_assignment(cost)
    assert sum(cost[pair] for pair in assign(cost)) == pytest.approx(cost[i, j].sum())


def test_argument_is_left_alone():
    cost = tied_costs(3)
    before = cost.copy()
    assign(cost)
    np.testing.assert_array_equal(cost, before)


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0)])
def test_nothing_to_assign(shape):
    assert assign(np.zeros(shape)) == []


def test_bad_costs_are_refused():
    with pytest.raises(ValueError, match="finite"):
        assign(np.array([[1.0, np.nan]]))
    with pytest.raises(ValueError, match="matrix"):
        assign(np.zeros(3))
