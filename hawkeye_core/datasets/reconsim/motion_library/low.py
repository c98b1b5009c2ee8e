"""Sitting, crouching, falling, lying, and the ways down and up."""

from __future__ import annotations

from hawkeye_core.datasets.reconsim.curves import Key, Pose, join
from hawkeye_core.datasets.reconsim.motion_library.draft import STANDING, Dice, Draft, hands, left_hand, right_hand

SEAT_M, SEAT_BACK_M = 0.45, 0.42
"""Height of a chair's seat, and how far the pelvis is behind the feet when sitting on it; metres."""


def _seated(dice: Dice) -> Pose:
    body = dice.skeleton
    seat = {"pz": (SEAT_M + 0.09) / body.pelvis, "py": -SEAT_BACK_M / body.leg, "sink": 0.0, "bend": 0.08}
    arms = {
        "upright": hands(-0.02, 0.55, -0.62),
        "leaning": join(hands(-0.1, 0.6, -0.55), {"pitch": 0.2, "bend": 0.35}),
        "back": join(hands(0.2, 0.3, -0.75, 0.6), {"pitch": -0.2, "rfy": 0.12}),
    }
    return join(STANDING, seat, arms[dice.style])


def sit(dice: Dice) -> Draft:
    """Sits on a chair behind the feet."""
    seated = _seated(dice)
    keys = [Key(0.0, seated), Key(2.0, {"twist": dice.near(0.0, 0.2), "nod": dice.near(0.1, 0.1)}), Key(4.0, seated)]
    caption = dice.say("{who} sits on a chair.", "{who} is sitting.", "{who} sits still with the hands on the legs.")
    return dice.act(keys, caption, loops=True)


def sit_down(dice: Dice) -> Draft:
    """Sits down on a chair behind the feet."""
    seated = _seated(dice)
    leaning = {"bend": dice.between(0.4, 0.6), "pitch": 0.3, "pz": 0.72, "py": -0.36}
    keys = [Key(0.0, STANDING), Key(0.7, join(leaning, hands(0.05, 0.4, -0.75))), Key(1.3, seated), Key(1.6, seated)]
    caption = dice.say("{who} sits down.", "{who} lowers the body and sits down on a chair.", "{who} takes a seat.")
    return dice.act(keys, caption)


def stand_up(dice: Dice) -> Draft:
    """Stands up from a chair behind the feet."""
    seated = _seated(dice)
    leaning = {"bend": dice.between(0.5, 0.7), "pitch": 0.35, "pz": 0.68, "py": -0.34, "sink": 1.0}
    keys = [Key(0.0, seated), Key(0.6, join(leaning, hands(0.05, 0.5, -0.65))), Key(1.3, STANDING), Key(1.5, STANDING)]
    caption = dice.say("{who} stands up.", "{who} gets up from a chair.", "{who} rises from sitting.")
    return dice.act(keys, caption)


def _lying(dice: Dice) -> Pose:
    """On the ground; fixed but for the arms, so that `fall` of a style ends where `lie` of it is."""
    low = 0.105 * dice.skeleton.height / dice.skeleton.pelvis
    flat: Pose = {"sink": 0.0, "pz": low, "bend": 0.0, "twist": 0.0, "side": 0.0, "nod": 0.0}
    if dice.style == "back":
        feet = {"lfx": 0.12, "rfx": 0.16, "lfy": 0.06, "rfy": 0.02, "lfz": 0.02, "rfz": 0.02, "ltp": -1.1, "rtp": -1.1,
                "lty": 0.5, "rty": 0.5}  # fmt: skip
        arms = join(
            right_hand(dice.near(0.6, 0.15), -0.12, -0.55, 0.9), left_hand(dice.near(0.5, 0.2), -0.12, 0.55, 0.9)
        )
        return join(flat, {"pitch": -1.52, "py": -0.96}, feet, arms)
    if dice.style == "front":
        feet = {"lfx": 0.08, "rfx": 0.12, "lfy": -0.02, "rfy": 0.04, "ltp": 2.4, "rtp": 2.4}
        arms = join(right_hand(dice.near(0.5, 0.15), 0.12, 0.5, 0.9), left_hand(dice.near(0.6, 0.2), 0.12, -0.4, 0.9))
        return join(flat, {"pitch": 1.54, "py": 1.06}, feet, arms)
    feet = {"rfx": -0.05, "rfy": 0.05, "lfx": 0.0, "lfy": 0.35, "lfz": 0.05, "lkn": 0.0, "rkn": 0.0}
    arms = join(right_hand(-0.08, 0.85, 0.42, 0.0), left_hand(dice.near(-0.3, 0.15), dice.near(0.5, 0.15), -0.4, 0.2))
    return join(flat, {"roll": 1.48, "px": 0.85, "py": 0.0, "bend": 0.25}, feet, arms)


def fall(dice: Dice) -> Draft:
    """Loses its balance and ends lying."""
    lying = _lying(dice)
    way = {"back": {"pitch": -0.5, "py": -0.42, "bend": 0.35}, "front": {"pitch": 0.6, "py": 0.35, "bend": 0.3},
           "side": {"roll": 0.55, "px": 0.38, "side": -0.2}}[dice.style]  # fmt: skip
    knees = join({"pz": dice.between(0.55, 0.68), "sink": 0.0, "lkn": 0.4, "rkn": 0.4}, hands(0.65, 0.4, -0.1, 0.7))
    reel = dice.between(0.25, 0.45)
    down = reel + dice.between(0.3, 0.4)
    landed = down + dice.between(0.25, 0.35)
    keys = [
        Key(0.0, STANDING),
        Key(reel, join({"bend": 0.1, "pz": 0.95}, {k: 0.3 * v for k, v in way.items()}, hands(0.5, 0.25, -0.5, 0.6))),
        Key(down, join(knees, way)),
        Key(landed, lying, strike=True),
        Key(landed + 0.4, lying),
    ]
    side = {"back": "backwards", "front": "forward", "side": "to the side"}[dice.style]
    caption = dice.say(
        "{who} falls " + side + ".",
        "{who} loses balance and falls to the ground.",
        "{who} collapses " + side + " onto the floor.",
    )
    return dice.act(keys, caption, sway=0.5)


def lie(dice: Dice) -> Draft:
    """Lies on the ground; the place is that where `fall` of the same style and side ends."""
    lying = _lying(dice)
    keys = [Key(0.0, lying), Key(1.5, {"rz": lying["rz"] + 0.05, "nod": dice.between(0.0, 0.15)}), Key(3.0, lying)]
    caption = dice.say(
        "{who} lies on the ground.", "{who} is lying still.", "{who} lies on the floor and does not move."
    )
    return dice.act(keys, caption, loops=True, sway=0.4)


def get_up(dice: Dice) -> Draft:
    """From lying to standing at the origin."""
    lying = _lying(dice)
    low = 0.2
    sitting: dict[str, Pose] = {
        "back": join({"pitch": -0.35, "py": -0.7, "pz": low, "bend": 0.5}, hands(0.3, -0.3, -0.75, 0.5)),
        "front": join({"pitch": 1.0, "py": 0.3, "pz": 0.45, "bend": 0.2}, hands(0.1, 0.35, -0.9)),
        "side": join({"roll": 0.4, "px": 0.5, "py": -0.1, "pz": low, "bend": 0.4}, hands(0.35, 0.2, -0.8, 0.4)),
    }
    squat = join(
        {"pitch": 0.35, "roll": 0.0, "px": 0.0, "py": -0.15, "pz": 0.48, "bend": 0.6, "sink": 0.0},
        {name: STANDING[name] for name in ("lfx", "rfx", "lfy", "rfy", "lfz", "rfz", "ltp", "rtp", "lty", "rty")},
        hands(0.1, 0.55, -0.7),
    )
    first = dice.between(0.7, 1.0)
    keys = [
        Key(0.0, lying),
        Key(first, join(sitting[dice.style], {"ltp": 0.3, "rtp": 0.3})),
        Key(first + 0.7, squat),
        Key(first + 1.4, STANDING),
        Key(first + 1.6, STANDING),
    ]
    caption = dice.say(
        "{who} gets up from the ground.",
        "{who} pushes the body off the floor and stands up.",
        "{who} rises from lying.",
    )
    return dice.act(keys, caption, sway=0.6)


def _crouched(dice: Dice) -> Pose:
    if dice.style == "knee":
        return {
            "pz": 0.54,
            "py": -0.1,
            "bend": 0.25,
            "lfy": 0.28,
            "rfy": -0.5,
            "rtp": 1.2,
            "rkn": 0.1,
            "lkn": 0.3,
            "sink": 0.0,
        }
    feet: Pose = {"ltp": 0.6, "rtp": 0.35, "lkn": 0.5, "rkn": 0.4, "rfy": 0.12, "lfy": -0.1}
    return join({"pz": dice.between(0.40, 0.46), "py": -0.14, "pitch": 0.25, "bend": 0.45}, feet)


def crouch(dice: Dice) -> Draft:
    """Goes down on its heels or a knee and stays there."""
    down = dice.between(0.7, 1.0)
    keys = [
        Key(0.0, STANDING),
        Key(down, join(_crouched(dice), hands(0.0, 0.55, -0.45))),
        Key(down + 1.0, {"rz": -0.55, "nod": 0.2}),
        Key(down + 2.0, {"rz": -0.45, "nod": 0.1}),
    ]
    caption = dice.say("{who} crouches down.", "{who} squats and stays low.", "{who} goes down on the heels.")
    if dice.style == "knee":
        caption = dice.say("{who} goes down on one knee.", "{who} kneels on the {hand} knee.")
    return dice.act(keys, caption)


def light(dice: Dice) -> Draft:
    """Crouches and holds one hand to something near the ground."""
    down = dice.between(0.8, 1.1)
    at = down + dice.between(0.4, 0.6)
    out = right_hand(-0.08, 0.8, -0.56)
    keys = [
        Key(0.0, STANDING),
        Key(down, join(_crouched(dice), hands(0.0, 0.5, -0.5))),
        Key(at, join(out, {"twist": 0.25, "bend": 0.6, "nod": 0.15})),
        Key(at + 0.5, {"rz": -0.52}),
        Key(at + 1.0, {"rz": -0.58}),
        Key(at + 1.6, {"rz": -0.54}),
    ]
    caption = dice.say(
        "{who} crouches and stretches the {hand} arm towards the ground.",
        "{who} squats and holds the {hand} hand to something low.",
        "{who} kneels down and reaches to the ground in front.",
    )
    return dice.act(keys, caption, contact=at, sway=0.6)
