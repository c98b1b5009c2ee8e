"""Evaluation folders as the systems of one table: several seeds of a name are one system, all on the same videos.

The rows that need no model are computed here, never read. No torch.

Legend: S runs of a system, one a seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hawkeye_core.errors import AnnotationError
from hawkeye_core.evaluation.curves import curves_table, frame_auc, frame_average_precision, segments_table
from hawkeye_core.evaluation.folder import Evaluation
from hawkeye_core.evaluation.grounding import GroundingScore, score_sets
from hawkeye_core.evaluation.metrics import FPS, Detection, Interval
from hawkeye_core.evaluation.paper_numbers import DENSE, SPARSE
from hawkeye_core.evaluation.paper_tables import Kind
from hawkeye_core.evaluation.protocol import Protocol, VideoTruth
from hawkeye_core.evaluation.result import Row, Truth, score_row
from hawkeye_core.evaluation.trivial import all_positive, oracle_clips, random_clips

ORDER: tuple[Kind, ...] = ("ours", "ablation", "baseline", "trivial")
"""Kinds from top to bottom."""
CLOSE_S = 1e-6
"""Times that are apart by no more are the same."""


@dataclass(frozen=True, slots=True)
class Run:
    """One evaluation, scored.

    Args:
        seed: Of the training; None without one.
        detections: Predicted segments in the order of the videos of the truth; those without a score have 1.
        row: FNR, F2, precision, recall and AP.
        auc: Frame AUC, part of 1; not a number where it cannot be computed.
        frame_ap: Average precision of frames, likewise.
        by_curve: Whether these two are of anomaly curves; else of the scores of segments.
        unparsed: Part of the answers that could not be read; not a number without answers.
        seconds: Of inference for a minute of video; not a number where it was not measured.
        grounding: IoU of the segments with the true ones, on anomalous videos alone.
        evaluation: What was read; None of rows without a model.
    """

    seed: int | None
    detections: tuple[Detection, ...]
    row: Row
    auc: float
    frame_ap: float
    by_curve: bool
    unparsed: float
    seconds: float
    grounding: GroundingScore
    evaluation: Evaluation | None = None


@dataclass(frozen=True, slots=True)
class System:
    """One row of the tables.

    Args:
        name: Of the row.
        kind: Which section it stands in.
        runs: [S] by rising seed.
        note: Why its numbers say little (``UNTRAINED``); empty if they do.
    """

    name: str
    kind: Kind
    runs: tuple[Run, ...]
    note: str = ""

    @property
    def seeds(self) -> frozenset[int]:
        """Those that are known."""
        return frozenset(run.seed for run in self.runs if run.seed is not None)


@dataclass(frozen=True, slots=True)
class Study:
    """All systems on one set of videos.

    Args:
        data: Name of the data set; ``S-S`` and ``S-D`` are the paper's.
        videos: As annotated, in the order of the first folder.
        protocol: Of the first folder.
        truth: The same videos as the metrics take them.
        systems: The first is what the others are compared with; then ablations, baselines, rows without a model.
    """

    data: str
    videos: tuple[VideoTruth, ...]
    protocol: Protocol
    truth: Truth
    systems: tuple[System, ...]

    @property
    def heading(self) -> str:
        """Above its columns: nothing where it is not the paper's, since such a data set stands alone in a report."""
        return self.data if self.data in (SPARSE, DENSE) else ""

    @property
    def ours(self) -> System:
        """The system that the others are compared with."""
        return self.systems[0]

    @property
    def anomalous(self) -> tuple[str, ...]:
        """Videos with a segment."""
        return tuple(video for video, segments in self.truth.segments.items() if segments)


def make_study(
    evaluations: Sequence[Evaluation], *, data: str, seed: int = 0, on_run: Callable[[str], None] = lambda name: None
) -> Study:
    """Score all evaluations of one data set, and the rows that need no model.

    Args:
        evaluations: At least one; the first of kind ``ours`` (or else the first) is what the others are compared with.
        data: Name of the data set.
        seed: Of the random clips.
        on_run: Called with a name before each row is scored.

    Raises:
        AnnotationError: Two folders are not of the same videos, segments and split, or are the same row and seed, or
            give one name two kinds.
    """
    if not evaluations:
        raise AnnotationError("no evaluation folder was given", remedy="give --eval FOLDER")
    require_same_protocol(evaluations)
    groups = _grouped(evaluations)
    first = evaluations[0]
    truth = truth_of(first.protocol.videos)
    systems = [_system(members, truth, on_run) for members in groups.values()]
    reference = next((one for one in systems if one.kind == "ours"), systems[0])
    rest = sorted((one for one in systems if one is not reference), key=lambda one: ORDER.index(one.kind))
    videos = first.protocol.videos
    return Study(
        data, videos, first.protocol, truth, (reference, *rest, *trivial_systems(truth, seed=seed, on_run=on_run))
    )


def truth_of(videos: Sequence[VideoTruth]) -> Truth:
    """Lengths and segments as the metrics take them."""
    return Truth(
        {one.video: one.duration_s for one in videos},
        {one.video: [(s.start_s, min(s.end_s, one.duration_s)) for s in one.segments] for one in videos},
    )


def detections_of(evaluation: Evaluation) -> list[Detection]:
    """Predicted segments in the order of the protocol, whatever that of the file; without scores all are equal."""
    by_video = {item.video: item.segments for item in evaluation.predictions}
    return [
        Detection(
            one.video, item.segment.start_s, min(item.segment.end_s, one.duration_s),
            1.0 if item.score is None else item.score,
        )
        for one in evaluation.protocol.videos
        for item in by_video.get(one.video, ())
    ]  # fmt: skip


def curves_of(evaluation: Evaluation) -> dict[str, tuple[float, ...]]:
    """Anomaly curves by video, one value a second, of those videos that have one."""
    return {item.video: item.curve for item in evaluation.predictions if item.curve is not None}


def trivial_systems(
    truth: Truth, *, seed: int, on_run: Callable[[str], None] = lambda name: None
) -> tuple[System, ...]:
    """Everything, chance, and the best that clips of one second can do.

    Args:
        truth: Of the videos.
        seed: Of the random clips.
        on_run: As in :func:`make_study`.
    """
    durations = truth.durations
    found = []
    for name, detections in (
        ("all positive", all_positive(durations)),
        ("random 1 s clips", random_clips(durations, seed=seed)),
        ("oracle 1 s clips", oracle_clips(durations, truth.segments)),
    ):
        on_run(name)
        found.append(System(name, "trivial", (_scored(name, detections, truth),)))
    return tuple(found)


def require_same_protocol(evaluations: Sequence[Evaluation]) -> None:
    """Check that all folders have the same videos, lengths, segments and split; the order of videos may differ.

    Raises:
        AnnotationError: Two have not; it names both and the first difference.
    """
    first, *others = evaluations
    for other in others:
        difference = _difference(first.protocol, other.protocol)
        if difference:
            raise AnnotationError(
                f"is of another protocol than {first.folder}: {difference}",
                path=other.folder,
                remedy="evaluate both on the same annotations and split, or make two reports",
            )


def _difference(first: Protocol, other: Protocol) -> str:
    """The first difference in words; empty if there is none."""
    if first.split != other.split:
        return f"its split is {other.split!r}, that of the latter {first.split!r}"
    ours, theirs = ({one.video: one for one in protocol.videos} for protocol in (first, other))
    if ours.keys() != theirs.keys():
        only = next((video for video in ours if video not in theirs), None)
        if only is not None:
            return f"{only!r} is among the {len(ours)} videos of the latter and not among these {len(theirs)}"
        only = next(video for video in theirs if video not in ours)
        return f"{only!r} is among these {len(theirs)} videos and not among the {len(ours)} of the latter"
    for video, one in ours.items():
        two = theirs[video]
        if abs(one.duration_s - two.duration_s) > CLOSE_S:
            return f"{video!r} lasts {two.duration_s:.3f} s here and {one.duration_s:.3f} s there"
        if not _same_times(_times(one), _times(two)):
            return f"{video!r} has segments {_shown(_times(two))} here and {_shown(_times(one))} there"
        if one.category != two.category:
            return f"{video!r} is of category {two.category!r} here and {one.category!r} there"
    return ""


def _times(video: VideoTruth) -> list[Interval]:
    return sorted((s.start_s, s.end_s) for s in video.segments)


def _same_times(first: Sequence[Interval], other: Sequence[Interval]) -> bool:
    return len(first) == len(other) and all(
        abs(a[0] - b[0]) <= CLOSE_S and abs(a[1] - b[1]) <= CLOSE_S for a, b in zip(first, other, strict=True)
    )


def _shown(times: Sequence[Interval]) -> str:
    some = ", ".join(f"{start:.3f}-{end:.3f}" for start, end in times[:4])
    return f"[{some}{', ...' if len(times) > 4 else ''}]"


def _grouped(evaluations: Sequence[Evaluation]) -> dict[str, list[Evaluation]]:
    groups: dict[str, list[Evaluation]] = {}
    for one in evaluations:
        group = groups.setdefault(one.protocol.name, [])
        for other in group:
            if other.protocol.seed == one.protocol.seed:
                raise AnnotationError(
                    f"is row {one.protocol.name!r} with seed {one.protocol.seed}, as is {other.folder}",
                    path=one.folder,
                    remedy="give each folder once; runs of one row need different seeds, other systems another --name",
                )
            if other.protocol.kind != one.protocol.kind:
                raise AnnotationError(
                    f"calls {one.protocol.name!r} {one.protocol.kind!r}, {other.folder} calls it "
                    f"{other.protocol.kind!r}",
                    path=one.folder,
                    remedy="give one of them another --name, or both the same kind",
                )
        group.append(one)
    return {
        name: sorted(group, key=lambda one: -1 if one.protocol.seed is None else one.protocol.seed)
        for name, group in groups.items()
    }


def _system(members: Sequence[Evaluation], truth: Truth, on_run: Callable[[str], None]) -> System:
    protocol = members[0].protocol
    note = "UNTRAINED" if any(one.untrained for one in members) else ""
    runs = []
    for one in members:
        on_run(protocol.name)
        order = {video: place for place, video in enumerate(truth.durations)}
        detections = sorted(detections_of(one), key=lambda item: order[item.video])
        runs.append(_scored(protocol.name, detections, truth, note=note, evaluation=one))
    return System(protocol.name, protocol.kind, tuple(runs), note)


def _scored(
    name: str, detections: Sequence[Detection], truth: Truth, *, note: str = "", evaluation: Evaluation | None = None
) -> Run:
    auc, frame_ap, by_curve = _frame_measures(detections, truth, evaluation)
    anomalous = {video: segments for video, segments in truth.segments.items() if segments}
    said: dict[str, list[Interval]] = {video: [] for video in anomalous}
    for item in detections:
        if item.video in said:
            said[item.video].append((item.start_s, item.end_s))
    answers = [answer for item in evaluation.predictions for answer in item.answers] if evaluation else []
    unparsed = sum(answer.status == "unparsed" for answer in answers)
    seconds = evaluation.seconds_per_minute if evaluation else None
    return Run(
        seed=evaluation.protocol.seed if evaluation else None,
        detections=tuple(detections),
        row=score_row(name, detections, truth, note=note),
        auc=auc,
        frame_ap=frame_ap,
        by_curve=by_curve,
        unparsed=unparsed / len(answers) if answers else math.nan,
        seconds=math.nan if seconds is None else seconds,
        grounding=score_sets(anomalous, said),
        evaluation=evaluation,
    )


def _frame_measures(
    detections: Sequence[Detection], truth: Truth, evaluation: Evaluation | None
) -> tuple[float, float, bool]:
    """Frame AUC and AP by the curves if every video has one, else by the scores of segments, which must not be < 0."""
    curves = curves_of(evaluation) if evaluation else {}
    if curves.keys() == truth.durations.keys():
        # A curve has ceil(seconds) values; the last may lie behind the last frame.
        table = curves_table(
            {video: curves[video][: math.ceil(round(length * FPS) / FPS)] for video, length in truth.durations.items()},
            truth,
        )
        return frame_auc(table), frame_average_precision(table), True
    if any(item.score < 0 for item in detections):
        return math.nan, math.nan, False
    table = segments_table(detections, truth)
    return frame_auc(table), frame_average_precision(table), False
