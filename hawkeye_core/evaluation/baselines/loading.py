"""A video-text model of transformers and its processor, by hub name or from a folder, or an error with a remedy.

Code that comes with a model is never run, and weights that a checkpoint lacks are never made up.
"""

from __future__ import annotations

import hashlib
import logging
import os
from pathlib import Path
from typing import Any, NamedTuple

import torch
import transformers
from huggingface_hub.errors import HFValidationError, StrictDataclassError
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor, PreTrainedModel

from hawkeye_core.digest import sha256_of
from hawkeye_core.errors import HawkeyeError, WeightsError
from hawkeye_core.evaluation.baselines.prompt import write_prompt

logger = logging.getLogger(__name__)

FETCH = (
    "on a machine with internet: `hf download {name}` (gated models: `hf auth login` first), then set HF_HOME to that "
    "cache, or give the folder: `hf download {name} --local-dir FOLDER`, --model hf:FOLDER"
)
ELSEWHERE = (
    "take a model whose class is a part of transformers, or let the model's own code answer and score its texts: "
    "`hawkeye eval --predictions FILE --format seconds`"
)
_loader: Any = AutoModelForImageTextToText  # its stubs know no `output_loading_info`
_FAULTS = (
    OSError, ValueError, RuntimeError, TypeError, KeyError, AttributeError, ImportError, ArithmeticError, MemoryError,
    SafetensorError, HFValidationError, StrictDataclassError,
)  # fmt: skip


class VideoText(NamedTuple):
    """A model in evaluation mode and its processor."""

    model: PreTrainedModel
    processor: Any


def load_video_text(
    name: str, *, revision: str | None = None, template: str | None = None, device: str = "cpu"
) -> VideoText:
    """Load a model and its processor.

    The type of the weights is the checkpoint's own on a GPU and float32 on a CPU.

    Args:
        name: Folder, or name on the hub; from the local cache, where it is there.
        revision: Branch, tag or commit on the hub.
        template: ``baseline.prompt_template``, where the processor's chat template is not used.
        device: ``cpu`` or ``cuda``.

    Raises:
        WeightsError: It is neither there nor within reach, needs code of its own, is of a class that transformers does
            not know or that is no video-text model, or is incomplete or damaged.
        ConfigError: Its processor takes no videos, or has no chat template and none is given.
    """
    place = _place(name)
    own: dict[str, Any] = {"trust_remote_code": False} | ({"revision": revision} if revision else {})
    try:
        config = AutoConfig.from_pretrained(place, **own)
        processor = AutoProcessor.from_pretrained(place, **own)
        write_prompt(processor, "?", template=template)  # before gigabytes are read
        model, report = _loader.from_pretrained(
            place, config=config, dtype="auto" if device != "cpu" else torch.float32, output_loading_info=True, **own
        )
    except HawkeyeError:
        raise
    except _FAULTS as error:
        raise _refusal(name, error) from error
    lacking = sorted(report["missing_keys"])
    if lacking:
        said = f"lacks {len(lacking)} of the model's tensors (first: {lacking[0]})"
        raise WeightsError(said, path=name, remedy=f"download it again; {_fetch(name)}")
    logger.info("%s: %s, %.2f B parameters, %s", name, type(model).__name__, model.num_parameters() / 1e9, model.dtype)
    return VideoText(model.to(device).eval(), processor)


def identity(name: str, loaded: VideoText) -> str:
    """What tells a model from others in what is kept of it: the hub's commit, or the files of its folder.

    Of files above 1 MB size and time of change stand for the content, which may be gigabytes.
    """
    folder = Path(name).expanduser()
    if not folder.is_dir():
        return f"{name}@{getattr(loaded.model.config, '_commit_hash', None)}"
    told = []
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        state = path.stat()
        small = state.st_size <= 2**20
        told.append(f"{path.name} {sha256_of(path) if small else (state.st_size, state.st_mtime_ns)}")
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def _place(name: str) -> str:
    """A folder's path, or the hub name as it is."""
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            said = "has no config.json: it is no folder of a model in transformers' format"
            raise WeightsError(said, path=name, remedy="give the folder that `hf download` or `save_pretrained` wrote")
        return str(folder)
    if folder.exists() or name.count("/") > 1 or name.startswith((".", "~", os.sep)):
        said = "is a file, not a folder" if folder.exists() else "no such folder"
        raise WeightsError(said, path=name, remedy="give the folder of a model, or its name on the hub: hf:OWNER/NAME")
    return name


def _fetch(name: str) -> str:
    return FETCH.format(name=name) if not Path(name).expanduser().is_dir() else "copy the whole folder again"


def _refusal(name: str, error: BaseException) -> WeightsError:
    """What transformers said, in terms of what the user can do; its words are matched, as it has no types for them."""
    text = str(error)
    short = f"{type(error).__name__}: {(text.strip().splitlines() or [''])[0][:300]}"
    if "trust_remote_code" in text:
        return WeightsError("needs code of its own (trust_remote_code), which is not run here", path=name,
                            remedy=ELSEWHERE)  # fmt: skip
    if "Unrecognized configuration class" in text:
        return WeightsError("is no video-text model of transformers", path=name, remedy=ELSEWHERE)
    if "model_type" in text or "model type" in text or "does not recognize this architecture" in text:
        said = f"is of a kind that transformers {transformers.__version__} does not know ({short})"
        return WeightsError(said, path=name, remedy=f"install a newer transformers, or {ELSEWHERE}")
    if isinstance(error, ImportError):
        return WeightsError(f"needs a package that is not installed ({short})", path=name, remedy="install it")
    if isinstance(error, OSError) and not Path(name).expanduser().is_dir():
        said = f"is not in the local cache, and the hub cannot be reached or does not have it ({short})"
        return WeightsError(said, path=name, remedy=_fetch(name))
    return WeightsError(f"cannot be loaded ({short})", path=name, remedy=f"download it again: {_fetch(name)}")
