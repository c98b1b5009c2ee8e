"""What a reader needs of a shard, however its bytes are reached."""

from __future__ import annotations

from typing import Literal, Protocol

from feature_store.ragged import Arrays

Part = Literal["all", "family"]
"""``family`` leaves out the frame's own columns, which every family repeats."""


class Shard(Protocol):
    """Features of one video, one family, one fingerprint."""

    n_frames: int

    def read(self, start: int, stop: int, *, part: Part = "all") -> Arrays:
        """Fresh arrays by leaf name of frames ``start`` to ``stop`` (0 <= start < stop <= n_frames)."""
        ...
