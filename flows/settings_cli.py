"""Options that both commands of this package understand: what to extract, where to, with which settings."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Mapping

from hawkeye_core.datasets.instructions.config import DatasetSettings
from hawkeye_core.extraction.config import ExtractSettings
from hawkeye_core.settings import load_settings


def add_settings_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--videos``, ``--store``, ``--config`` and ``a.b=value`` overrides."""
    parser.add_argument("overrides", nargs="*", metavar="a.b=value", help="settings, such as pose.weights=untrained")
    parser.add_argument("--videos", nargs="+", metavar="PATH", help="video files, folders or globs")
    parser.add_argument("--store", metavar="PATH", help="feature store: folder or fsspec URL")
    parser.add_argument("--config", metavar="FILE", help="preset (paper, tiny-untrained), YAML or JSON file")


def read_settings(options: argparse.Namespace, *, environment: Mapping[str, str] | None = None) -> ExtractSettings:
    """Settings from options and, where an option is missing, from ``VIDEOS``, ``STORE`` and ``CONFIG``.

    Args:
        options: Parsed options of :func:`add_settings_options`.
        environment: Variables to fall back to; none by default. ``VIDEOS`` is split like a shell would.

    Raises:
        ConfigError: A file, key or value is wrong; the message names it and the allowed ones.
    """
    variables = environment or {}
    return load_settings(
        ExtractSettings,
        config=options.config or variables.get("CONFIG") or None,
        package="hawkeye_core.extraction",
        overrides=options.overrides,
        values={
            "videos": options.videos or shlex.split(variables.get("VIDEOS", "")) or None,
            "store": options.store or variables.get("STORE") or None,
        },
    )


def read_dataset_settings(environment: Mapping[str, str]) -> DatasetSettings | None:
    """Settings of the flow ``build-instructions`` from the file that ``DATASETS`` names; None if it names none.

    Raises:
        ConfigError: The file, a key or a value is wrong.
    """
    path = environment.get("DATASETS") or None
    return None if path is None else load_settings(DatasetSettings, config=path)
