"""What stands between the network and the page: names, origins, the parts of Gradio that are not needed, headers.

Gradio can take files, serve files from its cache, and fetch addresses that a request names. The page does none of it
(it has its own door for videos, :mod:`.serving`), so these are shut here.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any
from urllib.parse import urlsplit

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

SHUT = ("upload", "file", "proxy", "stream", "component_server", "deep_link", "api", "call")
"""Routes of Gradio behind ``/gradio_api/`` that the page does not use."""
SHUT_ROOTS = ("monitoring", "login", "logout", "pwa_icon", "docs", "openapi.json", "deep_link")
BODY = 256 * 1024
"""Bytes of an event, at most."""
HEADERS = {
    "content-security-policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; connect-src 'self'; "
        "worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff", "referrer-policy": "no-referrer", "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",
}  # fmt: skip


class Guard:
    """An ASGI application in front of another.

    Args:
        app: The other.
        names: Host names that requests may be addressed to; None: any.
    """

    def __init__(self, app: App, *, names: Collection[str] | None) -> None:
        self._app, self._names = app, names

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        refused = "this is not taken here" if scope["type"] != "http" else self._refusal(scope)
        if refused is None and scope["method"] == "POST" and not scope["path"].startswith("/hawkeye/"):
            body = await _read(receive)
            refused = "the request is too large" if body is None else _hidden_file(body)
            receive = _again(body or b"", receive)
        if refused is not None:
            await _refuse(scope, send, refused)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message = {**message, "headers": [*message.get("headers", ()), *own]}
            await send(message)

        await self._app(scope, receive, with_headers)

    def _refusal(self, scope: MutableMapping[str, Any]) -> str | None:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host = _hostname(f"//{headers.get('host', '')}")
        if self._names is not None and host not in self._names:
            return "this address is not served here"
        origin = headers.get("origin")
        if origin is not None and _hostname(origin) not in {host, *(self._names or ())}:
            return "requests of other pages are not answered"
        first, _, rest = scope["path"].lstrip("/").partition("/")
        route = rest.partition("/")[0].partition("=")[0]
        if first in SHUT_ROOTS or (first == "gradio_api" and route in SHUT) or first in ("file", "proxy"):
            return "this is not offered here"
        return None


def _hostname(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _hidden_file(body: bytes) -> str | None:
    """Why an event is refused: Gradio takes an object with a path in it, wherever it stands, for a file to open."""
    try:
        waiting = [json.loads(body or b"{}")]
    except (ValueError, RecursionError):
        return "the request cannot be read"
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            if "path" in item or "_type" in item or "url" in item:
                return "files cannot be sent this way"
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
    return None


async def _read(receive: Receive) -> bytes | None:
    """The body, or None if it is too large."""
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b""
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > BODY:
            return None
        if not message.get("more_body"):
            return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """Gives a body that was read, then what comes after it."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


async def _refuse(scope: MutableMapping[str, Any], send: Send, words: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    body = json.dumps({"error": words}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})
