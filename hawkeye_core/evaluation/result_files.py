"""What every evaluation has, of a model or of a predictions file: rows without a model, the protocol, the files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hawkeye_core.atomic import write_text
from hawkeye_core.digest import sha256_of
from hawkeye_core.evaluation.config import EvalSettings
from hawkeye_core.evaluation.folder import ROUTER
from hawkeye_core.evaluation.metrics import FPS
from hawkeye_core.evaluation.prediction_files import write_jsonl, write_parquet
from hawkeye_core.evaluation.prediction_records import Prediction
from hawkeye_core.evaluation.result import EvalResult, Row, Truth, score_row
from hawkeye_core.evaluation.trivial import all_positive, oracle_clips, random_clips

PREDICTIONS, TABLE, MARKDOWN, RESULTS = "predictions.jsonl", "predictions.parquet", "results.md", "results.json"


def trivial_rows(truth: Truth, *, seed: int) -> list[Row]:
    """Everything, chance, and the best that clips of one second can do.

    Args:
        truth: Of the split.
        seed: Of the random clips.
    """
    durations = truth.durations
    return [
        score_row("all positive", all_positive(durations), truth),
        score_row("random 1 s clips", random_clips(durations, seed=seed), truth),
        score_row("oracle 1 s clips", oracle_clips(durations, truth.segments), truth),
    ]


def protocol(truth: Truth, settings: EvalSettings, *, system: str) -> str:
    """Which videos, labels and frames, and which state of which system, in words."""
    count = sum(len(segments) for segments in truth.segments.values())
    return (
        f"{len(truth.durations)} videos ({sum(truth.durations.values()):.1f} s), {count} segments, split "
        f"{settings.split} of {Path(settings.annotations).name} (SHA-256 {sha256_of(settings.annotations)[:12]}); "
        f"frame metrics pooled at {FPS:g} fps, mAP as in ActivityNet, equal scores "
        f"as the mean over their orders; {system}"
    )


def write_results(result: EvalResult, predictions: Sequence[Prediction], folder: str | Path) -> EvalResult:
    """Write predictions (JSON lines and Parquet) and results (Markdown and JSON); the result knows its files.

    Routing weights of an earlier evaluation into the same folder go, since they are not of these predictions.
    """
    paths = [Path(folder) / name for name in (PREDICTIONS, TABLE, MARKDOWN, RESULTS)]
    result = replace(result, files=tuple(map(str, paths)))
    write_jsonl(predictions, paths[0])
    write_parquet(predictions, paths[1])
    write_text(paths[2], result.to_markdown())
    write_text(paths[3], json.dumps(result.to_dict(), indent=2, allow_nan=False) + "\n")
    (Path(folder) / ROUTER).unlink(missing_ok=True)
    return result
