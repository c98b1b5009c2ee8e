"""Wall time of prediction by stage, and how much video it is the time of."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

READ, ANSWER, PROBE = "reading features", "answering", "probes"
"""Stages: reading stored features; scene modules, prefill and decoding; prefill and probes of the anomaly curve."""


@dataclass(slots=True)
class Spent:
    """What prediction took.

    Args:
        seconds: Wall time by stage.
        answered_s: Seconds of the windows that were answered.
        known_s: Seconds of those whose answers were known from an earlier run.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    answered_s: float = 0.0
    known_s: float = 0.0

    @contextmanager
    def on(self, stage: str) -> Iterator[None]:
        """Count the time in the context."""
        begun = time.monotonic()
        yield
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.monotonic() - begun
