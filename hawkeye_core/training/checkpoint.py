"""A checkpoint: trainable tensors, configuration and tokenizer in one folder that appears whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from hawkeye_core.errors import WeightsError
from hawkeye_core.model.config import HawkeyeConfig
from hawkeye_core.model.hawkeye import HawkeyeModel
from hawkeye_core.weights import load_state_dict

WEIGHTS = "trainable.safetensors"


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder to fill; flushed to disk and renamed at the end. An earlier ``folder`` is replaced."""
    temporary = folder.with_name(f".{folder.name}.tmp-{os.getpid()}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        yield temporary
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    for path in (*temporary.iterdir(), temporary):
        flush(path)
    former = folder.with_name(f".{folder.name}.old-{os.getpid()}")
    if folder.exists():
        os.replace(folder, former)
    os.replace(temporary, folder)
    flush(folder.parent)
    shutil.rmtree(former, ignore_errors=True)


def trainable_tensors(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Copies of the trained parameters on the CPU, by name."""
    return {
        name: parameter.detach().cpu().contiguous()
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }


def write_model(model: HawkeyeModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Trainable tensors, configuration and tokenizer into a folder that exists."""
    save_file(trainable_tensors(model), folder / WEIGHTS)
    model.config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def save_checkpoint(model: HawkeyeModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> Path:
    """Write under a temporary name, flush to disk, rename.

    Args:
        model: On any device.
        tokenizer: Saved beside it.
        folder: Where it goes; an earlier checkpoint there is replaced.
    """
    with whole_folder(folder) as temporary:
        write_model(model, tokenizer, temporary)
    return folder


def load_checkpoint(folder: str | Path) -> tuple[HawkeyeModel, PreTrainedTokenizerBase]:
    """The model of a checkpoint, in evaluation mode, and its tokenizer.

    Raises:
        WeightsError: There is no checkpoint, or its tensors are not the model's.
    """
    folder = Path(folder)
    if not (folder / WEIGHTS).is_file() or not (folder / "config.json").is_file():
        raise WeightsError("is not a checkpoint of Hawkeye", path=folder, remedy="train first (`hawkeye train`)")
    state = load_state_dict(folder / WEIGHTS)
    model = HawkeyeModel(HawkeyeConfig.from_pretrained(folder))
    load_trainable(model, state, path=folder / WEIGHTS)
    return model.eval(), AutoTokenizer.from_pretrained(folder)


def load_trainable(model: torch.nn.Module, state: dict[str, torch.Tensor], *, path: Path) -> None:
    """Fill a model's trained parameters; all of them must be there, and nothing else.

    Raises:
        WeightsError: Names or shapes differ.
    """
    parameters = {name: p for name, p in model.named_parameters() if p.requires_grad}
    wrong = sorted(
        {name for name in state if name not in parameters or parameters[name].shape != state[name].shape}
        | {name for name in parameters if name not in state}
    )
    if wrong:
        raise WeightsError(
            f"{len(wrong)} tensors are missing, unknown or of another shape (first: {', '.join(wrong[:3])})",
            path=path,
            remedy="config.json and weights must come from one checkpoint",
        )
    model.load_state_dict(state, strict=False)  # buffers are constants and not stored


def flush(path: Path) -> None:
    """Make sure that a file or the names in a folder are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
