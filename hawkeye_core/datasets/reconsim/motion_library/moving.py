"""Going from one place to another: on foot, over a wall."""

from __future__ import annotations

from hawkeye_core.datasets.reconsim.curves import Key, Pose, join
from hawkeye_core.datasets.reconsim.gait import Gait
from hawkeye_core.datasets.reconsim.motion_library.draft import (
    STANDING,
    Dice,
    Draft,
    hands,
    right_hand,
)


def _going(gait: Gait, caption: str, *, sway: float = 0.6) -> Draft:
    return Draft(gait, caption, gait.cycle_s, loops=True, speed_m_s=gait.speed_m_s, sway=sway)


def walk(dice: Dice) -> Draft:
    """Walks forward."""
    slow = {"brisk": 1.15, "normal": 0.95, "slow": 0.65}[dice.style]
    leg = dice.skeleton.leg
    speed = slow * dice.between(0.9, 1.1) * 1.3 * (leg / 0.82) ** 0.5 / dice.tempo**0.5
    gait = Gait(
        leg_m=leg,
        speed_m_s=speed,
        cycle_s=1.1 * (leg / 0.82) ** 0.5 * (1.2 / speed) ** 0.4,
        lift=dice.between(0.09, 0.15),
        swing=dice.between(0.25, 0.5) * slow,
        elbows=dice.between(0.0, 0.3),
        sideways=dice.between(0.02, 0.05),
        pose={"bend": dice.between(0.02, 0.14), "nod": dice.between(-0.05, 0.2)},
        phase=dice.between(0, 1),
    )
    pace = {"brisk": "briskly", "normal": "forward", "slow": "slowly"}[dice.style]
    caption = dice.say(
        "{who} walks " + pace + ".",
        "{who} is walking " + pace + " in a line.",
        "{who} takes several steps, going " + pace + ".",
    )
    return _going(gait, caption)


def run(dice: Dice) -> Draft:
    """Runs or jogs forward."""
    fast = {"jog": 0.75, "run": 1.0, "sprint": 1.25}[dice.style]
    leg = dice.skeleton.leg
    speed = fast * dice.between(0.9, 1.1) * 3.2 * (leg / 0.82) ** 0.5
    gait = Gait(
        leg_m=leg,
        speed_m_s=speed,
        cycle_s=dice.between(0.66, 0.76) * (leg / 0.82) ** 0.5 * (3.0 / speed) ** 0.2,
        ground=0.36,
        lift=dice.between(0.35, 0.5),
        swing=dice.between(0.45, 0.65),
        elbows=1.0,
        bounce=0.02,
        sideways=0.01,
        pose={"pz": 0.95, "pitch": 0.08 + 0.1 * fast, "bend": 0.12 * fast, "sink": 1.0},
        phase=dice.between(0, 1),
    )
    caption = dice.say("{who} runs forward.", "{who} is running fast.", "{who} sprints away.")
    if dice.style == "jog":
        caption = dice.say("{who} jogs forward.", "{who} is jogging at an even pace.", "{who} runs slowly.")
    return _going(gait, caption)


CARRYING: dict[str, Pose] = {
    "both arms": hands(-0.12, 0.62, -0.46),
    "low": hands(-0.05, 0.40, -0.80),
    "one hand": right_hand(0.16, 0.02, -0.97),
    "shoulder": right_hand(-0.12, 0.22, 0.28, 0.35),
}


def carry(dice: Dice) -> Draft:
    """Walks, or stands, with a thing in the arms."""
    arms = CARRYING["both arms" if dice.style == "standing" else dice.style]
    if dice.style == "standing":
        lean = {"bend": dice.near(-0.05, 0.05)}
        keys = [
            Key(0.0, join(STANDING, arms, lean)),
            Key(2.0, {"px": 0.04, "rz": -0.43}),
            Key(4.0, join(STANDING, arms, lean)),
        ]
        ways = ("{who} stands and holds something in both arms.", "{who} is holding an object in front of the body.")
        return dice.act(keys, dice.say(*ways), loops=True)
    heavy = {"both arms": -0.06, "low": 0.22, "one hand": 0.05, "shoulder": 0.08}[dice.style]
    leg = dice.skeleton.leg
    speed = dice.between(0.75, 1.05) * (leg / 0.82) ** 0.5
    gait = Gait(
        leg_m=leg,
        speed_m_s=speed,
        cycle_s=1.1 * (leg / 0.82) ** 0.5 * (1.2 / speed) ** 0.4,
        lift=0.09,
        swing=0.3 if dice.style == "one hand" else 0.0,
        sideways=dice.between(0.03, 0.06),
        pose=join(
            arms, {"bend": dice.near(heavy, 0.04), "side": -0.1 if dice.style in ("one hand", "shoulder") else 0.0}
        ),
        arms_free=False,
        phase=dice.between(0, 1),
    )
    where = {"both arms": "in both arms", "low": "with both hands", "one hand": "in the {hand} hand",
             "shoulder": "on the {hand} shoulder"}[dice.style]  # fmt: skip
    caption = dice.say(
        "{who} walks and carries something " + where + ".", "{who} is carrying a load " + where + ".",
        "{who} walks forward, holding an object " + where + ".",
    )  # fmt: skip
    return _going(gait, caption)


def drag(dice: Dice) -> Draft:
    """Walks backwards, bent, and pulls a heavy load along."""
    leg = dice.skeleton.leg
    low = dice.style == "low"
    pose = join(
        {
            "pz": 0.88,
            "py": -0.18,
            "pitch": 0.28,
            "bend": dice.between(0.7, 0.9) if low else dice.between(0.4, 0.55),
            "nod": 0.1,
        },
        hands(-0.15, 0.45, -0.85) if low else hands(-0.15, 0.72, -0.62),
    )
    gait = Gait(
        leg_m=leg,
        speed_m_s=-dice.between(0.5, 0.75),
        cycle_s=dice.between(0.95, 1.2),
        ground=0.65,
        lift=0.09,
        sideways=0.05,
        pose=pose,
        arms_free=False,
        phase=dice.between(0, 1),
    )
    caption = dice.say(
        "{who} walks backwards and drags something heavy.",
        "{who} bends and pulls a load backwards with both hands.",
        "{who} drags something along the ground.",
    )
    return _going(gait, caption)


def stagger(dice: Dice) -> Draft:
    """Walks unsteadily, reeling from side to side."""
    leg = dice.skeleton.leg
    hurt = dice.style == "hurt"
    gait = Gait(
        leg_m=leg,
        speed_m_s=dice.between(0.4, 0.65),
        cycle_s=dice.between(1.2, 1.5),
        ground=0.66,
        lift=0.08,
        swing=0.2,
        sideways=0.07,
        pose=join({"bend": 0.45, "nod": 0.3, "pz": 0.93}, right_hand(-0.4, 0.3, -0.6)) if hurt else {"pz": 0.95},
        arms_free=not hurt,
        lurch=dice.between(0.5, 0.8) if hurt else dice.between(0.8, 1.2),
        phase=dice.between(0, 1),
    )
    caption = dice.say(
        "{who} staggers forward.",
        "{who} walks unsteadily and sways from side to side.",
        "{who} holds the belly and stumbles along." if hurt else "{who} stumbles as if drunk.",
    )
    return _going(gait, caption)


def climb(dice: Dice) -> Draft:
    """Climbs over a sill about 0.9 m high: hands on it, one leg after the other over, down on the other side."""
    free: Pose = {"sink": 0.0}
    over = dice.between(1.05, 1.2)
    keys = [
        Key(0.0, STANDING),
        Key(0.6, join(hands(0.05, 0.75, -0.2), {"bend": 0.3, "pz": 0.92, "py": 0.0})),
        Key(
            1.2,
            join(
                free, hands(0.0, 0.55, -0.75), {"pz": 1.3, "bend": 0.5, "rfx": 0.2, "rfy": 0.25, "rfz": 1.0, "rkn": 0.9}
            ),
        ),
        Key(1.8, {"pz": 1.55, "py": 0.25, "bend": 0.9, "lfz": 0.75, "lfy": -0.1, "ltp": 0.7, "rfz": 0.95, "rfy": 0.45}),
        Key(
            2.3,
            {
                "pz": 1.35,
                "py": 0.35,
                "bend": 0.6,
                "lfz": 1.0,
                "lfy": 0.4,
                "lkn": 0.8,
                "rfz": 0.45,
                "rfy": 0.5,
                "rtp": 0.4,
            },
        ),
        Key(2.8, join(free, {"pz": over, "bend": 0.4, "py": 0.15, "lfz": 0.4, "lfy": 0.25, "rfz": 0.05, "rfy": 0.2})),
        Key(3.2, join(STANDING, {"pz": 0.75, "bend": 0.5}, hands(0.2, 0.4, -0.6))),
        Key(3.7, STANDING),
    ]
    caption = dice.say(
        "{who} climbs over something.", "{who} pulls the body up and climbs through an opening.",
        "{who} puts both hands on a ledge and climbs over with the {hand} leg first.",
    )  # fmt: skip
    return dice.act(keys, caption, contact=0.6, sway=0.5)
