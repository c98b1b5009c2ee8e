"""Errors a user can meet. Each names the file or value and, where there is one, the remedy."""

from __future__ import annotations

from pathlib import Path


class HawkeyeError(Exception):
    """Base of all errors that are the input's fault, not the program's.

    Args:
        message: What is wrong.
        path: The file it concerns; put in front of the message.
        remedy: What the user can do; printed on its own line.
    """

    def __init__(self, message: str, *, path: str | Path | None = None, remedy: str | None = None) -> None:
        text = message if path is None else f"{path}: {message}"
        super().__init__(text if remedy is None else f"{text}\n  remedy: {remedy}")
        self.message = message
        self.path = None if path is None else str(path)
        self.remedy = remedy


class ConfigError(HawkeyeError):
    """A setting is unknown, of the wrong type, or contradicts another."""


class WeightsError(HawkeyeError):
    """A weights file is missing, hostile, truncated, or made for another network."""


class BackendUnavailableError(HawkeyeError):
    """A backend needs a package that is not installed."""


class SidecarError(HawkeyeError):
    """Imported results are missing or not in the stated format."""


class AnnotationError(HawkeyeError):
    """An annotation file is missing or not in the stated format."""


class VideoError(HawkeyeError):
    """A video cannot be used; the subclass says why."""


class VideoMissingError(VideoError):
    """There is no such file, or it cannot be read."""


class VideoEmptyError(VideoError):
    """The file has no bytes, or its video stream no frames."""


class NotAVideoError(VideoError):
    """The file is not a media container that OpenCV can open."""


class NoVideoStreamError(VideoError):
    """The container has no video stream (audio only, for example)."""
