"""What is trained and compared."""

from __future__ import annotations

from dataclasses import dataclass

from hawkeye_core.tiny.config import FINISHED, FINISHED_PLAIN


@dataclass(frozen=True, slots=True)
class System:
    """One row of the results.

    Args:
        key: Names its folders.
        name: In tables.
        graphs: Store it is trained and measured on: ``extracted`` by the networks, or ``oracle``, made of the truth.
        overrides: Settings that differ from the presets of both stages.
        about: What the row says.
        start: What stage 1 begins with: a finished model of the package, which another world's videos have taught.
    """

    key: str
    name: str
    graphs: str
    overrides: tuple[str, ...]
    about: str
    start: str = FINISHED


HAWKEYE = System("hawkeye", "Hawkeye-tiny", "extracted", (), "graphs and vision tokens of the small networks")
SCENE_OFF = System(
    "scene-off",
    "scene: off",
    "extracted",
    ("model.scene=off",),
    "the same language model, vision tokens alone",
    start=FINISHED_PLAIN,
)
ORACLE = System(
    "oracle", "Hawkeye-tiny, oracle graphs", "oracle", (), "graphs made of the truth, the same vision tokens"
)


def systems(*, oracle: bool) -> tuple[System, ...]:
    """In the order of the tables."""
    return (HAWKEYE, SCENE_OFF, ORACLE) if oracle else (HAWKEYE, SCENE_OFF)
