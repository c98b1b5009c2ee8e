"""The command that an evaluation can be done again with, as its protocol has it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from typing import Any

import yaml

from hawkeye_core.evaluation.config import EvalSettings


def command_of(settings: EvalSettings, *, options: Sequence[str]) -> str:
    """``hawkeye eval`` with what was read and written as options, and all else that is not as by default.

    Args:
        settings: Of the evaluation.
        options: Names of settings that are always said and are options of the command line.
    """
    words = [f"--{name}={getattr(settings, name)}" for name in options]
    changed = settings.model_dump(mode="json", exclude_defaults=True, exclude=set(options))
    flat: dict[str, Any] = {}
    for key, value in changed.items():
        flat |= {f"{key}.{name}": inner for name, inner in value.items()} if isinstance(value, dict) else {key: value}
    return shlex.join(["hawkeye", "eval", *words, *(f"{key}={as_yaml(value)}" for key, value in flat.items())])


def as_yaml(value: Any) -> str:
    """A value as an override takes it: texts that YAML would read as something else are quoted."""
    if not isinstance(value, str):
        return json.dumps(value)
    try:
        return value if yaml.safe_load(value) == value else json.dumps(value)
    except yaml.YAMLError:
        return json.dumps(value)
