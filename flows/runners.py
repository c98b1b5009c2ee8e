"""Where the tasks of a flow run: threads of this process, or another task runner that the environment names."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Mapping
from typing import Any

from prefect.task_runners import ProcessPoolTaskRunner, TaskRunner, ThreadPoolTaskRunner

from hawkeye_core.errors import BackendUnavailableError, ConfigError

RUNNER_VARIABLE = "HAWKEYE_TASK_RUNNER"
ARGUMENTS_VARIABLE = "HAWKEYE_TASK_RUNNER_ARGS"


def make_task_runner(workers: int, *, environment: Mapping[str, str] | None = None) -> TaskRunner[Any]:
    """The task runner that ``HAWKEYE_TASK_RUNNER`` asks for.

    Args:
        workers: Videos at the same time; the bound of ``threads`` (unbounded otherwise in Prefect) and ``processes``.
        environment: Instead of ``os.environ``.

    ``threads`` (default) and ``processes`` are built in; any other value is ``module:Class``, built with the JSON
    object in ``HAWKEYE_TASK_RUNNER_ARGS``, such as ``prefect_dask:DaskTaskRunner`` and
    ``{"address": "tcp://scheduler:8786"}``.

    Raises:
        BackendUnavailableError: The module is not installed.
        ConfigError: The name or the arguments are not of that form, or the class refuses the arguments.
    """
    variables = os.environ if environment is None else environment
    name = variables.get(RUNNER_VARIABLE, "") or "threads"
    if name == "threads":
        return ThreadPoolTaskRunner(max_workers=workers)
    if name == "processes":
        return ProcessPoolTaskRunner(max_workers=workers)
    runner_class = _load(name)
    arguments = _arguments(variables.get(ARGUMENTS_VARIABLE, ""))
    try:
        runner = runner_class(**arguments)
    except TypeError as error:
        raise ConfigError(f"{name} refuses {arguments}: {error}", remedy=f"correct {ARGUMENTS_VARIABLE}") from error
    if not isinstance(runner, TaskRunner):
        raise ConfigError(f"{RUNNER_VARIABLE}={name} is not a Prefect task runner")
    return runner


def _load(name: str) -> Any:
    module_name, colon, class_name = name.partition(":")
    if not colon:
        raise ConfigError(
            f"{RUNNER_VARIABLE}={name!r} is unknown",
            remedy="use threads, processes, or module:Class such as prefect_dask:DaskTaskRunner",
        )
    try:
        return getattr(importlib.import_module(module_name), class_name)
    except ImportError as error:
        package = module_name.split(".")[0].replace("_", "-")
        raise BackendUnavailableError(
            f"{RUNNER_VARIABLE} needs {module_name}, which cannot be imported: {error}",
            remedy=f"pip install {package} (here and on the workers)",
        ) from error
    except AttributeError as error:
        raise ConfigError(f"{module_name} has no {class_name}", remedy=f"correct {RUNNER_VARIABLE}") from error


def _arguments(text: str) -> dict[str, Any]:
    try:
        arguments = json.loads(text or "{}")
    except json.JSONDecodeError as error:
        raise ConfigError(f"{ARGUMENTS_VARIABLE} is not JSON: {error}") from error
    if not isinstance(arguments, dict):
        raise ConfigError(f"{ARGUMENTS_VARIABLE} must be a JSON object")
    return arguments
