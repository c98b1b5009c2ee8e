"""RTSP with a password, over TLS and over UDP, and what a user is told where one of them fails."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from hawkeye_core.errors import ConfigError, VideoError
from hawkeye_core.settings import load_settings
from hawkeye_core.watch.errors import SourceLostError
from hawkeye_core.watch.live_source import LiveSource
from hawkeye_core.watch.location import locate
from hawkeye_core.watch.settings import WatchSettings

from .conftest import FPS, rules, watching
from .rtsp_server import Login, RtspFile
from .self_signed import self_signed

USER, PASSWORD = "op erator", "p@ss:/?#% ü"  # no part of them stands in any other text
SECRETS = (USER, "op%20", PASSWORD, "p@ss", "p%40ss", "hunter2", "swordfish")
PATIENT = {"timeout_s": 30.0, "reconnects": 0}


@pytest.fixture
def light(write_ts: Callable[..., Path]) -> Path:
    """3 s, bright from 1 to 2 s."""
    return write_ts("short-light.ts", [230 if 25 <= n < 50 else 20 for n in range(75)])


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Everything that was logged and printed, and more; it holds no secret."""
    caplog.set_level(logging.DEBUG)

    def words(*more: str) -> str:
        said = capfd.readouterr()
        text = "\n".join((caplog.text, said.out, said.err, *more))
        for secret in SECRETS:
            assert secret not in text
        return text

    return words


@pytest.mark.parametrize(
    ("scheme", "transport", "tls"),
    [
        ("basic", "tcp", False),
        ("digest", "tcp", False),
        ("digest-qop", "tcp", False),
        ("both", "tcp", False),
        ("sha-md5", "tcp", False),
        ("none", "udp", False),
        ("digest", "udp", False),
        ("none", "tcp", True),
        ("digest", "tcp", True),
    ],
)
def test_it_is_watched(
    light: Path, quiet: Callable[..., str], tmp_path: Path, scheme: str, transport: str, tls: bool
) -> None:  # fmt: skip
    server = RtspFile(
        light, seconds=3.0, login=Login(scheme, USER, PASSWORD), tls=self_signed(tmp_path) if tls else None
    )
    with server.serve() as url:
        assert "p%40ss" in url
        settings = rules(url, transport=transport, **PATIENT)
        watch, kept, _, lines = watching(LiveSource(locate(url), settings, fps=FPS), settings)
        with pytest.raises(SourceLostError, match=r"rtsps?://\*\*\*@127\.0\.0\.1:\d+/live: was lost") as lost:
            watch.run(lambda: False)
    assert (server.carried, server.refused) == ([transport], 0)
    assert watch.tally.done >= 20
    final = kept.alerts[-1]
    assert final.kind == "final"
    assert (final.start_s, final.end_s) == pytest.approx((1.0, 2.0), abs=0.25)
    quiet(str(lost.value), *lines, *(alert.line() for alert in kept.alerts))


def test_lost_packets_cost_pictures_and_no_connection(light: Path) -> None:
    server = RtspFile(light, seconds=3.0, lost=8)
    with server.serve() as url:
        settings = rules(url, transport="udp", **PATIENT)
        watch, kept, _, _ = watching(LiveSource(locate(url), settings, fps=FPS), settings)
        with pytest.raises(SourceLostError, match="was lost"):
            watch.run(lambda: False)
    assert watch.tally.done >= 16
    assert 0.5 <= kept.alerts[-1].start_s < kept.alerts[-1].end_s <= 2.5


def refused(url: str, **changes: object) -> VideoError:
    """The error of a source that does not open."""
    settings = rules(url, **(PATIENT | changes))
    with pytest.raises(VideoError) as caught:
        list(LiveSource(locate(url), settings, fps=FPS))
    assert not isinstance(caught.value, SourceLostError)
    return caught.value


@pytest.mark.parametrize("scheme", ["basic", "digest", "digest-qop", "both", "sha-256"])
@pytest.mark.parametrize("wrong", ["user", "password"])
def test_a_wrong_password_is_said_at_once_and_not_tried_again(
    light: Path, quiet: Callable[..., str], scheme: str, wrong: str
) -> None:
    server = RtspFile(light, seconds=1.0, login=Login(scheme, USER, PASSWORD))
    with server.serve(**{wrong: "swordfish"}) as url:
        error = refused(url, reconnects=5)
    assert "cannot be opened: the server does not accept user and password" in str(error)
    assert "remedy: check both; in an address, @ : / ? # % of a password are written %40" in str(error)
    assert 1 <= server.refused <= 2  # FFmpeg's try and ours; cameras lock out who goes on
    assert "next try" not in quiet(str(error))


def test_a_password_that_is_asked_for_and_not_given(light: Path) -> None:
    server = RtspFile(light, seconds=1.0, login=Login("digest", USER, PASSWORD))
    with server.serve() as url:
        error = refused("rtsp://" + url.rpartition("@")[2], reconnects=5)
    assert "asks for a user and a password, and the address has none" in str(error)
    assert "remedy: put both into the address: rtsp://USER:PASSWORD@HOST/PATH" in str(error)


@pytest.mark.parametrize("scheme", ["sha-256", "sha-basic", "md5-sha"])
def test_the_right_password_asked_for_in_a_way_that_ffmpeg_does_not_know(
    light: Path, quiet: Callable[..., str], scheme: str
) -> None:
    """If this fails with a new OpenCV, its FFmpeg has learned Digest with SHA-256: docs/watch.md should say so."""
    with RtspFile(light, seconds=1.0, login=Login(scheme, USER, PASSWORD)).serve() as url:
        error = refused(url, reconnects=5)
    assert "asks for the password by Digest SHA-256, which the FFmpeg in OpenCV does not know" in str(error)
    assert "remedy: set the camera to Digest with MD5 alone" in str(error)
    quiet(str(error))


def test_a_password_that_was_changed_ends_a_watch_only_after_its_tries(light: Path, quiet: Callable[..., str]) -> None:
    server = RtspFile(light, seconds=3.0, plays=2, login=Login("digest", USER, PASSWORD))
    with server.serve() as url:
        settings = rules(url, timeout_s=30.0, reconnects=2)
        frames = iter(LiveSource(locate(url), settings, fps=FPS))
        next(frames)
        server.login = Login("digest", USER, "changed")
        with pytest.raises(SourceLostError) as lost:
            list(frames)
    assert "does not accept user and password; 2 further tries in a row failed" in str(lost.value)
    assert "remedy: check both;" in str(lost.value)
    assert quiet(str(lost.value)).count("next try") == 2


def test_other_reasons(light: Path, quiet: Callable[..., str], tmp_path: Path) -> None:
    with RtspFile(light, seconds=1.0, carriers=["tcp"]).serve(user=USER, password=PASSWORD[:4]) as url:
        said = str(refused(url, transport="udp"))
        assert "describes the stream, but no video that can be read came over UDP\n  remedy: transport=tcp" in said
        assert "knows no stream under this path (404)" in str(refused(url.replace("/live", "/dead")))
        secure = url.replace("rtsp://", "rtsps://")
        assert "TLS cannot be agreed on at this port\n  remedy: rtsp:// for" in str(refused(secure))
    assert "nobody listens at this host and port" in str(refused(url))
    with RtspFile(light, seconds=1.0, carriers=["udp"]).serve() as url:
        said = str(refused(url))
        assert "came over TCP\n  remedy: the camera's settings; transport=udp; --reconnects allows" in said
    with RtspFile(light, seconds=1.0, tls=self_signed(tmp_path)).serve() as url:
        assert ": cannot be opened\n  remedy: check address" in str(refused(url.replace("rtsps://", "rtsp://")))
    quiet()


def test_udp_does_not_go_with_tls_and_other_transports_are_refused() -> None:
    for source, transport, words in (
        ("rtsps://user:hunter2@cam/live", "udp", "does not go with rtsps"),
        ("rtsp://user:hunter2@cam/live", "http", "'tcp' or 'udp'"),
    ):
        with pytest.raises(ConfigError, match=words) as caught:
            load_settings(WatchSettings, values={"source": source}, overrides=[f"transport={transport}"])
        assert "hunter2" not in str(caught.value)
