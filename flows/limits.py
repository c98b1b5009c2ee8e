"""The global concurrency limit: how many videos are worked on at once, over all runs of one Prefect server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.concurrency.sync import concurrency
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound

from flows.names import LIMIT
from flows.progress import stop_if_told

LEASE_S = 60.0
"""A slot of a killed run is free again after this long (the shortest lease the server allows)."""
WAIT_S = 10.0
"""A waiting video looks this often whether the flow was told to stop."""


def ensure_limit(slots: int) -> int:
    """Make the limit if the server lacks it, and return how many slots it has.

    Without this, ``concurrency`` would run unlimited: Prefect takes an unknown limit for none. A limit that exists is
    left as it is, because someone may have set it for the machine.
    """
    with get_client(sync_client=True) as client:
        try:
            return client.read_global_concurrency_limit_by_name(LIMIT).limit
        except ObjectNotFound:
            pass
        try:
            client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=LIMIT, limit=slots))
        except ObjectAlreadyExists:  # another run was faster
            return client.read_global_concurrency_limit_by_name(LIMIT).limit
    return slots


@contextmanager
def video_slot() -> Iterator[None]:
    """Hold one slot of the limit; waits for it as long as it takes, unless the flow is told to stop.

    Raises:
        ConcurrencySlotAcquisitionError: The limit does not exist (``strict``).
        StoppedError: The flow was told to stop while waiting.
    """
    with ExitStack() as stack:
        while not _acquired(stack):
            stop_if_told()
        yield


def _acquired(stack: ExitStack) -> bool:
    slot = concurrency(
        LIMIT, timeout_seconds=WAIT_S, lease_duration=LEASE_S, strict=True, raise_on_lease_renewal_failure=False
    )
    try:
        stack.enter_context(slot)
    except TimeoutError:
        return False
    return True
