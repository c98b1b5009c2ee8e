"""All numbers of a report as plain values (``report.json``)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from hawkeye_core.evaluation.scored_run import Run
from hawkeye_core.evaluation.significance import summarise
from hawkeye_core.evaluation.systems import Study, System
from hawkeye_core.report.choice import Chosen
from hawkeye_core.report.comparisons import F2, FNR, MAP, Comparisons, value
from hawkeye_core.report.figure4 import Convergence

VERSION = 1


def report_numbers(
    studies: Sequence[Study], comparisons: Comparisons, curves: Sequence[Convergence],
    shown: Mapping[str, Sequence[Chosen]], *, files: Sequence[str],
) -> dict[str, Any]:  # fmt: skip
    """Rates as parts of 1, times in seconds; what is undefined is None.

    Args:
        studies: One a data set.
        comparisons: Both families.
        curves: Of Figure 4.
        shown: Videos of Figure 5 by data set.
        files: What was written beside this.
    """
    return plain({
        "version": VERSION,
        "data": [_study(study) for study in studies],
        "comparisons": {
            "marked in Table 1": [asdict(one) | {"mark": one.mark} for one in comparisons.marked],
            "others": [asdict(one) | {"mark": one.mark} for one in comparisons.others],
        },
        "convergence": [
            {"name": one.curve.name, "runs": len(one.each), "point": asdict(one.point),
             "points": [asdict(point) for point in one.points]}
            for one in curves
        ],
        "figure5": {data: [asdict(one) for one in chosen] for data, chosen in shown.items()},
        "files": list(files),
    })  # fmt: skip


def plain(value: Any) -> Any:
    """Plain values for JSON; numbers that are not finite are None."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _study(study: Study) -> dict[str, Any]:
    truth = study.truth
    return {
        "name": study.data,
        "split": study.protocol.split,
        "videos": len(truth.durations),
        "seconds": sum(truth.durations.values()),
        "anomalous": len(study.anomalous),
        "segments": sum(len(segments) for segments in truth.segments.values()),
        "systems": [_system(system) for system in study.systems],
    }


def _system(system: System) -> dict[str, Any]:
    summaries = {}
    for metric in (FNR, F2, MAP):
        known = [value(run.row, metric) for run in system.runs if math.isfinite(value(run.row, metric))]
        summaries[metric] = asdict(summarise(known)) if known else None
    return {
        "name": system.name, "kind": system.kind, "note": system.note, "over seeds": summaries,
        "runs": [_run(run) for run in system.runs],
    }  # fmt: skip


def _run(run: Run) -> dict[str, Any]:
    row = run.row
    protocol = run.evaluation.protocol if run.evaluation else None
    return {
        "seed": run.seed, "fnr": row.fnr, "f2": row.f2, "precision": row.precision, "recall": row.recall,
        "map": dict(row.mean_ap), "segments": row.segments, "frame_auc": run.auc, "frame_ap": run.frame_ap,
        "frame_measures_of": "curves" if run.by_curve else "segments", "unparsed": run.unparsed,
        "seconds_per_minute": run.seconds, "miou": run.grounding.mean_iou,
        "recall_at_1": dict(run.grounding.recall_at_1),
        "inputs": dict(protocol.inputs) if protocol else {},
    }  # fmt: skip
