"""The clock of a live stream: one that goes on through reconnections, as seconds since the first frame."""

from __future__ import annotations

from hawkeye_core.video.clock import FrameClock

SLACK_S = 5.0
"""How far stated times may be from the time of arrival; beyond that they are set to it."""
MAX_GAP_S = 60.0


class LiveClock:
    """Gives each frame its time.

    By arrival, or by the times that the stream states, which are free of the network's jitter. Stated times begin anew
    with each connection: its first frame is at its time of arrival, the others follow as stated. Where they leave the
    time of arrival by more than :data:`SLACK_S` (a clock that runs wrong, a jump), they are set to it again.

    Args:
        stated: Whether to follow stated times.
    """

    def __init__(self, *, stated: bool) -> None:
        self.stated = stated
        self.origin: float | None = None
        self._frames = FrameClock(None, max_gap_s=MAX_GAP_S)
        self._anchor: float | None = None
        self._now = 0.0

    def connected(self, frame_rate: float | None) -> None:
        """A new connection begins."""
        self._frames, self._anchor = FrameClock(frame_rate, max_gap_s=MAX_GAP_S), None

    def tick(self, reported: float, arrived: float) -> float:
        """Seconds since the first frame of the watch, never going back.

        Args:
            reported: Stated time in seconds (0 if there is none).
            arrived: ``time.monotonic()``.
        """
        if self.origin is None:
            self.origin = arrived
        here = arrived - self.origin
        stated = self._frames.tick(reported) if self.stated else None
        if stated is None:  # by arrival, or the stream gives neither times nor a rate
            time_s = here
        else:
            if self._anchor is None or abs(self._anchor + stated - here) > SLACK_S:
                self._anchor = here - stated
            time_s = self._anchor + stated
        self._now = max(self._now, time_s)
        return self._now

    @property
    def interval(self) -> float:
        """Usual seconds between two frames."""
        return self._frames.interval or 0.04
