"""Sources and a receiver on loopback: pictures over HTTP, RTSP over TCP, and alerts posted to an address."""

from __future__ import annotations

import http.server
import json
import socketserver
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
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
def _serving(handler: type[socketserver.BaseRequestHandler], plan: Any) -> Iterator[int]:
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
        with _serving(_PictureHandler, self) as port:
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


class RtspFile:
    """An RTSP server over TCP that plays an MPEG-TS file in its own time, as RTP of payload type 33.

    Args:
        path: The file.
        seconds: How long playing it takes.
        plays: How many clients are served; further ones are hung up on.
    """

    def __init__(self, path: Path, *, seconds: float, plays: int = 1) -> None:
        self.data, self.seconds, self.plays = path.read_bytes(), seconds, plays

    @contextmanager
    def serve(self) -> Iterator[str]:
        """The address, with a password in it."""
        with _serving(_RtspHandler, self) as port:
            yield f"rtsp://user:hunter2@127.0.0.1:{port}/live"


SDP = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=cam\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\nm=video 0 RTP/AVP 33\r\n"
    "a=control:track1\r\n"
)
RTSP_HEADERS = {
    b"OPTIONS": "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n",
    b"DESCRIBE": "Content-Type: application/sdp\r\n",
    b"SETUP": "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n",
}


class _RtspHandler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        plan: RtspFile = self.server.plan  # type: ignore[attr-defined]
        if plan.plays < 1:
            return
        while line := self.rfile.readline().strip():
            method, sequence = line.split()[0], ""
            while header := self.rfile.readline().strip():
                if header.lower().startswith(b"cseq:"):
                    sequence = header.split(b":")[1].strip().decode()
            body = SDP if method == b"DESCRIBE" else ""
            extra = RTSP_HEADERS.get(method, "Session: 1\r\n")
            answer = f"RTSP/1.0 200 OK\r\nCSeq: {sequence}\r\n{extra}Content-Length: {len(body)}\r\n\r\n{body}"
            self.wfile.write(answer.encode())
            if method == b"PLAY":
                plan.plays -= 1
                self._play(plan)
                return

    def _play(self, plan: RtspFile) -> None:
        size = 7 * 188
        packets = [plan.data[at : at + size] for at in range(0, len(plan.data), size)]
        begun = time.monotonic()
        for number, packet in enumerate(packets):
            at = number * plan.seconds / len(packets)
            time.sleep(max(0.0, begun + at - time.monotonic()))
            head = struct.pack(">BBHII", 0x80, 33, number & 0xFFFF, int(at * 90000), 1)
            self.wfile.write(b"$\0" + struct.pack(">H", len(head) + len(packet)) + head + packet)


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
        with _serving(_ReceiverHandler, self) as port:
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
