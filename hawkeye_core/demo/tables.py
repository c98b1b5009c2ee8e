"""The report's tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from hawkeye_core.demo.results import Results
from hawkeye_core.demo.systems import HAWKEYE, ORACLE, SCENE_OFF
from hawkeye_core.evaluation.bootstrap import DRAWS, Difference
from hawkeye_core.evaluation.metrics import FPS, TIOUS
from hawkeye_core.report.page import TableBlock
from hawkeye_core.tiny.graph_quality import CUTOFF, GraphQuality

ABOUT = {
    **{system.name: system.about for system in (HAWKEYE, SCENE_OFF, ORACLE)},
    "all positive": "calls every second anomalous",
    "random 1 s clips": "a coin for every second",
}


def results_table(results: Results) -> TableBlock:
    """FNR, F2, precision, recall, AP at each threshold and their mean, in percent."""
    truth = results.truth
    count = sum(len(segments) for segments in truth.segments.values())
    return TableBlock(
        title="Held-out videos, %",
        head=["", "FNR", "F2", "precision", "recall", *(f"AP@{t:g}" for t in TIOUS), "mAP", "segments"],
        rows=[
            [row.name, *map(percent, (row.fnr, row.f2, row.precision, row.recall)),
             *(percent(row.mean_ap[key]) for key in [*(f"{t:g}" for t in TIOUS), "mean"]), str(row.segments)]
            for row in results.rows
        ],
        note=f"{len(truth.durations)} videos, {sum(truth.durations.values()):.0f} s, {count} anomalous segments. FNR, "
        f"F2, precision and recall over all frames at {FPS:g} a second (the paper's Eq. 8 and 9); AP of segments at a "
        "temporal IoU as in ActivityNet. FNR: lower is better; the other columns: higher is. "
        + "; ".join(f"{row.name}: {ABOUT[row.name]}" for row in results.rows)
        + ".",
        strong=[0],
    )  # fmt: skip


def difference_table(results: Results) -> TableBlock:
    """How much Hawkeye-tiny is ahead, with 95 % intervals."""
    return TableBlock(
        title="Hawkeye-tiny minus the other rows, percentage points [95 % interval]",
        head=["minus", "F2", "p", "mAP", "p"],
        rows=[
            [item.name, interval(item.f2), f"{item.f2.p:.4f}", interval(item.mean_ap), f"{item.mean_ap.p:.4f}"]
            for item in results.compared
        ],
        note=f"Paired bootstrap over videos, {DRAWS} draws; p: share of the draws in which Hawkeye-tiny is not ahead.",
    )


def quality_table(qualities: Mapping[str, GraphQuality]) -> TableBlock:
    """Stored graphs against the truth."""
    return TableBlock(
        title="Graphs in the store against the truth of the held-out videos, %",
        head=["graphs", "joints OKS-AP", "OKS-AP50", "objects AP50", f"triplets R@{CUTOFF}", "frames"],
        rows=[
            [name, *map(percent, (q.keypoint_ap, q.keypoint_ap50, q.box_ap50, q.recall)), str(q.frames)]
            for name, q in qualities.items()
        ],
        note="As training reads them: behind thresholds, merging and the limit of triplets a frame. Oracle graphs miss "
        "what no triplet names and who is hidden.",
    )  # fmt: skip


def times_table(times: Sequence[tuple[str, float]]) -> TableBlock:
    """Seconds of every step."""
    rows = [[title, f"{seconds:.0f}"] for title, seconds in times]
    rows.append(["all", f"{sum(seconds for _, seconds in times):.0f}"])
    return TableBlock(title="Time, s", head=["step", "seconds"], rows=rows, strong=[len(rows) - 1])


def percent(value: float) -> str:
    """One decimal, a dash where undefined."""
    return "-" if math.isnan(value) else f"{100 * value:.1f}"


def interval(difference: Difference) -> str:
    """``+12.3 [4.5, 20.1]``."""
    return f"{100 * difference.value:+.1f} [{100 * difference.low:.1f}, {100 * difference.high:.1f}]"
