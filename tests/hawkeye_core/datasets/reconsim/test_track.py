"""Tracks: motions in turn, on a path, facing the right way."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hawkeye_core.datasets.reconsim.body import BODY_PARENT, JOINT
from hawkeye_core.datasets.reconsim.motions import Motion, draw_motion
from hawkeye_core.datasets.reconsim.track import FADE_S, Step, Track, heading
from hawkeye_core.errors import ConfigError


def draw(name: str, seed: int = 0, *, height: float = 1.7, style: str | None = None) -> Motion:
    return draw_motion(name, np.random.default_rng(seed), height_m=height, style=style, left=False)


def fixed(angle: float) -> float:
    return (angle + math.pi) % (2 * math.pi) - math.pi


@pytest.mark.parametrize(("end", "angle"), [((0, 1), 0.0), ((-1, 0), math.pi / 2), ((1, 0), -math.pi / 2)])
def test_headings_are_counter_clockwise_from_north(end: tuple[float, float], angle: float) -> None:
    assert heading((0.0, 0.0), end) == pytest.approx(angle)


def test_one_step_on_the_spot_is_the_motion_turned_and_moved() -> None:
    motion = draw("hit")
    times = np.linspace(0.0, 2.0, 9)
    yaw, (x, y) = 0.7, (2.0, -1.0)
    world = Track([Step(1.0, motion, (x, y), facing=yaw)]).body(times + 1.0)
    for own, found in zip(motion.body(times), world, strict=True):
        for a, b in zip(own, found, strict=True):
            want = (
                a[0] * math.cos(yaw) - a[1] * math.sin(yaw) + x,
                a[0] * math.sin(yaw) + a[1] * math.cos(yaw) + y,
                a[2],
            )
            np.testing.assert_allclose(b, want, atol=1e-5)


def test_one_moment_is_the_same_as_many() -> None:
    track = Track([Step(0.0, draw("walk"), (-3.0, 0.0), (0.0, 0.0)), Step(2.5, draw("hit"), (0.0, 0.0), facing=1.0)])
    times = np.arange(40) / 8
    together = track.body(times)
    assert together.shape == (40, 22, 3)
    for i in (0, 19, 20, 21, 39):
        np.testing.assert_allclose(track.body(times[i : i + 1])[0], together[i], atol=1e-6)
    assert track.body(np.zeros(0)).shape == (0, 22, 3)


def test_the_path_is_walked_at_its_own_speed_facing_along_it() -> None:
    track = Track([Step(0.0, draw("walk"), (0.0, 0.0), (3.0, 0.0), until_s=3.0), Step(4.0, draw("stand"), (3.0, 0.0))])
    times = np.array([0.0, 1.0, 3.0, 3.5, 6.0])
    np.testing.assert_allclose(track.position(times), [[0, 0], [1, 0], [3, 0], [3, 0], [3, 0]], atol=1e-9)
    assert np.allclose([fixed(a) for a in track.facing(times)], -math.pi / 2)
    body = track.body(np.array([1.0]))[0]
    ahead = body[:, 0].mean()
    assert ahead == pytest.approx(1.0, abs=0.2)
    assert body[JOINT["left_shoulder"], 1] > body[JOINT["right_shoulder"], 1]  # eastwards, the left is to the north


def test_who_drags_looks_away_from_where_it_goes() -> None:
    track = Track([Step(0.0, draw("drag"), (0.0, 0.0), (0.0, -2.0))])
    assert fixed(float(track.facing(np.array([0.5]))[0])) == pytest.approx(0.0)
    assert track.position(np.array([1.0]))[0, 1] < -0.3


def test_feet_do_not_slide_at_a_speed_that_is_not_the_motions() -> None:
    motion = draw("walk", style="normal")
    for speed in (0.6, 1.0, 1.5):
        track = Track([Step(0.0, motion, (0.0, 0.0), (0.0, 4.0), until_s=4.0 / speed)])
        step = 0.01
        body = track.body(np.arange(0.0, 4.0 / speed, step))
        foot = body[:, JOINT["right_foot"]]
        planted = (foot[:-1, 2] < 0.04) & (foot[1:, 2] < 0.04)
        slide = np.linalg.norm(np.diff(foot[:, :2], axis=0), axis=-1)[planted] / step
        assert np.median(slide) < 0.12 * speed


def test_motions_pass_into_one_another_without_a_jump() -> None:
    steps = [
        Step(0.0, draw("walk"), (-2.0, 0.0), (0.0, 0.0)),
        Step(1.7, draw("punch"), (0.0, 0.0), facing=2.0),
        Step(3.1, draw("pick_up"), (0.0, 0.0), facing=-2.0),
        Step(4.3, draw("run"), (0.0, 0.0), (3.0, 3.0)),
    ]
    track = Track(steps)
    body = track.body(np.arange(0.0, 6.0, 0.01))
    assert np.linalg.norm(np.diff(body, axis=0), axis=-1).max() < 0.2
    for joint, parent in enumerate(BODY_PARENT):
        if parent >= 0:
            length = np.linalg.norm(body[:, joint] - body[:, parent], axis=-1)
            np.testing.assert_allclose(length, steps[0].motion.skeleton.bone(joint), rtol=1e-3)
    assert body[..., 2].min() >= -1e-6


def test_after_the_fade_only_the_new_motion_is_seen() -> None:
    wave = draw("wave")
    alone = Track([Step(1.0, wave, (0.0, 0.0))])
    after = Track([Step(0.0, draw("sit"), (0.0, 0.0)), Step(1.0, wave, (0.0, 0.0))])
    times = 1.0 + FADE_S + np.linspace(0.0, 2.0, 9)
    np.testing.assert_allclose(after.body(times), alone.body(times), atol=1e-6)
    assert np.abs(after.body(np.array([1.01])) - alone.body(np.array([1.01]))).max() > 0.1


def test_turns_go_the_short_way() -> None:
    stand = draw("stand")
    track = Track([Step(0.0, stand, (0.0, 0.0), facing=3.0), Step(1.0, stand, (0.0, 0.0), facing=-3.0)])
    angles = track.facing(np.linspace(0.0, 3.0, 61))
    assert np.ptp(angles) == pytest.approx(2 * math.pi - 6.0, abs=1e-6)
    assert fixed(float(angles[-1])) == pytest.approx(-3.0)


def test_a_motion_object_in_two_steps_goes_on() -> None:
    walk = draw("walk")
    once = Track([Step(0.0, walk, (0.0, 0.0), (0.0, 4.0), until_s=4.0)])
    twice = Track([Step(0.0, walk, (0.0, 0.0), (0.0, 2.0)), Step(2.0, walk, (0.0, 2.0), (0.0, 4.0), until_s=4.0)])
    times = np.array([0.5, 1.9, 2.5, 3.5])
    np.testing.assert_allclose(twice.body(times), once.body(times), atol=1e-4)


def test_small_gaps_are_bridged_and_large_ones_refused() -> None:
    stand = draw("stand")
    track = Track([Step(0.0, stand, (0.0, 0.0)), Step(1.0, stand, (0.5, 0.0))])
    x = track.position(np.array([0.9, 1.0 + FADE_S / 2, 1.0 + FADE_S]))[:, 0]
    np.testing.assert_allclose(x, [0.0, 0.25, 0.5])
    with pytest.raises(ConfigError, match="begins at"):
        Track([Step(0.0, stand, (0.0, 0.0)), Step(1.0, stand, (5.0, 0.0))])


def test_tracks_that_make_no_sense_are_refused() -> None:
    stand = draw("stand")
    with pytest.raises(ConfigError, match="without steps"):
        Track([])
    with pytest.raises(ConfigError, match="start_s"):
        Track([Step(1.0, stand, (0.0, 0.0)), Step(1.0, stand, (0.0, 0.0))])
    with pytest.raises(ConfigError, match="until_s"):
        Track([Step(1.0, stand, (0.0, 0.0), (1.0, 0.0), until_s=0.5)])
    with pytest.raises(ConfigError, match="heights"):
        Track([Step(0.0, stand, (0.0, 0.0)), Step(1.0, draw("stand", height=1.2), (0.0, 0.0))])
