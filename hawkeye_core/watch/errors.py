"""Errors of a watch that a script can tell from the others."""

from __future__ import annotations

from hawkeye_core.errors import VideoError


class SourceLostError(VideoError):
    """A source that gave frames is gone and could not be found again."""
