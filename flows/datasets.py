"""``python -m flows.datasets``: the flow ``build-instructions`` in this process, without a Prefect server.

Exit codes: 0 all is well, 1 videos or features are missing, 2 a file cannot be read or the tables would be wrong.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from feature_store.errors import StoreError
from flows.local_api import local_api
from hawkeye_core.datasets.instructions.config import DatasetSettings
from hawkeye_core.errors import HawkeyeError
from hawkeye_core.settings import load_settings

STATE = Path("work/prefect")

out = Console(soft_wrap=True, highlight=False)
errors = Console(stderr=True, soft_wrap=True, highlight=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the flow and print the card; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m flows.datasets", description=str(__doc__).splitlines()[0])
    parser.add_argument("overrides", nargs="*", metavar="a.b=value", help="such as tsl300.annotations=/data/tsl300")
    parser.add_argument("--config", metavar="FILE", help="YAML file of settings")
    options = parser.parse_intermixed_args(arguments)
    try:
        settings = load_settings(DatasetSettings, config=options.config, overrides=options.overrides)
        with local_api(STATE):
            return run_flow(settings)
    except (HawkeyeError, StoreError) as error:
        errors.print(f"error: {error}", style="red", markup=False)
        return 2
    except KeyboardInterrupt:
        errors.print("stopped; run the same command again")
        return 130


def run_flow(settings: DatasetSettings) -> int:
    """Run it and say what came out; Prefect must already know its API.

    Raises:
        HawkeyeError: A file cannot be read, or the tables would be wrong.
    """
    from flows.build_instructions import build_instructions
    from hawkeye_core.datasets.instructions.build import Built
    from hawkeye_core.datasets.instructions.card import as_markdown

    state = build_instructions(settings, return_state=True)
    built = state.result(raise_on_failure=True)
    if not isinstance(built, Built):
        raise HawkeyeError(f"the flow ended in an unexpected state: {state}")
    out.print(as_markdown(built.card).partition("\n## Read")[0], markup=False)
    for one in built.findings[:12]:
        errors.print(f"{one.severity}: {one.rule}: {one.video} {one.detail}", markup=False)
    out.print(f"{len(built.findings)} findings; everything is in {built.folder}", markup=False)
    return 1 if any(one.severity == "missing" for one in built.findings) else 0


if __name__ == "__main__":
    sys.exit(main())
