"""One thing that is wrong with a store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from feature_store.records import CommitRecord

Kind = Literal["missing", "damaged", "orphan", "temporary", "record", "catalog", "fingerprint"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Args:
        kind: ``missing`` or ``damaged`` shard; ``orphan``, a shard without a record (its writer was killed);
            ``temporary``, a half-written file; damaged ``record``, ``catalog`` or ``fingerprint``.
        path: The file, relative to the store.
        message: What is wrong with it.
        record: The commit record it concerns, if there is one.
    """

    kind: Kind
    path: str
    message: str
    record: CommitRecord | None = None

    def __str__(self) -> str:
        return f"{self.kind}: {self.path}: {self.message}"
