"""The weights that lie in the package, one file and one card a network."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Literal

from hawkeye_core.errors import WeightsError

ShippedName = Literal["pose", "relations"]
"""Networks whose weights are shipped."""

FOLDER = "weights"


def shipped(name: ShippedName) -> Path:
    """The weights file of a small network.

    Raises:
        WeightsError: The package was built without it.
    """
    path = shipped_folder() / f"{name}.safetensors"
    if not path.is_file():
        raise WeightsError(
            "the package holds no such weights",
            path=path,
            remedy=f"train them with `hawkeye tiny train {name}` and `hawkeye tiny card {name}`, or set "
            "`weights: untrained`",
        )
    return path


def shipped_folder() -> Path:
    """Where weights and cards lie; `hawkeye tiny card` writes there."""
    return Path(str(resources.files("hawkeye_core.tiny"))) / FOLDER
