"""The weights that lie in the package, one file and one card a network."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Literal

from hawkeye_core.errors import WeightsError
from hawkeye_core.tiny.config import FINISHED, FINISHED_PLAIN, SHIPPED

ShippedName = Literal["pose", "relations", "vision", "language", "hawkeye", "hawkeye-answers", "hawkeye-plain"]
"""Networks whose weights are shipped. Vision and language together are the small Video-LLaVA (:func:`shipped_llava`);
hawkeye is that with scene modules (:func:`shipped_hawkeye`), hawkeye-answers that behind both stages, and hawkeye-plain
the Video-LLaVA behind both stages without scene modules."""

FOLDER = "weights"
LLAVA = "video-llava"
"""Folder of the small Video-LLaVA within :data:`FOLDER`."""
HAWKEYE = "hawkeye"
"""Folder of the checkpoint that training begins with."""
ANSWERS: Literal["hawkeye-answers"] = "hawkeye-answers"
"""Folder of the finished model that `hawkeye ground` answers with."""
PLAIN: Literal["hawkeye-plain"] = "hawkeye-plain"
"""Folder of the one without scene modules that stands beside it."""
BEGINNINGS = {SHIPPED: HAWKEYE, FINISHED: ANSWERS, FINISHED_PLAIN: PLAIN}
"""Folder of what a training begins with, by the value of ``start`` that asks for it."""


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


def shipped_llava() -> Path:
    """Folder of the small Video-LLaVA, in the files of the published one: tower, projector, language model, tokenizer.

    Raises:
        WeightsError: The package was built without it.
    """
    folder = shipped_folder() / LLAVA
    if not (folder / "model.safetensors").is_file():
        raise WeightsError(
            "the package holds no small Video-LLaVA",
            path=folder,
            remedy="train it with `hawkeye tiny train vision` and `... train language`, then `hawkeye tiny card llava`",
        )
    return folder


def shipped_hawkeye() -> Path:
    """Checkpoint of scene modules and language model that read graphs and know of no anomaly: where training begins.

    Raises:
        WeightsError: The package was built without it.
    """
    return _checkpoint(
        HAWKEYE, "scene modules to begin with",
        remedy="train them with `hawkeye tiny train scene`, then `hawkeye tiny card scene`",
    )  # fmt: skip


def finished_model(name: Literal["hawkeye-answers", "hawkeye-plain"] = ANSWERS) -> Path:
    """Folder of a finished model in the package.

    Raises:
        WeightsError: The package was built without it.
    """
    return _checkpoint(
        name, "finished model",
        remedy="give a run of your own by --checkpoint; `make demo` trains one in half an hour",
    )  # fmt: skip


def _checkpoint(name: str, what: str, *, remedy: str) -> Path:
    folder = shipped_folder() / name
    if not (folder / "trainable.safetensors").is_file():
        raise WeightsError(f"the package holds no {what}", path=folder, remedy=remedy)
    return folder


def shipped_folder() -> Path:
    """Where weights and cards lie; `hawkeye tiny card` writes there."""
    return Path(str(resources.files("hawkeye_core.tiny"))) / FOLDER
