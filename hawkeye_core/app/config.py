"""Settings of the page: where it is served, and what may be sent to it."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from hawkeye_core.settings import Settings

INSTALL = 'pip install "hawkeye-iasdig[app]"'
"""What a missing Gradio is answered with."""


class AppSettings(Settings):
    """Limits and address of the page."""

    host: str = "127.0.0.1"
    """Address it listens on; other machines reach only other ones than loopback."""
    port: int = Field(default=7860, ge=1, le=65535)
    """Port it listens on."""
    max_mb: float = Field(default=500.0, gt=0, le=100_000)
    """Largest video, in millions of bytes."""
    max_minutes: float = Field(default=60.0, gt=0)
    """Longest video."""
    idle_minutes: float = Field(default=60.0, gt=0)
    """What nobody asked for so long is deleted."""
    waiting: int = Field(default=20, ge=1)
    """Most visitors that wait their turn, and most uploads that are kept for them."""
    public_url: str | None = None
    """Address at which a reverse proxy offers the page, such as ``https://example.org/hawkeye``."""

    @field_validator("public_url")
    @classmethod
    def _whole(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("must be a whole address such as https://example.org/hawkeye")
        return value.rstrip("/")

    @property
    def max_bytes(self) -> int:
        """Largest video, in bytes."""
        return round(self.max_mb * 1e6)

    @property
    def loopback(self) -> bool:
        """Whether only this machine reaches the page."""
        return is_loopback(self.host)

    def names(self) -> frozenset[str] | None:
        """Host names that requests may be addressed to; None: any.

        On loopback only its own names and that of the proxy, since a page elsewhere could have a name that resolves to
        127.0.0.1 (DNS rebinding).
        """
        if not self.loopback:
            return None
        proxied = urlsplit(self.public_url).hostname if self.public_url else None
        return frozenset({"localhost", "127.0.0.1", "::1", self.host} | ({proxied} if proxied else set()))


def is_loopback(host: str) -> bool:
    """Whether an address is one of this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
