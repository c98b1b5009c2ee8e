"""Answers to a server that asks for a password, against the examples of the RFCs."""

from __future__ import annotations

import re
import secrets

import pytest

from hawkeye_core.watch.rtsp_login import authorization, chosen, read_challenge

HTTP_AUTH = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)
TEST_REALM = 'Digest realm="testrealm@host.com",{} nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'
"""RFC 2617, 3.5; without qop its answer is the one of RFC 2069."""
OWN = {"http": "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", "test": "0a4f113b"}


@pytest.mark.parametrize(
    ("challenge", "password", "response"),
    [
        (HTTP_AUTH.format("MD5"), "Circle of Life", "8ca523f5e9506fed4657c9700eebdbec"),
        (
            HTTP_AUTH.format("SHA-256"), "Circle of Life",
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        ),
        (TEST_REALM.format(' qop="auth,auth-int",'), "Circle Of Life", "6629fae49393a05397450978507c4ef1"),
        (TEST_REALM.format(""), "Circle Of Life", "670fd8c2df070c60b045671b8b24ff02"),
    ],
)  # fmt: skip
def test_digest_as_in_the_rfcs(
    monkeypatch: pytest.MonkeyPatch, challenge: str, password: str, response: str
) -> None:  # fmt: skip
    monkeypatch.setattr(secrets, "token_hex", lambda size: OWN["http" if "http-auth" in challenge else "test"])
    asked = read_challenge(challenge)
    said = authorization(asked, user="Mufasa", password=password, method="GET", uri="/dir/index.html")
    assert said is not None
    assert f'response="{response}"' in said
    assert ("opaque=" in said, "qop=auth, nc=00000001" in said) == ("opaque" in challenge, "qop" in challenge)


def test_a_session_of_digest_has_a_secret_of_its_own() -> None:
    asked = read_challenge('digest realm="cam, 1", nonce=abc, algorithm=MD5-sess, qop="auth"')
    assert (asked.scheme, asked.values["realm"], asked.values["nonce"]) == ("digest", "cam, 1", "abc")
    once, again = (authorization(asked, user="u", password="p", method="DESCRIBE", uri="rtsp://cam/") for _ in "12")
    assert once is not None
    assert again is not None
    assert re.findall(r'response="(\w+)"', once) != re.findall(r'response="(\w+)"', again)
    assert "algorithm=MD5-sess" in once


def test_basic_as_in_the_rfc() -> None:
    asked = read_challenge('Basic realm="WallyWorld"')
    said = authorization(asked, user="Aladdin", password="open sesame", method="GET", uri="/")
    assert said == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="


def test_of_several_the_one_that_ffmpeg_takes_is_answered() -> None:
    basic, md5 = read_challenge("Basic realm=a"), read_challenge("Digest realm=a, nonce=b")
    sha = read_challenge("Digest realm=a, nonce=b, algorithm=SHA-512-256")
    assert chosen([md5, basic]) is md5
    assert chosen([md5, sha]) is sha
    assert chosen([basic]) is basic
    assert chosen([read_challenge("Negotiate"), read_challenge("")]) is None
    assert authorization(sha, user="u", password="p", method="GET", uri="/") is None
