"""Weights of RelTR: the published Visual Genome checkpoint, the package's own for `tiny`, or random ones on request."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from hawkeye_core.digest import sha256_of
from hawkeye_core.errors import WeightsError
from hawkeye_core.relation.architecture import ARCHITECTURES, RelTRArchitecture
from hawkeye_core.relation.config import RelTRSettings
from hawkeye_core.relation.reltr import RelTR, build_reltr
from hawkeye_core.tiny.config import SHIPPED
from hawkeye_core.tiny.shipped import shipped
from hawkeye_core.weights import UNTRAINED, load_state_dict, load_strictly, require_weights

PUBLISHED = "the RelTR project page (github.com/yrcong/RelTR, file checkpoint0149.pth, for Visual Genome)"
OPEN_IMAGES_CLASSES = (289, 31)
"""Objects and predicates of the other published file, checkpoint0149_oi.pth."""


def load_reltr(settings: RelTRSettings) -> tuple[RelTR, str]:
    """The network in evaluation mode on the CPU, and what its weights are: ``sha256:<hex>`` or ``untrained``.

    Random weights depend on the size only, so that two untrained runs give equal results. Weights stored in half
    precision are widened to float32.

    Raises:
        WeightsError: The file is missing, damaged or hostile, for another vocabulary, or for another network size; or
            ``shipped`` for a size that is not.
    """
    model = build_reltr(ARCHITECTURES[settings.size]).eval()
    if settings.weights == UNTRAINED:
        return model, UNTRAINED
    path = _find(settings)
    state = load_state_dict(path)
    _check_vocabulary(state, model.config, path=path)
    load_strictly(model, state, path=path)
    return model, f"sha256:{sha256_of(path)}"


def _find(settings: RelTRSettings) -> Path:
    if settings.weights != SHIPPED:
        return require_weights(settings.weights, published=PUBLISHED, key="relations.weights")
    if settings.size != "tiny":
        raise WeightsError(
            f"`relations.weights: {SHIPPED}` goes with `size: tiny` only, not with {settings.size}",
            remedy="set `relations.size: tiny`, or get the weights from "
            f"{PUBLISHED} and set `relations.weights` to their path",
        )
    return shipped("relations")


def _check_vocabulary(state: Mapping[str, Tensor], config: RelTRArchitecture, *, path: Path) -> None:
    """Name the vocabulary a file was trained with where it is not ours; a list of tensor shapes would not say it."""
    expected = (config.object_classes, config.predicate_classes)
    heads = (state.get("sub_class_embed.weight"), state.get("rel_class_embed.layers.1.weight"))
    if heads[0] is None or heads[1] is None:
        return
    found = (heads[0].shape[0] - 1, heads[1].shape[0] - 1)
    if found == expected:
        return
    open_images = " (the Open Images checkpoint)" if found in _with_and_without_none(OPEN_IMAGES_CLASSES) else ""
    raise WeightsError(
        f"is trained for {found[0]} object and {found[1]} predicate classes{open_images}; "
        f"this vocabulary is Visual Genome's, with {expected[0]} and {expected[1]}",
        path=path,
        remedy="use checkpoint0149.pth, the Visual Genome file",
    )


def _with_and_without_none(classes: tuple[int, int]) -> set[tuple[int, int]]:
    """The published counts may or may not include the class "none" that each head has last."""
    return {classes, (classes[0] - 1, classes[1] - 1)}
