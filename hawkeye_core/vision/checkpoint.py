"""Files of a transformers checkpoint, in a folder or on the Hugging Face hub, and only the tensors that are asked for.

A Video-LLaVA checkpoint is 15 GB, its video tower 0.6 GB: the shards' index says which file holds the tower, and
safetensors reads single tensors out of it. The language model is read the same way, without the towers.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
)
from safetensors import SafetensorError, safe_open

from hawkeye_core.errors import WeightsError
from hawkeye_core.tiny.config import SHIPPED
from hawkeye_core.tiny.shipped import shipped_llava
from hawkeye_core.weights import load_state_dict


class Setting(NamedTuple):
    """How the user names a checkpoint, for the remedy in errors."""

    key: str  # the setting
    otherwise: str  # what there is without a checkpoint


TOWER = Setting("vision.tower", "`vision.weights: untrained` builds a random tower")

_HUB_NAME = re.compile(r"[\w][\w.-]*(/[\w][\w.-]*)?")
_TRANSPORT_ERROR: type[Exception] = HfHubHTTPError.__bases__[0]
"""Base of the errors of whichever HTTP library the installed hub uses (requests, httpx, httpx2)."""
_WEIGHTS = (
    ("model.safetensors.index.json", "model.safetensors"),
    ("pytorch_model.bin.index.json", "pytorch_model.bin"),
)


class Checkpoint(Protocol):
    """A set of named files."""

    name: str
    setting: Setting

    def find(self, file: str) -> Path | None:
        """Local path of a file, ``None`` if the checkpoint has none of that name."""
        ...


class FolderCheckpoint:
    """Files in a local folder."""

    def __init__(self, folder: Path, setting: Setting = TOWER) -> None:
        self.name = str(folder)
        self.setting = setting
        self._folder = folder

    def find(self, file: str) -> Path | None:
        """See :class:`Checkpoint`."""
        path = self._folder / file
        return path if path.is_file() else None


class HubCheckpoint:
    """Files of a hub repository: from the local cache if they are there, else downloaded one by one.

    Raises:
        WeightsError: From :meth:`find`, when the file is not cached and the hub cannot be reached or refuses.
    """

    def __init__(self, repository: str, revision: str | None, setting: Setting = TOWER) -> None:
        self.name = repository
        self.setting = setting
        self._revision = revision

    def find(self, file: str) -> Path | None:
        """See :class:`Checkpoint`."""
        try:
            return Path(hf_hub_download(self.name, file, revision=self._revision, local_files_only=True))
        except LocalEntryNotFoundError:
            pass
        except HFValidationError as error:
            remedy = f"correct `{self.setting.key}`"
            raise WeightsError(f"is not a hub name ({error})", path=self.name, remedy=remedy) from error
        try:
            return Path(hf_hub_download(self.name, file, revision=self._revision))
        except (OfflineModeIsEnabled, OSError, _TRANSPORT_ERROR) as error:
            if isinstance(error, EntryNotFoundError) and not isinstance(error, LocalEntryNotFoundError):
                return None
            reason = "refuses" if isinstance(error, HfHubHTTPError) else "cannot be reached for"
            raise WeightsError(
                f"{file} is not in the local cache, and the Hugging Face hub {reason} it",
                path=self.name,
                remedy="connect to the internet or copy the checkpoint here and set "
                f"`{self.setting.key}` to its folder; gated models need `hf auth login`; {self.setting.otherwise}",
            ) from error


def locate(name: str) -> str:
    """Folder of the small Video-LLaVA in the package for :data:`SHIPPED`; any other name as it is.

    Raises:
        WeightsError: The package was built without it.
    """
    return str(shipped_llava()) if name == SHIPPED else name


def open_checkpoint(tower: str, revision: str | None, *, setting: Setting = TOWER) -> Checkpoint:
    """The checkpoint a setting names: the package's own, an existing folder, else a hub name.

    Args:
        tower: ``shipped``, folder or hub name.
        revision: Branch, tag or commit on the hub.
        setting: The setting that names it.

    Raises:
        WeightsError: It is neither.
    """
    folder = Path(locate(tower)).expanduser()
    if folder.is_dir():
        return FolderCheckpoint(folder, setting)
    if folder.exists() or not _HUB_NAME.fullmatch(tower):
        raise WeightsError(
            "is not a folder with a checkpoint" if folder.exists() else "no such folder, and not a hub name",
            path=tower,
            remedy=f"set `{setting.key}` to a folder with config.json and model.safetensors, or to a name like "
            "LanguageBind/Video-LLaVA-7B-hf",
        )
    return HubCheckpoint(tower, revision, setting)


def read_json(checkpoint: Checkpoint, file: str) -> dict[str, Any] | None:
    """A JSON object of the checkpoint, ``None`` if there is no such file.

    Raises:
        WeightsError: The file is not a JSON object.
    """
    path = checkpoint.find(file)
    if path is None:
        return None
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"is not JSON ({error})", path=path, remedy="download the file again") from error
    if not isinstance(value, dict):
        raise WeightsError("is not a JSON object", path=path, remedy="download the file again")
    return value


def load_prefixed(checkpoint: Checkpoint, prefixes: Sequence[str]) -> dict[str, torch.Tensor]:
    """Tensors whose keys begin with the first prefix that occurs, without it, on the CPU and in their stored dtype.

    Args:
        checkpoint: A checkpoint in safetensors or ``torch.save`` files, whole or in shards.
        prefixes: Alternatives, tried in order; an empty one takes every tensor.

    Raises:
        WeightsError: No weights, damaged weights, or none under these prefixes.
    """
    for index_file, whole_file in _WEIGHTS:
        read = _read_safetensors if whole_file.endswith(".safetensors") else _read_pickle
        index = read_json(checkpoint, index_file)
        if index is not None:
            return _load_shards(checkpoint, index, index_file, prefixes, read)
        path = checkpoint.find(whole_file)
        if path is not None:
            state = read(path, lambda keys: _choose(keys, prefixes, checkpoint))
            return _strip(state, prefixes)
    raise WeightsError(
        "no model.safetensors and no pytorch_model.bin",
        path=checkpoint.name,
        remedy=f"set `{checkpoint.setting.key}` to a complete checkpoint; {checkpoint.setting.otherwise}",
    )


def tensors_digest(state: Mapping[str, torch.Tensor]) -> str:
    """SHA-256 over names, types, shapes and bytes: the same for one file and for shards of the same tensors."""
    digest = hashlib.sha256()
    for key in sorted(state):
        tensor = state[key].contiguous()
        digest.update(f"{key} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


_Chooser = Callable[[Sequence[str]], list[str]]


def _load_shards(
    checkpoint: Checkpoint, index: dict[str, Any], index_file: str, prefixes: Sequence[str], read: Callable[..., Any]
) -> dict[str, torch.Tensor]:
    files = index.get("weight_map")
    if not isinstance(files, dict) or not all(isinstance(f, str) and Path(f).name == f for f in files.values()):
        raise WeightsError(f"{index_file} has no usable weight_map", path=checkpoint.name, remedy="download it again")
    wanted = set(_choose(list(files), prefixes, checkpoint))
    state: dict[str, torch.Tensor] = {}
    for file in sorted({files[key] for key in wanted}):
        path = checkpoint.find(file)
        if path is None:
            raise WeightsError(
                f"{index_file} names {file}, which is missing", path=checkpoint.name, remedy="download that file too"
            )
        state.update(read(path, lambda keys: [key for key in keys if key in wanted]))
    return _strip(state, prefixes)


def _read_safetensors(path: Path, choose: _Chooser) -> dict[str, torch.Tensor]:
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            return {key: file.get_tensor(key) for key in choose(list(file.keys()))}
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"cannot be read ({error})", path=path, remedy="download the file again") from error


def _read_pickle(path: Path, choose: _Chooser) -> dict[str, torch.Tensor]:
    state = load_state_dict(path)
    return {key: state[key] for key in choose(list(state))}


def _choose(keys: Sequence[str], prefixes: Sequence[str], checkpoint: Checkpoint) -> list[str]:
    for prefix in prefixes:
        if chosen := [key for key in keys if key.startswith(prefix)]:
            return chosen
    raise WeightsError(
        f"has no tensors under {' or '.join(map(repr, prefixes))} (it has {', '.join(sorted(keys)[:3])} ...)",
        path=checkpoint.name,
        remedy=f"set `{checkpoint.setting.key}` to a Video-LLaVA or CLIP checkpoint in transformers' format",
    )


def _strip(state: dict[str, torch.Tensor], prefixes: Sequence[str]) -> dict[str, torch.Tensor]:
    prefix = next(prefix for prefix in prefixes if any(key.startswith(prefix) for key in state))
    return {key.removeprefix(prefix): tensor for key, tensor in state.items()}
