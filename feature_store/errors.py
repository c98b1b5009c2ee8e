"""Errors of the feature store: every message names the file, and what to do about it."""

from __future__ import annotations


class StoreError(Exception):
    """Something about a feature store is wrong.

    Args:
        message: What is wrong, with the file or video it concerns.
        remedy: What the user can do; printed on its own line.
    """

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message if remedy is None else f"{message}\n  remedy: {remedy}")
        self.message = message
        self.remedy = remedy


class StoreMissingError(StoreError):
    """No feature store at the given path or URL."""


class VideoUnknownError(StoreError):
    """The store has no such video, or not the features asked for."""


class ShardCorruptError(StoreError):
    """A shard is missing, truncated, or differs from what its commit record says."""
