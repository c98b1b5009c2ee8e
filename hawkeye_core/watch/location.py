"""What a user calls a source, and what of it may be shown."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from hawkeye_core.errors import ConfigError, VideoMissingError

Kind = Literal["url", "camera", "file", "folder"]

SCHEMES = ("rtsp", "rtsps", "http", "https")
"""Of URLs; others of FFmpeg's (``file:``, ``concat:`` ...) would open what nobody named."""

HIDDEN = "***"
ENCODE = "in an address, @ : / ? # % of a password are written %40 %3A %2F %3F %23 %25"
"""Said where a password may be the reason."""


@dataclass(frozen=True, slots=True)
class Location:
    """Where frames come from.

    Args:
        kind: How to read it.
        value: URL, number of the camera, or path.
        shown: The same without secrets, for logs and alerts.
    """

    kind: Kind
    value: str
    shown: str


def locate(source: str) -> Location:
    """Read what the user named.

    Raises:
        ConfigError: A URL of a kind that is not watched, or without a host; a camera without a number.
        VideoMissingError: No such file or folder.
    """
    scheme, colon, rest = source.partition(":")
    if colon and scheme.lower() == "camera":
        if not rest.isascii() or not rest.isdigit() or len(rest) > 3:
            raise ConfigError("a camera is named by its number", path=source, remedy="camera:0 is the first one")
        return Location("camera", rest, f"camera:{int(rest)}")
    if rest.startswith("//"):
        if scheme.lower() not in SCHEMES or not _host(source):
            known = ", ".join(f"{name}://" for name in SCHEMES)
            raise ConfigError(
                "is no address that can be watched", path=mask_url(source),
                remedy=f"an address begins with {known} and names a host; {ENCODE}",
            )  # fmt: skip
        return Location("url", source, mask_url(source))
    path = Path(os.path.expanduser(source))
    if path.is_dir():
        return Location("folder", str(path), source)
    if path.is_file():
        return Location("file", str(path), source)
    raise VideoMissingError(
        "no such file or folder", path=source,
        remedy="name a folder, a file that is being written, camera:0, or an rtsp:// or http:// address",
    )  # fmt: skip


def check_webhook(url: str) -> None:
    """Refuse an address that cannot be posted to, without repeating it.

    Raises:
        ConfigError: It is not of http or https, or names no host.
    """
    if not url.lower().startswith(("http://", "https://")) or not _host(url):
        raise ConfigError(
            "is no address that alerts can be posted to", path=mask_url(url, path=False),
            remedy="a webhook begins with http:// or https:// and names a host",
        )  # fmt: skip


def mask_url(url: str, *, path: bool = True) -> str:
    """A URL without what may be secret: user, password, values of the query, fragment.

    Args:
        url: Any text; what cannot be read as a URL is hidden as a whole.
        path: Whether its path may be shown; that of a webhook is often a secret.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return HIDDEN
    if not parts.scheme or not host:
        return HIDDEN
    if "@" in f"{parts.path}{parts.query}{parts.fragment}":  # a / ? # in a password, so that it ends the host
        return f"{parts.scheme}://{HIDDEN}"
    user = f"{HIDDEN}@" if "@" in parts.netloc else ""
    where = f"[{host}]" if ":" in host else host
    shown = parts.path if path else (f"/{HIDDEN}" if parts.path.strip("/") else parts.path)
    query = f"?{HIDDEN}" if parts.query else ""
    return f"{parts.scheme}://{user}{where}{f':{port}' if port is not None else ''}{shown}{query}"


def _host(url: str) -> str | None:
    """None where there is none, or a port that is none."""
    try:
        parts = urlsplit(url)
        return parts.hostname if parts.port is None or parts.port else None
    except ValueError:
        return None
