"""Posts alerts to an address, from a thread of its own: whatever the receiver does, the watch goes on."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque

import httpx

from hawkeye_core import __version__
from hawkeye_core.watch.alerts import Alert
from hawkeye_core.watch.backoff import Backoff
from hawkeye_core.watch.location import mask_url
from hawkeye_core.watch.settings import WebhookSettings

log = logging.getLogger(__name__)

LONGEST_S = 60.0
"""No wait between two tries is longer."""
PASSING = (408, 425, 429)
"""Answers of 4xx that another try may change."""


class Webhook:
    """One POST an alert, in order, the alert's JSON as body.

    Any answer of 2xx is a success. No answer in time, no connection, 5xx, 408, 425 and 429 are tried again after waits
    that double (:class:`Backoff`); any other answer, a redirection too, is not. An alert whose tries are used up is
    lost and counted. At most ``settings.queue`` alerts wait; a further one pushes out the oldest, which is counted as
    dropped. ``Idempotency-Key`` is the same in all tries of one alert.

    Args:
        settings: With an address.

    Attributes:
        sent: Alerts that arrived.
        failed: Alerts given up.
        dropped: Alerts pushed out.
    """

    def __init__(self, settings: WebhookSettings) -> None:
        if settings.url is None:
            raise ValueError("a webhook needs an address")
        self._settings, self._url = settings, settings.url
        self.shown = mask_url(settings.url, path=False)
        self.sent = self.failed = self.dropped = 0
        self._waiting: deque[Alert] = deque()
        self._change = threading.Condition()
        self._closing = threading.Event()
        self._deadline: float | None = None
        self._busy = False
        for name in ("httpx", "httpcore"):  # they log whole addresses
            logging.getLogger(name).setLevel(logging.WARNING)
        self._thread = threading.Thread(target=self._work, name="hawkeye-watch-webhook", daemon=True)
        self._thread.start()

    def give(self, alert: Alert) -> None:
        """Queue an alert; never waits."""
        with self._change:
            if len(self._waiting) >= self._settings.queue:
                self._waiting.popleft()
                self.dropped += 1
            self._waiting.append(alert)
            self._change.notify_all()

    def note(self) -> str:
        """Counts, as in a status line."""
        waiting = len(self._waiting) + self._busy
        return f"webhook {self.sent} sent, {waiting} waiting, {self.failed} failed, {self.dropped} dropped"

    def close(self) -> None:
        """Give what waits ``settings.drain_s`` to arrive, then count it as failed."""
        with self._change:
            self._deadline = time.monotonic() + self._settings.drain_s
            self._closing.set()
            self._change.notify_all()
        self._thread.join(self._settings.drain_s + 1)
        with self._change:
            self.failed += len(self._waiting) + self._busy
            self._waiting.clear()
            self._busy = False

    def _work(self) -> None:
        with httpx.Client(
            timeout=self._settings.timeout_s, follow_redirects=False,
            headers={"User-Agent": f"hawkeye/{__version__}", "Content-Type": "application/json"},
        ) as client:  # fmt: skip
            while True:
                with self._change:
                    self._change.wait_for(lambda: self._waiting or self._closing.is_set())
                    if not self._waiting or self._late():
                        return
                    alert = self._waiting.popleft()
                    self._busy = True
                arrived = self._post(client, alert)
                with self._change:
                    if self._busy:  # else close() has counted it
                        self.sent, self.failed = self.sent + arrived, self.failed + (not arrived)
                    self._busy = False

    def _post(self, client: httpx.Client, alert: Alert) -> bool:
        body = alert.line().encode()
        key = f"{alert.id}-{alert.sequence}"
        backoff = Backoff(self._settings.backoff_s, longest_s=LONGEST_S)
        while not self._late():
            try:
                status = client.post(self._url, content=body, headers={"Idempotency-Key": key}).status_code
                if 200 <= status < 300:
                    return True
                problem, again = f"answered {status}", status >= 500 or status in PASSING
            except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
                problem, again = type(error).__name__, True  # its text may hold the address
            wait_s = backoff.next_s()
            if not again or backoff.failures >= self._settings.tries:
                log.warning("webhook %s: %s; alert %s is given up", self.shown, problem, alert.id)
                return False
            log.warning("webhook %s: %s; next try in %.1f s", self.shown, problem, wait_s)
            self._pause(wait_s)
        return False

    def _pause(self, wait_s: float) -> None:
        """Waits; at the end of the watch not beyond its deadline."""
        end = time.monotonic() + wait_s
        while (rest := end - time.monotonic()) > 0 and not self._late():
            if self._closing.is_set():
                time.sleep(min(rest, 0.05))
            else:
                self._closing.wait(rest)

    def _late(self) -> bool:
        return self._deadline is not None and time.monotonic() >= self._deadline
