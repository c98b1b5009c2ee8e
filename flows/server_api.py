"""The few questions and commands that starting and stopping need, over Prefect's REST API."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import httpx

from hawkeye_core.errors import HawkeyeError

UNFINISHED = ("RUNNING", "PENDING", "CANCELLING")
PAGE = 200


class ServerError(HawkeyeError):
    """The Prefect server or worker does not run, does not answer, or its port is taken."""


class ServerApi:
    """A client of one server; use it as a context manager.

    Args:
        api_url: The address that ends in ``/api``.
    """

    def __init__(self, api_url: str) -> None:
        self.api_url = api_url
        self._client = httpx.Client(base_url=api_url, timeout=30.0, trust_env=False)

    def __enter__(self) -> ServerApi:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def is_healthy(self) -> bool:
        """Whether a Prefect server answers."""
        try:
            answer = self._client.get("/health", timeout=5.0)
        except httpx.HTTPError:
            return False
        return answer.status_code == 200 and answer.text.strip() == "true"

    def ensure_pool(self, name: str) -> None:
        """Make a work pool for subprocesses on this machine, if it does not exist."""
        if self._client.get(f"/work_pools/{name}").status_code == 404:
            self._post("/work_pools/", {"name": name, "type": "process"})

    def set_limit(self, name: str, slots: int) -> None:
        """Make the global concurrency limit, or give an existing one this many slots."""
        if self._client.get(f"/v2/concurrency_limits/{name}").status_code == 404:
            self._post("/v2/concurrency_limits/", {"name": name, "limit": slots})
        else:
            self._patch(f"/v2/concurrency_limits/{name}", {"limit": slots})

    def free_slots(self, name: str) -> None:
        """Forget who holds slots of a limit: a server that was killed remembers the number, but not the holders."""
        if self._client.get(f"/v2/concurrency_limits/{name}").status_code == 200:
            self._patch(f"/v2/concurrency_limits/{name}", {"active_slots": 0})

    def worker_seen_since(self, pool: str, moment: float) -> bool:
        """Whether a worker of the pool has asked for work since ``moment`` (seconds of the epoch)."""
        answer = self._client.post(f"/work_pools/{pool}/workers/filter", json={})
        if answer.status_code != 200:
            return False
        seen = [worker.get("last_heartbeat_time") for worker in answer.json()]
        return any(_seconds(text) >= moment for text in seen if text)

    def has_deployment(self, flow: str, name: str) -> bool:
        """Whether ``flow/name`` is deployed."""
        return self._client.get(f"/deployments/name/{flow}/{name}").status_code == 200

    def unfinished_runs(self, pool: str) -> list[dict[str, Any]]:
        """Flow runs of a pool that the server believes to be under way."""
        body = {
            "flow_runs": {"state": {"type": {"any_": list(UNFINISHED)}}},
            "work_pools": {"name": {"any_": [pool]}},
            "limit": PAGE,
        }
        return list(self._post("/flow_runs/filter", body))

    def crash_lost_runs(self, pool: str, *, alive: Collection[str]) -> list[str]:
        """Mark runs as crashed (or cancelled, if that was asked for) whose process is gone; returns their names.

        Args:
            pool: Work pool.
            alive: Ids of flow runs whose process still runs; they report for themselves.
        """
        lost = [run for run in self.unfinished_runs(pool) if run["id"] not in alive]
        for run in lost:
            cancelling = run["state"]["type"] == "CANCELLING"
            state = _state("CANCELLED" if cancelling else "CRASHED", "Its process ended without a report.")
            self._post(f"/flow_runs/{run['id']}/set_state", {"state": state, "force": True})
            self._crash_tasks(run["id"])
        return [run["name"] for run in lost]

    def _crash_tasks(self, flow_run_id: str) -> None:
        body = {
            "flow_runs": {"id": {"any_": [flow_run_id]}},
            "task_runs": {"state": {"type": {"any_": list(UNFINISHED)}}},
            "limit": PAGE,
        }
        for task_run in self._post("/task_runs/filter", body):
            state = _state("CRASHED", "The process of its flow run ended.")
            self._post(f"/task_runs/{task_run['id']}/set_state", {"state": state, "force": True})

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        return self._checked(self._client.post(path, json=body)).json()

    def _patch(self, path: str, body: dict[str, Any]) -> None:
        self._checked(self._client.patch(path, json=body))

    def _checked(self, answer: httpx.Response) -> httpx.Response:
        if answer.is_error:
            raise ServerError(f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text[:500]}")
        return answer


def wait_until(
    true: Callable[[], bool], *, timeout_s: float, still_possible: Callable[[], bool], every_s: float = 0.25
) -> bool:
    """Wait until ``true()``; ``False`` when the time is up or ``still_possible()`` no longer holds."""
    deadline = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() > deadline or not still_possible():
            return False
        time.sleep(every_s)
    return True


def _state(kind: str, message: str) -> dict[str, str]:
    return {"type": kind, "name": kind.capitalize(), "message": message}


def _seconds(text: str) -> float:
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
