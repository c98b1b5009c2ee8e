"""What makes a stretch of video anomalous: an action and a relation together; and the normal acts that share one.

Every row is a small two-by-two design. An *act* of the scenario's main person is drawn as one of

- ``anomalous``: the action on the target (a man hits a woman),
- ``decoy``: the same action on another thing (a man hits a board),
- ``other``: another action on the target (a man talks to a woman).

Cast, things, places, paths and timing are drawn before the act is chosen, so that nothing but the pair tells them
apart. A pair of action and target class is anomalous in every row or in none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Variant = Literal["anomalous", "decoy", "other"]

CATEGORIES: tuple[str, ...] = (
    "abuse", "arrest", "arson", "assault", "road accident", "burglary", "explosion", "fighting", "robbery", "shooting",
    "stealing", "shoplifting", "vandalism",
)  # fmt: skip
"""The 13 kinds of anomaly of UCF-Crime (Sultani et al., CVPR 2018), as answers spell them."""

OUTDOORS = ("street", "car park")
INDOORS = ("shop", "corridor")


@dataclass(frozen=True, slots=True)
class Scenario:
    """One row.

    Args:
        category: One of :data:`CATEGORIES`.
        action: The action that is anomalous on the target; a name in the motion library.
        targets: What it is done to: kinds of people, or of props.
        decoys: Props on which the same action is normal.
        others: Actions that are normal on the target.
        places: Where it can happen.
        posture: How a person that is the target is found: ``stand``, ``lie``, ``sit`` (on a bench), ``against`` (a
            car), ``behind`` (a counter).
        held: A prop in the main person's hand all the time; empty for none.
        item: A prop that changes hands in the act, one at the target and one at the decoy; empty for none.
        item_at: Where the target's item is: ``hand`` of the person, ``ground`` by the person, ``shelf`` (in the main
            person's hand, taken from there).
        both: The target does what the main person does.
        facing: Whether the main person turns to what it acts on.
        gap_m: Distance that is added to the reach of the action.
        run: The main person runs off afterwards, in all variants.
        effect: An effect that is seen at the target during the act, in all variants.
        drive: The target comes close before each act and leaves after it, in all variants.
        reason: Why it is anomalous; ``{actor}``, ``{target}`` and ``{them}`` are filled in.
    """

    category: str
    action: str
    targets: tuple[str, ...]
    decoys: tuple[str, ...]
    others: tuple[str, ...]
    reason: str
    places: tuple[str, ...] = OUTDOORS + INDOORS
    posture: str = "stand"
    held: str = ""
    item: str = ""
    item_at: str = ""
    both: bool = False
    facing: bool = True
    gap_m: tuple[float, float] = (0.0, 0.1)
    run: bool = False
    effect: str = ""
    drive: bool = False

    @property
    def once(self) -> bool:
        """Whether a thing is taken away, which can happen once a video."""
        return bool(self.item)

    @property
    def person_target(self) -> bool:
        """Whether the target is a person."""
        return self.targets[0] in PEOPLE


PEOPLE = ("man", "woman", "child")
_ADULTS = ("man", "woman")

SCENARIOS: Mapping[str, Scenario] = MappingProxyType(
    {
        "abuse-hit": Scenario(
            "abuse", "hit", ("child",), ("board", "pole", "tree"), ("talk", "wave", "hand_over"),
            "{actor} in front of {target} swings an arm down and hits {them}",
        ),
        "abuse-drag": Scenario(
            "abuse", "drag", ("woman", "child"), ("box", "trunk"), ("crouch", "talk", "stand"),
            "{actor} drags {target} who lies on the ground", posture="lie",
        ),
        "arrest": Scenario(
            "arrest", "push", _ADULTS, ("box", "cabinet", "truck"), ("talk", "stand", "reach"),
            "{actor} pushes {target} against a car and holds {them} there", places=OUTDOORS, posture="against",
        ),
        "arson": Scenario(
            "arson", "light", ("car", "door"), ("bike", "pot", "plant"), ("stand", "talk", "crouch", "pick_up"),
            "{actor} crouches at {target} and sets fire to it", effect="smoke",
        ),
        "assault-kick": Scenario(
            "assault", "kick", _ADULTS, ("box", "trunk"), ("stand", "talk", "crouch"),
            "{actor} kicks {target} who lies on the ground", posture="lie",
        ),
        "assault-hit": Scenario(
            "assault", "hit", _ADULTS, ("board", "pole", "tree"), ("talk", "wave", "hand_over"),
            "{actor} in front of {target} swings an arm down and hits {them}",
        ),
        "road-accident": Scenario(
            "road accident", "fall", ("car",), ("bench", "tree", "pole"), ("wave", "stand", "crouch"),
            "{actor} in front of {target} that drives up falls to the ground", places=OUTDOORS, facing=False,
            gap_m=(0.1, 0.4), drive=True,
        ),
        "burglary-climb": Scenario(
            "burglary", "climb", ("window",), ("bench", "box", "table"), ("reach", "stand", "talk"),
            "{actor} climbs in through {target}",
        ),
        "burglary-smash": Scenario(
            "burglary", "smash", ("door",), ("box", "trunk"), ("reach", "stand", "talk"),
            "{actor} breaks {target} open with a pole", held="pole",
        ),
        "explosion": Scenario(
            "explosion", "stagger", ("truck", "car"), ("pole", "tree", "bench"), ("wave", "stand", "talk"),
            "{actor} staggers near {target} that explodes", places=OUTDOORS, facing=False, gap_m=(0.1, 0.4),
            effect="flash",
        ),
        "fighting-punch": Scenario(
            "fighting", "punch", _ADULTS, ("bag",), ("talk", "wave", "stand"),
            "{actor} and {target} stand in front of each other and punch each other", both=True,
        ),
        "fighting-push": Scenario(
            "fighting", "push", _ADULTS, ("cabinet", "board"), ("talk", "wave", "stand"),
            "{actor} and {target} stand in front of each other and push each other", both=True,
        ),
        "robbery-grab": Scenario(
            "robbery", "grab", _ADULTS, ("bag",), ("hand_over", "reach"),
            "{actor} grabs the bag that {target} holds and runs away with it", item="bag", item_at="hand", run=True,
        ),
        "robbery-counter": Scenario(
            "robbery", "aim", _ADULTS, ("board", "sign"), ("talk", "hand_over", "wave"),
            "{actor} aims at {target} who stands behind a counter", places=INDOORS, posture="behind", held="phone",
            gap_m=(0.1, 0.4),
        ),
        "shooting": Scenario(
            "shooting", "aim", _ADULTS, ("board", "sign", "bottle"), ("talk", "wave", "stand"),
            "{actor} aims at {target} and shoots at {them}", held="phone", gap_m=(1.2, 2.0), effect="flash",
        ),
        "stealing": Scenario(
            "stealing", "pick_up", ("bag",), ("box", "plant"), ("stand", "talk", "crouch"),
            "{actor} picks up the bag of somebody who sits on a bench and takes it away", posture="sit", item="bag",
            item_at="ground",
        ),
        "shoplifting": Scenario(
            "shoplifting", "hide", ("shelf",), ("table", "chair"), ("reach", "put_down"),
            "{actor} in front of {target} hides a bottle in the coat", places=INDOORS, item="bottle", item_at="shelf",
        ),
        "vandalism-smash": Scenario(
            "vandalism", "smash", ("window", "car", "sign"), ("box", "trunk"), ("reach", "stand", "talk"),
            "{actor} in front of {target} smashes it with a pole", held="pole",
        ),
        "vandalism-kick": Scenario(
            "vandalism", "kick", ("window", "sign", "car"), ("box", "trunk"), ("stand", "talk", "wave"),
            "{actor} in front of {target} kicks and breaks it",
        ),
    }
)  # fmt: skip
"""All rows by name."""


def scenarios_of(category: str) -> list[str]:
    """Names of the rows of a category."""
    return [name for name, row in SCENARIOS.items() if row.category == category]
