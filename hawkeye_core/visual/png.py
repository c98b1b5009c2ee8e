"""Writes pictures: whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from hawkeye_core.errors import HawkeyeError


def save_png(path: str | Path, image: NDArray[np.uint8]) -> Path:
    """Write an image as PNG: to a temporary name in the same folder, synced, then renamed.

    Args:
        path: Where; missing folders are made. The same image gives the same bytes.
        image: [H, W, 3] uint8 RGB.

    Returns:
        The path.

    Raises:
        ValueError: It is not such an image.
        HawkeyeError: The file cannot be written.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
        raise ValueError(f"the image must be [H, W, 3] uint8, not {list(image.shape)} {image.dtype}")
    ok, data = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    path = Path(path)
    if not ok:
        raise HawkeyeError("the picture cannot be encoded as PNG", path=path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, data.tobytes())
    except OSError as error:
        remedy = "choose another place"
        raise HawkeyeError(f"cannot be written ({error.strerror})", path=path, remedy=remedy) from error
    return path


def _write(path: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _umask() -> int:
    """The process's mask of permissions, which can be read only by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
