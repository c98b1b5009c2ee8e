"""Build the three backends that the settings name, once a process."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch

from feature_store.fingerprint import FAMILIES, Family, Fingerprint
from hawkeye_core.backend import PoseBackend, RelationBackend, VisionBackend
from hawkeye_core.errors import ConfigError
from hawkeye_core.extraction.config import ExtractSettings
from hawkeye_core.pose.config import HigherHRNetSettings, PoseSettings, YoloPoseSettings
from hawkeye_core.relation.config import RelationSettings, RelTRSettings, YoloRelationSettings

SAMPLER_VERSION = "1"
"""Part of every fingerprint; raised when the choice of frames changes."""

TRACKER_VERSION = "1"
"""Part of every pose fingerprint; raised when people are matched with the previous frame differently."""


@dataclass(frozen=True)
class Backends:
    """The networks of one run. ``lock`` serialises them: one video at a time uses the device."""

    pose: PoseBackend
    relations: RelationBackend
    vision: VisionBackend
    fingerprints: Mapping[Family, Fingerprint]
    repeatable: bool
    """Whether equal pictures give equal results (true for networks, not for imported files)."""
    lock: threading.Lock = field(default_factory=threading.Lock, compare=False)

    @property
    def trained(self) -> bool:
        """False when any family's weights are random."""
        return all(self.fingerprints[family].trained for family in FAMILIES)


_built: dict[str, Backends] = {}
_build_lock = threading.Lock()


def get_backends(settings: ExtractSettings) -> Backends:
    """The backends for these settings, built on first use and shared by all threads of the process."""
    key = settings.model_dump_json(include={"pose", "relations", "vision", "fps", "device"})
    with _build_lock:
        if key not in _built:
            _built[key] = build_backends(settings)
        return _built[key]


def build_backends(settings: ExtractSettings) -> Backends:
    """Build networks and load their weights.

    Raises:
        WeightsError: A weights file is missing or does not fit; the message says where it is published.
        BackendUnavailableError: A backend's package is not installed.
        ConfigError: The device is not there.
    """
    device = resolve_device(settings.device)
    pose = _build_pose(settings.pose, device)
    relations = _build_relations(settings.relations, device)
    vision = _build_vision(settings, device)
    related = _with_sampling(relations.fingerprint, settings.fps)
    return Backends(
        pose=pose,
        relations=relations,
        vision=vision,
        fingerprints={
            "pose": _with_sampling(_with_tracker(pose.fingerprint), settings.fps),
            "relations": related,
            "vision": _with_sampling(vision.fingerprint_for(related), settings.fps),
        },
        repeatable="sidecar" not in (settings.pose.backend, settings.relations.backend),
    )


def resolve_device(name: str) -> str:
    """``auto`` becomes cuda, mps or cpu; a device that is not there is refused."""
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return next(device for device in ("cuda", "mps", "cpu") if available[device])
    if not available[name]:
        raise ConfigError(f"device {name!r} is not available", remedy="use `device: auto` or `device: cpu`")
    return name


def _with_sampling(fingerprint: Fingerprint, fps: float) -> Fingerprint:
    settings = {**fingerprint.settings, "fps": fps, "sampler": SAMPLER_VERSION}
    return replace(fingerprint, settings=settings)


def _with_tracker(fingerprint: Fingerprint) -> Fingerprint:
    return replace(fingerprint, settings={**fingerprint.settings, "tracker": TRACKER_VERSION})


def _build_pose(settings: PoseSettings, device: str) -> PoseBackend:
    if isinstance(settings, HigherHRNetSettings):
        from hawkeye_core.pose.higherhrnet import HigherHRNetBackend

        return HigherHRNetBackend(settings, device=device)
    if isinstance(settings, YoloPoseSettings):
        from hawkeye_core.pose.yolo import YoloPoseBackend

        return YoloPoseBackend(settings, device=device)
    from hawkeye_core.pose.sidecar import SidecarPoseBackend

    return SidecarPoseBackend(settings)


def _build_relations(settings: RelationSettings, device: str) -> RelationBackend:
    if isinstance(settings, RelTRSettings):
        from hawkeye_core.relation.reltr_backend import RelTRBackend

        return RelTRBackend(settings, device=device)
    if isinstance(settings, YoloRelationSettings):
        from hawkeye_core.relation.yolo import YoloRelationBackend

        return YoloRelationBackend(settings, device=device)
    from hawkeye_core.relation.sidecar import SidecarRelationBackend

    return SidecarRelationBackend(settings)


def _build_vision(settings: ExtractSettings, device: str) -> VisionBackend:
    from hawkeye_core.vision.backend import ClipVisionBackend

    return ClipVisionBackend(settings.vision, device=device)
