"""What decides the answers of a run's checkpoint to the windows of a video, as one digest a video."""

from __future__ import annotations

from pathlib import Path

from feature_store.store import FeatureStore
from hawkeye_core import __version__
from hawkeye_core.answers.render import INSTRUCTION, NO_SEGMENT
from hawkeye_core.digest import sha256_of
from hawkeye_core.evaluation.anomaly_curve import NO, YES, probe_question
from hawkeye_core.evaluation.config import EvalSettings
from hawkeye_core.evaluation.kept_predictions import answer_key
from hawkeye_core.training.windows import WindowDataset


def answer_keys(
    store: FeatureStore, data: WindowDataset, checkpoint: Path, settings: EvalSettings
) -> dict[str, str]:  # fmt: skip
    """Keys of :class:`~hawkeye_core.evaluation.kept_predictions.KeptAnswers` by video.

    In them are the files of the checkpoint, the features of the video, the questions, and the settings that the answers
    depend on. Not in them: the size of batches and the device, with which answers agree but for rounding; what the
    annotations say, which no answer depends on.
    """
    run = {
        "hawkeye": __version__,
        "checkpoint": {path.name: sha256_of(path) for path in sorted(checkpoint.iterdir()) if path.is_file()},
        "question": [INSTRUCTION, NO_SEGMENT],
        "probe": [probe_question(0), YES, NO] if settings.curve else None,
        "max_new_tokens": settings.max_new_tokens,
        "presence": settings.presence,
        "curve_threshold": settings.curve_threshold,
    }
    chosen = store.choose()
    keys = {}
    for video in data.timelines:
        shards = {}
        for family, digest in chosen.items():
            found = store.find(video, family, digest)
            shards[family] = found.shard_sha256 if found else ""
        keys[video] = answer_key(run | {"video": video, "fps": store.source(video).fps, "features": shards})
    return keys
