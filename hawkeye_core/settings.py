"""Configuration: frozen typed models, from a preset or YAML file with ``a.b=c`` overrides; unknown keys are refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from hawkeye_core.errors import ConfigError


class Settings(BaseModel):
    """Frozen pydantic model that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, validate_default=True)


SettingsT = TypeVar("SettingsT", bound=Settings)

Precision = Literal["float32", "float16", "bfloat16"]
"""Arithmetic of a network that features come from; part of their fingerprint, so that it never follows the device."""

MAX_CONFIG_BYTES = 1_000_000


def preset_names(package: str) -> list[str]:
    """Names of the YAML presets that lie in the folder ``presets`` of a package, sorted."""
    folder = resources.files(package) / "presets"
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def load_settings(
    model: type[SettingsT],
    *,
    config: str | Path | None = None,
    package: str | None = None,
    overrides: Sequence[str] = (),
    values: Mapping[str, Any] | None = None,
) -> SettingsT:
    """Defaults, then a preset or YAML file, then ``values``, then ``a.b=c`` overrides.

    Args:
        model: The settings class.
        config: Name of a preset in ``package``, or the path of a YAML file.
        package: Package whose folder ``presets`` holds the named presets.
        overrides: Texts such as ``pose.weights=untrained``; the value is read as YAML.
        values: Top-level values that win over the file, as from command-line options; ``None`` values are left out.

    Raises:
        ConfigError: The file or a key is unknown, or a value is of the wrong type; it names the key and the allowed
            values.
    """
    merged = _read(config, package) if config else {}
    merged |= {key: value for key, value in (values or {}).items() if value is not None}
    for text in overrides:
        _apply(merged, text)
    try:
        return model.model_validate(merged)
    except ValidationError as error:
        raise ConfigError(_explain(error), path=config, remedy=f"known keys: {_known(model)}") from error


def _read(config: str | Path, package: str | None) -> dict[str, Any]:
    names = preset_names(package) if package else []
    if str(config) in names:
        text = (resources.files(str(package)) / "presets" / f"{config}.yaml").read_text()
    else:
        path = Path(config).expanduser()
        if not path.is_file():
            raise ConfigError(
                "no such settings file or preset", path=config, remedy=f"presets: {', '.join(names) or 'none'}"
            )
        if path.stat().st_size > MAX_CONFIG_BYTES:
            raise ConfigError("is too large for a settings file", path=config)
        text = path.read_text(errors="replace")
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"is not YAML: {error}", path=config) from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError("must hold `key: value` lines", path=config)
    return content


def _apply(merged: dict[str, Any], text: str) -> None:
    key, equals, raw = text.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"override {text!r} is not of the form a.b=value")
    *parents, leaf = key.strip().split(".")
    target = merged
    for parent in parents:
        below = target.get(parent)
        below = dict(below) if isinstance(below, Mapping) else {}
        target[parent] = below
        target = below
    try:
        target[leaf] = yaml.safe_load(raw) if raw else ""
    except yaml.YAMLError as error:
        raise ConfigError(f"override {text!r}: the value is not YAML") from error


def _explain(error: ValidationError) -> str:
    lines = []
    for item in error.errors():
        where = ".".join(str(part) for part in item["loc"]) or "settings"
        given = "" if isinstance(item.get("input"), Mapping) else f" (given: {item.get('input')!r})"
        lines.append(f"{where}: {item['msg']}{given}")
    return "; ".join(lines)


def _known(model: type[Settings]) -> str:
    return ", ".join(model.model_fields)
