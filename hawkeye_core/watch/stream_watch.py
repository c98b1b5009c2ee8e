"""Watches one stream: frames to scenes to windows to answers to events to alerts."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Protocol

import torch

from hawkeye_core.errors import HawkeyeError
from hawkeye_core.evaluation.scores import ScoredSegment
from hawkeye_core.evaluation.window_answers import WindowAnswer
from hawkeye_core.extraction.backends import Backends
from hawkeye_core.ground.records import Evidence, ModelNote
from hawkeye_core.training.windows import WindowSample, WindowSpec
from hawkeye_core.watch.alerts import VERSION, Alert, AlertWindow, utc
from hawkeye_core.watch.events import Change, EventTracker, Found
from hawkeye_core.watch.frame_queue import FrameQueue, SourceReader
from hawkeye_core.watch.frames import SampledFrame, Source
from hawkeye_core.watch.run_of_frames import FrameRun, WindowRules, consecutive
from hawkeye_core.watch.settings import WatchSettings
from hawkeye_core.watch.sinks import Sink, give_all
from hawkeye_core.watch.tally import Tally
from hawkeye_core.watch.window_evidence import window_evidence

HOP_S = 4.0
"""Time between the ends of two windows, if the settings leave it open."""
LEAST_S = 1.0
"""Shortest window that is answered at the end of a run."""
CLOSE_S = 2.0
"""How long the end waits for a thread that hangs in a decoder."""


class Answers(Protocol):
    """What answers windows: :class:`hawkeye_core.evaluation.predict.Predictor`."""

    def answer(self, samples: Sequence[WindowSample]) -> list[WindowAnswer]:
        """One to each window."""


class StreamWatch:
    """Reads a source in a thread, and does everything else in the caller's.

    Args:
        source: Where frames come from.
        settings: The rules.
        backends: The networks that find scenes.
        answers: The model.
        window_s: Length of a window in seconds, if the settings leave it open.
        fps: Frames sampled a second.
        shown: Name of the source in alerts, without secrets.
        session: Begins the ids of this watch's events.
        model: Which model answers.
        sinks: Where alerts go.
        on_status: Gets a status line now and then, and the summary.
    """

    def __init__(
        self, source: Source, settings: WatchSettings, *, backends: Backends, answers: Answers, window_s: float,
        fps: float, shown: str, session: str, model: ModelNote, sinks: Sequence[Sink],
        on_status: Callable[[str], None] = lambda line: None,
    ) -> None:  # fmt: skip
        self.tally = Tally()
        self._source, self._settings, self._backends, self._answers = source, settings, backends, answers
        self._fps, self._shown, self._session, self._model = fps, shown, session, model
        self._sinks, self._on_status = sinks, on_status
        length = max(1, round((settings.window_s or window_s) * fps))
        self._rules = WindowRules(
            length=length, hop=min(length, max(1, round((settings.hop_s or HOP_S) * fps))),
            hold=round(settings.hold_s * fps),
            batch=settings.batch_size, least=min(length, math.ceil(LEAST_S * fps)),
        )  # fmt: skip
        drop = source.live if settings.drop == "auto" else settings.drop == "on"
        self._queue = FrameQueue(round(settings.max_lag_s * fps), megabytes=settings.buffer_mb, drop=drop)
        self._events = EventTracker(gap_s=settings.merge_gap_s, update_s=settings.update_s)
        self._run: FrameRun | None = None
        self._newest: float | None = None
        self._said = time.monotonic()

    def run(self, asked: Callable[[], bool]) -> Tally:
        """Watch until the source ends or ``asked()`` is true.

        Returns:
            The counts.

        Raises:
            HawkeyeError: The source is lost, or the model's answer is no number. What was found before is told.
        """
        reader = SourceReader(self._source, self._queue)
        reader.start()
        try:
            self._watch(asked)
        finally:
            self.tally.left = reader.close(wait_s=CLOSE_S)
            self._count()
        return self.tally

    def summary(self) -> str:
        """The last words."""
        return self.tally.summary(*self._notes())

    def _watch(self, asked: Callable[[], bool]) -> None:
        lost: HawkeyeError | None = None
        while not asked():
            try:
                frames = self._queue.take(self._rules.batch, timeout_s=1.5 * self._rules.batch / self._fps)
            except HawkeyeError as error:  # of the source: what came before it is still told
                lost = error
                break
            if frames is None:
                break
            for part in consecutive(frames):
                self._take(part)
            self._status()
        self._end_run(answered=self._settings.final_window)
        if lost is not None:
            raise lost

    def _take(self, frames: Sequence[SampledFrame]) -> None:
        """Frames without a gap between them: through the networks, and a window if one is due."""
        if self._run is not None and not self._run.takes(frames[0]):
            self.tally.breaks += 1
            self._end_run(answered=True)
        if self._run is None:
            self._run = FrameRun(self._shown, frames[0], backends=self._backends, rules=self._rules, fps=self._fps)
        run, before = self._run, self._run.next
        with self._timed("networks"), torch.inference_mode():
            run.add(frames)
        self.tally.done += len(frames)
        self.tally.held += run.next - before - len(frames)
        self._newest = frames[-1].arrived
        skipped = run.windows.skipped
        window = run.windows.due(run.next)
        self.tally.skipped += run.windows.skipped - skipped
        if window is not None:
            self._answer(run, *window)
        run.forget()

    def _end_run(self, *, answered: bool) -> None:
        """No frame follows without a long gap: the rest is answered, all events are final."""
        if self._run is not None and answered:
            window = self._run.windows.last(self._run.next)
            if window is not None:
                self._answer(self._run, *window)
        self._run = None
        self._tell(self._events.close(), None)

    def _answer(self, run: FrameRun, start: int, stop: int) -> None:
        spec = WindowSpec(run.video, start, stop, self._fps)
        with self._timed("answers"), torch.inference_mode():
            (answer,) = self._answers.answer([WindowSample(spec, run.ring.window(start, stop), ())])
        self.tally.windows += 1
        self.tally.unparsed += answer.status == "unparsed"
        found = [
            Found(item, partial(self._evidence, run, spec, answer, item))
            for item in answer.segments
            if item.score >= self._settings.min_score
        ]
        window = AlertWindow(start / self._fps, stop / self._fps, sum(k >= start for k in run.held))
        self._tell(self._events.add(found, next_start_s=run.windows.earliest / self._fps), window)

    def _evidence(self, run: FrameRun, spec: WindowSpec, answer: WindowAnswer, item: ScoredSegment) -> Evidence:
        with self._timed("evidence"):
            return window_evidence(run.ring, spec, answer, (item.segment.start_s, item.segment.end_s))

    def _tell(self, changes: Sequence[Change], window: AlertWindow | None) -> None:
        for change in changes:
            give_all(self._sinks, self._alert(change, window))
        self.tally.events = self._events.count

    def _alert(self, change: Change, window: AlertWindow | None) -> Alert:
        self.tally.alerts += 1
        event, segment = change.event, change.event.scored.segment
        epoch = self._source.epoch()
        ended = change.kind == "final" and event.merged_into is None
        return Alert(
            version=VERSION, kind=change.kind, id=self._id(event.number), sequence=self.tally.alerts,
            source=self._shown, file=None, start_s=segment.start_s, end_s=segment.end_s,
            start_utc=None if epoch is None else utc(epoch + segment.start_s),
            end_utc=None if epoch is None else utc(epoch + segment.end_s), given_utc=utc(time.time()),
            lag_s=None if self._newest is None else max(0.0, time.monotonic() - self._newest),
            category=segment.category, reason=segment.reason, score=event.scored.score,
            merged_into=None if event.merged_into is None else self._id(event.merged_into),
            window=None if ended else window, evidence=event.evidence, model=self._model,
        )  # fmt: skip

    def _id(self, number: int) -> str:
        return f"{self._session}-{number:06d}"

    def _status(self) -> None:
        now = time.monotonic()
        if now - self._said >= self._settings.status_s:
            self._said = now
            self._count()
            self._on_status(self.tally.stream_line(*self._notes()))

    def _count(self) -> None:
        self.tally.dropped, self.tally.reconnects = self._queue.dropped, self._source.reconnects
        self.tally.lag_s = None if self._newest is None else max(0.0, time.monotonic() - self._newest)

    def _notes(self) -> list[str]:
        return [self._source.note(), *(sink.note() for sink in self._sinks)]

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        begun = time.monotonic()
        try:
            yield
        finally:
            self.tally.spend(stage, time.monotonic() - begun)
