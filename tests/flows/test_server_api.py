"""Questions and commands to a real Prefect API."""

from __future__ import annotations

import time
from uuid import UUID, uuid4

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL
from prefect.states import Cancelling, Running, State

from flows.server_api import ServerApi, ServerError, wait_until

pytestmark = pytest.mark.slow


@flow
def nothing() -> None:
    """A flow to hang runs on."""


@pytest.fixture
def api(prefect_api: None) -> ServerApi:
    return ServerApi(str(PREFECT_API_URL.value()))


def make_run(pool: str, *states: State) -> UUID:
    with get_client(sync_client=True) as client:
        flow_id = client.create_flow(nothing)
        deployment = client.create_deployment(flow_id, name=f"for-{pool}", work_pool_name=pool)
        run = client.create_flow_run_from_deployment(deployment)
        for state in states:
            client.set_flow_run_state(run.id, state, force=True)
    return run.id


def test_pool_and_limit_are_made_once(api: ServerApi) -> None:
    name = f"pool-{uuid4()}"
    api.ensure_pool(name)
    api.ensure_pool(name)
    api.set_limit(name, 2)
    api.set_limit(name, 5)
    with get_client(sync_client=True) as client:
        assert client.read_global_concurrency_limit_by_name(name).limit == 5


def test_slots_that_nobody_holds_are_freed(api: ServerApi) -> None:
    name = f"limit-{uuid4()}"
    api.free_slots(name)  # no such limit: nothing to do
    api.set_limit(name, 1)
    with get_client(sync_client=True) as client:
        client.increment_concurrency_slots([name], 1, "concurrency")
        assert client.read_global_concurrency_limit_by_name(name).active_slots == 1
        api.free_slots(name)
        assert client.read_global_concurrency_limit_by_name(name).active_slots == 0


def test_runs_without_a_process_are_marked_and_living_ones_left(api: ServerApi) -> None:
    pool = f"pool-{uuid4()}"
    api.ensure_pool(pool)
    lost, living = make_run(pool, Running()), make_run(pool, Running())
    cancelling = make_run(pool, Running(), Cancelling())
    marked = api.crash_lost_runs(pool, alive={str(living)})
    assert len(marked) == 2
    with get_client(sync_client=True) as client:
        states = [client.read_flow_run(run).state_name for run in (lost, cancelling, living)]
    assert states == ["Crashed", "Cancelled", "Running"]
    assert [run["id"] for run in api.unfinished_runs(pool)] == [str(living)]


def test_health_workers_and_deployments(api: ServerApi) -> None:
    pool = f"pool-{uuid4()}"
    assert api.is_healthy()
    assert not ServerApi("http://127.0.0.1:9/api").is_healthy()
    assert not api.worker_seen_since(pool, 0.0)
    assert not api.has_deployment("extract-features", "nowhere")


def test_a_refusal_says_what_was_asked_and_answered(api: ServerApi) -> None:
    with pytest.raises(ServerError, match=r"POST .*work_pools.* 422"):
        api.ensure_pool("x" * 3 + "/%/")


def test_waiting_ends_when_it_cannot_come_true() -> None:
    begun = time.monotonic()
    assert not wait_until(lambda: False, timeout_s=60.0, still_possible=lambda: False)
    assert wait_until(lambda: True, timeout_s=0.0, still_possible=lambda: False)
    assert time.monotonic() - begun < 30
