"""What was scored against what: the record ``protocol.json`` of an evaluation folder. Pure Python."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, get_args

from hawkeye_core.answers.segments import Segment
from hawkeye_core.datasets.reading import plain_name
from hawkeye_core.datasets.times import number, span
from hawkeye_core.errors import AnnotationError
from hawkeye_core.evaluation.prediction_records import plain_text

VERSION = 1
REMEDY = "evaluate again (`hawkeye eval --out FOLDER`); the file is written by that, not by hand"

Kind = Literal["ours", "ablation", "baseline"]
"""What a row is: the full model, one without a part, or another system."""


@dataclass(frozen=True, slots=True)
class VideoTruth:
    """One annotated video.

    Args:
        video: Its id.
        duration_s: Seconds.
        category: Of the whole video (folder of UCF-Crime, ``Abuse``), or ``""``.
        segments: Anomalous stretches, each inside the video.
    """

    video: str
    duration_s: float
    category: str = ""
    segments: tuple[Segment, ...] = ()

    @classmethod
    def inside(cls, video: str, duration_s: float, segments: Sequence[Segment], *, label: str = "") -> VideoTruth:
        """Segments with their ends clipped to the video; without a label the category is that of the first one."""
        kept = tuple(replace(one, end_s=min(one.end_s, duration_s)) for one in segments)
        return cls(video, duration_s, label or (kept[0].category if kept else ""), kept)


@dataclass(frozen=True, slots=True)
class Protocol:
    """Which system was scored, on which videos.

    Args:
        name: Of the row; folders of one name and different seeds are one row.
        kind: What the row is.
        annotations: File of the segments.
        split: Which of its videos.
        videos: In the order of the annotations.
        seed: Of the training, None where there is none.
        run: Folder of the training run.
        checkpoint: Name of the checkpoint.
        store: Feature store.
        command: That was given.
        git_commit: Of the code.
        versions: Of packages, by name.
        inputs: SHA-256 by file.
    """

    name: str
    kind: Kind
    annotations: str
    split: str
    videos: tuple[VideoTruth, ...]
    seed: int | None = None
    run: str | None = None
    checkpoint: str | None = None
    store: str | None = None
    command: str = ""
    git_commit: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """The protocol as plain values, in the order of the file."""
        return {
            "version": VERSION, "name": self.name, "kind": self.kind, "seed": self.seed, "run": self.run,
            "checkpoint": self.checkpoint, "store": self.store, "annotations": self.annotations, "split": self.split,
            "command": self.command, "git_commit": self.git_commit, "versions": dict(self.versions),
            "inputs": dict(self.inputs), "videos": [_plain_video(video) for video in self.videos],
        }  # fmt: skip


def protocol_of(record: Any, *, where: str) -> Protocol:
    """A checked protocol.

    Args:
        record: As :meth:`Protocol.record` makes it.
        where: The file, for the error.

    Raises:
        AnnotationError: A key is missing or unknown, a value is of the wrong type, a video occurs twice, or a segment
            lies outside its video.
    """
    known = ("version", "name", "kind", "seed", "run", "checkpoint", "store", "annotations", "split", "command",
             "git_commit", "versions", "inputs", "videos")  # fmt: skip
    fields = _fields(record, known, what="a protocol", where=where)
    version, kind, seed = fields["version"], fields["kind"], fields["seed"]
    if isinstance(version, bool) or version != VERSION:
        raise AnnotationError(
            f"is of version {str(version)[:20]}, not {VERSION}", path=where, remedy="read it with a newer Hawkeye"
        )
    if kind not in get_args(Kind):
        raise AnnotationError(f"the kind {repr(kind)[:40]} is none of {', '.join(get_args(Kind))}", path=where,
                              remedy=REMEDY)  # fmt: skip
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63):
        raise AnnotationError(f"a seed is a whole number or null, not {repr(seed)[:40]}", path=where, remedy=REMEDY)
    texts = {key: _text(fields[key], key, where) for key in ("annotations", "split", "command")}
    perhaps = {
        key: None if fields[key] is None else _text(fields[key], key, where)
        for key in ("run", "checkpoint", "store", "git_commit")
    }
    tables = {key: _texts(fields[key], key, where) for key in ("versions", "inputs")}
    if not all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in tables["inputs"].values()):
        raise AnnotationError("an input is not named by its SHA-256", path=where, remedy=REMEDY)
    return Protocol(
        name=_name(fields["name"], where), kind=kind, seed=seed, videos=_videos(fields["videos"], where),
        annotations=texts["annotations"], split=texts["split"], command=texts["command"],
        run=perhaps["run"], checkpoint=perhaps["checkpoint"], store=perhaps["store"], git_commit=perhaps["git_commit"],
        versions=tables["versions"], inputs=tables["inputs"],
    )  # fmt: skip


def _plain_video(video: VideoTruth) -> dict[str, Any]:
    return asdict(video) | {"segments": [asdict(segment) for segment in video.segments]}


def _videos(value: Any, where: str) -> tuple[VideoTruth, ...]:
    if not isinstance(value, list) or not value:
        raise AnnotationError("videos must be a list that is not empty", path=where, remedy=REMEDY)
    found: dict[str, VideoTruth] = {}
    for item in value:
        one = _video(item, where)
        if one.video in found:
            raise AnnotationError(f"video {one.video!r} occurs a second time", path=where, remedy=REMEDY)
        found[one.video] = one
    return tuple(found.values())


def _video(value: Any, where: str) -> VideoTruth:
    fields = _fields(value, ("video", "duration_s", "category", "segments"), what="a video", where=where)
    video = plain_name(fields["video"], where=where, remedy=REMEDY)
    duration = number(fields["duration_s"], what="a length", where=where, remedy=REMEDY)
    if not isinstance(fields["segments"], list) or duration <= 0:
        said = f"{video!r} must have a list of segments and a length, not {duration} s"
        raise AnnotationError(said, path=where, remedy=REMEDY)
    segments = tuple(_segment(item, where) for item in fields["segments"])
    behind = next((one for one in segments if one.end_s > duration + 1e-6), None)
    if behind is not None:
        said = f"{video!r} lasts {duration} s; a segment is at {behind.start_s} to {behind.end_s} s"
        raise AnnotationError(said, path=where, remedy=REMEDY)
    return VideoTruth(video, duration, _text(fields["category"], "category", where), segments)


def _segment(value: Any, where: str) -> Segment:
    fields = _fields(value, ("start_s", "end_s", "category", "reason"), what="a segment", where=where)
    times = span(fields["start_s"], fields["end_s"], where=where, remedy=REMEDY)
    category, reason = (_text(fields[key], key, where) for key in ("category", "reason"))
    return Segment(times.start_s, times.end_s, category, reason)


def _fields(value: Any, known: tuple[str, ...], *, what: str, where: str) -> Mapping[str, Any]:
    """An object with just these keys."""
    if not isinstance(value, Mapping):
        raise AnnotationError(f"{what} must be an object, not {repr(value)[:60]}", path=where, remedy=REMEDY)
    missing = [key for key in known if key not in value]
    unknown = [str(key)[:40] for key in value if key not in known]
    if missing or unknown:
        said = f"has no {', '.join(missing)}" if missing else f"has unknown keys: {', '.join(unknown[:5])}"
        raise AnnotationError(f"{what} {said}", path=where, remedy=REMEDY)
    return value


def _name(value: Any, where: str) -> str:
    name = _text(value, "name", where)
    if not name.strip() or len(name) > 80 or not name.isprintable():
        raise AnnotationError(f"a name has 1 to 80 printable characters, not {name[:60]!r}", path=where, remedy=REMEDY)
    return name


def _text(value: Any, what: str, where: str) -> str:
    return plain_text(value, what=what, where=where, remedy=REMEDY)


def _texts(value: Any, what: str, where: str) -> dict[str, str]:
    if not isinstance(value, Mapping) or len(value) > 1000:
        raise AnnotationError(f"{what} must be an object of texts", path=where, remedy=REMEDY)
    return {_text(key, what, where): _text(item, what, where) for key, item in value.items()}
