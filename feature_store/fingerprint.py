"""What a shard was made with: backend, version, settings and weights, as one digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

Family = Literal["pose", "relations", "vision"]
FAMILIES: tuple[Family, ...] = ("pose", "relations", "vision")

UNTRAINED = "untrained"


@dataclass(frozen=True)
class Fingerprint:
    """Everything that decides the content of a shard, except the video itself.

    Two shards of one video with equal digests hold equal features; the store never computes the second and never
    mixes shards of different digests in one data set.

    Args:
        family: Which kind of features.
        backend: Name of the backend (``higherhrnet``, ``reltr``, ``clip``, ``yolo``, ``sidecar`` ...).
        version: Version of the backend's code; raised by hand when its results change.
        weights: ``sha256:<hex>`` of the weights file, ``untrained``, or a name that pins them.
        settings: Every setting that changes a result (JSON values only): sizes, thresholds, frames per second.
    """

    family: Family
    backend: str
    version: str
    weights: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def trained(self) -> bool:
        """False when the networks behind these features have random weights."""
        return UNTRAINED not in self.weights

    @cached_property
    def digest(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of the canonical JSON."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:16]

    def to_json(self) -> str:
        """Canonical JSON: sorted keys, no spaces, NaN refused."""
        return json.dumps(
            {
                "family": self.family,
                "backend": self.backend,
                "version": self.version,
                "weights": self.weights,
                "settings": dict(self.settings),
            },
            sort_keys=True,
            separators=(",", ":"),
            allow_nan=False,
        )

    @classmethod
    def from_json(cls, text: str) -> Fingerprint:
        """Inverse of :meth:`to_json`; raises ``ValueError`` on anything else."""
        value = json.loads(text)
        if not isinstance(value, dict) or set(value) != {"family", "backend", "version", "weights", "settings"}:
            raise ValueError(f"not a fingerprint: {text[:200]!r}")
        return cls(**value)
