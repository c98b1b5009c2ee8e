"""Cameras and network streams: opened again when they are lost."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from hawkeye_core.errors import VideoError
from hawkeye_core.video.capture import silence as quiet
from hawkeye_core.video.probe import MAX_FRAME_RATE, MAX_PIXELS
from hawkeye_core.watch.backoff import Backoff
from hawkeye_core.watch.errors import SourceLostError
from hawkeye_core.watch.frames import SampledFrame, StreamSampler
from hawkeye_core.watch.live_clock import LiveClock
from hawkeye_core.watch.location import Location
from hawkeye_core.watch.rtsp_probe import why_closed
from hawkeye_core.watch.settings import WatchSettings

log = logging.getLogger(__name__)

STEADY_S = 5.0
"""A connection that gave frames for so long has worked; failures are counted anew."""
OPTIONS = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
"""OpenCV reads it whenever it opens something; a user's own is left as it is."""
PROTOCOLS = "protocol_whitelist;http,https,httpproxy,tcp,udp,rtp,rtsp,srtp,tls,crypto,hls"
"""A playlist cannot lead to files of this machine."""
REMEDY = "check address, network and password"


class LiveSource:
    """Frames of a camera or a network stream, at 8 frames a second of its clock.

    A lost stream is opened again after waits that double (:class:`Backoff`); sampled frames in between are missing,
    their numbers go on. Iterating ends with :meth:`stop` or an error.

    Args:
        location: URL or camera.
        settings: Of the watch.
        fps: Frames sampled a second.

    Raises:
        VideoError: While iterating: it cannot be opened (again) in the tries allowed, or is no stream but a whole
            video; or a server refuses user and password before the first frame, which is not tried again.
    """

    live = True

    def __init__(self, location: Location, settings: WatchSettings, *, fps: float) -> None:
        self.reconnects = 0
        self._location, self._settings = location, settings
        self._sampler = StreamSampler(fps, hold_s=settings.hold_s)
        self._clock = LiveClock(stated=settings.clock == "presentation")
        self._backoff = Backoff(settings.backoff_s, longest_s=settings.backoff_max_s)
        self._stopped = threading.Event()
        self._epoch: float | None = None
        self._frames = 0
        self._connected = False

    def epoch(self) -> float | None:
        """Unix time of the stream's second 0 by this machine's clock: no frame arrives before it is shown, so it is the
        earliest time that follows from any frame's arrival.
        """
        return self._epoch

    def note(self) -> str:
        """Whether it is connected."""
        return "" if self._connected else "not connected"

    def stop(self) -> None:
        """Let the iteration end soon."""
        self._stopped.set()

    def __iter__(self) -> Iterator[SampledFrame]:
        while not self._stopped.is_set():
            capture = self._open()
            if capture is None:
                self._closed()
                continue
            try:
                yield from self._connection(capture)
            finally:
                self._connected = False
                capture.release()
            yield from self._sampler.cut(self._clock.interval)
            if not self._stopped.is_set():
                self._wait("was lost")

    def _open(self) -> cv2.VideoCapture | None:
        if self._location.kind == "camera":
            capture = cv2.VideoCapture(int(self._location.value))
        else:
            options = f"rtsp_transport;{self._settings.transport}|{PROTOCOLS}"
            capture = open_stream(self._location.value, timeout_s=self._settings.timeout_s, options=options)
        if capture.isOpened():
            return capture
        capture.release()
        return None

    def _connection(self, capture: cv2.VideoCapture) -> Iterator[SampledFrame]:
        self._check(capture)
        rate = capture.get(cv2.CAP_PROP_FPS)
        self._clock.connected(rate if 0 < rate <= MAX_FRAME_RATE else None)
        self._clock.stated = self._follows_stated(capture)
        begun = time.monotonic()
        while not self._stopped.is_set() and capture.grab():
            arrived = time.monotonic()
            picture = retrieved(capture)
            if picture is None:
                return
            if not self._connected:
                self._connected = True
                if self._frames:
                    self.reconnects += 1
                    log.warning("%s: connected again", self._location.shown)
            if arrived - begun > STEADY_S:
                self._backoff.reset()
            time_s = self._clock.tick(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000, arrived)
            bound = time.time() - time_s
            self._epoch = bound if self._epoch is None else min(self._epoch, bound)
            yield from self._sampler.push(time_s, self._frames, picture, arrived)
            self._frames += 1

    def _check(self, capture: cv2.VideoCapture) -> None:
        width, height = capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
        if width * height > MAX_PIXELS:
            raise VideoError(
                f"states a picture of {width:.0f} x {height:.0f} pixels; up to {MAX_PIXELS:,} are accepted",
                path=self._location.shown,
            )
        if self._location.value.lower().startswith("http") and capture.get(cv2.CAP_PROP_FRAME_COUNT) > 0:
            raise VideoError(
                "is a whole video, not a stream that goes on", path=self._location.shown,
                remedy="download it and use `hawkeye ground FILE`",
            )  # fmt: skip

    def _follows_stated(self, capture: cv2.VideoCapture) -> bool:
        """Cameras state no times, and pictures over HTTP none either: FFmpeg makes them up, 25 a second."""
        if self._settings.clock != "auto":
            return self._settings.clock == "presentation"
        code = int(capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
        made_up = self._location.value.lower().startswith("http") and code.to_bytes(4, "little") == b"MJPG"
        return self._location.kind != "camera" and not made_up

    def _closed(self) -> None:
        """It could not be opened: say why, if the server tells, and wait or give up."""
        reason = None
        if self._location.value.lower().startswith("rtsp") and not self._stopped.is_set():
            transport, timeout_s = self._settings.transport, self._settings.timeout_s
            reason = why_closed(self._location.value, transport=transport, timeout_s=timeout_s)
        if reason is None:
            self._wait("cannot be opened")
        elif reason.final and not self._frames:
            raise VideoError(f"cannot be opened: {reason.what}", path=self._location.shown, remedy=reason.remedy)
        else:
            self._wait(f"cannot be opened: {reason.what}", remedy=reason.remedy)

    def _wait(self, what: str, *, remedy: str = REMEDY) -> None:
        wait_s = self._backoff.next_s()
        limit = self._settings.reconnects
        if limit is not None and self._backoff.failures > limit:
            kind = SourceLostError if self._frames else VideoError
            raise kind(
                f"{what}; {limit} further tries in a row failed" if limit else what, path=self._location.shown,
                remedy=f"{remedy}; --reconnects allows more tries",
            )  # fmt: skip
        log.warning("%s: %s; next try in %.1f s", self._location.shown, what, wait_s)
        self._stopped.wait(wait_s)


def open_stream(url: str, *, timeout_s: float, options: str | None = None) -> cv2.VideoCapture:
    """OpenCV's FFmpeg reader.

    Args:
        url: URL or pipe.
        timeout_s: Longest time that opening it and each frame may take.
        options: Of FFmpeg, as ``name;value|name;value``.
    """
    quiet()
    milliseconds = int(timeout_s * 1000)
    limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, milliseconds, cv2.CAP_PROP_READ_TIMEOUT_MSEC, milliseconds]
    if options is None or OPTIONS in os.environ:
        return cv2.VideoCapture(url, cv2.CAP_FFMPEG, limits)
    os.environ[OPTIONS] = options
    try:
        return cv2.VideoCapture(url, cv2.CAP_FFMPEG, limits)
    finally:
        del os.environ[OPTIONS]


def retrieved(capture: cv2.VideoCapture) -> NDArray[np.uint8] | None:
    """Pixels of the frame grabbed last, in memory of their own; None where they cannot be had."""
    try:
        ok, image = capture.retrieve()
    except (cv2.error, MemoryError):
        return None
    if not ok or image is None or image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        return None
    return np.asarray(image, dtype=np.uint8)
