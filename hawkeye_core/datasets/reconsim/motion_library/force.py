"""Acts of force: pushing, hitting, kicking, aiming, smashing, snatching; in sport and work as in crime."""

from __future__ import annotations

from hawkeye_core.datasets.reconsim.curves import Key, Pose, join
from hawkeye_core.datasets.reconsim.motion_library.draft import (
    FEET,
    STANDING,
    Dice,
    Draft,
    hands,
    left_hand,
    right_hand,
)

GUARD = join(right_hand(-0.12, 0.30, -0.08), left_hand(-0.12, 0.45, -0.02))
"""Both fists before the chin."""


def hit(dice: Dice) -> Draft:
    """Raises one arm and swings it down forward, once or several times."""
    height = dice.between(0.6, 0.85)
    if dice.style == "overhead":
        wind = join(right_hand(0.22, -0.12, height, 0.8), {"twist": -0.3, "bend": -0.12})
    else:
        wind = join(right_hand(0.75, -0.25, dice.between(0.15, 0.4), 0.9), {"twist": -0.55, "bend": 0.0})
    blow = join(
        right_hand(dice.near(-0.12), 0.93, dice.near(-0.2, 0.08)),
        {"twist": 0.35, "bend": dice.between(0.25, 0.45), "rfy": 0.2, "py": 0.12},
    )
    raised = dice.between(0.45, 0.7)
    at = raised + dice.between(0.18, 0.28)
    keys, start = [Key(0.0, STANDING)], 0.0
    for _ in range(dice.count(1, 3)):
        keys += [
            Key(start + raised, wind),
            Key(start + at, blow, strike=True),
            Key(start + at + 0.15, {"rz": -0.35, "ry": 0.8}),
        ]
        start = keys[-1].time
    keys.append(Key(start + 0.6, STANDING))
    caption = dice.say(
        "{who} swings the {hand} arm down.",
        "{who} raises the {hand} hand and hits something in front.",
        "{who} strikes forward with the {hand} arm.",
    )
    return dice.act(keys, caption, contact=at, sway=0.7)


def punch(dice: Dice) -> Draft:
    """Takes a fighter's stance and strikes straight forward."""
    stance = join(GUARD, {"lfy": 0.16, "rfy": -0.16, "pz": 0.93, "twist": -0.25, "bend": 0.12})
    blow = join(
        right_hand(-0.22, 0.97, dice.near(0.0, 0.08)),
        left_hand(-0.05, 0.25, -0.15),
        {"twist": 0.5, "bend": 0.2, "py": 0.1},
    )
    other = join(
        left_hand(-0.22, 0.97, dice.near(0.0, 0.08)), right_hand(-0.05, 0.25, -0.15), {"twist": -0.5, "py": 0.1}
    )
    gap = dice.between(0.22, 0.34)
    at = 0.45 + 0.18
    keys = [Key(0.0, STANDING), Key(0.45, stance), Key(at, blow, strike=True), Key(at + gap, join(stance, {"py": 0.0}))]
    for i in range(dice.count(0, 3) if dice.style == "series" else 0):
        start = keys[-1].time
        keys += [
            Key(start + 0.18, other if i % 2 == 0 else blow, strike=True),
            Key(start + 0.18 + gap, join(stance, {"py": 0.0})),
        ]
    keys.append(Key(keys[-1].time + 0.5, STANDING))
    caption = dice.say(
        "{who} punches with the {hand} hand.",
        "{who} throws a punch straight forward.",
        "{who} boxes with both fists." if dice.style == "series" else "{who} strikes with the {hand} fist.",
    )
    return dice.act(keys, caption, contact=at, sway=0.7)


def push(dice: Dice) -> Draft:
    """Shoves with both hands, or with one, a foot forward."""
    drawn = join(hands(-0.02, 0.32, -0.18, 0.4), {"bend": 0.05, "pz": 0.95})
    out = join(
        hands(-0.06, 0.95, dice.near(-0.03, 0.06)),
        {
            "pitch": dice.between(0.1, 0.2),
            "bend": dice.between(0.1, 0.2),
            "rfy": 0.32,
            "lfy": -0.08,
            "py": 0.18,
            "pz": 0.93,
        },
    )
    if dice.style == "one hand":
        drawn, out = join(drawn, left_hand(0.14, 0.1, -0.9)), join(out, left_hand(0.2, -0.1, -0.85), {"twist": 0.3})
    ready = dice.between(0.35, 0.55)
    at = ready + dice.between(0.2, 0.3)
    keys = [
        Key(0.0, STANDING),
        Key(ready, drawn),
        Key(at, out, strike=True),
        Key(at + dice.between(0.2, 0.4), out),
        Key(at + 1.0, STANDING),
    ]
    caption = dice.say(
        "{who} pushes forward with both hands.", "{who} shoves something away.", "{who} thrusts both arms forward."
    )
    if dice.style == "one hand":
        caption = dice.say("{who} pushes with the {hand} hand.", "{who} shoves something away with the {hand} arm.")
    return dice.act(keys, caption, contact=at, sway=0.7)


def kick(dice: Dice) -> Draft:
    """Swings one foot forward."""
    height = {"low": dice.between(0.1, 0.25), "high": dice.between(0.5, 0.75), "stomp": 0.05}[dice.style]
    back: Pose = {"rfy": -0.4, "rfz": 0.25, "rtp": 0.9, "bend": 0.15, "pz": 0.96}
    front: Pose = {"rfy": 0.92, "rfz": height, "rtp": 0.2, "pitch": -0.18, "bend": 0.25, "py": 0.05, "sink": 0.0}
    if dice.style == "stomp":
        back = {"rfy": 0.3, "rfz": 0.5, "rtp": 0.1, "pz": 0.97}
        front = {"rfy": 0.45, "rfz": 0.05, "bend": 0.3, "py": 0.05, "pz": 0.93}
    balance = join(hands(0.5, 0.1, -0.7), {"lkn": 0.25})
    at, keys, start = 0.4 + dice.between(0.16, 0.24), [Key(0.0, STANDING)], 0.0
    for _ in range(dice.count(1, 3) if dice.style == "stomp" else dice.count(1, 2)):
        keys += [Key(start + 0.4, join(back, balance)), Key(start + at, front, strike=True)]
        start = start + at + 0.1
        keys.append(Key(start, front))
    keys.append(Key(start + 0.6, STANDING))
    caption = dice.say(
        "{who} kicks forward with the {hand} foot.",
        "{who} stomps with the {hand} foot." if dice.style == "stomp" else "{who} kicks something with the {hand} leg.",
        "{who} swings the {hand} leg forward.",
    )
    return dice.act(keys, caption, contact=at, limb="foot", sway=0.7)


def aim(dice: Dice) -> Draft:
    """Stretches one or both arms straight forward and holds them there."""
    height = dice.near(0.05, 0.08)
    out = join(right_hand(-0.15, 0.98, height), {"twist": 0.2, "nod": 0.05})
    if dice.style == "both":
        out = join(
            right_hand(-0.32, 0.94, height),
            left_hand(-0.36, 0.92, height),
            {"lfy": 0.12, "rfy": -0.12, "pz": 0.96, "bend": 0.1},
        )
    up = dice.between(0.35, 0.6)
    held = up + dice.between(1.5, 2.5)
    keys = [Key(0.0, STANDING), Key(up, out), Key(held, join(out, {"twist": dice.near(0.15, 0.1), "py": -0.03}))]
    caption = dice.say(
        "{who} stretches the {hand} arm forward and holds it.", "{who} points straight ahead with the {hand} hand."
    )
    if dice.style == "both":
        caption = dice.say("{who} stretches both arms forward and holds them.", "{who} aims with both hands.")
    return dice.act(keys, caption, contact=up, sway=0.5)


def smash(dice: Dice) -> Draft:
    """Swings something long with both hands: from overhead, or from the side."""
    overhead = dice.style == "overhead"
    if overhead:
        back = join(hands(-0.22, -0.1, 0.92, 0.7), {"bend": -0.2, "twist": 0.0})
        front = join(hands(-0.25, 0.9, -0.28, 0.7), {"bend": dice.between(0.5, 0.75), "pz": 0.9, "py": -0.1})
    else:
        back = join(right_hand(0.40, 0.05, 0.1, 0.7), left_hand(-0.75, 0.3, 0.05, 0.5), {"twist": -0.75, "bend": 0.05})
        front = join(
            right_hand(-0.6, 0.75, -0.2, 0.5), left_hand(-0.1, 0.92, -0.2, 0.5), {"twist": 0.6, "bend": 0.3, "pz": 0.94}
        )
    stance: Pose = {"lfy": 0.2, "rfy": -0.15, "lfx": 0.1, "rfx": 0.1}
    raised = dice.between(0.6, 0.85)
    at = raised + dice.between(0.2, 0.3)
    keys, start = [Key(0.0, STANDING)], 0.0
    for _ in range(dice.count(1, 3)):
        if overhead and not start:
            keys.append(Key(0.5 * raised, hands(-0.2, 0.55, -0.1, 0.4)))  # up in front, not through the shoulders
        keys += [Key(start + raised, join(stance, back)), Key(start + at, front, strike=True)]
        keys.append(Key(start + at + 0.2, front))
        start = keys[-1].time
    keys.append(Key(start + 0.8, STANDING))
    caption = dice.say(
        "{who} swings both arms down hard.",
        "{who} swings something with both hands and smashes it.",
        "{who} lifts both arms and strikes down."
        if overhead
        else "{who} swings both arms from the side as with a bat.",
    )
    return dice.act(keys, caption, contact=at, sway=0.7)


def grab(dice: Dice) -> Draft:
    """Lunges, snatches a thing and pulls it to the chest."""
    height = {"level": dice.near(-0.12, 0.08), "low": dice.between(-0.5, -0.35)}[dice.style]
    out = join(
        right_hand(-0.1, 0.96, height),
        {"twist": 0.4, "bend": dice.between(0.3, 0.5), "pitch": 0.1, "rfy": 0.42, "lfy": -0.1, "py": 0.25, "pz": 0.92},
    )
    clutched = join(
        right_hand(-0.45, 0.35, -0.38), left_hand(-0.3, 0.4, -0.4), {"twist": -0.3, "bend": 0.25, "pitch": 0.0}
    )
    ready = dice.between(0.15, 0.35)
    at = ready + dice.between(0.18, 0.28)
    keys = [
        Key(0.0, STANDING),
        Key(ready, {"pz": 0.95, "ry": 0.2}),
        Key(at, out, strike=True),
        Key(at + 0.12, out),
        Key(at + dice.between(0.35, 0.45), join(clutched, {"py": 0.05})),
        Key(at + 1.0, join(clutched, {"py": 0.0, "twist": 0.0, "pz": 0.98}, FEET)),
    ]
    caption = dice.say(
        "{who} snatches something with the {hand} hand.",
        "{who} lunges forward and grabs something.",
        "{who} quickly grabs an object and pulls it to the chest.",
    )
    return dice.act(keys, caption, contact=at, sway=0.7)


def cower(dice: Dice) -> Draft:
    """Shrinks with the arms over the head, or raises both hands."""
    if dice.style == "hands up":
        pose = join(hands(0.3, 0.15, dice.between(0.45, 0.7), 0.8), {"bend": 0.0, "pz": 0.97})
    else:
        pose = join(
            hands(-0.30, 0.36, 0.16, 0.3), {"bend": dice.between(0.6, 0.85), "nod": 0.5, "pz": 0.82, "py": -0.12}
        )
        if dice.style == "crouched":
            pose = join(pose, {"pz": 0.46, "py": -0.16, "ltp": 0.6, "rtp": 0.6, "pitch": 0.15})
    down = dice.between(0.4, 0.6)
    keys = [
        Key(0.0, STANDING),
        Key(down, pose),
        Key(down + 0.6, {"twist": 0.12, "side": 0.06}),
        Key(down + 1.2, {"twist": -0.12, "side": -0.04}),
        Key(down + 1.8, {"twist": 0.0, "side": 0.0}),
    ]
    caption = dice.say("{who} cowers and covers the head with both arms.", "{who} ducks and protects the head.")
    if dice.style == "hands up":
        caption = dice.say("{who} raises both hands and stands still.", "{who} puts the hands up.")
    return dice.act(keys, caption)
