"""Standing, talking, waving, and dealing with things: what people do all day."""

from __future__ import annotations

from hawkeye_core.datasets.reconsim.curves import Key, Pose, join
from hawkeye_core.datasets.reconsim.motion_library.draft import (
    HANGING,
    STANDING,
    UPRIGHT,
    Dice,
    Draft,
    hands,
    left_hand,
    right_hand,
)

ARMS: dict[str, Pose] = {
    "relaxed": HANGING,
    "pockets": hands(0.0, 0.14, -0.80, 0.4),
    "crossed arms": join(right_hand(-0.42, 0.40, -0.42, 0.2), left_hand(-0.42, 0.46, -0.36, 0.2)),
    "hands on hips": hands(-0.04, 0.06, -0.66, 0.8),
}
HOLDING = right_hand(-0.1, 0.48, -0.52)
"""A small thing held in front of the belly."""


def stand(dice: Dice) -> Draft:
    """Stands and shifts its weight."""
    arms = ARMS[dice.style]
    wide = dice.between(0.02, 0.12)
    base = join(arms, {"lfx": wide, "rfx": wide, "bend": dice.near(0.05, 0.05)})
    shift = dice.between(0.02, 0.06)
    keys = [
        Key(0.0, base),
        Key(dice.near(2.0, 0.4), {"px": shift, "side": -shift, "rkn": 0.3}),
        Key(4.0, join(base, {"px": 0.0, "side": 0.0, "rkn": 0.15})),
    ]
    caption = dice.say(
        "{who} stands still.",
        "{who} is standing in place.",
        "{who} stands and waits.",
        "{who} stands and looks around.",
    )
    return dice.act(keys, caption, loops=True, sway=1.3)


def talk(dice: Dice) -> Draft:
    """Gestures with one or both forearms while standing."""
    base = join(STANDING, {"lfx": dice.between(0.02, 0.1)})
    keys, start = [Key(0.0, join(base, _gesture(dice)))], keyframe_time(dice)
    for _ in range(dice.count(4, 6)):
        keys.append(Key(start, join(_gesture(dice), {"nod": dice.between(-0.1, 0.25), "twist": dice.near(0.0, 0.15)})))
        start += keyframe_time(dice)
    keys.append(Key(start, keys[0].pose))
    caption = dice.say(
        "{who} talks and gestures with the hands.",
        "{who} is standing and explaining something with hand gestures.",
        "{who} moves the {hand} hand while talking.",
    )
    return dice.act(keys, caption, loops=True)


def keyframe_time(dice: Dice) -> float:
    """Pause between two gestures, seconds."""
    return dice.between(0.35, 0.8)


def _gesture(dice: Dice) -> Pose:
    right = right_hand(dice.near(0.05, 0.2), dice.between(0.4, 0.65), dice.near(-0.4, 0.18))
    if dice.style == "one hand":
        return right
    return join(right, left_hand(dice.near(0.05, 0.2), dice.between(0.4, 0.65), dice.near(-0.4, 0.18)))


def wave(dice: Dice) -> Draft:
    """Raises one hand and swings it from side to side."""
    height = {"high": dice.between(0.68, 0.85), "low": dice.between(0.3, 0.42), "both": dice.between(0.72, 0.85)}[
        dice.style
    ]
    ahead, inside, outside = dice.between(0.1, 0.3), dice.near(0.02), dice.near(0.52, 0.08)
    elbow = 0.2 if dice.style == "low" else 0.6
    swing, up = dice.between(0.2, 0.34), dice.between(0.5, 0.8)

    def put(x: float, z: float) -> Pose:
        place = right_hand(x, ahead, z, elbow)
        return join(place, left_hand(x, ahead, z, elbow)) if dice.style == "both" else place

    keys = [Key(0.0, STANDING), Key(up, put(outside, height))]
    for i in range(2 * dice.count(3, 5)):
        x = inside if i % 2 == 0 else outside
        keys.append(Key(up + (i + 1) * swing, put(x, height + (0.04 if i % 2 == 0 else 0.0))))
    keys.append(Key(keys[-1].time + up, STANDING))
    if dice.style == "both":
        caption = dice.say("{who} raises both arms and waves.", "{who} waves with both hands above the head.")
    else:
        caption = dice.say(
            "{who} raises the {hand} hand and waves.",
            "{who} waves with the {hand} hand.",
            "{who} lifts the {hand} arm and waves hello.",
        )
    return dice.act(keys, caption)


def reach(dice: Dice) -> Draft:
    """Stretches one arm out to a thing, takes it and draws it in."""
    height = {"low": dice.between(-0.5, -0.3), "level": dice.between(-0.12, 0.12), "high": dice.between(0.4, 0.6)}[
        dice.style
    ]
    out = join(right_hand(dice.near(-0.05), 0.93, height), {"bend": dice.between(0.1, 0.25), "twist": 0.2, "py": 0.05})
    at = dice.between(0.7, 1.0)
    keys = [
        Key(0.0, STANDING),
        Key(at, out),
        Key(at + dice.between(0.3, 0.7), out),
        Key(at + 1.4, join(UPRIGHT, HOLDING)),
        Key(at + 1.9, HOLDING),
    ]
    caption = dice.say(
        "{who} reaches out with the {hand} hand and takes something.",
        "{who} stretches the {hand} arm forward to pick something off.",
        "{who} reaches for an object in front with the {hand} hand.",
    )
    return dice.act(keys, caption, contact=at)


def hand_over(dice: Dice) -> Draft:
    """Holds a thing out, slowly, until it is taken."""
    both = dice.style == "both hands"
    height = dice.between(-0.42, -0.2)
    held = join(HOLDING, left_hand(-0.1, 0.48, -0.52)) if both else HOLDING
    given = right_hand(dice.near(-0.08), dice.between(0.78, 0.9), height)
    if both:
        given = join(given, left_hand(-0.08, given["ry"], height))
    at = dice.between(0.9, 1.2)
    keys = [
        Key(0.0, join(STANDING, held)),
        Key(at, join(given, {"bend": dice.between(0.05, 0.2), "nod": 0.15})),
        Key(at + dice.between(0.7, 1.1), given),
        Key(at + 2.0, STANDING),
    ]
    ways: tuple[str, ...] = (
        "{who} holds something out with both hands.",
        "{who} hands something over with both hands.",
    )
    if not both:
        ways = (
            "{who} holds something out with the {hand} hand.",
            "{who} hands something over with the {hand} hand.",
            "{who} gives an object to someone with the {hand} hand.",
        )
    return dice.act(keys, dice.say(*ways), contact=at)


def _down(dice: Dice) -> Pose:
    """Bent or squatting, the right hand near the ground in front."""
    if dice.style == "bend":
        trunk = {"pz": dice.between(0.60, 0.68), "py": -0.22, "pitch": 0.55, "bend": dice.between(1.0, 1.2), "nod": 0.2}
        return join(trunk, right_hand(0.0, 0.66, -0.72), left_hand(0.1, 0.3, -0.7), {"rfy": 0.06, "lfy": -0.06})
    trunk = {"pz": dice.between(0.36, 0.43), "py": -0.14, "pitch": 0.55, "bend": dice.between(0.7, 0.9), "nod": 0.0}
    heels = {"ltp": 0.6, "rtp": 0.3, "lkn": 0.5, "rkn": 0.35, "rfy": 0.15, "lfy": -0.12}
    return join(trunk, heels, right_hand(-0.05, 0.66, -0.70), left_hand(0.05, 0.45, -0.45))


def pick_up(dice: Dice) -> Draft:
    """Goes down, takes a thing from the ground and comes up with it."""
    down, at = _down(dice), dice.between(0.8, 1.2)
    held = join(HOLDING, left_hand(-0.1, 0.48, -0.52)) if dice.rng.random() < 0.5 else HOLDING
    keys = [
        Key(0.0, STANDING),
        Key(at, down),
        Key(at + dice.between(0.25, 0.6), down),
        Key(at + dice.between(1.3, 1.6), join(STANDING, held)),
        Key(at + 1.9, held),
    ]
    caption = dice.say(
        "{who} bends down and picks something up with the {hand} hand.",
        "{who} picks up an object from the ground.",
        "{who} squats and lifts something off the floor."
        if dice.style == "crouch"
        else "{who} leans down to lift something.",
    )
    return dice.act(keys, caption, contact=at)


def put_down(dice: Dice) -> Draft:
    """Goes down with a thing, leaves it on the ground and comes up."""
    down, at = _down(dice), dice.between(1.0, 1.3)
    keys = [
        Key(0.0, join(STANDING, HOLDING)),
        Key(at, down),
        Key(at + dice.between(0.3, 0.6), down),
        Key(at + dice.between(1.3, 1.6), STANDING),
    ]
    caption = dice.say(
        "{who} bends down and puts something on the ground with the {hand} hand.",
        "{who} sets an object down on the floor.",
        "{who} lowers something to the ground and stands up again.",
    )
    return dice.act(keys, caption, contact=at)


def hide(dice: Dice) -> Draft:
    """Slips a thing into its own coat, bag or pocket, with a look around."""
    into = {
        "coat": join(right_hand(-0.42, 0.24, -0.42, 0.5), left_hand(0.0, 0.3, -0.45)),
        "bag": join(right_hand(-0.55, 0.12, -0.72, 0.4), left_hand(0.12, 0.1, -0.72)),
        "pocket": right_hand(0.06, 0.1, -0.72, 0.7),
    }[dice.style]
    furtive = {"bend": dice.between(0.15, 0.35), "nod": dice.between(0.25, 0.45), "twist": dice.near(0.25, 0.1)}
    at = dice.between(1.0, 1.3)
    keys = [
        Key(0.0, join(STANDING, HOLDING)),
        Key(0.4, {"twist": dice.near(-0.4, 0.1), "bend": 0.1}),
        Key(at, join(into, furtive)),
        Key(at + 0.3, {"rz": into["rz"] - 0.06, "twist": 0.15}),
        Key(at + 0.6, {"rz": into["rz"], "twist": 0.3}),
        Key(at + 1.3, STANDING),
    ]
    caption = dice.say(
        "{who} puts something into a " + dice.style + " with the {hand} hand.",
        "{who} slips the {hand} hand into the " + dice.style + ".",
        "{who} hides something in the " + dice.style + " and looks around.",
    )
    return dice.act(keys, caption, contact=at)
