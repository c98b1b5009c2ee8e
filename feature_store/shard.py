"""What a reader needs of a shard, however its bytes are reached."""

from __future__ import annotations

from typing import Protocol

from feature_store.ragged import Arrays


class Shard(Protocol):
    """Features of one video, one family, one fingerprint."""

    n_frames: int

    def read(self, start: int, stop: int) -> Arrays:
        """Fresh arrays by leaf name of frames ``start`` to ``stop`` (0 <= start < stop <= n_frames)."""
        ...
