"""The flow ``build-instructions``: annotation files of the data sets to instruction tables, a task a data set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.states import Completed, Failed, State

from feature_store.errors import StoreError
from flows.names import INSTRUCTIONS_FLOW
from hawkeye_core.datasets.instructions.config import DatasetSettings
from hawkeye_core.errors import HawkeyeError

if TYPE_CHECKING:
    from hawkeye_core.datasets.instructions.build import Built
    from hawkeye_core.datasets.source import SourceVideos

CARD_KEY = "build-instructions-card"
FINDINGS_KEY = "build-instructions-findings"
SHOWN = 500
"""Findings in the artifact; all stand in findings.jsonl."""


@flow(
    name=INSTRUCTIONS_FLOW,
    description="Annotation files of TSL-300, UCF-Crime, RefCOCO and HumanML3D to validated instruction tables.",
    persist_result=False,
)
def build_instructions(settings: DatasetSettings) -> Built | State[Any]:
    """Read the data sets, check them, write tables and card.

    Args:
        settings: Places of the data sets; relative paths count from the project folder.

    Returns:
        What was built; a failed state if a file cannot be read or the tables would be wrong, with the reason as its
        message. A completed state named ``CompletedWithMissing`` if videos or features are missing.
    """
    try:
        built = make_tables(settings, read_sets(settings))
    except (HawkeyeError, StoreError) as error:
        return Failed(message=str(error), data=error)  # the input's fault: a message, not a traceback
    publish(built)
    return final_state(built)


def read_sets(settings: DatasetSettings) -> list[SourceVideos]:
    """Stage 2's data sets side by side."""
    futures = []
    if settings.tsl300 is not None:
        futures.append(read_one.with_options(task_run_name="tsl300").submit("tsl300", settings))
    if settings.ucf_crime is not None:
        futures.append(read_one.with_options(task_run_name="ucf-crime").submit("ucf-crime", settings))
    return [future.result() for future in futures]


@task(name="read-data-set", cache_policy=NO_CACHE, persist_result=False)
def read_one(name: str, settings: DatasetSettings) -> SourceVideos:
    """The videos of one data set."""
    from hawkeye_core.datasets.instructions.sources import scene_density, scene_sparsity

    if name == "tsl300" and settings.tsl300 is not None:
        return scene_sparsity(settings.tsl300)
    if name == "ucf-crime" and settings.ucf_crime is not None:
        return scene_density(settings.ucf_crime)
    raise ValueError(f"no settings of the data set {name!r}")


@task(name="make-tables", cache_policy=NO_CACHE, persist_result=False)
def make_tables(settings: DatasetSettings, sources: Sequence[SourceVideos]) -> Built:
    """Checks and tables."""
    from hawkeye_core.datasets.instructions.build import build

    return build(settings, sources)


def publish(built: Built) -> None:
    """The card and the findings as artifacts of the run, the counts as lines of its log."""
    from hawkeye_core.datasets.instructions.card import as_markdown

    logger = get_run_logger()
    for name, one in built.card.sets.items():
        logger.info("%s: %d videos, %d segments", name, one.videos, one.segments)
    logger.info("%d findings; everything is in %s", len(built.findings), built.folder)
    create_markdown_artifact(as_markdown(built.card), key=CARD_KEY, description="What the tables hold.")
    rows = [
        {"severity": one.severity, "rule": one.rule, "video": one.video, "detail": one.detail}
        for one in built.findings[:SHOWN]
    ]
    if rows:
        create_table_artifact(rows, key=FINDINGS_KEY, description=f"{len(built.findings)} findings.")


def final_state(built: Built) -> Built | State[Any]:
    """How the run ends: failed if something is wrong, named if something is missing."""
    wrong = [one for one in built.findings if one.severity == "error"]
    missing = [one for one in built.findings if one.severity == "missing"]
    if wrong:
        first = wrong[0]
        return Failed(
            message=f"{len(wrong)} findings are wrong (first: {first.rule}: {first.video} {first.detail}); see "
            f"{built.folder / 'findings.jsonl'}",
            data=HawkeyeError("the tables would be wrong", path=built.folder / "findings.jsonl"),
        )
    if missing:
        return Completed(
            name="CompletedWithMissing", message=f"{len(missing)} videos or features are missing", data=built
        )
    return built
