"""`Hawkeye.ground` by stage, and the bare networks on what they were given in it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import cv2
import torch
from released_scheme import ratios, seconds
from torch import nn

from feature_store.writer import FeatureWriter
from hawkeye_core.datasets.reconsim.plan import plan_video
from hawkeye_core.datasets.reconsim.video import frames
from hawkeye_core.evaluation import predict
from hawkeye_core.extraction import run as extraction_run
from hawkeye_core.extraction.backends import get_backends
from hawkeye_core.extraction.stream import SceneStream
from hawkeye_core.ground.hawkeye import Hawkeye
from hawkeye_core.ground.stored import VideoWindows
from hawkeye_core.training.collate import Collator
from hawkeye_core.video.prefetch import Prefetcher

NETWORKS = "networks"
Calls = list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]]


class Stages:
    """Wall time of one thread by stage, each without the stages that run within it."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._open: list[str] = []
        self._since = time.perf_counter()

    def begin(self, name: str) -> None:
        self._count()
        self._open.append(name)

    def end(self) -> None:
        self._count()
        self._open.pop()

    def _count(self) -> None:
        now = time.perf_counter()
        if self._open:
            self.seconds[self._open[-1]] = self.seconds.get(self._open[-1], 0.0) + now - self._since
        self._since = now

    def timed(self, call: Callable[..., Any], name: str) -> Callable[..., Any]:
        """The call, its time counted as that of a stage."""

        def within(*args: Any, **kwargs: Any) -> Any:
            self.begin(name)
            try:
                return call(*args, **kwargs)
            finally:
                self.end()

        return within


def drawn_video(path: Path, *, seconds: float, seed: int = 0) -> Path:
    """A ReconSim video of 320 x 240, drawn 8 times a second and shown 24 times; its beginning, drawn again if short."""
    plan = plan_video(seed, video="drawn", split="test", fps=8.0)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 24.0, (plan.width, plan.height))
    pictures = list(frames(plan))
    for number in range(round(8 * seconds)):
        for _ in range(3):
            writer.write(pictures[number % len(pictures)])
    writer.release()
    return path


def networks(hawkeye: Hawkeye) -> list[nn.Module]:
    """The outermost module of each network of extraction."""
    backends, found = get_backends(hawkeye.settings), []
    for backend in (backends.pose, backends.relations, backends.vision):
        for value in vars(backend).values():
            inner = [value, *vars(value).values()] if hasattr(value, "__dict__") else [value]
            found += [item for item in inner if isinstance(item, nn.Module)][:1]
    assert len(found) == 3, found
    return found


@contextmanager
def recorded(hawkeye: Hawkeye) -> Iterator[Calls]:
    """Every call into a network of extraction, and every pass of the model over windows, with copies of the inputs."""
    calls: Calls = []

    def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        calls.append((module, tuple(a.clone() if isinstance(a, torch.Tensor) else a for a in args), kwargs))

    def held(plain: Callable[..., Any], again: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            calls.append((again, args, kwargs))
            return plain(*args, **kwargs)

        return call

    generate = held(hawkeye.model.generate, one_pass(hawkeye))
    guided = held(predict.guided_answers, predict.guided_answers)

    handles = [module.register_forward_pre_hook(hook, with_kwargs=True) for module in networks(hawkeye)]
    with patch.object(hawkeye.model, "generate", generate), patch.object(predict, "guided_answers", guided):
        yield calls
    for handle in handles:
        handle.remove()


def one_pass(hawkeye: Hawkeye) -> Callable[..., Any]:
    """The model over a batch of windows: answers, and the score of every frame where there is a dense head. (Where the
    head gives the times, `guided_answers` is this pass.)
    """

    def call(ids: torch.Tensor, mask: torch.Tensor, scene: Any, **kwargs: Any) -> Any:
        generated = type(hawkeye.model).generate(hawkeye.model, ids, mask, scene, **kwargs)
        if hawkeye.model.dense is not None and generated.kept is not None:
            hawkeye.model.frame_scores(ids, mask, scene, hidden=generated.kept.hidden)
        return generated

    return call


@contextmanager
def by_stage(hawkeye: Hawkeye) -> Iterator[Stages]:
    """Times of all that `ground` calls; what has no name of its own is "the rest"."""
    stages, backends, model = Stages(), get_backends(hawkeye.settings), hawkeye.model
    plain_frames = Prefetcher.__iter__

    def waited(self: Any) -> Iterator[Any]:
        source = plain_frames(self)
        step = stages.timed(lambda: next(source, None), "waiting for frames")
        while (batch := step()) is not None:
            yield batch

    points: list[tuple[Any, str, str]] = [
        (extraction_run, "sha256_of", "hashing the file"), (SceneStream, "__call__", "tracks and columns"),
        (backends.pose, "detect", "around the pose network"),
        (backends.relations, "detect", "around the relation network"), (backends.vision, "encode", "around the tower"),
        (FeatureWriter, "append", "writing"), (FeatureWriter, "commit", "writing"),
        (VideoWindows, "__getitem__", "reading"), (Collator, "prompts", "collating"),
        (hawkeye.predictor, "answer", "parsing"), (model, "generate", NETWORKS), (model, "frame_scores", NETWORKS),
        (predict, "guided_answers", NETWORKS),
        (hawkeye, "_segments", "evidence"), (hawkeye, "ground", "the rest"),
    ]  # fmt: skip
    with ExitStack() as stack:
        stack.enter_context(patch.object(Prefetcher, "__iter__", waited))
        for owner, attribute, name in points:
            plain = getattr(owner, attribute)
            timed = stages.timed(plain, name)
            if isinstance(owner, type):  # of a class: as a function, so that it is bound
                timed = _function(timed)
            stack.enter_context(patch.object(owner, attribute, timed))
        for module in networks(hawkeye):
            for handle in (
                module.register_forward_pre_hook(lambda *_: stages.begin(NETWORKS)),
                module.register_forward_hook(lambda *_: stages.end()),
            ):
                stack.callback(handle.remove)
        yield stages


def _function(call: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args, **kwargs: call(*args, **kwargs)


@torch.inference_mode()
def bare(calls: Calls) -> None:
    """The networks alone."""
    for call, args, kwargs in calls:
        call(*args, **kwargs)


def whole(hawkeye: Hawkeye, video: Path, store: Path) -> None:
    """From the file to segments with evidence, into a new store; networks are loaded."""
    hawkeye.settings = hawkeye.settings.model_copy(update={"store": str(store)})
    hawkeye.ground(video)


def end_to_end(hawkeye: Hawkeye, video: Path, folder: Path, *, rounds: int) -> dict[str, Any]:
    """Both in turn; medians, the ratio pair by pair, and the stages of the whole in seconds."""
    with recorded(hawkeye) as calls:
        whole(hawkeye, video, folder / "recorded")
    pairs, stages = [], []
    for number in range(rounds):
        with by_stage(hawkeye) as spent:
            own = seconds(lambda store=folder / f"store-{number}": whole(hawkeye, video, store))  # type: ignore[misc]
        pairs.append((own, seconds(lambda: bare(calls))))
        stages.append(spent.seconds)
    names = sorted({name for one in stages for name in one})
    return {
        "whole_s": statistics.median(own.wall for own, _ in pairs),
        "bare_s": statistics.median(other.wall for _, other in pairs), **ratios(pairs),
        "stages_s": {name: statistics.median(one.get(name, 0.0) for one in stages) for name in names},
    }  # fmt: skip
