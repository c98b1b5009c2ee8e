"""Checkpoints: what was trained, configuration and tokenizer, written whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from torch import Tensor
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from hawkeye_core.model.hawkeye import HawkeyeModel
from hawkeye_core.model.saving import TRAINABLE, load_trainable, save_trainable

WEIGHTS = TRAINABLE


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


def write_model(
    model: HawkeyeModel, tokenizer: PreTrainedTokenizerBase, folder: Path, *, state: dict[str, Tensor] | None = None
) -> None:
    """Tensors, configuration and tokenizer into a folder that exists; see :func:`save_trainable`."""
    save_trainable(model, folder, state=state)
    tokenizer.save_pretrained(folder)


def save_checkpoint(
    model: HawkeyeModel, tokenizer: PreTrainedTokenizerBase, folder: Path, *, state: dict[str, Tensor] | None = None
) -> Path:
    """Write under a temporary name, flush to disk, rename.

    Args:
        model: On any device.
        tokenizer: Saved beside it.
        folder: Where it goes; an earlier checkpoint there is replaced.
        state: The tensors, if they are not simply the model's (sharded weights).
    """
    with whole_folder(folder) as temporary:
        write_model(model, tokenizer, temporary, state=state)
    return folder


def load_checkpoint(folder: str | Path) -> tuple[HawkeyeModel, PreTrainedTokenizerBase]:
    """The model of a checkpoint, in evaluation mode, and its tokenizer.

    Raises:
        WeightsError: There is no checkpoint, or its tensors are not the model's, or its backbone cannot be read.
    """
    return load_trainable(folder), AutoTokenizer.from_pretrained(folder)


def flush(path: Path) -> None:
    """Make sure that a file or the names in a folder are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
