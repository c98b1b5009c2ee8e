"""Sentences in simple English: why a segment is anomalous, and what a video shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hawkeye_core.datasets.reconsim.scenarios import Scenario

if TYPE_CHECKING:
    from hawkeye_core.datasets.reconsim.consequences import Act
    from hawkeye_core.datasets.reconsim.layout import Setting

_THEM = {"man": "him", "woman": "her", "child": "the child"}
_SEEN = {
    "oblique": "seen from a camera on a wall", "corner": "seen from a corner", "overhead": "seen from above",
    "drone": "seen from a drone",
}  # fmt: skip
_LIGHT = {"day": "by day", "dusk": "at dusk", "night": "at night", "overcast": "on a grey day"}
_DOES = {
    "hit": "swings an arm at {x}", "push": "pushes {x}", "punch": "punches {x}", "kick": "kicks {x}",
    "aim": "aims at {x}", "smash": "strikes {x} with a pole", "drag": "drags {x}", "grab": "grabs {x} from a pole",
    "pick_up": "picks something up at {x}", "hide": "puts a bottle into the coat at {x}", "climb": "climbs over {x}",
    "light": "crouches and holds a light to {x}", "fall": "falls near {x}", "stagger": "staggers near {x}",
    "talk": "talks near {x}", "wave": "waves at {x}", "stand": "stands near {x}", "reach": "reaches for {x}",
    "crouch": "crouches near {x}", "hand_over": "hands something over near {x}",
    "put_down": "puts something down near {x}",
}  # fmt: skip
_POSTURE = {
    "stand": "stands", "lie": "lies on the ground", "sit": "sits on a bench", "against": "leans against a car",
    "behind": "stands behind a counter",
}  # fmt: skip


def reason(row: Scenario, setting: Setting) -> str:
    """The sentence of a segment."""
    kind = setting.target_name.removeprefix("a ")
    text = row.reason.format(actor=_actor(setting), target=setting.target_name, them=_THEM.get(kind, "it"))
    return text[0].upper() + text[1:]


def description(row: Scenario, setting: Setting, acts: Sequence[Act], *, place: str, light: str, view: str) -> str:
    """What the whole video shows, without saying whether it is anomalous."""
    parts = [f"A {place} {_LIGHT[light]}, {_SEEN[view]}."]
    if setting.target_person >= 0:
        person = setting.people[setting.target_person].appearance.kind
        parts.append(f"A {person} {_POSTURE[row.posture]}.")
    done = []
    for act in acts:
        name = setting.decoy_name if act.variant == "decoy" else setting.target_name
        if act.action == "grab" and act.variant == "anomalous":
            done.append(f"grabs the bag of {name}")
            continue
        done.append(_DOES.get(act.action, act.action.replace("_", " ") + " at {x}").format(x=name))
    actor = _actor(setting).capitalize()
    parts.append(f"{actor} {' and then '.join(done)}." if done else f"{actor} walks about.")
    bystanders = len(setting.others)
    if bystanders:
        parts.append("Somebody else is there." if bystanders == 1 else f"{bystanders} other people are there.")
    return " ".join(parts)


def _actor(setting: Setting) -> str:
    return f"a {setting.people[setting.actor].appearance.kind}"
