"""The dense head's probabilities, fitted on held-out frames: the line itself, and in a run."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hawkeye_core.training.calibration import HEAD, calibrated, fit_calibration


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def frames(scale: float, shift: float, *, count: int = 60_000) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of a head that is off by a line, and what happens."""
    rng = np.random.default_rng(0)
    true = rng.normal(-2.0, 1.5, count)
    return sigmoid((true - shift) / scale), rng.random(count) < sigmoid(true)


@pytest.mark.parametrize(("scale", "shift"), [(0.4, -0.5), (1.0, 0.0), (2.0, 1.0)])
def test_the_line_that_was_put_in_is_found(scale: float, shift: float) -> None:
    probabilities, truth = frames(scale, shift)
    found = fit_calibration(probabilities, truth)
    assert found is not None
    assert (found.scale, found.shift) == pytest.approx((scale, shift), abs=0.06)
    assert found.after <= found.before
    assert found.frames == len(truth)
    literal = -np.mean(np.where(truth, np.log(probabilities), np.log1p(-probabilities)))
    assert found.before == pytest.approx(literal, rel=1e-4)


def test_what_has_no_line_is_left_alone() -> None:
    p = np.array([0.1, 0.2, 0.8, 0.9])
    assert fit_calibration(p, [0, 0, 0, 0]) is None
    assert fit_calibration(p, [1, 1, 1, 1]) is None
    assert fit_calibration([], []) is None
    assert fit_calibration(p, [1, 1, 0, 0]) is None, "higher must not come to mean rarer"


def test_certainty_is_finite() -> None:
    found = fit_calibration([0.0, 1.0, 1.0, 0.0, 1.0, 0.0], [0, 1, 0, 1, 1, 0])
    assert found is not None
    assert all(map(np.isfinite, found))


def test_the_line_becomes_a_part_of_the_head() -> None:
    head = torch.nn.Linear(4, 1)
    h = torch.randn(9, 4)
    probabilities, truth = frames(0.5, -1.0, count=2000)
    found = fit_calibration(probabilities, truth)
    assert found is not None
    given = {f"{HEAD}weight": head.weight.detach(), f"{HEAD}bias": head.bias.detach(), "other": torch.ones(1)}
    kept = {name: value.clone() for name, value in given.items()}
    changed = calibrated(given, found)
    assert all(torch.equal(given[name], kept[name]) for name in kept)
    assert changed["other"] is given["other"]
    logits = torch.nn.functional.linear(h, changed[f"{HEAD}weight"], changed[f"{HEAD}bias"])
    torch.testing.assert_close(logits, found.scale * head(h) + found.shift)
