"""Going from one place to another on wheels: at a steering wheel, astride."""

from __future__ import annotations

from hawkeye_core.datasets.reconsim.curves import Key, Pose, join
from hawkeye_core.datasets.reconsim.motion_library.draft import Dice, Draft, hands

DRIVE_SEAT_M, RIDE_SEAT_M = 0.55, 0.80
"""Height of the seat in a car and on a motorcycle or bicycle; the person's origin is under it."""


def drive(dice: Dice) -> Draft:
    """Sits with both hands on a steering wheel."""
    wheel = dice.between(-0.42, -0.25)
    seated = join(
        {"pz": (DRIVE_SEAT_M + 0.09) / dice.skeleton.pelvis, "pitch": -0.15, "bend": 0.12, "sink": 0.0},
        {"lfy": 0.72, "rfy": 0.78, "lfz": 0.1, "rfz": 0.1, "ltp": -0.4, "rtp": -0.4, "lkn": 0.1, "rkn": 0.1},
        hands(-0.1, 0.72, wheel),
    )
    turn = dice.between(0.08, 0.16)
    keys = [
        Key(0.0, seated),
        Key(1.0, {"lz": wheel + turn, "rz": wheel - turn, "side": 0.06}),
        Key(2.2, {"lz": wheel - turn, "rz": wheel + turn, "side": -0.06}),
        Key(3.0, join(seated, {"side": 0.0})),
    ]
    caption = dice.say(
        "{who} sits and steers with both hands.", "{who} is driving a vehicle.", "{who} sits at a steering wheel."
    )
    return dice.act(keys, caption, loops=True, sway=0.5)


def ride(dice: Dice) -> Draft:
    """Sits astride a motorcycle, or pedals a bicycle."""
    seated = join(
        {
            "pz": (RIDE_SEAT_M + 0.09) / dice.skeleton.pelvis,
            "pitch": 0.2,
            "bend": dice.between(0.3, 0.6),
            "nod": -0.2,
            "sink": 0.0,
        },
        hands(0.1, dice.between(0.72, 0.85), -0.48, 0.6),
    )
    if dice.style == "motorcycle":
        pegs: Pose = {
            "lfx": 0.12,
            "rfx": 0.12,
            "lfy": 0.02,
            "rfy": 0.02,
            "lfz": 0.36,
            "rfz": 0.36,
            "lkn": 0.2,
            "rkn": 0.2,
        }
        lean = dice.between(0.04, 0.12)
        keys = [
            Key(0.0, join(seated, pegs)),
            Key(1.2, {"side": lean}),
            Key(2.6, {"side": -lean}),
            Key(3.2, {"side": 0.0}),
        ]
        ways = (
            "{who} rides a motorcycle.",
            "{who} sits astride and holds a handlebar.",
            "{who} is riding, leaning forward.",
        )
        return dice.act(keys, dice.say(*ways), loops=True, sway=0.5)
    up, turn = 0.5, dice.between(0.7, 1.0)
    circle = [(0.0, 0.18), (0.2, 0.0), (0.0, -0.18), (-0.2, 0.0)]  # forward, up
    keys = []
    for i in range(5):
        (ly, lz), (ry, rz) = circle[i % 4], circle[(i + 2) % 4]
        feet = {
            "lfx": 0.02,
            "rfx": 0.02,
            "lfy": 0.12 + ly,
            "rfy": 0.12 + ry,
            "lfz": up - 0.12 + lz,
            "rfz": up - 0.12 + rz,
        }
        keys.append(Key(turn * i / 4, join(seated, feet) if i == 0 else feet))
    ways = ("{who} rides a bicycle.", "{who} is pedalling, holding a handlebar.", "{who} cycles along.")
    return dice.act(keys, dice.say(*ways), loops=True, sway=0.5)
