"""Where people and things of a scenario are set up, before it is drawn what will happen among them.

The target stands on one side of the place and the decoy on the other, both turned roughly to the camera, so that what
happens at them can be seen and nobody is near both.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from hawkeye_core.datasets.reconsim.casting import SIZES_M, TOOL_M, dressed, thing
from hawkeye_core.datasets.reconsim.motions import draw_motion
from hawkeye_core.datasets.reconsim.scenarios import Scenario
from hawkeye_core.datasets.reconsim.script import PersonScript, Phase, PropScript
from hawkeye_core.datasets.reconsim.track import Point, heading

CLUTTER = ("tree", "bench", "chair", "table", "plant", "box", "pole", "bike", "pot", "sign", "cabinet", "fence")
"""What stands about and has no part in the act."""
_BODY_M = 0.16
_SIDEWAYS = frozenset({"car", "truck"})
_LOW_SUPPORT = {"bag": "bench", "bottle": "table"}


@dataclass(frozen=True, slots=True)
class Spot:
    """Something to act on: its middle, the direction from it to who acts on it, and how far its surface is that way."""

    middle: Point
    towards: float
    """Yaw from the middle to where the actor stands."""
    depth_m: float
    height_m: float = 1.0

    def stand(self, away_m: float) -> tuple[Point, float]:
        """Place of who acts on it, ``away_m`` from its surface, and the yaw with which it is faced."""
        reach = self.depth_m + away_m
        x, y = self.middle[0] - reach * np.sin(self.towards), self.middle[1] + reach * np.cos(self.towards)
        return (float(x), float(y)), self.towards + np.pi


@dataclass
class Setting:
    """Everybody and everything of one video."""

    actor: int
    target_person: int = -1
    others: list[int] = field(default_factory=list)
    people: dict[int, PersonScript] = field(default_factory=dict)
    props: list[PropScript] = field(default_factory=list)
    target: Spot = Spot((0.0, 0.0), 0.0, 0.3)
    decoy: Spot = Spot((0.0, 0.0), 0.0, 0.3)
    partner_decoy: Spot | None = None
    """What the target acts on while the main person acts on the decoy (fighting)."""
    target_name: str = ""
    decoy_name: str = ""
    target_props: list[int] = field(default_factory=list)
    """Numbers of the props that are the target."""
    decoy_props: list[int] = field(default_factory=list)
    target_items: list[int] = field(default_factory=list)
    decoy_items: list[int] = field(default_factory=list)
    target_yaw: float = 0.0
    """Of the person that is the target, at rest."""

    def add(self, prop: PropScript) -> int:
        """Number of the prop, now part of the setting."""
        self.props.append(prop)
        return len(self.props) - 1


def set_up(row: Scenario, extent_m: Point, camera_yaw: float, bystanders: int, rng: np.random.Generator) -> Setting:
    """Draw cast, things and places."""
    persons = 1 + (row.person_target or row.posture == "sit") + bystanders
    numbers = rng.permutation(persons).tolist()
    setting = Setting(actor=numbers.pop())
    side = float(rng.choice([-1.0, 1.0]))
    front = camera_yaw + np.pi
    apart = rng.uniform(0.5, 0.58) * extent_m[0]
    target_at = (side * apart + rng.uniform(-0.15, 0.15), float(rng.uniform(-0.3, 0.3) * extent_m[1]))
    decoy_at = (-side * apart + rng.uniform(-0.15, 0.15), float(rng.uniform(-0.3, 0.3) * extent_m[1]))
    kind = str(rng.choice(row.targets))
    if row.person_target or row.posture == "sit":
        setting.target_person = numbers.pop()
        _person(setting, row, kind if row.person_target else str(rng.choice(["man", "woman"])), target_at, front, rng)
    else:
        setting.target, number = _prop_spot(setting, kind, target_at, front, side, rng, drive=row.drive)
        setting.target_props, setting.target_name = [number], f"a {kind}"
    _decoy(setting, row, decoy_at, front, -side, rng)
    _actor(setting, row, extent_m, front, rng)
    setting.others = numbers
    for number in numbers:
        low, high = (-0.8, 0.8)
        at = (
            float(rng.uniform(low, high) * extent_m[0]),
            float(rng.choice([-1, 1]) * rng.uniform(0.7, 0.9) * extent_m[1]),
        )
        kind = str(rng.choice(["man", "woman", "child"], p=[0.45, 0.4, 0.15]))
        setting.people[number] = PersonScript(dressed(kind, rng), at, float(rng.uniform(-np.pi, np.pi)))
    _clutter(setting, extent_m, front, rng)
    return setting


def _person(setting: Setting, row: Scenario, kind: str, at: Point, front: float, rng: np.random.Generator) -> None:
    """Put the target person, and what it leans on, sits on or stands behind."""
    yaw = front + float(rng.uniform(-0.9, 0.9))
    spot, towards = at, yaw + (float(rng.uniform(-0.6, 0.6)) if rng.random() < 0.8 else np.pi)
    depth = _BODY_M
    if row.posture in ("against", "behind", "sit"):
        yaw = towards = front + float(rng.uniform(-0.5, 0.5))
        support = {"against": "car", "behind": "counter", "sit": "bench"}[row.posture]
        own_yaw = yaw + (np.pi / 2 if support == "car" else 0.0)
        size = SIZES_M[support]
        setting.add(PropScript(thing(support, at, own_yaw, rng)))
        if row.posture == "against":
            spot = _shift(at, yaw, size[0] / 2 + 0.2)
        elif row.posture == "behind":
            spot = _shift(at, yaw, -size[1] / 2 - 0.35)
            depth = size[1] + 0.35
        else:
            spot, depth = _shift(at, yaw, 0.36), 0.5
    script = PersonScript(dressed(kind, rng), spot, yaw)
    setting.people[setting.target_person], setting.target_yaw = script, yaw
    setting.target = Spot(spot, towards, depth)
    setting.target_name = f"a {kind}"
    if row.posture == "lie":
        _lay(setting, script, front, rng)
    if row.item_at == "hand":
        item = thing(row.item, at, 0.0, rng)
        hand = str(rng.choice(["left", "right"]))
        setting.target_items.append(
            setting.add(PropScript(item, [Phase(0.0, holder=setting.target_person, hand=hand)]))
        )
    if row.item_at == "ground":
        place = _shift(_shift(at, yaw + np.pi / 2, float(rng.choice([-1, 1])) * rng.uniform(0.4, 0.6)), yaw, 0.5)
        setting.target_items.append(setting.add(PropScript(thing(row.item, place, yaw, rng))))
        setting.target_props = list(setting.target_items)
        setting.target, setting.target_name = Spot(place, towards, 0.12, 0.3), f"a {row.item}"
    if row.both:
        place = _shift(spot, yaw + np.pi / 2 * float(rng.choice([-1, 1])), 1.0)
        decoy = row.decoys[int(rng.integers(len(row.decoys)))]
        away = heading(place, spot)
        setting.partner_decoy = _stand_thing(setting, decoy, place, away, rng)[0]


def _lay(setting: Setting, script: PersonScript, front: float, rng: np.random.Generator) -> None:
    """Lie on the ground across the camera's sight; who acts stands at the side that shows."""
    script.restart(front + float(rng.choice([-1, 1])) * (np.pi / 2 + float(rng.uniform(-0.4, 0.4))))
    motion = draw_motion("lie", rng, height_m=script.appearance.height_m)
    script.do("lie", 0.1, rng, motion=motion)
    body = script.track.body(np.array([0.0]))[0, :, :2]
    along = body[15] - body[[7, 8]].mean(axis=0)  # feet to head
    normal = heading((0.0, 0.0), (float(along[0]), float(along[1]))) + np.pi / 2
    if np.cos(normal - front) < 0:
        normal += np.pi
    middle = body[[0, 9]].mean(axis=0)
    setting.target = Spot((float(middle[0]), float(middle[1])), normal, 0.2, 0.2)


def _decoy(setting: Setting, row: Scenario, at: Point, front: float, side: float, rng: np.random.Generator) -> None:
    kind = str(rng.choice(row.decoys))
    setting.decoy, number = _prop_spot(setting, kind, at, front, side, rng)
    setting.decoy_props, setting.decoy_name = [number], f"a {kind}"
    if row.item_at in ("hand", "ground"):
        setting.decoy_items = [number]


def _prop_spot(
    setting: Setting, kind: str, at: Point, front: float, side: float, rng: np.random.Generator, *, drive: bool = False
) -> tuple[Spot, int]:
    """Put a prop; who acts on it stands on the side that shows, or before a car that drives."""
    yaw = front + float(rng.uniform(-0.5, 0.5))
    if drive:
        yaw = heading((0.0, 0.0), (-side, 0.0)) + float(rng.uniform(-0.15, 0.15))  # towards the middle
        prop = thing(kind, _shift(at, yaw, -0.7), yaw, rng)
        return Spot((prop.at[0], prop.at[1]), yaw, prop.size_m[1] / 2), setting.add(PropScript(prop))
    if kind in _LOW_SUPPORT and kind != "bag":
        return _raised(setting, kind, at, yaw, rng)
    return _stand_thing(setting, kind, at, yaw, rng)


def _stand_thing(setting: Setting, kind: str, at: Point, yaw: float, rng: np.random.Generator) -> tuple[Spot, int]:
    if kind == "bag":  # hangs where it can be punched or grabbed
        setting.add(PropScript(thing("pole", _shift(at, yaw, -0.25), yaw, rng)))
        number = setting.add(PropScript(thing("bag", at, yaw, rng, height_m=float(rng.uniform(0.85, 1.05)))))
        return Spot(at, yaw, 0.11, 1.2), number
    sideways = kind in _SIDEWAYS
    prop = thing(kind, at, yaw + (np.pi / 2 if sideways else 0.0), rng)
    depth = prop.size_m[0 if sideways else 1] / 2
    return Spot(at, yaw, depth, prop.size_m[2]), setting.add(PropScript(prop))


def _raised(setting: Setting, kind: str, at: Point, yaw: float, rng: np.random.Generator) -> tuple[Spot, int]:
    support = thing(_LOW_SUPPORT[kind], at, yaw, rng)
    setting.add(PropScript(support))
    number = setting.add(PropScript(thing(kind, at, yaw, rng, height_m=support.size_m[2])))
    return Spot(at, yaw, support.size_m[1] / 2, support.size_m[2]), number


def _actor(setting: Setting, row: Scenario, extent_m: Point, front: float, rng: np.random.Generator) -> None:
    kind = str(rng.choice(["man", "woman"], p=[0.6, 0.4]))
    at = (float(rng.uniform(-0.2, 0.2) * extent_m[0]), float(rng.uniform(-0.75, 0.75) * extent_m[1]))
    setting.people[setting.actor] = PersonScript(dressed(kind, rng), at, front + float(rng.uniform(-1.5, 1.5)))
    if row.held:
        size = TOOL_M if row.held == "pole" else None
        tool = thing(row.held, at, 0.0, rng, size_m=size)
        setting.add(PropScript(tool, [Phase(0.0, holder=setting.actor, hand="right")]))
    if row.item_at == "shelf":
        bottle = PropScript(thing(row.item, at, 0.0, rng), [Phase(0.0, holder=setting.actor, hand="right")])
        number = setting.add(bottle)
        setting.target_items, setting.decoy_items = [number], [number]


def _clutter(setting: Setting, extent_m: Point, front: float, rng: np.random.Generator) -> None:
    """Things at the far edge, out of everybody's way."""
    to_camera = np.cos(front)
    for _ in range(int(rng.integers(0, 3))):
        kind = str(rng.choice(CLUTTER))
        far = -np.sign(to_camera) * rng.uniform(0.86, 0.98) * extent_m[1]
        at = (float(rng.uniform(-0.95, 0.95) * extent_m[0]), float(far))
        setting.add(PropScript(thing(kind, at, front + float(rng.uniform(-0.4, 0.4)), rng)))


def _shift(at: Point, yaw: float, metres: float) -> Point:
    """A point further along a direction."""
    return float(at[0] - metres * np.sin(yaw)), float(at[1] + metres * np.cos(yaw))
