"""Why an RTSP address cannot be opened. OpenCV does not say, so the server is asked once more, without FFmpeg."""

from __future__ import annotations

import socket
import ssl
import time
from dataclasses import dataclass
from typing import BinaryIO
from urllib.parse import SplitResult, unquote, urlsplit

from hawkeye_core import __version__
from hawkeye_core.watch.location import ENCODE
from hawkeye_core.watch.rtsp_login import Challenge, authorization, chosen, read_challenge

PORTS = {"rtsp": 554, "rtsps": 322}
LONGEST_S = 5.0
"""The question takes no longer."""
MAX_LINES, MAX_LINE, MAX_BODY = 100, 4096, 65_536
"""Of an answer that is read."""
LOGIN = "put both into the address: rtsp://USER:PASSWORD@HOST/PATH"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why it cannot be opened.

    Args:
        what: In words, without secrets.
        remedy: What the user can do.
        final: Whether the same address will fail again, so that another try only helps a camera to lock its user out.
    """

    what: str
    remedy: str
    final: bool = False


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    challenges: tuple[Challenge, ...]


def why_closed(url: str, *, transport: str, timeout_s: float) -> Reason | None:
    """Ask for the description of a stream, as FFmpeg does first, with the address's user and password if need be.

    Args:
        url: rtsp or rtsps. Of rtsps the certificate is not checked, as FFmpeg does not.
        transport: What RTP was wanted over, ``tcp`` or ``udp``.
        timeout_s: For all of it; at most :data:`LONGEST_S` are used.

    Returns:
        The reason; None where the answer explains nothing.
    """
    parts = urlsplit(url)
    end = time.monotonic() + min(timeout_s, LONGEST_S)
    try:
        with _connected(parts, end) as connection, connection.makefile("rb") as lines:
            return _asked(parts, connection, lines, transport, end)
    except ssl.SSLError:
        return Reason("TLS cannot be agreed on at this port", "rtsp:// for a camera without TLS; check the port")
    except ConnectionRefusedError:
        return Reason("nobody listens at this host and port", "check host, port and whether the camera is on")
    except socket.gaierror:
        return Reason("the name of the host is not known", f"check the address; {ENCODE}")
    except TimeoutError:
        return Reason("the server does not answer", "check host, port, network and whether the camera is on")
    except (OSError, ValueError):  # hung up, or no address after all
        return None


def _connected(parts: SplitResult, end: float) -> socket.socket:
    place = (parts.hostname or "", parts.port or PORTS[parts.scheme])
    connection = socket.create_connection(place, timeout=_rest(end))
    if parts.scheme == "rtsp":
        return connection
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(connection, server_hostname=parts.hostname)


def _asked(parts: SplitResult, connection: socket.socket, lines: BinaryIO, transport: str, end: float) -> Reason | None:
    uri = parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl()
    answer = _describe(connection, lines, uri, end)
    if answer is not None and answer.status == 401:
        challenge = chosen(answer.challenges)
        if parts.username is None:
            return Reason("the server asks for a user and a password, and the address has none", LOGIN, final=True)
        user, password = unquote(parts.username), unquote(parts.password or "")
        if challenge is None:
            return _unknown("a way")
        login = authorization(challenge, user=user, password=password, method="DESCRIBE", uri=uri)
        if login is None:
            return _unknown(f"Digest {challenge.algorithm[:20]}")
        answer = _describe(connection, lines, uri, end, login=login)
        if answer is not None and answer.status == 401:
            return Reason("the server does not accept user and password", f"check both; {ENCODE}", final=True)
        if answer is not None and answer.status == 200 and not challenge.algorithm.upper().startswith("MD5"):
            return _unknown(f"Digest {challenge.algorithm}")
    return None if answer is None else _of_status(answer.status, parts.scheme, transport)


def _unknown(way: str) -> Reason:
    return Reason(
        f"the server asks for the password by {way}, which the FFmpeg in OpenCV does not know",
        "set the camera to Digest with MD5 alone, or to Basic with rtsps://", final=True,
    )  # fmt: skip


def _of_status(status: int, scheme: str, transport: str) -> Reason:
    if status == 200:
        what = f"the server describes the stream, but no video that can be read came over {transport.upper()}"
        if transport == "udp":
            return Reason(what, "transport=tcp; or let UDP through the firewall")
        return Reason(what, "the camera's settings" if scheme == "rtsps" else "the camera's settings; transport=udp")
    if status == 404:
        return Reason("the server knows no stream under this path (404)", "check the path of the address")
    return Reason(f"the server answers {status}", "check address, user and password, and the camera's own messages")


def _describe(
    connection: socket.socket, lines: BinaryIO, uri: str, end: float, *, login: str | None = None
) -> _Answer | None:  # fmt: skip
    """None: hung up, or no RTSP."""
    number = 1 if login is None else 2
    head = [f"DESCRIBE {uri} RTSP/1.0", f"CSeq: {number}", f"User-Agent: hawkeye/{__version__}"]
    head += ["Accept: application/sdp", *([] if login is None else [f"Authorization: {login}"])]
    connection.settimeout(_rest(end))
    connection.sendall(("\r\n".join(head) + "\r\n\r\n").encode())
    words = lines.readline(MAX_LINE).split()
    if len(words) < 2 or not words[0].startswith(b"RTSP/") or not words[1].isdigit():
        return None
    challenges: list[Challenge] = []
    length = 0
    for _ in range(MAX_LINES):
        connection.settimeout(_rest(end))
        name, _, value = lines.readline(MAX_LINE).decode(errors="replace").strip().partition(":")
        if not name:
            break
        if name.lower() == "www-authenticate":
            challenges.append(read_challenge(value))
        if name.lower() == "content-length" and value.strip().isdecimal():
            length = min(int(value), MAX_BODY)
    lines.read(length)  # what follows on the same connection is the next answer
    return _Answer(int(words[1]), tuple(challenges))


def _rest(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
