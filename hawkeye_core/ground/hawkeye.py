"""The whole of Hawkeye behind one object: a video in, segments with reasons and evidence out."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from transformers import PreTrainedTokenizerBase

from feature_store.errors import StoreError
from feature_store.store import FeatureStore
from hawkeye_core.errors import ConfigError, HawkeyeError, VideoError
from hawkeye_core.evaluation.curve_segments import CURVE_THRESHOLD
from hawkeye_core.evaluation.predict import Predictor
from hawkeye_core.evaluation.spent import Spent
from hawkeye_core.evaluation.window_answers import VideoPrediction, WindowAnswer, join_windows
from hawkeye_core.extraction.config import ExtractSettings
from hawkeye_core.extraction.run import VIDEO_FAULTS, extract_video
from hawkeye_core.ground.evidence import Seen, evidence_of
from hawkeye_core.ground.loading import Loaded, load_model, resolve_model_device
from hawkeye_core.ground.notes import note_on
from hawkeye_core.ground.records import GroundedSegment, GroundedVideo, ModelNote, WindowText
from hawkeye_core.ground.stored import StoredVideo, VideoWindows
from hawkeye_core.model.hawkeye import HawkeyeModel
from hawkeye_core.video.probe import probe

if TYPE_CHECKING:
    from hawkeye_core.chat.conversation import Conversation

Progress = Callable[[str, int, int | None], None]
"""Called with a stage, how much of it is done, and how much there is (None: unknown)."""

EXTRACT, ANSWER, EVIDENCE = "extracting", "answering", "evidence"
"""Stages: frames through the networks into the store; windows through the model; what was seen."""

BATCH_BYTES = 128 * 2**20
"""Pictures that go through the networks together take at most this much, or are one: some four such batches are in
memory at a time, and a frame of 8K is 100 MB."""
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Hawkeye:
    """Finds the implicit anomalous sentiments of a video. Make one with :meth:`from_pretrained`.

    Args:
        loaded: Model, tokenizer and what goes with them.
        store: Folder or URL of the feature store that keeps what was extracted.
        device: Where the model runs: ``auto``, ``cpu``, ``cuda``, ``mps``.
        max_new_tokens: Longest answer to a window.
        presence: See :class:`~hawkeye_core.evaluation.predict.Predictor`; times are then those of the answers' text.
        threshold: Of the dense head, from which something is anomalous; none: 0.1 if the model has one and ``presence``
            is not given, else times are those of the answers' text.
        curve: Whether every second is asked about too.
        batch_size: Windows answered together.
    """

    def __init__(
        self, loaded: Loaded, *, store: str | Path, device: str = "auto", max_new_tokens: int = 256,
        presence: float | None = None, threshold: float | None = None, curve: bool = True, batch_size: int = 4,
    ) -> None:  # fmt: skip
        if batch_size < 1:
            raise ConfigError(f"batch_size is {batch_size}; it must be at least 1")
        self.model: HawkeyeModel = loaded.model.to(resolve_model_device(device))  # type: ignore[arg-type]
        self.tokenizer: PreTrainedTokenizerBase = loaded.tokenizer
        self.note: ModelNote = loaded.note
        self.window_frames, self.hop_frames = loaded.window_frames, loaded.hop_frames
        self.settings: ExtractSettings = loaded.extract.model_copy(update={"store": str(store)})
        self.batch_size = batch_size
        if threshold is not None and presence is not None:
            raise ConfigError("threshold and presence exclude each other", remedy="give one of them")
        if threshold is None and presence is None and self.model.dense is not None:
            threshold = CURVE_THRESHOLD
        self.predictor = Predictor(
            self.model, self.tokenizer, max_new_tokens=max_new_tokens, presence=presence, curve=curve,
            curve_threshold=threshold,
        )  # fmt: skip

    @classmethod
    def from_pretrained(
        cls, checkpoint: str | Path = "shipped", *, device: str = "auto", extract: ExtractSettings | None = None,
        store: str | Path | None = None, max_new_tokens: int = 256, presence: float | None = None,
        threshold: float | None = None, curve: bool = True, batch_size: int = 4,
    ) -> Hawkeye:  # fmt: skip
        """Load a model.

        Args:
            checkpoint: A training run, a checkpoint within one, or ``shipped`` for the small one in the package.
            device: Where networks and model run: ``auto``, ``cpu``, ``cuda``, ``mps``.
            extract: How videos are extracted; by default as those that the model was trained on.
            store: Where features are kept; by default :func:`default_store`.
            max_new_tokens: Longest answer to a window, in tokens.
            presence: Probability of an anomaly from which a window is answered with segments; see the class.
            threshold: Of the dense head, from which something is anomalous; see the class.
            curve: Whether every second is asked about too, for the anomaly curve.
            batch_size: Windows answered together.

        Raises:
            WeightsError, ConfigError: There is no such checkpoint, or no such device.
        """
        loaded = load_model(checkpoint, extract=extract, device=device)
        return cls(
            loaded, store=default_store() if store is None else store, device=device, max_new_tokens=max_new_tokens,
            presence=presence, threshold=threshold, curve=curve, batch_size=batch_size,
        )  # fmt: skip

    def extract(self, video: str | Path, *, progress: Progress | None = None) -> StoredVideo:
        """Extract what the store lacks of a video; what it holds is not computed again.

        Raises:
            VideoError: The file is no usable video; it says why.
            HawkeyeError: The store cannot be written.
        """
        name = str(video)
        step = None if progress is None else lambda done, total: progress(EXTRACT, done, total)
        try:
            result = extract_video(self._sized(name), name, progress=step)
        except VIDEO_FAULTS as error:
            raise self._fault(error, name) from error
        if result.status == "failed":
            raise VideoError(result.error or "cannot be extracted")
        # Read without memory maps: their pages would count as this process's memory, hours of video as gigabytes.
        store = FeatureStore.open(self.settings.store, memory_map=False)
        return StoredVideo.find(store, name, result.video_id, result.families, extracted=result.frames)

    def windows(self, handle: StoredVideo) -> VideoWindows:
        """The windows of a video as the model reads them, cut as in training.

        Raises:
            ConfigError: Its features are not of the width that the model reads.
        """
        windows = VideoWindows(handle, length=self.window_frames, hop=self.hop_frames)
        vision = handle.columns(0, 1, ("vision",)).vision
        width = 0 if vision is None else vision.frame_tokens.shape[-1]
        if width != self.model.config.vision_width:
            raise ConfigError(
                f"the stored vision tokens are {width} wide, the model reads {self.model.config.vision_width}",
                path=handle.store.url, remedy="extract with the settings that the model was trained with",
            )  # fmt: skip
        return windows

    def ground(self, video: str | Path | StoredVideo, *, progress: Progress | None = None) -> GroundedVideo:
        """Segments of a video with what speaks for them.

        Windows are read in small batches, so memory does not grow with the length of the video.

        Args:
            video: A file, or what :meth:`extract` gave.
            progress: Told of every batch of frames and of windows.

        Raises:
            VideoError: The file is no usable video.
            HawkeyeError, StoreError: Something else about the input or the store is wrong.
        """
        spent = Spent()
        with spent.on(EXTRACT):
            handle = video if isinstance(video, StoredVideo) else self.extract(video, progress=progress)
        self.predictor.spent = spent
        windows = self.windows(handle)
        prediction = self._predict(windows, progress)
        with spent.on(EVIDENCE):
            segments, note = self._segments(handle, prediction), note_on(handle)
        return GroundedVideo(
            video=handle.video, video_id=handle.video_id, sha256=handle.sha256, duration_s=handle.duration_s,
            fps=handle.fps, status="partial" if handle.note else "done", note=note, segments=segments,
            curve=prediction.curve,
            answers=tuple(WindowText(a.text.strip(), a.status, a.start_s, a.end_s) for a in prediction.answers),
            model=self.note, seconds=dict(spent.seconds),
        )  # fmt: skip

    def chat(self, video: str | Path | StoredVideo) -> Conversation:
        """A conversation about a video."""
        from hawkeye_core.chat.conversation import Conversation

        windows = self.windows(video if isinstance(video, StoredVideo) else self.extract(video))
        return Conversation(self.predictor, windows.specs, lambda place: windows[place])

    def _predict(self, windows: VideoWindows, progress: Progress | None) -> VideoPrediction:
        answers: list[WindowAnswer] = []
        with torch.inference_mode():
            for begin in range(0, len(windows), self.batch_size):
                answers += self.predictor.answer(windows[begin : begin + self.batch_size])
                if progress is not None:
                    progress(ANSWER, len(answers), len(windows))
        return join_windows(windows.specs, answers)

    def _segments(self, handle: StoredVideo, prediction: VideoPrediction) -> tuple[GroundedSegment, ...]:
        seen = Seen(handle.columns, handle.n_frames, handle.fps, prediction.curve, prediction.router)
        spans = [(item.segment.start_s, item.segment.end_s) for item in prediction.segments]
        return tuple(
            GroundedSegment(
                *span, item.segment.category, item.segment.reason, item.score, evidence_of(seen, span, spans=spans)
            )
            for span, item in zip(spans, prediction.segments, strict=True)
        )

    def _sized(self, video: str) -> ExtractSettings:
        """Fewer frames at a time where they are large."""
        try:
            info = probe(video)
        except (VideoError, OSError):  # extraction says it again, and notes it in the store
            return self.settings
        fitting = max(1, BATCH_BYTES // (3 * info.width * info.height))
        return self.settings.model_copy(update={"batch_size": min(self.settings.batch_size, fitting)})

    def _fault(self, error: BaseException, video: str) -> HawkeyeError | StoreError:
        if isinstance(error, StoreError):
            return error
        if isinstance(error, OSError) and error.errno is not None and error.errno in FULL:
            return HawkeyeError(
                f"cannot be written ({os.strerror(error.errno)}); nothing of {video} was kept",
                path=self.settings.store,
                remedy="free some space, or name a store elsewhere (--store)",
            )  # fmt: skip
        words = error.strerror if isinstance(error, OSError) and error.strerror else f"{type(error).__name__}: {error}"
        return VideoError(f"cannot be extracted ({words})", path=video, remedy="see whether a player opens it")


def default_store() -> Path:
    """``$HAWKEYE_CACHE/store``, or ``~/.cache/hawkeye/store``."""
    return Path(os.environ.get("HAWKEYE_CACHE") or "~/.cache/hawkeye").expanduser() / "store"
