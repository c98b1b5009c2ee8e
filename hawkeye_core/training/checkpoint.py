"""A checkpoint: trainable tensors, configuration and tokenizer in one folder that appears whole or not at all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from safetensors.torch import save_file
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from hawkeye_core.errors import WeightsError
from hawkeye_core.model.config import HawkeyeConfig
from hawkeye_core.model.hawkeye import HawkeyeModel
from hawkeye_core.weights import load_state_dict

WEIGHTS = "trainable.safetensors"


def save_checkpoint(model: HawkeyeModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> Path:
    """Write under a temporary name, flush to disk, rename.

    Args:
        model: On any device.
        tokenizer: Saved beside it.
        folder: Where it goes; must not exist.
    """
    temporary = folder.with_name(f".{folder.name}.tmp-{os.getpid()}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    trainable = {
        name: parameter.detach().cpu().contiguous()
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }
    save_file(trainable, temporary / WEIGHTS)
    model.config.save_pretrained(temporary)
    tokenizer.save_pretrained(temporary)
    for path in temporary.iterdir():
        _flush(path)
    os.replace(temporary, folder)
    _flush(folder.parent)
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
    parameters = dict(model.named_parameters())
    wrong = sorted(
        {name for name in state if name not in parameters or parameters[name].shape != state[name].shape}
        | {name for name in parameters if name not in state}
    )
    if wrong:
        raise WeightsError(
            f"{len(wrong)} tensors are missing, unknown or of another shape (first: {', '.join(wrong[:3])})",
            path=folder / WEIGHTS,
            remedy="config.json and weights must come from one checkpoint",
        )
    model.load_state_dict(state, strict=False)  # buffers are constants and not stored
    return model.eval(), AutoTokenizer.from_pretrained(folder)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
