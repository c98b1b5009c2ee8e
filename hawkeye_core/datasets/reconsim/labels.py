"""Which joints of a painted body can be seen, read from the picture of codes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.datasets.reconsim.body_parts import PART, PARTS
from hawkeye_core.datasets.reconsim.stage import F32

_SHOWN_BY: tuple[tuple[str, ...], ...] = (  # parts on whose surface each COCO joint lies
    ("head",), ("head",), ("head",), ("head", "hair"), ("head", "hair"),
    *[(f"{s}_upper_arm", "trunk") for s in ("left", "right")],
    *[(f"{s}_upper_arm", f"{s}_forearm") for s in ("left", "right")],
    *[(f"{s}_forearm", f"{s}_hand") for s in ("left", "right")],
    *[(f"{s}_thigh", "hips", "trunk", "skirt") for s in ("left", "right")],
    *[(f"{s}_thigh", f"{s}_shin", "skirt") for s in ("left", "right")],
    *[(f"{s}_shin", f"{s}_foot") for s in ("left", "right")],
)  # fmt: skip
_SHOWS = np.zeros((17, len(PARTS) + 1), bool)
for _joint, _names in enumerate(_SHOWN_BY):
    _SHOWS[_joint, [PART[name] for name in _names]] = True

_NEIGHBOURS = np.array([[0, 0], [-1, 0], [1, 0], [0, -1], [0, 1]])


def joint_visibility(codes: NDArray[np.uint16], seen: F32, *, base: int) -> F32:
    """Joints [17, 3] with COCO's visibility: 0 outside the picture, 1 hidden, 2 seen.

    A joint is seen where the picture shows, at its pixel or at one beside it, a part of its own body on whose surface
    it lies. The face's joints turned away from the camera are hidden, as the head's hair is in front of them.

    Args:
        codes: [H, W]: ``base`` and a part's number where this body is in front.
        seen: [17, 3] x px, y px, depth m.
        base: Code of this person's part 0.
    """
    height, width = codes.shape
    result = np.zeros((17, 3), np.float32)
    with np.errstate(invalid="ignore"):
        inside = (seen[:, 2] > 0) & (seen[:, 0] >= 0) & (seen[:, 0] < width) & (seen[:, 1] >= 0) & (seen[:, 1] < height)
    if not inside.any():
        return result
    at = np.floor(seen[inside, :2]).astype(np.int64)[:, None] + _NEIGHBOURS  # [j, 5, 2]
    x, y = np.clip(at[..., 0], 0, width - 1), np.clip(at[..., 1], 0, height - 1)
    part = codes[y, x].astype(np.int64) - base
    part = np.where((part >= 0) & (part < len(PARTS)), part, len(PARTS))
    shown = _SHOWS[np.flatnonzero(inside)[:, None], part].any(-1)
    result[inside, :2] = seen[inside, :2]
    result[inside, 2] = 1.0 + shown
    return result
