"""Settings of ``hawkeye watch``; no heavy imports here."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from hawkeye_core.errors import HawkeyeError
from hawkeye_core.settings import Settings
from hawkeye_core.watch.location import check_webhook


class WebhookSettings(Settings):
    """Where alerts are posted, and how hard it is tried."""

    url: str | None = Field(default=None, repr=False)
    """http or https; unset: alerts are not posted."""
    timeout_s: float = Field(default=5.0, gt=0, le=120)
    """Longest time of one try."""
    tries: int = Field(default=5, ge=1, le=100)
    """Of one alert, the first included."""
    backoff_s: float = Field(default=0.5, gt=0, le=600)
    """Wait before the second try; doubled before each further one, up to a minute."""
    queue: int = Field(default=256, ge=1, le=100_000)
    """Alerts that wait at most; a further one pushes out the oldest."""
    drain_s: float = Field(default=5.0, ge=0, le=600)
    """Time that the alerts still waiting get at the end."""

    @field_validator("url")
    @classmethod
    def _address(cls, url: str | None) -> str | None:
        if url is not None:
            try:
                check_webhook(url)
            except HawkeyeError as error:
                raise ValueError(error.message) from None
        return url


class WatchSettings(Settings):
    """What to watch and by which rules; docs/watch.md explains each."""

    source: str = Field(repr=False)
    """rtsp, rtsps, http or https URL, `camera:0`, a growing file, or a folder."""
    window_s: float | None = Field(default=None, gt=0, le=64)
    """Length of a window; unset: what the model was trained with."""
    hop_s: float | None = Field(default=None, gt=0, le=64)
    """Time from one window's end to the next one's; unset: 4 s, of shorter windows their length."""
    batch_size: int = Field(default=8, ge=1, le=64)
    """Frames that go through the networks together; a live source waits for as many."""
    max_lag_s: float = Field(default=8.0, gt=0, le=600)
    """Seconds of frames that may wait for the networks."""
    buffer_mb: int = Field(default=512, ge=1, le=65_536)
    """Megabytes of pictures that may wait, where that is less."""
    drop: Literal["auto", "on", "off"] = "auto"
    """Whether frames are dropped when too many wait: `auto` of a live source only, since a file keeps its frames."""
    hold_s: float = Field(default=4.0, ge=0, le=60)
    """Longest gap through which the last frame is held; a longer one ends the run of windows."""
    clock: Literal["auto", "arrival", "presentation"] = "auto"
    """Times of a live source's frames: as they arrive, or as the stream states them."""
    reconnects: int | None = Field(default=10, ge=0, le=1_000_000)
    """Failed tries in a row after which a live source is given up; none: never."""
    backoff_s: float = Field(default=1.0, gt=0, le=600)
    """Wait before the first reconnection; doubled at each failure."""
    backoff_max_s: float = Field(default=60.0, gt=0, le=3600)
    """Longest wait."""
    transport: Literal["tcp", "udp"] = "tcp"
    """What an rtsp source sends its pictures over: `tcp` loses none, `udp` is for cameras that give nothing else. Not
    used where the environment variable OPENCV_FFMPEG_CAPTURE_OPTIONS is set."""
    timeout_s: float = Field(default=10.0, gt=0, le=600)
    """Seconds that opening a live source or one of its frames may take."""
    idle_s: float | None = Field(default=None, gt=0, le=31_536_000)
    """A file or folder that does not change for so long ends the watch; unset: 30 s for a file, never for a folder."""
    settle_s: float = Field(default=5.0, ge=0, le=86_400)
    """A file of a folder is complete when it has not changed for so long."""
    poll_s: float = Field(default=1.0, gt=0, le=3600)
    """How often a file or folder is looked at."""
    state: str | None = None
    """Where a folder's files that were handled are remembered; unset: `.hawkeye-watch.jsonl` in it."""
    once: bool = False
    """Of a folder: handle what is complete, then end."""
    merge_gap_s: float = Field(default=1.0, ge=0, le=600)
    """Segments no farther apart are one event."""
    update_s: float = Field(default=1.0, ge=0, le=600)
    """An open event that grew by less is not reported again."""
    min_score: float = Field(default=0.0, ge=0, le=1)
    """Segments that score less are left out."""
    final_window: bool = True
    """Whether what came since the last window is answered when the watch ends."""
    status_s: float = Field(default=10.0, gt=0, le=86_400)
    """Time between two status lines."""
    webhook: WebhookSettings = WebhookSettings()
    """Where alerts are posted."""

    @model_validator(mode="after")
    def _transport(self) -> Self:
        if self.transport == "udp" and self.source.lower().startswith("rtsps:"):
            raise ValueError("`transport` udp does not go with rtsps, whose pictures stay in the encrypted connection")
        return self

    @model_validator(mode="after")
    def _windows(self) -> Self:
        if self.window_s is not None and self.hop_s is not None and self.hop_s > self.window_s:
            raise ValueError(f"`hop_s` {self.hop_s:g} is longer than `window_s` {self.window_s:g}: time is left out")
        return self
