"""Servers on loopback: pictures over HTTP, and a receiver of alerts that are posted."""

from __future__ import annotations

import http.server
import json
import socketserver
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import cv2
import numpy as np


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    plan: Any = None

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone is no news."""


@contextmanager
def serving(handler: type[socketserver.BaseRequestHandler], plan: Any) -> Iterator[int]:
    """The port of a server whose handlers find what to do in ``server.plan``."""
    server = _Server(("127.0.0.1", 0), handler)
    server.plan = plan
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


class Pictures:
    """A camera: picture ``n`` shows the number n % 256, counted through all connections.

    Args:
        rate: Pictures a second.
        connections: Seconds that each connection lasts; further ones are answered with 503.
        away_s: Seconds after the first connection's end in which nobody is let in.
    """

    def __init__(self, *, rate: float, connections: Sequence[float], away_s: float = 0.0) -> None:
        self.rate, self.connections, self.away_s = rate, list(connections), away_s
        self.sent = self.refused = 0
        self.begun = time.monotonic()
        self.free_from = 0.0

    @contextmanager
    def serve(self) -> Iterator[str]:
        """The address, with secrets in it."""
        with serving(_PictureHandler, self) as port:
            yield f"http://user:hunter2@127.0.0.1:{port}/cam?token=swordfish"


class _PictureHandler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        plan: Pictures = self.server.plan  # type: ignore[attr-defined]
        if not plan.connections or time.monotonic() < plan.free_from:
            plan.refused += 1
            self.send_error(503)
            return
        end = time.monotonic() + plan.connections.pop(0)
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        begun, count = time.monotonic(), 0
        while time.monotonic() < end:
            picture = np.full((48, 64, 3), plan.sent % 256, np.uint8)
            body = cv2.imencode(".jpg", picture)[1].tobytes()
            self.wfile.write(b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            self.wfile.write(b"\r\n")
            plan.sent, count = plan.sent + 1, count + 1
            time.sleep(max(0.0, begun + count / plan.rate - time.monotonic()))
        plan.free_from = time.monotonic() + plan.away_s

    def log_message(self, *args: Any) -> None:
        """Quiet."""


class Receiver:
    """Takes posted alerts.

    Args:
        answers: What status the n-th request is answered with, from 0.
        delay_s: Before each answer.
    """

    def __init__(self, answers: Callable[[int], int] = lambda number: 200, *, delay_s: float = 0.0) -> None:
        self.answers, self.delay_s = answers, delay_s
        self.requests: list[tuple[dict[str, str], dict[str, Any]]] = []
        self.accepted: list[dict[str, Any]] = []

    @contextmanager
    def serve(self) -> Iterator[str]:
        """The address, with a secret in its path."""
        with serving(_ReceiverHandler, self) as port:
            yield f"http://127.0.0.1:{port}/hooks/swordfish"


class _ReceiverHandler(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        plan: Receiver = self.server.plan  # type: ignore[attr-defined]
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status = plan.answers(len(plan.requests))
        plan.requests.append((dict(self.headers), body))
        time.sleep(plan.delay_s)
        self.send_response(status)
        if status in (301, 302, 307):
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()
        if 200 <= status < 300:
            plan.accepted.append(body)

    def log_message(self, *args: Any) -> None:
        """Quiet."""
