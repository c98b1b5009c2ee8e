"""An RTSP server on loopback that plays an MPEG-TS file: with a password, over TLS, as RTP over TCP or UDP."""

from __future__ import annotations

import base64
import hashlib
import re
import socket
import socketserver
import ssl
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from .stream_servers import serving

SDP = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=cam\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\nm=video 0 RTP/AVP 33\r\n"
    "a=control:track1\r\n"
)
NONCE = "dcd98b7102dd2f0e8b11d0f600bfb0c0"
DIGEST = f'Digest realm="cam", nonce="{NONCE}"'
CHALLENGES = {
    "none": [],
    "basic": ['Basic realm="cam"'],
    "digest": [DIGEST],  # RFC 2617 without qop, as most cameras ask
    "digest-qop": [f'{DIGEST}, algorithm=MD5, qop="auth"'],  # RFC 7616 with MD5
    "both": [DIGEST, 'Basic realm="cam"'],
    "sha-256": [f'{DIGEST}, algorithm=SHA-256, qop="auth"'],
    "sha-basic": [f'{DIGEST}, algorithm=SHA-256, qop="auth"', 'Basic realm="cam"'],
    "md5-sha": [f'{DIGEST}, algorithm=MD5, qop="auth"', f'{DIGEST}, algorithm=SHA-256, qop="auth"'],
    "sha-md5": [f'{DIGEST}, algorithm=SHA-256, qop="auth"', f'{DIGEST}, algorithm=MD5, qop="auth"'],
}


@dataclass(frozen=True)
class Login:
    """Who is let in, and how they are asked: a key of :data:`CHALLENGES`."""

    scheme: str = "none"
    user: str = "user"
    password: str = "hunter2"

    def accepts(self, method: str, uri: str, authorization: str) -> bool:
        """Whether a request may pass."""
        kind, _, rest = authorization.partition(" ")
        if self.scheme == "none":
            return True
        if self.scheme == "basic":
            return kind == "Basic" and base64.b64decode(rest).decode() == f"{self.user}:{self.password}"
        said = {key: quoted or bare for key, quoted, bare in re.findall(r'(\w+)=(?:"([^"]*)"|([^",\s]+))', rest)}
        algorithm = said.get("algorithm", "MD5")
        if kind != "Digest" or not _is_asked(self.scheme, algorithm):
            return False
        known = {"username": self.user, "realm": "cam", "nonce": NONCE, "uri": uri}
        return known.items() <= said.items() and said.get("response") == self._response(method, uri, said, algorithm)

    def _response(self, method: str, uri: str, said: dict[str, str], algorithm: str) -> str:
        def digest(text: str) -> str:
            return hashlib.new({"MD5": "md5", "SHA-256": "sha256"}[algorithm], text.encode()).hexdigest()

        secret, asked = digest(f"{self.user}:cam:{self.password}"), digest(f"{method}:{uri}")
        if "qop" in CHALLENGES[self.scheme][0]:
            return digest(f"{secret}:{NONCE}:{said.get('nc')}:{said.get('cnonce')}:auth:{asked}")
        return digest(f"{secret}:{NONCE}:{asked}")


def _is_asked(scheme: str, algorithm: str) -> bool:
    asked = [re.findall(r"algorithm=([^,]+)", text) or ["MD5"] for text in CHALLENGES[scheme]]
    return [algorithm] in asked


class RtspFile:
    """Plays an MPEG-TS file in its own time, as RTP of payload type 33.

    Args:
        path: The file.
        seconds: How long playing it takes.
        plays: How many clients are served; further ones are hung up on.
        login: Who is let in.
        tls: Makes it rtsps.
        carriers: What RTP may be sent over; 461 is the answer to anything else.
        lost: One in so many packets is lost over UDP; 0 for none.

    Attributes:
        refused: Requests with a user and a password that were wrong.
        carried: What the plays were sent over.
    """

    def __init__(
        self, path: Path, *, seconds: float, plays: int = 1, login: Login | None = None,
        tls: ssl.SSLContext | None = None, carriers: Sequence[str] = ("tcp", "udp"), lost: int = 0,
    ) -> None:  # fmt: skip
        self.data, self.seconds, self.plays = path.read_bytes(), seconds, plays
        self.login, self.tls, self.carriers = login or Login(), tls, carriers
        self.lost = lost
        self.refused = 0
        self.carried: list[str] = []

    @contextmanager
    def serve(self, *, user: str | None = None, password: str | None = None) -> Iterator[str]:
        """The address, with the right user and password in it, or others (as they stand in an address)."""
        user = quote(self.login.user, safe="") if user is None else user
        password = quote(self.login.password, safe="") if password is None else password
        with serving(_RtspHandler, self) as port:
            yield f"rtsp{'s' if self.tls else ''}://{user}:{password}@127.0.0.1:{port}/live"


class _RtspHandler(socketserver.StreamRequestHandler):
    def setup(self) -> None:
        self.plan: RtspFile = self.server.plan  # type: ignore[attr-defined]
        if self.plan.tls is not None:
            self.request = self.plan.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def handle(self) -> None:
        self.client_port: int | None = None
        with ExitStack() as self.ports:
            while self.plan.plays > 0 and (line := self.rfile.readline().decode().strip()):
                method, uri, _ = line.split()
                headers: dict[str, str] = {}
                while header := self.rfile.readline().decode().strip():
                    key, _, value = header.partition(":")
                    headers[key.lower()] = value.strip()
                status, extra = self._answer(method, uri, headers)
                body = SDP if method == "DESCRIBE" and status == "200 OK" else ""
                lines = [f"RTSP/1.0 {status}", f"CSeq: {headers['cseq']}", *extra, f"Content-Length: {len(body)}"]
                self.wfile.write(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
                if method == "PLAY" and status == "200 OK":
                    self._play()
                    return

    def _answer(self, method: str, uri: str, headers: dict[str, str]) -> tuple[str, list[str]]:
        """Status and headers."""
        if method == "OPTIONS":
            return "200 OK", ["Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN"]
        given = headers.get("authorization", "")
        if not self.plan.login.accepts(method, uri, given):
            self.plan.refused += bool(given)
            asked = CHALLENGES[self.plan.login.scheme]
            return "401 Unauthorized", [f"WWW-Authenticate: {challenge}" for challenge in asked]
        if "/live" not in uri:
            return "404 Not Found", []
        if method == "DESCRIBE":
            return "200 OK", ["Content-Type: application/sdp"]
        if method == "SETUP":
            return self._carrier(headers["transport"])
        return "200 OK", ["Session: 1"]

    def _carrier(self, wish: str) -> tuple[str, list[str]]:
        carrier = "tcp" if "RTP/AVP/TCP" in wish else "udp"
        if carrier not in self.plan.carriers:
            return "461 Unsupported Transport", []
        self.plan.carried.append(carrier)
        if carrier == "tcp":
            return "200 OK", ["Transport: RTP/AVP/TCP;unicast;interleaved=0-1", "Session: 1"]
        ports = wish.partition("client_port=")[2].partition(";")[0]
        self.client_port = int(ports.partition("-")[0])
        self.rtp, mine = _pair(self.ports)
        return "200 OK", [f"Transport: RTP/AVP;unicast;client_port={ports};server_port={mine}-{mine + 1}", "Session: 1"]

    def _play(self) -> None:
        size = 7 * 188
        packets = [self.plan.data[at : at + size] for at in range(0, len(self.plan.data), size)]
        self.plan.plays -= 1
        begun = time.monotonic()
        for number, packet in enumerate(packets):
            at = number * self.plan.seconds / len(packets)
            time.sleep(max(0.0, begun + at - time.monotonic()))
            head = struct.pack(">BBHII", 0x80, 33, number & 0xFFFF, int(at * 90000), 1)
            if self.client_port is None:
                self.wfile.write(b"$\0" + struct.pack(">H", len(head) + len(packet)) + head + packet)
            elif not self.plan.lost or (number + 1) % self.plan.lost:
                self.rtp.sendto(head + packet, ("127.0.0.1", self.client_port))
        if self.client_port is not None:
            time.sleep(0.5)  # what was sent is read before the connection that ends it closes


def _pair(stack: ExitStack) -> tuple[socket.socket, int]:
    """Sockets on a port and the one behind it (RTCP, which is not read); the first of the two and its port."""
    while True:
        first = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        second = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        first.bind(("127.0.0.1", 0))
        port: int = first.getsockname()[1]
        try:
            second.bind(("127.0.0.1", port + 1))
        except (OSError, OverflowError):
            continue
        return first, port
