"""Weights files: found or refused with a remedy, hashed, and loaded without opening the door to pickled code."""

from __future__ import annotations

import argparse
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from hawkeye_core.errors import WeightsError

UNTRAINED = "untrained"
"""Value of a ``weights`` setting that asks for random weights on purpose."""


def require_weights(path: str | Path, *, published: str, key: str) -> Path:
    """The path, if there is a file; else an error that says where to get it and which setting names it.

    Args:
        path: The file the configuration names.
        published: Where the file is published, in words.
        key: The configuration key that names the file, such as ``pose.weights``.
    """
    path = Path(path).expanduser()
    if path.is_file():
        return path
    raise WeightsError(
        "no such weights file" if not path.exists() else "is not a file",
        path=path,
        remedy=f"get it from {published} and set `{key}` to its path, or set `{key}: {UNTRAINED}` for random weights",
    )


def load_state_dict(path: str | Path) -> dict[str, torch.Tensor]:
    """Tensors of a ``.safetensors`` or ``torch.save`` file, on the CPU; nothing in the file is executed.

    Accepted: a bare state dict, or one under ``model``, ``state_dict`` or ``best_state_dict`` (training checkpoints).
    An ``argparse.Namespace`` beside the weights, as DETR's descendants write it, is allowed: it holds plain values
    only.

    Raises:
        WeightsError: The file is truncated, holds objects other than tensors and plain values, or no tensors at all.
    """
    path = Path(path)
    try:
        if path.suffix == ".safetensors":
            return load_file(path, device="cpu")
        with torch.serialization.safe_globals([argparse.Namespace]):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"refused, because it is damaged or holds objects other than tensors ({_first_line(error)})",
            path=path,
            remedy="save the bare state dict again with torch.save(model.state_dict()) or as safetensors",
        ) from error
    except (RuntimeError, SafetensorError, EOFError, OSError, ValueError, KeyError) as error:
        raise WeightsError(
            f"cannot be read as weights ({_first_line(error)})", path=path, remedy="download the file again"
        ) from error
    state = _find_state_dict(content)
    if state is None:
        raise WeightsError("holds no state dict of tensors", path=path, remedy="point at a file of model weights")
    return state


def load_strictly(
    module: torch.nn.Module, state: Mapping[str, torch.Tensor], *, path: str | Path, assign: bool = False
) -> None:
    """Load so that every key and shape must match; the error lists the first differences.

    Args:
        module: What is loaded.
        state: Its tensors.
        path: Where they come from, for the error.
        assign: Take the tensors themselves, type and all, instead of copying them (for a module built on ``meta``).
    """
    own = module.state_dict()
    missing = [key for key in own if key not in state]
    unexpected = [key for key in state if key not in own]
    shapes = [
        f"{key} is {tuple(state[key].shape)}, the network needs {tuple(own[key].shape)}"
        for key in own
        if key in state and own[key].shape != state[key].shape
    ]
    if missing or unexpected or shapes:
        parts = [
            f"{len(items)} {what} (first: {', '.join(items[:3])})"
            for what, items in (("missing keys", missing), ("unexpected keys", unexpected), ("wrong shapes", shapes))
            if items
        ]
        raise WeightsError(
            f"does not fit {type(module).__name__}: {'; '.join(parts)}",
            path=path,
            remedy="choose the network size that the file was trained for",
        )
    module.load_state_dict(dict(state), strict=True, assign=assign)


def _find_state_dict(content: Any) -> dict[str, torch.Tensor] | None:
    if not isinstance(content, Mapping):
        return None
    for key in ("model", "state_dict", "best_state_dict"):
        if isinstance(content.get(key), Mapping):
            return _find_state_dict(content[key])
    tensors = {str(k): v for k, v in content.items() if isinstance(v, torch.Tensor)}
    return tensors if tensors and len(tensors) == len(content) else None


def _first_line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return text[0][:200] if text else type(error).__name__
