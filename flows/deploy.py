"""Give the flows of ``prefect.yaml`` to a running server, with settings as their default parameters."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from flows.names import DEPLOYMENT, FLOW, INSTRUCTIONS_FLOW, LIMIT, POOL
from flows.place import Place
from flows.server_api import ServerApi, ServerError
from flows.settings_cli import read_dataset_settings
from hawkeye_core.extraction.config import ExtractSettings


def deploy(place: Place, settings: ExtractSettings) -> list[str]:
    """Make pool and limit, and deploy ``prefect.yaml`` with these settings as default parameters.

    Returns:
        What was deployed, for people: a line a deployment.

    Raises:
        ServerError: Prefect refused the deployment; the message has what it said.
    """
    with ServerApi(place.api_url) as api:
        api.ensure_pool(POOL)
        api.set_limit(LIMIT, settings.workers)
    _deploy(place, FLOW, settings.model_dump(mode="json"))
    said = [f"{FLOW}/{DEPLOYMENT}: {', '.join(settings.videos)} -> {settings.store}"]
    sets = read_dataset_settings(os.environ)
    with ServerApi(place.api_url) as api:
        deployed = api.has_deployment(INSTRUCTIONS_FLOW, DEPLOYMENT)
    if sets is None and deployed:  # with the settings that an earlier call gave it
        return said
    _deploy(place, INSTRUCTIONS_FLOW, {} if sets is None else sets.model_dump(mode="json"))
    where = "its settings are given with each run" if sets is None else sets.out
    return [*said, f"{INSTRUCTIONS_FLOW}/{DEPLOYMENT}: {where}"]


def _deploy(place: Place, flow: str, settings: dict[str, Any]) -> None:
    parameters = json.dumps({"settings": settings})
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--name", f"{flow}/{DEPLOYMENT}"]
    command += ["--params", parameters]
    done = subprocess.run(
        command, cwd=place.root, env=place.environment(), capture_output=True, text=True, check=False, timeout=300
    )
    with (place.state / "deploy.log").open("a") as log:
        log.write(done.stdout + done.stderr)
    if done.returncode != 0:
        raise ServerError(f"prefect deploy failed\n{done.stdout}{done.stderr}")
