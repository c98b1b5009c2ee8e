"""Windows of stored videos with what there is to say about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from torch.utils.data import Dataset

from feature_store.store import FeatureStore
from feature_store.window import Window
from hawkeye_core.answers.render import INSTRUCTION
from hawkeye_core.answers.segments import Segment, clip_segments
from hawkeye_core.errors import AnnotationError
from hawkeye_core.training.annotations import VideoAnnotation


@dataclass(frozen=True, slots=True)
class WindowSpec:
    """Frames ``start`` to ``stop`` (not included) of a video sampled at ``fps``."""

    video: str
    start: int
    stop: int
    fps: float

    @property
    def start_s(self) -> float:
        """Start in seconds of the video."""
        return self.start / self.fps

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return (self.stop - self.start) / self.fps


@dataclass(frozen=True, slots=True)
class WindowSample:
    """A window's features and its segments on the window's own clock (0 s is its first frame)."""

    spec: WindowSpec
    window: Window
    segments: tuple[Segment, ...]
    question: str = field(default=INSTRUCTION, kw_only=True)
    """What training asks."""


def plan_windows(n_frames: int, *, length: int, hop: int) -> list[tuple[int, int]]:
    """Windows of ``length`` frames every ``hop`` frames that cover a video; the last one may be shorter.

    Raises:
        ValueError: No frames, or a hop that is not in 1 .. length.
    """
    if n_frames < 1:
        raise ValueError("a video without frames has no windows")
    if not 1 <= hop <= length:
        raise ValueError(f"hop {hop} must lie in 1 .. {length}, or frames would be left out")
    starts = range(0, max(n_frames - length, 0) + hop, hop)
    windows = [(start, min(start + length, n_frames)) for start in starts]
    return [window for window in windows if window[1] > window[0]]


def window_specs(store: FeatureStore, videos: Sequence[str], *, length: int, hop: int) -> list[WindowSpec]:
    """The windows of several stored videos, video after video."""
    found = []
    for video in videos:
        fps = store.source(video).fps
        for start, stop in plan_windows(store.n_frames(video), length=length, hop=hop):
            found.append(WindowSpec(video, start, stop, fps))
    return found


def require_features(store: FeatureStore, annotations: Sequence[VideoAnnotation], *, path: str) -> None:
    """Check that every annotated video has features, and that every segment starts inside it.

    Raises:
        AnnotationError: A video is not in the store, or a segment begins behind its end.
    """
    held = set(store.videos(families=("pose", "relations", "vision")))
    missing = [item.video for item in annotations if item.video not in held]
    if missing:
        raise AnnotationError(
            f"no features of {len(missing)} annotated videos (first: {', '.join(missing[:3])}) in {store.url}",
            path=path,
            remedy="extract these videos first (`hawkeye extract`), or take them out of the annotations",
        )
    for item in annotations:
        duration = store.n_frames(item.video) / store.source(item.video).fps
        late = [segment for segment in item.segments if segment.start >= duration]
        if late:
            raise AnnotationError(
                f"video {item.video!r} lasts {duration:.1f} s; a segment starts at {late[0].start} s", path=path
            )


class WindowDataset(Dataset[WindowSample]):
    """Windows of the annotated videos; reads the store, never a video.

    Args:
        store: Where the features are.
        annotations: The videos and their segments.
        length: Frames of a window.
        hop: Frames between the starts of two windows of a video.
    """

    def __init__(self, store: FeatureStore, annotations: Sequence[VideoAnnotation], *, length: int, hop: int) -> None:
        self.store = store
        self.timelines = {item.video: item.timeline() for item in annotations}
        self.questions = {item.video: item.question or INSTRUCTION for item in annotations}
        self.specs = window_specs(store, list(self.timelines), length=length, hop=hop)

    def __len__(self) -> int:
        return len(self.specs)

    def __getitem__(self, index: int) -> WindowSample:
        return self.sample(self.specs[index])

    def sample(self, spec: WindowSpec) -> WindowSample:
        """Features and segments of any window of an annotated video."""
        end_s = spec.start_s + spec.duration_s
        inside = clip_segments(self.timelines[spec.video], spec.start_s, end_s)
        # A sliver shorter than one frame cannot be seen in this window: it is the neighbour's.
        segments = tuple(s.shifted(-spec.start_s) for s in inside if s.end_s - s.start_s >= 1 / spec.fps)
        window = self.store.window(spec.video, spec.start, spec.stop)
        return WindowSample(spec, window, segments, question=self.questions[spec.video])
