"""Pictures of the report: timelines of held-out videos, and graphs as extracted beside graphs as they are."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from feature_store.store import FeatureStore
from hawkeye_core.datasets.reconsim.truth_files import read_truth
from hawkeye_core.demo.config import DemoSettings
from hawkeye_core.demo.results import Results
from hawkeye_core.demo.systems import systems
from hawkeye_core.errors import VideoError
from hawkeye_core.relation.vocabulary import EXTENDED_OBJECT_CLASSES, PREDICATE_CLASSES
from hawkeye_core.report.page import Bar, FigureBlock, Still, TimelineBlock, Track, data_uri
from hawkeye_core.training.annotations import of_split, read_annotations
from hawkeye_core.visual.draw import draw_scene
from hawkeye_core.visual.stored_frame import load_frame

STILLS = 6
GRAPHS = 2


def timelines(settings: DemoSettings, results: Results, *, count: int) -> list[TimelineBlock]:
    """Videos with segments first, then those without, at most ``count``."""
    annotations = of_split(read_annotations(settings.paths.segments), "test")
    chosen = [item for item in annotations if item.segments][: count - count // 3]
    chosen += [item for item in annotations if not item.segments][: count - len(chosen)]
    found = []
    for item in chosen:
        duration = results.truth.durations[item.video]
        truth = read_truth(settings.paths.world / "truth", item.video)
        tracks = [Track("truth", "truth", [Bar(s.start_s, s.end_s, s.category) for s in item.timeline()])]
        for number, system in enumerate(systems(oracle=settings.oracle)):
            said = [d for d in results.detections[system.name] if d.video == item.video]
            tracks.append(Track(
                system.name, "other" if number else "ours", [Bar(d.start_s, d.end_s, f"{d.score:.2f}") for d in said]
            ))  # fmt: skip
        reasons = " ".join(f"{s.reason[:1].upper()}{s.reason[1:]}." for s in item.timeline() if s.reason)
        found.append(TimelineBlock(
            title=f"{item.video}: {truth.place}, {truth.view} view, {truth.light}",
            text=reasons or "Nothing anomalous happens.", duration_s=duration,
            stills=_stills(settings, item.video, duration), tracks=tracks,
        ))  # fmt: skip
    return found


def graph_pictures(settings: DemoSettings, videos: Sequence[str]) -> list[FigureBlock]:
    """The same frame with the extracted graph and with the oracle's, side by side."""
    found = []
    annotated = {item.video: item for item in read_annotations(settings.paths.segments)}
    for video in sorted(videos, key=lambda name: not annotated[name].segments)[:GRAPHS]:
        middle = [(s.start + s.end) / 2 for s in annotated[video].segments] or [3.0]
        stores = ("extracted", "oracle") if settings.oracle else ("extracted",)
        pictures = [_graph(settings, name, video, middle[0]) for name in stores]
        height = min(len(picture) for picture in pictures)
        side_by_side = np.hstack([picture[:height] for picture in pictures])
        found.append(FigureBlock(
            f"{video} at {middle[0]:.1f} s: {' and '.join(stores)}", data_uri(side_by_side),
            "a frame of a drawn video with skeletons, boxes and relations",
        ))  # fmt: skip
    return found


def _graph(settings: DemoSettings, graphs: str, video: str, time_s: float) -> NDArray[np.uint8]:
    store = FeatureStore.open(settings.paths.store(graphs))
    stored = load_frame(store, video, min(round(time_s * store.source(video).fps), store.n_frames(video) - 1))
    image = _frames(settings, video, [time_s])[0]
    return draw_scene(
        image, pose=stored.pose, relations=stored.relations, object_names=EXTENDED_OBJECT_CLASSES,
        predicate_names=PREDICATE_CLASSES, caption=(f"{graphs} graph",), short_side=480,
    )  # fmt: skip


def _stills(settings: DemoSettings, video: str, duration_s: float) -> list[Still]:
    times = [(k + 0.5) * duration_s / STILLS for k in range(STILLS)]
    pictures = _frames(settings, video, times)
    return [Still(t, data_uri(p, quality=70), f"at {t:.1f} s") for t, p in zip(times, pictures, strict=True)]


def _frames(settings: DemoSettings, video: str, times: Sequence[float]) -> list[NDArray[np.uint8]]:
    """Pictures [H, W, 3] RGB of a video at some times, in order.

    Raises:
        VideoError: One cannot be read.
    """
    path = settings.paths.videos / f"{video}.mp4"
    capture = cv2.VideoCapture(str(path))
    try:
        rate = capture.get(cv2.CAP_PROP_FPS) or 8.0
        found = []
        for time_s in times:
            capture.set(cv2.CAP_PROP_POS_FRAMES, int(time_s * rate))
            good, image = capture.read()
            if not good:
                raise VideoError(f"has no picture at {time_s:.1f} s", path=path, remedy="run `make demo` again")
            found.append(np.ascontiguousarray(image[..., ::-1]).astype(np.uint8, copy=False))
        return found
    finally:
        capture.release()
