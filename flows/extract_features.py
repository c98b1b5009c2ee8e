"""The flow ``extract-features``: every video once into the feature store, a task a video.

What is already in the store is decided by the store's own commit records, never by Prefect's caches, so that a file
that was deleted is made again and a killed run is simply continued by the next one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from prefect import Task, flow, get_run_logger, task, unmapped
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture, as_completed
from prefect.states import Failed, State
from prefect.task_runners import ThreadPoolTaskRunner

from feature_store.errors import StoreError
from flows.faults import retry_delays, retry_if_passing
from flows.limits import ensure_limit, video_slot
from flows.names import FLOW
from flows.progress import ProgressBar, stop_flag
from flows.report import NO_REASON, BadVideoError, RunSummary, VideoRow, VideosFailedError, failure_message
from flows.runners import make_task_runner
from hawkeye_core.errors import HawkeyeError
from hawkeye_core.extraction.config import ExtractSettings

if TYPE_CHECKING:
    from hawkeye_core.extraction.run import VideoPlan

TABLE_KEY = "extract-features-videos"
SUMMARY_KEY = "extract-features-summary"
PROGRESS_KEY = "extract-features-progress"


# The task runner of the decorator is a bound for whoever adds a task here; videos go through make_task_runner.
@flow(
    name=FLOW,
    description="Pose, scene graphs and vision tokens of every video at 8 frames per second, computed once.",
    task_runner=ThreadPoolTaskRunner(max_workers=1),  # type: ignore[arg-type]
    persist_result=False,
)
def extract_features(settings: ExtractSettings) -> RunSummary | State[Any]:
    """Extract what the store lacks of the given videos.

    Args:
        settings: Videos, store and networks; relative paths count from the project folder.

    Returns:
        The summary when every video is in the store; otherwise a failed state. It is named ``CompletedWithFailures``
        when some videos are bad: its message names them, its exception is :class:`VideosFailedError`. When the run as
        a whole cannot work (no videos, missing weights, a wrong device), its exception is that error.
    """
    ensure_limit(settings.workers)
    try:
        return final_state(extract_all(settings))
    except (HawkeyeError, StoreError) as error:
        return Failed(message=str(error), data=error)  # the input's fault: a message, not a traceback


def extract_all(settings: ExtractSettings) -> RunSummary:
    """Plan, extract, settle the catalog, publish; returns what was done.

    Raises:
        HawkeyeError, StoreError: The run as a whole cannot work.
    """
    from hawkeye_core.extraction import run as extraction  # loads torch: not needed to deploy

    begun = time.monotonic()
    plans = extraction.plan_videos(settings)
    rows = [VideoRow.cached(plan) for plan in plans if not plan.missing]
    rows += run_videos(settings, [plan for plan in plans if plan.missing])
    stats = extraction.settle(settings)
    summary = RunSummary(
        rows=tuple(sorted(rows, key=lambda row: row.path)),
        store=settings.store,
        seconds=time.monotonic() - begun,
        trained=bool(stats.trained),
    )
    publish(summary)
    return summary


@task(
    name="extract-video",
    task_run_name="{plan.video_id}",
    cache_policy=NO_CACHE,
    persist_result=False,
    retry_condition_fn=retry_if_passing,
)
def extract_one(settings: ExtractSettings, plan: VideoPlan) -> VideoRow | State[VideoRow]:
    """One video: waits for a slot of the global limit, extracts what is missing, shows how far it is.

    A bad video ends its task as failed, named ``BadVideo``, without a new try: it would be bad again.
    """
    from hawkeye_core.extraction import run as extraction

    with video_slot():
        result = extraction.extract_video(settings, plan, progress=ProgressBar(f"frames of {plan.video_id}"))
    row = VideoRow.of(result)
    if row.status != "failed":
        return row
    return Failed(name="BadVideo", message=row.error or NO_REASON, data=BadVideoError(row))


def run_videos(settings: ExtractSettings, plans: Sequence[VideoPlan]) -> list[VideoRow]:
    """Map the task over the videos and wait for all of them; a failed task becomes a row, never an exception."""
    if not plans:
        return []
    logger = get_run_logger()
    extract: Task[Any, Any] = extract_one.with_options(
        retries=settings.retries, retry_delay_seconds=retry_delays(settings.retries)
    )
    bar = ProgressBar("videos of this run", key=PROGRESS_KEY)
    rows = []
    with stoppable(), make_task_runner(settings.workers) as runner, stop_on_leaving():
        futures = runner.map(extract, {"settings": unmapped(settings), "plan": list(plans)})
        planned = dict(zip(futures, plans, strict=True))
        for future in as_completed(list(futures)):
            row = row_of(future, planned[future], settings)
            rows.append(row)
            logger.info("%s: %s%s", row.video_id, row.status, f" ({row.reason})" if row.reason else "")
            bar(len(rows), len(plans))
    return rows


def row_of(future: PrefectFuture[Any], plan: VideoPlan, settings: ExtractSettings) -> VideoRow:
    """The row of a finished task; a fault that outlived its retries is noted in the store, too."""
    future.wait()
    result = future.result(raise_on_failure=False)
    if isinstance(result, BadVideoError):
        return result.row
    if isinstance(result, VideoRow):
        return result
    row = VideoRow.fault(plan, result)
    note_fault(settings, plan, row.error or NO_REASON)
    return row


def note_fault(settings: ExtractSettings, plan: VideoPlan, reason: str) -> None:
    """Record the reason in the store; a store that cannot be written (a full disk) is what broke the video, too."""
    from hawkeye_core.extraction import run as extraction

    try:
        extraction.record_fault(settings, plan, reason)
    except (OSError, StoreError) as error:
        get_run_logger().warning("%s: the store could not note its failure: %s", plan.video_id, error)


def publish(summary: RunSummary) -> None:
    """Put the table and the summary on the run's Artifacts page."""
    create_table_artifact(summary.table(), key=TABLE_KEY, description=summary.headline)
    create_markdown_artifact(summary.markdown(), key=SUMMARY_KEY, description=summary.headline)


def final_state(summary: RunSummary) -> RunSummary | State[Any]:
    """The summary, or a failed state that names the bad videos."""
    get_run_logger().info(summary.headline)
    if not summary.failed:
        return summary
    message = failure_message(summary.failed, of=len(summary.rows))
    return Failed(name="CompletedWithFailures", message=message, data=VideosFailedError(summary))


@contextmanager
def stoppable() -> Iterator[None]:
    """Give the tasks submitted inside a flag that says when to stop."""
    token = stop_flag.set(threading.Event())
    try:
        yield
    finally:
        stop_flag.reset(token)


@contextmanager
def stop_on_leaving() -> Iterator[None]:
    """Raise the flag on the way out.

    After the last video that changes nothing. On SIGTERM or Ctrl-C the threads leave their videos at the next batch;
    otherwise the runner would wait for whole videos, and the run would be killed before it could say so.
    """
    try:
        yield
    finally:
        flag = stop_flag.get()
        if flag is not None:
            flag.set()
