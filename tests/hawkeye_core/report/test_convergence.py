"""Loss curves: smoothing against a literal loop, inflection points of curves whose answer is known."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from hawkeye_core.errors import HawkeyeError
from hawkeye_core.report.convergence import CUT, inflection, read_curve, smoothed
from hawkeye_core.report.figure4 import converge, convergence_csv, describe, draw_convergence


def metrics(folder: Path, losses: dict[int, float], *, key: str = "lm_loss") -> Path:
    folder.mkdir(parents=True)
    lines = [json.dumps({"step": step, key: loss}) for step, loss in losses.items()]
    (folder / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def test_two_straight_lines_bend_where_they_meet() -> None:
    steps = np.arange(101.0)
    losses = np.where(steps <= 20, 5 - 0.2 * steps, 1 - (steps - 20) * 0.5 / 80)
    found = inflection(steps, losses)
    assert (found.step, found.loss, found.final) == (20.0, 1.0, 0.5)
    assert found.depth == pytest.approx((5 - 4.5 * 0.2 - 1) / 4.5)


@pytest.mark.parametrize("tau", [15.0, 60.0, 200.0])
def test_an_exponential_bends_where_its_slope_is_that_of_the_line(tau: float) -> None:
    length = 600.0
    steps = np.arange(length + 1)
    known = tau * math.log(length / (tau * (1 - math.exp(-length / tau))))
    assert abs(inflection(steps, np.exp(-steps / tau)).step - known) <= 0.5
    found = inflection(steps, smoothed(steps, np.exp(-steps / tau), width=0.01))
    assert abs(found.step - known) <= 6  # one standard deviation of the smoothing
    noisy = np.exp(-steps / tau) + np.random.default_rng(0).normal(0, 0.03, len(steps))
    assert abs(inflection(steps, smoothed(steps, noisy, width=0.02)).step - known) <= 0.05 * length


def test_stretching_an_axis_moves_nothing() -> None:
    steps = np.arange(200.0)
    losses = np.exp(-steps / 30)
    plain = inflection(steps, losses)
    other = inflection(10 * steps + 3, 7 * losses + 2)
    assert other.step == 10 * plain.step + 3
    assert other.depth == pytest.approx(plain.depth)


@pytest.mark.parametrize("losses", [np.ones(50), np.linspace(3, 1, 50), 3 - np.linspace(0, 1, 50) ** 2])
def test_a_curve_that_does_not_turn_flat_has_no_inflection_point(losses: np.ndarray) -> None:
    found = inflection(np.arange(50.0), losses)
    assert math.isnan(found.step)
    assert math.isnan(found.loss)
    assert found.final == losses[-1]


def test_smoothing_equals_a_literal_loop_and_keeps_constants() -> None:
    generator = np.random.default_rng(1)
    steps = np.cumsum(generator.integers(1, 4, 60)).astype(float)  # steps may be missing
    values = generator.normal(size=(2, 60))
    deviation = 0.05 * (steps[-1] - steps[0])
    slow = np.empty_like(values)
    for run in range(2):
        for i, here in enumerate(steps):
            weights = [
                math.exp(-0.5 * ((there - here) / deviation) ** 2) * (abs(there - here) <= CUT * deviation)
                for there in steps
            ]
            slow[run, i] = sum(w * v for w, v in zip(weights, values[run], strict=True)) / sum(weights)
    np.testing.assert_allclose(smoothed(steps, values, width=0.05), slow, atol=1e-12)
    np.testing.assert_allclose(smoothed(steps, np.full(60, 2.5), width=0.05), 2.5)


def test_runs_of_a_name_share_their_steps(tmp_path: Path) -> None:
    one = metrics(tmp_path / "a", {step: 5.0 - step for step in range(5)})
    (one / "metrics.jsonl").open("a").write('{"step": 5, "test_loss": 9}\n\n{"step": 1, "lm_loss": 8.0}\n')
    two = metrics(tmp_path / "b", {step: 6.0 - step for step in range(1, 9)})
    curve = read_curve("x", [one, two], key="lm_loss")
    assert curve.steps.tolist() == [1, 2, 3, 4]
    assert curve.runs.tolist() == [[8, 3, 2, 1], [5, 4, 3, 2]]  # of a step logged twice the last
    assert curve.mean.tolist() == [6.5, 3.5, 2.5, 1.5]
    with pytest.raises(HawkeyeError, match=r"share 2 steps with 'lm_loss'"):
        read_curve("x", [one, metrics(tmp_path / "c", {3: 1.0, 4: 1.0, 7: 1.0})], key="lm_loss")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "holds no 'lm_loss'"),
        ("{", "cannot be read"),
        ("[1]", "is no object"),
        ('{"step": 1, "lm_loss": NaN}', "no finite number"),
        ('{"step": 1, "lm_loss": "low"}', "no finite number"),
        ('{"step": "1", "lm_loss": 1}', "no finite number"),
        ('{"lm_loss": 1}', "no finite number"),
    ],
)
def test_damaged_metrics_are_an_error_that_names_them(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "metrics.jsonl").write_text(content)
    with pytest.raises(HawkeyeError, match=r"metrics\.jsonl.*: ") as error:
        read_curve("x", [tmp_path], key="lm_loss")
    assert said in str(error.value)
    with pytest.raises(HawkeyeError, match=r"(?s)has no metrics.*--run NAME=FOLDER"):
        read_curve("x", [tmp_path / "none"], key="lm_loss")


def test_figure_4_has_a_band_and_a_ring_and_says_so(tmp_path: Path) -> None:
    runs = [metrics(tmp_path / str(k), {s: 3 * math.exp(-s / 20) + 0.5 + 0.1 * k for s in range(120)}) for k in (0, 1)]
    found = converge(read_curve("a & <b> $x$", runs, key="lm_loss"), width=0.02)
    np.testing.assert_allclose(found.mean, smoothed(found.curve.steps, found.curve.mean, width=0.02))
    np.testing.assert_allclose(found.spread, 0.1 / math.sqrt(2), atol=1e-9)
    svg = draw_convergence([found], label="loss")
    assert svg == draw_convergence([found], label="loss")
    assert "a &amp; &lt;b&gt; $x$ (2 seeds)" in svg
    assert "FillBetweenPolyCollection" in svg
    assert f"bending at step {found.point.step:.0f}" in describe([found], label="loss")
    lines = convergence_csv([found]).splitlines()
    assert lines[0] == "name,step,runs,mean,smoothed,std"
    assert len(lines) == 121
