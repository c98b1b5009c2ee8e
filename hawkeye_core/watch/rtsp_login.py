"""How a user and a password are sent to a server that asks for them (RFC 7617, RFC 2617 and RFC 7616)."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.request import parse_http_list

HASHES = {"MD5": "md5", "SHA-256": "sha256"}
"""Of Digest; each also as a session's (``MD5-sess``)."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way in which a server asks, from a header ``WWW-Authenticate``.

    Args:
        scheme: ``basic``, ``digest`` or another, in small letters.
        values: Of its parameters, whose names are in small letters.
    """

    scheme: str
    values: Mapping[str, str]

    @property
    def algorithm(self) -> str:
        """Of Digest: MD5 where none is named."""
        return self.values.get("algorithm", "MD5")


def read_challenge(text: str) -> Challenge:
    """A header's value; what cannot be read of it is left out."""
    scheme, _, rest = text.strip().partition(" ")
    pairs = [part.partition("=") for part in parse_http_list(rest)]
    return Challenge(scheme.lower(), {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs})


def chosen(challenges: Sequence[Challenge]) -> Challenge | None:
    """The one of several that FFmpeg answers: the last Digest, else Basic; None where there is neither."""
    for scheme in ("digest", "basic"):
        if of_scheme := [item for item in challenges if item.scheme == scheme]:
            return of_scheme[-1]
    return None


def authorization(challenge: Challenge, *, user: str, password: str, method: str, uri: str) -> str | None:
    """Value of the header ``Authorization`` of a request; None for an algorithm that is not known here.

    Args:
        challenge: Basic or Digest.
        user: Decoded, as is the password.
        password: What goes with it.
        method: Of the request.
        uri: As it stands in the request.
    """
    if challenge.scheme == "basic":
        return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    algorithm = challenge.algorithm.upper()
    name = algorithm.removesuffix("-SESS")
    if name not in HASHES:
        return None
    realm, nonce = challenge.values.get("realm", ""), challenge.values.get("nonce", "")
    own = secrets.token_hex(8)

    def digest(*parts: str) -> str:
        return hashlib.new(HASHES[name], ":".join(parts).encode(), usedforsecurity=False).hexdigest()

    secret = digest(user, realm, password)
    if algorithm.endswith("-SESS"):
        secret = digest(secret, nonce, own)
    asked = digest(method, uri)
    said = {"username": user, "realm": realm, "nonce": nonce, "uri": uri}
    bare = ""
    if "auth" in [item.strip() for item in challenge.values.get("qop", "").split(",")]:
        said |= {"response": digest(secret, nonce, "00000001", own, "auth", asked), "cnonce": own}
        bare = ", qop=auth, nc=00000001"
    else:
        said["response"] = digest(secret, nonce, asked)
    if "opaque" in challenge.values:
        said["opaque"] = challenge.values["opaque"]
    if "algorithm" in challenge.values:
        bare += f", algorithm={challenge.algorithm}"
    return "Digest " + ", ".join(f'{key}="{value}"' for key, value in said.items()) + bare
