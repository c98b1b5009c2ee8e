"""Means of the values of several steps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping


class Means:
    """Adds up named numbers until they are taken."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = defaultdict(float)
        self._count = 0

    def add(self, values: Mapping[str, float]) -> None:
        """One more step's values."""
        for name, value in values.items():
            self._sums[name] += value
        self._count += 1

    def take(self) -> dict[str, float]:
        """The means so far, to six digits; starts anew."""
        means = {name: float(f"{value / self._count:.6g}") for name, value in self._sums.items()}
        self._sums.clear()
        self._count = 0
        return means
