"""What one panel of Figure 5 holds: a video's frames, truth, what each system says, curves, router weights.

Legend: S seconds of the video, N experts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.answers.render import render_answer
from hawkeye_core.answers.segments import Segment
from hawkeye_core.evaluation.folder import RouterWeights
from hawkeye_core.evaluation.protocol import VideoTruth
from hawkeye_core.evaluation.scored_run import Run
from hawkeye_core.evaluation.systems import Study, System
from hawkeye_core.report.choice import Chosen
from hawkeye_core.report.drawing import short
from hawkeye_core.report.frames import FrameSource, Pictures

SYSTEMS = 8
"""Systems a panel shows."""
SAID = 600
"""Characters of an answer that are shown."""

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What one system says of a video.

    Args:
        name: Of the system.
        segments: Ordered by start, with the scores that it gave (None: none).
        text: Its answer in words.
        curve: [S] P(anomalous) by second, None without one.
    """

    name: str
    segments: tuple[tuple[Segment, float | None], ...]
    text: str
    curve: F64 | None


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """One video of Figure 5.

    Args:
        truth: Of the video.
        why: It is shown.
        sentence: The true answer.
        pictures: Its frames, evenly over its length, one in the middle of each part.
        key: One large frame: the middle of the first true segment, else of the first predicted one, else of the video.
        systems: At most ``SYSTEMS``, ours first.
        router: Of our system; None without one.
    """

    truth: VideoTruth
    why: str
    sentence: str
    pictures: Pictures
    key: Pictures
    systems: tuple[Said, ...]
    router: RouterWeights | None

    @property
    def duration_s(self) -> float:
        """Seconds."""
        return self.truth.duration_s


def make_panels(
    study: Study, chosen: Sequence[Chosen], source: FrameSource, *, stills: int,
    on_panel: Callable[[str], None] = lambda video: None,
) -> tuple[Panel, ...]:  # fmt: skip
    """A panel for each chosen video; of systems with several seeds the run of the lowest.

    Args:
        study: Its systems; those without a model are left out.
        chosen: Which videos.
        source: Of the pictures.
        stills: Pictures a video.
        on_panel: Called with a video before its pictures are read.
    """
    by_name = {video.video: video for video in study.videos}
    shown = [system for system in study.systems if system.kind != "trivial"][:SYSTEMS]
    readers = [_reader(system) for system in shown]
    evaluation = study.ours.runs[0].evaluation
    router: Mapping[str, RouterWeights] = (evaluation.router or {}) if evaluation else {}
    found = []
    for one in chosen:
        on_panel(one.video)
        truth = by_name[one.video]
        said = tuple(read(one.video) for read in readers)
        times = [(k + 0.5) * truth.duration_s / stills for k in range(stills)]
        key = _key_time(truth, said)
        seen = source.pictures(one.video, sorted({*times, key}))  # a video is decoded once
        found.append(
            Panel(
                truth, one.why, render_answer(truth.segments), _only(seen, times), _only(seen, [key]), said,
                router.get(one.video),
            )
        )  # fmt: skip
    return tuple(found)


def _only(pictures: Pictures, times: Sequence[float]) -> Pictures:
    return replace(pictures, frames=tuple(one for one in pictures.frames if one.time_s in times))


def _key_time(truth: VideoTruth, said: Sequence[Said]) -> float:
    segments = [*truth.segments, *(segment for one in said[:1] for segment, _ in one.segments)]
    return (segments[0].start_s + segments[0].end_s) / 2 if segments else truth.duration_s / 2


def _reader(system: System) -> Callable[[str], Said]:
    run: Run = system.runs[0]
    predictions = {item.video: item for item in run.evaluation.predictions} if run.evaluation else {}

    def read(video: str) -> Said:
        item = predictions.get(video)
        if item is None:
            return Said(system.label, (), "No prediction of this video.", None)
        ordered = sorted(item.segments, key=lambda one: (one.segment.start_s, one.segment.end_s))
        texts = " ".join(answer.text.strip() for answer in item.answers)
        text = texts or render_answer([one.segment for one in ordered])
        curve = None if item.curve is None else np.array(item.curve, np.float64)
        return Said(system.label, tuple((one.segment, one.score) for one in ordered), short(text, SAID), curve)

    return read
