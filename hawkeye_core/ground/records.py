"""What is found in a video, as plain records; nothing here needs torch.

Units: times in seconds from the video's first frame, boxes and speeds in parts of the frame (so that they mean the same
at every resolution), scores, shares and probabilities 0..1. The records as JSON are described in ``docs/ground.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from hawkeye_core.answers.parse import Status

DECIMALS = 6
"""Of a number as :meth:`GroundedVideo.as_dict` gives it."""

Box = tuple[float, float, float, float]
"""x1, y1, x2, y2 as parts of the frame's width and height, origin top left."""


class Record:
    """A record that can be given as plain values."""

    __slots__ = ()

    def as_dict(self) -> dict[str, Any]:
        """Dicts, lists, texts and numbers of at most :data:`DECIMALS` decimals, for JSON."""
        plain: dict[str, Any] = _plain(asdict(self))  # type: ignore[call-overload]  # all that derive are dataclasses
        return plain


@dataclass(frozen=True, slots=True)
class MovedJoint(Record):
    """A joint of a person and how fast it moved: the mean over the segment, in frame heights a second."""

    joint: str
    speed: float


@dataclass(frozen=True, slots=True)
class MovedPerson(Record):
    """A person, followed from frame to frame, that moved within a segment.

    Args:
        box: Where the person was when it moved fastest.
        score: Mean person score.
        start_s: First seen within the segment.
        end_s: Last seen within the segment, one frame's time included.
        joints: Those that moved most, the fastest first.
    """

    box: Box
    score: float
    start_s: float
    end_s: float
    joints: tuple[MovedJoint, ...]


@dataclass(frozen=True, slots=True)
class HeldTriplet(Record):
    """Two things in a relation, the same words in several frames taken together.

    Args:
        subject: What stands in the relation (``man``).
        predicate: Which one (``holding``).
        object: To what (``phone``).
        score: Mean over the frames it was seen in, of the surest of its kind in each.
        share: Part of the segment's frames it was seen in.
        start_s: First seen within the segment.
        end_s: Last seen within the segment, one frame's time included.
    """

    subject: str
    predicate: str
    object: str
    score: float
    share: float
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class RouterShare(Record):
    """Mean routing weights, one an expert, of the action and of the object tokens.

    Args:
        action: Within the segment.
        object: Within the segment.
        rest_action: Outside of all segments of the video; empty if no second lies outside.
        rest_object: The same, of object tokens.
    """

    action: tuple[float, ...]
    object: tuple[float, ...]
    rest_action: tuple[float, ...]
    rest_object: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Evidence(Record):
    """What was seen within a segment.

    Args:
        frames: Seconds of the frames that show it best, in order.
        people: Those that moved most first.
        triplets: Those that held longest and surest first.
        router: None of a model without a router.
        peak: Highest value of the anomaly curve within the segment; None without a curve.
    """

    frames: tuple[float, ...] = ()
    people: tuple[MovedPerson, ...] = ()
    triplets: tuple[HeldTriplet, ...] = ()
    router: RouterShare | None = None
    peak: float | None = None


@dataclass(frozen=True, slots=True)
class GroundedSegment(Record):
    """One implicit anomalous sentiment, from ``start_s`` to ``end_s``.

    Args:
        category: What it is, in words; may be empty.
        reason: Why, in words; may be empty.
        score: How sure the model was of the times, 0..1.
    """

    start_s: float
    end_s: float
    category: str
    reason: str
    score: float
    evidence: Evidence = Evidence()


@dataclass(frozen=True, slots=True)
class WindowText(Record):
    """What the model said about one window of the video, and how it could be read."""

    text: str
    status: Status
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class ModelNote(Record):
    """Which model answered.

    Args:
        name: In words.
        checkpoint: As the user named it (``shipped`` for the one in the package).
        marks: What about it was untrained, in words.
        good_for: What its answers are worth.
    """

    name: str
    checkpoint: str
    marks: tuple[str, ...]
    good_for: str


@dataclass(frozen=True, slots=True)
class GroundedVideo(Record):
    """All that is found in one video.

    Args:
        video: As named by the user.
        video_id: Its id in the store.
        sha256: Of the file.
        duration_s: Of what was sampled.
        fps: Frames sampled a second.
        status: ``partial`` if the file ends early or is damaged.
        note: Why it is partial, or what about it makes the answer worth less (no people, black frames).
        segments: In the order of their starts.
        curve: P(anomalous) of each second the video has begun; None where it was not asked for.
        answers: Window after window.
        model: Which answered.
        seconds: Wall time by stage.
    """

    video: str
    video_id: str
    sha256: str
    duration_s: float
    fps: float
    status: Literal["done", "partial"]
    note: str | None
    segments: tuple[GroundedSegment, ...]
    curve: tuple[float, ...] | None
    answers: tuple[WindowText, ...]
    model: ModelNote
    seconds: Mapping[str, float] = field(default_factory=dict, compare=False)


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, DECIMALS)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
