"""Alerts posted to an address: in order, tried again, bounded, and never in the watch's way."""

from __future__ import annotations

import json
import logging
import time

import pytest

from hawkeye_core.errors import ConfigError
from hawkeye_core.settings import load_settings
from hawkeye_core.watch.backoff import Backoff
from hawkeye_core.watch.location import check_webhook, locate, mask_url
from hawkeye_core.watch.settings import WatchSettings, WebhookSettings
from hawkeye_core.watch.webhook import Webhook

from .conftest import make_alert
from .stream_servers import Receiver


def settings(url: str, **changes: float) -> WebhookSettings:
    return WebhookSettings(url=url, **({"backoff_s": 0.02, "timeout_s": 2.0, "drain_s": 10.0} | changes))


def test_alerts_arrive_whole_and_in_order() -> None:
    receiver = Receiver()
    with receiver.serve() as url:
        webhook = Webhook(settings(url))
        for n in range(1, 6):
            webhook.give(make_alert(sequence=n))
        webhook.close()
    assert [body["sequence"] for body in receiver.accepted] == [1, 2, 3, 4, 5]
    assert receiver.accepted[0] == json.loads(make_alert(sequence=1).line())
    headers = receiver.requests[0][0]
    assert headers["Content-Type"] == "application/json"
    assert headers["User-Agent"].startswith("hawkeye/")
    assert webhook.note() == "webhook 5 sent, 0 waiting, 0 failed, 0 dropped"


def test_a_failing_receiver_gets_the_alert_again_with_the_same_key(caplog: pytest.LogCaptureFixture) -> None:
    receiver = Receiver(lambda n: (503, 429, 500, 204)[n])
    with receiver.serve() as url, caplog.at_level(logging.INFO):
        webhook = Webhook(settings(url))
        webhook.give(make_alert())
        webhook.close()
    assert (webhook.sent, webhook.failed) == (1, 0)
    assert len({headers["Idempotency-Key"] for headers, _ in receiver.requests}) == 1
    assert len(receiver.requests) == 4
    assert "answered 503; next try in" in caplog.text
    assert "swordfish" not in caplog.text  # httpx's own lines would name the whole address


@pytest.mark.parametrize(("status", "requests"), [(404, 1), (302, 1), (500, 3)])
def test_an_alert_is_given_up_and_counted(status: int, requests: int, caplog: pytest.LogCaptureFixture) -> None:
    receiver = Receiver(lambda n: status)
    with receiver.serve() as url:
        webhook = Webhook(settings(url, tries=3))
        webhook.give(make_alert())
        webhook.close()
    assert len(receiver.requests) == requests
    assert (webhook.sent, webhook.failed) == (0, 1)
    assert f"answered {status}; alert s-000001 is given up" in caplog.text


def test_a_slow_receiver_neither_holds_the_watch_up_nor_fills_the_memory() -> None:
    receiver = Receiver(delay_s=0.2)
    with receiver.serve() as url:
        webhook = Webhook(settings(url, queue=4))
        begun = time.monotonic()
        for n in range(1, 101):
            webhook.give(make_alert(sequence=n))
        assert time.monotonic() - begun < 0.2
        webhook.close()
    sequences = [body["sequence"] for body in receiver.accepted]
    assert sequences[-4:] == [97, 98, 99, 100]  # the oldest gave way
    assert webhook.sent + webhook.dropped == 100
    assert webhook.sent == len(sequences) <= 5


def test_at_the_end_what_does_not_arrive_in_time_is_counted() -> None:
    webhook = Webhook(settings("http://127.0.0.1:9/x", backoff_s=30.0, drain_s=0.3))
    for n in range(3):
        webhook.give(make_alert(sequence=n))
    begun = time.monotonic()
    webhook.close()
    assert time.monotonic() - begun < 5
    assert (webhook.sent, webhook.failed) == (0, 3)


def test_a_receiver_that_hangs_is_left_after_the_timeout(caplog: pytest.LogCaptureFixture) -> None:
    receiver = Receiver(delay_s=1.0)
    with receiver.serve() as url:
        webhook = Webhook(settings(url, timeout_s=0.1, tries=2))
        webhook.give(make_alert())
        webhook.close()
    assert webhook.failed == 1
    assert "ReadTimeout" in caplog.text


@pytest.mark.parametrize("url", ["ftp://host/x", "file:///etc/passwd", "http://", "hooks.example.org/x", "http://[x/"])
def test_other_addresses_are_refused_without_repeating_them(url: str) -> None:
    with pytest.raises(ConfigError, match=r"no address that alerts can be posted to\n.*http://") as caught:
        check_webhook(url)
    assert "passwd" not in str(caught.value)
    with pytest.raises(ConfigError, match="webhook"):
        load_settings(WatchSettings, values={"source": "camera:0", "webhook": {"url": url}})


def test_waits_double_up_to_a_limit_and_differ() -> None:
    waits = [Backoff(1.0, longest_s=8.0, seed=seed) for seed in range(20)]
    rows = [[backoff.next_s() for _ in range(6)] for backoff in waits]
    for place, whole in enumerate((1, 2, 4, 8, 8, 8)):
        column = [row[place] for row in rows]
        assert whole / 2 <= min(column) < max(column) <= whole
        assert len(set(column)) == 20
    waits[0].reset()
    assert waits[0].next_s() <= 1.0


def test_what_is_shown_of_an_address_holds_no_secret() -> None:
    assert mask_url("rtsp://admin:pw@cam.local:554/live/1?token=abc#x") == "rtsp://***@cam.local:554/live/1?***"
    assert mask_url("https://hooks.example.org/T0/B1/secret", path=False) == "https://hooks.example.org/***"
    assert mask_url("http://[fe80::1]:80/x") == "http://[fe80::1]:80/x"
    for end in "/?#":  # a password that is not encoded ends the host early
        assert mask_url(f"rtsp://admin:12{end}34@cam.local/live") == "rtsp://***"
    assert mask_url("http://a:b@[::1/x") == "***"
    assert locate("rtsp://u:p@cam/x").shown == "rtsp://***@cam/x"
    assert "p@" not in repr(WatchSettings(source="rtsp://u:p@cam/x"))


def test_a_password_that_is_not_encoded_is_refused_with_the_remedy() -> None:
    with pytest.raises(ConfigError, match=r"\*\*\*: is no address that can be watched\n.*of a password.*%2F") as caught:
        locate("rtsp://admin:pa/ss@cam.local/live")
    assert "pa/" not in str(caught.value)


@pytest.mark.parametrize("source", ["file:///etc/passwd", "concat://a|b", "rtsp://", "camera:x", "camera:", "nowhere"])
def test_other_sources_are_refused(source: str) -> None:
    with pytest.raises(Exception, match="remedy"):
        locate(source)
