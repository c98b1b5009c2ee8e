"""The rows of the study: the full model, the model without a part of it, and plain Video-LLaVA."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["ours", "ablation", "baseline"]
"""What a row is, as ``protocol.json`` of an evaluation says it."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One row.

    Args:
        key: Names its files.
        name: In tables, the paper's.
        kind: What it is.
        overrides: Settings that differ from the presets, in both stages.
        about: What is left out.
        pretuned: Whether stage 2 begins with the weights of stage 1. Stage 1 is trained once a variant, with the same
            overrides: all that a variant leaves out is left out in both stages, L_bc too, which acts in both.
    """

    key: str
    name: str
    kind: Kind
    overrides: tuple[str, ...]
    about: str
    pretuned: bool = True
    without: str = ""
    """Part of the scene modules that is not there."""
    scene: bool = True
    """Whether there are scene modules."""


HAWKEYE = Variant("hawkeye", "Hawkeye", "ours", (), "everything")
NO_LBC = Variant(
    "no-lbc", "w/o L_bc", "ablation", ("model.lambda_bc=0",), "no balancing loss, in no part of the training"
)
VARIANTS: tuple[Variant, ...] = (
    HAWKEYE,
    Variant("no-asg", "w/o ASG", "ablation", ("model.asg=off",), "no action-sensitive graph", without="asg"),
    Variant("no-org", "w/o ORG", "ablation", ("model.org=off",), "no object-relation graph", without="org"),
    Variant(
        "no-moe",
        "w/o B-H MoE",
        "ablation",
        ("model.moe=off",),
        "both streams concatenated and projected",
        without="moe",
    ),
    NO_LBC,
    Variant("no-pretuning", "w/o pre-tuning", "ablation", ("pretuned=off",), "stage 2 alone", pretuned=False),
    Variant(
        "scene-off", "scene: off", "baseline", ("model.scene=off",), "plain Video-LLaVA on as many tokens", scene=False
    ),
)
"""In the order of the table."""
KEYS = tuple(variant.key for variant in VARIANTS)


def chosen(keys: tuple[str, ...]) -> tuple[Variant, ...]:
    """The variants of some keys, in the order of the table; of no keys all."""
    return tuple(variant for variant in VARIANTS if not keys or variant.key in keys)
