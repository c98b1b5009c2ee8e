"""Which faults of a task are worth another try."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State, TaskRun
    from prefect.tasks import Task

LASTING = (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError, FileExistsError)
"""Operating system errors that do not pass by waiting."""

DEVICE_WORDS = ("out of memory", "cuda", "cudnn", "cublas", "mps backend")
"""What the text of torch's ``RuntimeError`` says when the device, not the program, is at fault."""

RETRY_DELAYS_S = (2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds before the first, second ... new try; the last one repeats."""


def is_passing(error: BaseException) -> bool:
    """True for faults of disk, network, memory or device that may be gone at the next try.

    A bad video never gets here: extraction records it and returns. Faults of the program (``TypeError``, shape
    mismatches) fail at once, because a second try would hide them and change nothing.
    """
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError):
        return not isinstance(error, LASTING)
    return isinstance(error, RuntimeError) and any(word in str(error).lower() for word in DEVICE_WORDS)


def retry_if_passing(task: Task[Any, Any], task_run: TaskRun, state: State[Any]) -> bool:
    """Prefect's ``retry_condition_fn``: asks :func:`is_passing` about the exception of a failed task."""
    from prefect.states import get_state_exception

    return is_passing(cast(BaseException, get_state_exception(state)))


def retry_delays(retries: int) -> list[float]:
    """Seconds to wait before each of ``retries`` new tries (2, 4, 8, 16, then 30)."""
    return [RETRY_DELAYS_S[min(index, len(RETRY_DELAYS_S) - 1)] for index in range(retries)]
