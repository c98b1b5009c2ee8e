"""The motion library: every motion of every style moves like a person, differs by seed and acts where it says."""

from __future__ import annotations

import numpy as np
import pytest

from hawkeye_core.datasets.reconsim.body import BODY_PARENT, JOINT, skeleton
from hawkeye_core.datasets.reconsim.curves import Key, keyframes
from hawkeye_core.datasets.reconsim.motions import MOTIONS, Motion, draw_motion
from hawkeye_core.datasets.reconsim.posing import CHANNELS, REST_VALUES
from hawkeye_core.errors import ConfigError

ASKED = """stand talk wave sit sit_down stand_up walk run carry pick_up put_down reach hand_over push hit punch kick
fall lie get_up crouch aim smash drag grab hide climb light cower stagger drive ride""".split()
EVERY = [(name, style) for name, kind in MOTIONS.items() for style in kind.styles + kind.on_request]
OFF_THE_GROUND = {"climb", "drive", "ride", "run"}


def draw(
    name: str, seed: int = 0, *, height: float = 1.7, style: str | None = None, left: bool | None = None
) -> Motion:
    return draw_motion(name, np.random.default_rng(seed), height_m=height, style=style, left=left)


def whole(motion: Motion, *, fps: float = 25.0) -> np.ndarray:
    return motion.body(np.arange(0.0, motion.duration_s + 1e-9, 1 / fps))


def apart(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.linalg.norm(a - b, axis=-1).mean())


def test_every_name_is_there() -> None:
    assert set(ASKED) <= set(MOTIONS)


@pytest.mark.parametrize(("name", "style"), EVERY)
def test_bones_are_rigid_and_nothing_is_under_the_ground(name: str, style: str) -> None:
    for seed, height in enumerate((1.05, 1.5, 1.9)):
        motion = draw(name, seed, height=height, style=style)
        body = whole(motion)
        assert body.dtype == np.float32
        assert body.shape[1:] == (22, 3)
        bones = skeleton(height)
        for joint, parent in enumerate(BODY_PARENT):
            if parent >= 0:
                length = np.linalg.norm(body[:, joint] - body[:, parent], axis=-1)
                np.testing.assert_allclose(length, bones.bone(joint), rtol=1e-3)
        lowest = body[..., 2].min(axis=1)
        assert lowest.min() >= -1e-6
        if name not in OFF_THE_GROUND and not (name.startswith(("sit", "stand_up")) and height < 1.3):
            assert lowest.max() < 0.12


@pytest.mark.parametrize(("name", "style"), EVERY)
def test_nobody_jumps_from_one_moment_to_the_next(name: str, style: str) -> None:
    motion = draw(name, 1, style=style)
    body = motion.body(np.arange(0.0, 2 * motion.duration_s, 0.01))
    assert np.linalg.norm(np.diff(body, axis=0), axis=-1).max() < 0.16  # 16 m/s: faster than any fist


@pytest.mark.parametrize("name", sorted(MOTIONS))
def test_a_seed_gives_the_same_motion_and_another_seed_another(name: str) -> None:
    times = np.linspace(0.0, 2.0, 17)
    bodies = []
    for seed in range(4):
        first, second = draw(name, seed), draw(name, seed)
        np.testing.assert_array_equal(first.body(times), second.body(times))
        assert (first.caption, first.duration_s, first.style) == (second.caption, second.duration_s, second.style)
        bodies.append(first.body(times))
    differences = [apart(bodies[0], other) for other in bodies[1:]]
    assert min(differences) > 0.004
    assert len({draw(name, seed).caption for seed in range(15)}) >= 4


def test_captions_are_sentences_that_name_the_acting_side() -> None:
    for name, style in EVERY:
        for seed in range(3):
            for left in (False, True):
                caption = draw(name, seed, style=style, left=left).caption
                assert caption[-1] == "."
                assert "{" not in caption
                assert caption.split()[0] in ("a", "the", "someone")
                other = "right" if left else "left"
                assert f"the {other} " not in caption


@pytest.mark.parametrize("name", ["hit", "punch", "push"])
def test_a_blow_reaches_forward_at_chest_height(name: str) -> None:
    for seed in range(10):
        for height in (1.2, 1.8):
            motion = draw(name, seed, height=height)
            assert motion.contact_s is not None
            assert 0 < motion.contact_s < motion.duration_s
            wrist = JOINT["left_wrist" if motion.left else "right_wrist"]
            hand = motion.body(np.array([motion.contact_s]))[0, wrist]
            assert hand[1] == pytest.approx(motion.reach_m, abs=1e-6)
            assert 0.35 * height < motion.reach_m < 0.55 * height
            assert 0.6 * height < hand[2] < 0.85 * height
            assert abs(hand[0]) < 0.2 * height


@pytest.mark.parametrize("name", sorted(MOTIONS))
def test_reach_is_that_of_the_acting_limb_and_zero_without_contact(name: str) -> None:
    motion = draw(name, 2)
    if motion.contact_s is None:
        assert motion.reach_m == 0.0
    else:
        side, limb = "left" if motion.left else "right", "ankle" if name == "kick" else "wrist"
        body = motion.body(np.array([motion.contact_s]))[0]
        assert body[JOINT[f"{side}_{limb}"], 1] == pytest.approx(motion.reach_m, abs=1e-6)


def test_hands_go_to_the_ground_to_pick_up_put_down_and_light() -> None:
    for name in ("pick_up", "put_down", "light"):
        for style in MOTIONS[name].styles:
            motion = draw(name, 4, style=style, left=False)
            hand = motion.body(np.array([motion.contact_s]))[0, JOINT["right_wrist"]]
            assert hand[2] < (0.4 if name != "light" else 0.65)
            assert hand[1] > 0.15


@pytest.mark.parametrize("style", ["back", "front", "side"])
def test_a_fall_ends_where_lying_begins_and_getting_up_too(style: str) -> None:
    for left in (False, True):
        fall, lie, up = (draw(name, 5, style=style, left=left) for name in ("fall", "lie", "get_up"))
        ends = fall.body(np.array([0.0, fall.duration_s]))
        assert ends[0, JOINT["head"], 2] > 1.3
        assert ends[1, :, 2].max() < 0.55
        assert ends[1, JOINT["head"], 2] < 0.45
        assert apart(ends[1], lie.body(np.array([0.0]))[0]) < 0.05
        assert apart(ends[1], up.body(np.array([0.0]))[0]) < 0.05
        assert up.body(np.array([up.duration_s]))[0, JOINT["head"], 2] > 1.3


@pytest.mark.parametrize("style", ["upright", "leaning", "back"])
def test_sitting_down_ends_seated_and_standing_up_begins_so(style: str) -> None:
    down, sit, up = (draw(name, 6, style=style, left=False) for name in ("sit_down", "sit", "stand_up"))
    seated = sit.body(np.array([0.0]))[0]
    assert apart(down.body(np.array([down.duration_s]))[0], seated) < 0.05
    assert apart(up.body(np.array([0.0]))[0], seated) < 0.05
    assert seated[JOINT["pelvis"], 2] == pytest.approx(0.54, abs=0.02)


@pytest.mark.parametrize(
    ("name", "style"), [(n, s) for n, s in EVERY if n in ("walk", "run", "drag", "carry") and s != "standing"]
)
def test_feet_on_the_ground_do_not_slide(name: str, style: str) -> None:
    for seed, height in enumerate((1.1, 1.7, 1.9)):
        motion = draw(name, seed, height=height, style=style)
        step = 0.01
        times = np.arange(0.0, 2 * motion.duration_s, step)
        body = motion.body(times)
        body[..., 1] += (motion.speed_m_s * times)[:, None]
        for side in ("left", "right"):
            foot = body[:, JOINT[f"{side}_foot"]]
            planted = (foot[:-1, 2] < 0.03 * height) & (foot[1:, 2] < 0.03 * height)
            assert planted.mean() > 0.2
            slide = np.linalg.norm(np.diff(foot[:, :2], axis=0), axis=-1)[planted] / step
            assert np.median(slide) < 0.12 * abs(motion.speed_m_s) + 0.05
    assert (motion.speed_m_s < 0) == (name == "drag")


def test_only_gaits_travel() -> None:
    moving = {name for name in MOTIONS if draw(name).speed_m_s != 0.0}
    assert moving == {"walk", "run", "carry", "drag", "stagger"}
    assert all(draw("carry", seed).speed_m_s > 0 for seed in range(40))
    assert draw("carry", style="standing").speed_m_s == 0.0


def test_loops_come_back_to_their_first_pose_and_acts_hold_their_last() -> None:
    for name, kind in MOTIONS.items():
        for style in kind.styles:
            motion = draw(name, 3, style=style)
            end = motion.duration_s
            if motion.loops:
                body = motion.body(np.array([0.0, end, 2 * end]))
                assert apart(body[0], body[1]) < 0.12 or name == "stagger"
            else:
                body = motion.body(np.array([end, end + 3.0]))
                assert apart(body[0], body[1]) < 0.06


def test_the_acting_side_is_the_one_asked_for() -> None:
    for name in ("wave", "hit", "reach", "aim"):
        style = {"wave": "high", "hit": "overhead", "reach": "level", "aim": "one"}[name]
        for left in (False, True):
            body = whole(draw(name, 1, style=style, left=left))
            acting, other = ("left_wrist", "right_wrist") if left else ("right_wrist", "left_wrist")
            moved = [np.linalg.norm(body[:, JOINT[w]] - body[0, JOINT[w]], axis=-1).max() for w in (acting, other)]
            assert moved[0] > 3 * moved[1]


def test_confusable_motions_are_near_each_other_and_yet_apart() -> None:
    share = np.linspace(0.0, 1.0, 12)

    def over_time(name: str, style: str) -> np.ndarray:
        motion = draw(name, 9, style=style, left=False)
        return motion.body(share * motion.duration_s)

    poses = {
        "hit": over_time("hit", "overhead"), "wave": over_time("wave", "high"), "reach": over_time("reach", "level"),
        "hand_over": over_time("hand_over", "one hand"), "aim": over_time("aim", "one"),
        "crouch": over_time("crouch", "heels"), "light": over_time("light", "heels"),
        "pick_up": over_time("pick_up", "crouch"), "fall": over_time("fall", "back"),
    }  # fmt: skip
    for group in (("hit", "wave", "reach"), ("aim", "reach", "hand_over"), ("crouch", "light", "pick_up")):
        for i, a in enumerate(group):
            for b in group[i + 1 :]:
                difference = apart(poses[a], poses[b])
                assert 0.02 < difference < apart(poses[a], poses["fall"])


def test_unknown_names_and_styles_name_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="walk"):
        draw("fly")
    with pytest.raises(ConfigError, match="overhead, side"):
        draw("hit", style="backhand")


def test_keyframes_pass_through_their_keys_and_keep_what_is_not_set() -> None:
    curve = keyframes([Key(0.0, {"rx": 1.0}), Key(1.0, {"ry": 2.0}), Key(3.0, {"rx": -1.0}, strike=True)])
    rx, ry = CHANNELS["rx"], CHANNELS["ry"]
    values = curve(np.array([-1.0, 0.0, 0.5, 1.0, 2.0, 3.0, 9.0]))
    np.testing.assert_allclose(values[:, rx], [1, 1, 1, 1, 0.5, -1, -1])
    start = REST_VALUES[ry]
    np.testing.assert_allclose(values[:, ry], [start, start, (start + 2) / 2, 2, 2, 2, 2])
    looped = keyframes([Key(0.0, {"rx": 1.0}), Key(1.0, {"rx": 2.0}), Key(2.0, {"rx": 1.0})], loops=True)
    np.testing.assert_allclose(looped(np.array([0.3])), looped(np.array([4.3])))


@pytest.mark.parametrize("times", [(0.0,), (0.5, 1.0), (0.0, 1.0, 1.0)])
def test_keys_out_of_order_are_refused(times: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="two or more"):
        keyframes([Key(time, {}) for time in times])
