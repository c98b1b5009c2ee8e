"""Evaluation folders as the systems of one table: several seeds of a name are one system, all on the same videos.

The rows that need no model are computed here, never read. No torch.

Legend: S runs of a system, one a seed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hawkeye_core.errors import AnnotationError
from hawkeye_core.evaluation.folder import Evaluation
from hawkeye_core.evaluation.paper_numbers import DENSE, SPARSE
from hawkeye_core.evaluation.paper_tables import Kind
from hawkeye_core.evaluation.protocol import Protocol, VideoTruth
from hawkeye_core.evaluation.result import Truth
from hawkeye_core.evaluation.same_protocol import require_same_protocol
from hawkeye_core.evaluation.scored_run import Run, detections_of, score_run
from hawkeye_core.evaluation.trivial import all_positive, oracle_clips, random_clips

ORDER: tuple[Kind, ...] = ("ours", "ablation", "baseline", "trivial")
"""Kinds from top to bottom."""


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
    def label(self) -> str:
        """The name with the note, wherever a picture or a list shows the system."""
        return f"{self.name} ({self.note})" if self.note else self.name

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
        found.append(System(name, "trivial", (score_run(name, detections, truth),)))
    return tuple(found)


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
        runs.append(score_run(protocol.name, detections, truth, note=note, evaluation=one))
    return System(protocol.name, protocol.kind, tuple(runs), note)
