"""The numbers that the paper prints (Zhao et al., MM 2024, doi 10.1145/3664647.3681407): Tables 1 and 2.

They are quoted, never measured here: percent as printed, inference time in seconds for a minute of video. The paper's
tables bear no ``**``; what it claims of significance stands in its text (sections 5.1 to 5.3) and here as
:data:`STATED_GAINS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from hawkeye_core.datasets.ucf_classes import TABLE_2 as CRIMES

SPARSE, DENSE = "S-S", "S-D"
"""The paper's short names of its two data sets, made from TSL-300 and UCF-Crime."""

TEST_VIDEOS: Mapping[str, int] = MappingProxyType({SPARSE: 98, DENSE: 290})
"""Videos of the paper's test sets (section 4.1, Figure 3)."""

CAVEAT = (
    "Quoted from the paper (Zhao et al., MM 2024, {table}), not measured here. Its protocol is another one: 98 (S-S) "
    "and 290 (S-D) test videos, S-S after a filtering by hand, 7B models; how segments were ranked for mAP is not "
    "stated. Quoted rows are not ranked against measured ones."
)
"""Stands under every table with quoted rows; ``{table}`` is ``Table 1`` or ``Table 2``."""

Kind = Literal["baseline", "hawkeye", "ablation"]


@dataclass(frozen=True, slots=True)
class Scores:
    """One row of Table 1 on one data set, in the table's order; percent, the last one seconds."""

    fnr: float
    f2: float
    ap_01: float
    ap_02: float
    ap_03: float
    mean_ap: float
    inference_s: float


@dataclass(frozen=True, slots=True)
class Table1Row:
    """One row of Table 1."""

    name: str
    kind: Kind
    sparse: Scores
    dense: Scores


TABLE_1: tuple[Table1Row, ...] = (
    Table1Row(
        "Video Chat", "baseline",
        Scores(44.5, 29.51, 30.93, 20.62, 8.25, 22.63, 55), Scores(61.4, 32.27, 29.11, 14.77, 6.75, 16.88, 67),
    ),
    Table1Row(
        "Video ChatGPT", "baseline",
        Scores(61.26, 30.66, 25.56, 18.89, 10, 18.15, 72), Scores(78.48, 17.99, 17.02, 6.83, 4.25, 9.37, 80),
    ),
    Table1Row(
        "Valley", "baseline",
        Scores(56.07, 25.77, 31.35, 15.15, 6.76, 17.75, 63), Scores(68.6, 27.51, 28.79, 14.14, 7.73, 16.87, 62),
    ),
    Table1Row(
        "PandaGPT", "baseline",
        Scores(49.12, 30.86, 28.28, 17.17, 7.98, 17.81, 68), Scores(68.77, 21.72, 18.65, 9.52, 4.76, 10.98, 74),
    ),
    Table1Row(
        "mPLUG-Owl", "baseline",
        Scores(71.37, 23.17, 30.3, 12.2, 3.36, 15.29, 67), Scores(54.13, 32.36, 29.66, 16.55, 6.9, 17.7, 72),
    ),
    Table1Row(
        "Chat-UniVi", "baseline",
        Scores(61.81, 21.78, 18.82, 10.61, 9.05, 12.83, 89), Scores(80.52, 21.65, 16.9, 7.75, 2.11, 8.92, 92),
    ),
    Table1Row(
        "Video-LLaVA", "baseline",
        Scores(44.32, 29.22, 31.41, 15.78, 8.82, 18.67, 65), Scores(76.34, 23.65, 19.01, 9.38, 4.57, 10.99, 69),
    ),
    Table1Row(
        "Hawkeye", "hawkeye",
        Scores(35.82, 38.09, 35.24, 21.21, 14.71, 23.72, 66), Scores(45.66, 45.03, 34.41, 19.22, 12.1, 21.91, 74),
    ),
    Table1Row(
        "w/o ASG", "ablation",
        Scores(41.27, 33.45, 33.38, 20.36, 12.38, 22.04, 63), Scores(51.83, 38.5, 27.47, 12.88, 7.73, 16.03, 71),
    ),
    Table1Row(
        "w/o ORG", "ablation",
        Scores(37.47, 35.28, 34.69, 21.01, 11.52, 22.41, 65), Scores(48.88, 39.03, 31.82, 12.96, 8.33, 17.7, 72),
    ),
    Table1Row(
        "w/o BH-MoE", "ablation",
        Scores(42.94, 31.33, 29.59, 18.37, 9.18, 19.05, 62), Scores(58.79, 34.22, 24.33, 12.32, 7.38, 14.68, 70),
    ),
    Table1Row(
        "w/o L_bc", "ablation",
        Scores(41.56, 33.95, 33.33, 19.78, 12.24, 21.78, 60), Scores(47.14, 40.43, 25.21, 13.45, 8.4, 15.69, 68),
    ),
    Table1Row(
        "w/o Pre-tuning", "ablation",
        Scores(43.96, 28.77, 31.63, 16.33, 10.2, 19.39, 64), Scores(69.8, 28.01, 18.61, 10.39, 6.49, 11.83, 73),
    ),
)  # fmt: skip
"""Table 1 from top to bottom: seven Video-LLMs, Hawkeye, its five ablations."""

UNEVEN_MEANS: Mapping[tuple[str, str], float] = MappingProxyType(
    {("Video Chat", SPARSE): 19.93, ("Valley", DENSE): 16.89}
)
"""Where Table 1's average is not the mean of the three APs beside it (22.63, 16.87 printed): that mean."""

TABLE_2: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        "Video Chat": (87.5, 42.16, 81.07, 78.47, 47.52, 56.34, 74.11, 49.91, 68.35, 54.6, 64.25, 71.58, 66.23),
        "Video ChatGPT": (93.75, 70.7, 76.62, 94.45, 83.67, 78.45, 78.9, 71.76, 65.42, 70.34, 79.95, 87.59, 83.12),
        "Valley": (69.5, 49.63, 52.86, 79.51, 84.16, 55.62, 50.35, 50, 100, 92.76, 74.88, 88.49, 72.73),
        "PandaGPT": (72.5, 70.52, 66.07, 72.57, 66.68, 67.94, 68.62, 69.81, 68.05, 68.39, 70.78, 67.99, 66.24),
        "mPLUG-Owl": (75, 50.37, 55, 68.61, 59.41, 55.25, 58.87, 56.49, 61.63, 55.43, 43, 56.47, 66.23),
        "Chat-UniVi": (100, 76.87, 87.5, 85.42, 94.06, 74.64, 87.59, 85.06, 72.18, 81.06, 45.89, 97.48, 80.52),
        "Video-LLaVA": (100, 69.77, 67.38, 91.78, 86.14, 70.41, 78.96, 77.71, 85.96, 72.24, 68.28, 89.69, 64.94),
        "Hawkeye": (62.5, 37.06, 22.68, 47.35, 40.92, 34.72, 36.29, 43.51, 54.14, 39.74, 34.3, 52.52, 25.11),
    }
)
"""Table 2 from top to bottom: FNR in percent by crime, in the order of :data:`CRIMES`."""


@dataclass(frozen=True, slots=True)
class StatedGain:
    """A gain that the paper's text states, averaged over both data sets in percentage points, and its bound on p.

    Args:
        better: The row of Table 1 that is ahead.
        worse: The row that it is ahead of.
        gain: By FNR (as a decrease), F2 and average mAP.
        p_below: The stated bound for each of the three; ``None`` where the text gives none.
    """

    better: str
    worse: str
    gain: tuple[float, float, float]
    p_below: tuple[float | None, float | None, float | None]


STATED_GAINS: tuple[StatedGain, ...] = (
    StatedGain("Hawkeye", "w/o ASG", (5.81, 5.59, 3.78), (0.01, 0.01, 0.01)),
    StatedGain("Hawkeye", "w/o ORG", (2.44, 4.41, 2.76), (0.05, 0.01, 0.05)),
    StatedGain("w/o ASG", "w/o BH-MoE", (4.32, 3.2, 2.17), (None, None, None)),
    StatedGain("w/o ORG", "w/o BH-MoE", (7.69, 4.38, 3.19), (0.01, 0.01, 0.05)),
    StatedGain("Hawkeye", "w/o BH-MoE", (10.13, 8.79, 5.95), (0.01, 0.01, 0.01)),
    StatedGain("w/o L_bc", "w/o BH-MoE", (6.52, 4.42, 1.87), (0.01, 0.01, 0.05)),
    StatedGain("Hawkeye", "w/o Pre-tuning", (16.14, 13.17, 7.21), (0.01, 0.01, 0.01)),
)
"""Section 5.2. "4.32%, 7.69% (p-value < 0.01)" is read as a bound on the second number only."""


def scores(row: Table1Row, data: str) -> Scores:
    """The row's numbers on ``S-S`` or ``S-D``."""
    return {SPARSE: row.sparse, DENSE: row.dense}[data]


__all__ = [
    "CAVEAT", "CRIMES", "DENSE", "SPARSE", "STATED_GAINS", "TABLE_1", "TABLE_2", "TEST_VIDEOS", "UNEVEN_MEANS",
    "Scores", "StatedGain", "Table1Row", "scores",
]  # fmt: skip
