"""What a baseline made of the videos it was given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import cv2

from hawkeye_core.errors import VideoError
from hawkeye_core.evaluation.baselines.clips import VideoLength
from hawkeye_core.evaluation.prediction_records import Prediction

VIDEO_FAULTS = (VideoError, OSError, MemoryError, RuntimeError, ValueError, TypeError, LookupError, ArithmeticError,
                cv2.error)  # fmt: skip
"""What may go wrong with one video while the next one can still be used."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of some videos.

    Args:
        predictions: By video; none of a video that could not be used.
        lengths: By video, measured.
        faults: Why a video could not be used, by video.
        seconds: Wall time, of an earlier run too where its results were kept.
    """

    predictions: Mapping[str, Prediction] = field(default_factory=dict)
    lengths: Mapping[str, VideoLength] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0


def reason_of(error: BaseException) -> str:
    """A fault in one line."""
    text = " ".join(str(error).split("\n  remedy:")[0].split())[:500]
    return text if isinstance(error, VideoError) else f"{type(error).__name__}: {text}"
