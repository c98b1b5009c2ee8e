"""The flow's logic with a stand-in for extraction, against a real Prefect API."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from prefect import State
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    TaskRunFilter,
    TaskRunFilterFlowRunId,
)

from flows.extract_features import SUMMARY_KEY, TABLE_KEY, extract_features
from flows.names import LIMIT
from flows.report import RunSummary, VideosFailedError
from hawkeye_core.errors import HawkeyeError
from hawkeye_core.extraction.config import ExtractSettings

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_api", "fake_extraction", "short_delays")]

Make = Callable[..., ExtractSettings]


@pytest.fixture
def short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.faults.RETRY_DELAYS_S", (0.0,))


def run(settings: ExtractSettings) -> State:
    return extract_features(settings, return_state=True)


def begun(settings: ExtractSettings) -> list[str]:
    return sorted((Path(settings.store) / "calls.log").read_text().split())


def artifacts(state: State) -> dict[str | None, object]:
    run_id = state.state_details.flow_run_id
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(
            artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run_id]))
        )
    return {artifact.key: artifact.data for artifact in found}


def test_all_videos_end_in_a_completed_run(make_settings: Make) -> None:
    state = run(make_settings(a="", b="", c="partial"))
    assert state.is_completed()
    summary = state.result()
    assert isinstance(summary, RunSummary)
    assert summary.counts == {"done": 2, "partial": 1, "cached": 0, "failed": 0}
    assert [row.video_id for row in summary.rows] == ["a", "b", "c"]


def test_a_second_run_extracts_nothing(make_settings: Make) -> None:
    settings = make_settings(a="", b="")
    run(settings)
    state = run(settings)
    assert state.result().counts["cached"] == 2
    assert begun(settings) == ["a", "b"]


def test_a_deleted_result_is_made_again(make_settings: Make) -> None:
    settings = make_settings(a="", b="")
    run(settings)
    (Path(settings.store) / "b.done").unlink()
    assert run(settings).result().counts == {"done": 1, "partial": 0, "cached": 1, "failed": 0}
    assert begun(settings) == ["a", "b", "b"]


def test_one_bad_video_of_three_fails_the_run_and_stops_nobody(make_settings: Make) -> None:
    settings = make_settings(a="", b="bad", c="")
    state = run(settings)
    assert state.is_failed()
    assert state.name == "CompletedWithFailures"
    assert state.message == "1 of 3 videos failed: b (not a video: no moov atom)"
    assert (Path(settings.store) / "a.done").exists()
    assert (Path(settings.store) / "c.done").exists()
    assert begun(settings) == ["a", "b", "c"]  # a bad video is not tried again


def test_called_directly_it_raises_an_error_that_carries_the_summary(make_settings: Make) -> None:
    with pytest.raises(VideosFailedError, match=r"1 of 2 videos failed: b") as caught:
        extract_features(make_settings(a="", b="bad"))
    assert caught.value.summary.counts["done"] == 1


def test_a_passing_fault_is_tried_again(make_settings: Make) -> None:
    settings = make_settings(a="flaky 2", b="", retries=2)
    assert run(settings).result().counts["done"] == 2
    assert begun(settings) == ["a", "a", "a", "b"]


def test_a_passing_fault_that_stays_ends_as_failed(make_settings: Make) -> None:
    settings = make_settings(a="flaky 9", b="", retries=1)
    state = run(settings)
    assert state.name == "CompletedWithFailures"
    assert "OSError: [Errno 5] Input/output error" in str(state.message)
    assert begun(settings) == ["a", "a", "b"]
    assert (Path(settings.store) / "a.fault").read_text() == "OSError: [Errno 5] Input/output error"


def test_a_store_that_cannot_note_a_fault_stops_nobody(make_settings: Make) -> None:
    settings = make_settings(full="broken", b="", retries=0)
    with pytest.raises(VideosFailedError) as caught:
        extract_features(settings)
    assert caught.value.summary.counts == {"done": 1, "partial": 0, "cached": 0, "failed": 1}


def test_a_fault_of_the_program_is_not_tried_again(make_settings: Make) -> None:
    settings = make_settings(a="broken", b="", retries=2)
    assert "TypeError: a fault of the program" in str(run(settings).message)
    assert begun(settings) == ["a", "b"]


def test_no_videos_fail_the_run_with_the_reason(make_settings: Make) -> None:
    with pytest.raises(HawkeyeError, match="no videos"):
        extract_features(make_settings())


def test_table_and_summary_are_on_the_run(make_settings: Make) -> None:
    state = run(make_settings(a="", b="bad"))
    found = artifacts(state)
    table = found[TABLE_KEY]
    assert '"video_id": "b", "status": "failed"' in str(table)
    assert '"video_id": "a", "status": "done", "frames": 4' in str(table)
    summary = str(found[SUMMARY_KEY])
    assert "| failed | 1 |" in summary
    assert "| b | not a video: no moov atom |" in summary


def test_every_video_is_a_task_with_its_name_and_state(make_settings: Make) -> None:
    state = run(make_settings(a="", b="bad"))
    of_run = TaskRunFilter(flow_run_id=TaskRunFilterFlowRunId(any_=[state.state_details.flow_run_id]))
    with get_client(sync_client=True) as client:
        found = {task_run.name: task_run.state_name for task_run in client.read_task_runs(task_run_filter=of_run)}
    assert found == {"a": "Completed", "b": "BadVideo"}


def test_the_limit_exists_and_is_left_as_someone_set_it(make_settings: Make) -> None:
    run(make_settings(a="", workers=2))
    with get_client(sync_client=True) as client:
        assert client.read_global_concurrency_limit_by_name(LIMIT).limit > 0
        client.upsert_global_concurrency_limit_by_name(LIMIT, 1)
        run(make_settings(b="", c="", workers=2))
        after = client.read_global_concurrency_limit_by_name(LIMIT)
    assert (after.limit, after.active_slots) == (1, 0)


def test_a_missing_limit_is_an_error_and_not_no_limit(make_settings: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.limits.LIMIT", "hawkeye-nowhere")
    monkeypatch.setattr("flows.extract_features.ensure_limit", lambda slots: slots)
    assert "must be created before" in str(run(make_settings(a="", retries=0)).message)


def test_the_form_of_the_page_explains_every_field(fake_extraction: ModuleType) -> None:
    schema = extract_features.parameters.model_dump()
    fields = schema["definitions"]["ExtractSettings"]["properties"]
    assert "description" in fields["store"]
    assert {"videos", "pose", "relations", "vision", "workers"} <= set(fields)
    assert schema["required"] == ["settings"]
