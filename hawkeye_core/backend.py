"""The three interfaces an extraction backend can have. A backend is built once and used from one thread at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from feature_store.fingerprint import Fingerprint
from hawkeye_core.scene import FrameBatch, FramePose, FrameRelations, FrameVision


@runtime_checkable
class PoseBackend(Protocol):
    """Finds people and their joints."""

    @property
    def fingerprint(self) -> Fingerprint:
        """What decides the result; see :class:`Fingerprint`."""
        ...

    def detect(self, batch: FrameBatch) -> list[FramePose]:
        """One result a frame, in order."""
        ...


@runtime_checkable
class RelationBackend(Protocol):
    """Finds objects and the relations between them."""

    @property
    def fingerprint(self) -> Fingerprint:
        """What decides the result; see :class:`Fingerprint`."""
        ...

    def detect(self, batch: FrameBatch) -> list[FrameRelations]:
        """One result a frame, in order."""
        ...


@runtime_checkable
class VisionBackend(Protocol):
    """Encodes frames to pooled tokens, given the objects found in them."""

    def fingerprint_for(self, relations: Fingerprint) -> Fingerprint:
        """The result depends on the boxes, so on the fingerprint of the relations they come from."""
        ...

    def encode(self, batch: FrameBatch, relations: Sequence[FrameRelations]) -> list[FrameVision]:
        """One result a frame, in order."""
        ...
