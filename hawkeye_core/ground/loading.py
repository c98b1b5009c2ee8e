"""A finished model and what goes with it: tokenizer, extraction, lengths of windows, and what it is good for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from feature_store.fingerprint import FAMILIES
from hawkeye_core.errors import BackendUnavailableError, ConfigError, WeightsError
from hawkeye_core.evaluation.run_protocol import row_of
from hawkeye_core.extraction.backends import get_backends, resolve_device
from hawkeye_core.extraction.config import ExtractSettings
from hawkeye_core.ground.records import ModelNote
from hawkeye_core.model.hawkeye import HawkeyeModel
from hawkeye_core.model.saving import load_trainable
from hawkeye_core.settings import load_settings, preset_names
from hawkeye_core.tiny.config import SHIPPED
from hawkeye_core.tiny.shipped import finished_model
from hawkeye_core.training.build import answering_dtype, base_tokenizer
from hawkeye_core.training.config import TrainSettings
from hawkeye_core.training.locate import FOLDER as CHECKPOINTS
from hawkeye_core.training.locate import locate_checkpoint
from hawkeye_core.training.record import RECORD, RunRecord, read_record, untrained_parts

SHIPPED_EXTRACTION, SHIPPED_TRAINING = "tiny", "demo-stage2"
"""Presets that the finished model in the package was made with."""

DRAWN = (
    "drawn scenes only (ReconSim): it shows how Hawkeye works; it has never seen real video, and what it says of one "
    "means nothing"
)
TRAINED = "videos like those it was trained on"
NOTHING = "nothing: parts of it were never trained"

EXTRACTION = "hawkeye_core.extraction"
DEVICES = ("auto", "cpu", "cuda", "mps")


@dataclass(frozen=True)
class Loaded:
    """A model ready to answer.

    Args:
        model: In evaluation mode, on the CPU.
        tokenizer: Of its language model.
        note: What is told of it with every answer.
        extract: Settings that give the features it was trained on.
        window_frames: Length of a window, as in training.
        hop_frames: Frames between the starts of two windows.
    """

    model: HawkeyeModel
    tokenizer: PreTrainedTokenizerBase
    note: ModelNote
    extract: ExtractSettings
    window_frames: int
    hop_frames: int


def load_model(checkpoint: str | Path, *, extract: ExtractSettings | None = None, device: str = "auto") -> Loaded:
    """The model of a run or checkpoint.

    Args:
        checkpoint: A run's folder, a checkpoint within one, or ``shipped``.
        extract: Settings of extraction; without them those that the run was trained on are found. Features that are
            others than those are allowed where they are asked for, and marked.
        device: Of the networks of extraction.

    Raises:
        WeightsError: There is no such checkpoint, or it is damaged.
        ConfigError: It is not known how its features were extracted.
    """
    folder = finished_model() if str(checkpoint) == SHIPPED else locate_checkpoint(checkpoint)
    record = _record_of(folder)
    if record is None and str(checkpoint) != SHIPPED:
        raise WeightsError(
            "the run that this checkpoint belongs to has no record, so it is not known what it was trained on",
            path=checkpoint, remedy=f"give the folder of the run, which holds {RECORD}",
        )  # fmt: skip
    if record is None:
        trained = load_settings(TrainSettings, config=SHIPPED_TRAINING, package="hawkeye_core.training")
    else:
        trained = TrainSettings.model_validate(record.settings)
    marks = [] if record is None else [*untrained_parts(record)]
    if extract is None:
        extract = _preset(SHIPPED_EXTRACTION, device) if record is None else extraction_of(record, device=device)
    elif record is not None and (other := _other_features(record, extract)):
        marks.append(f"features of another extraction than in training ({', '.join(other)})")
    get_backends(extract)  # so that what is missing is said now and not of every video
    name = "Hawkeye-tiny" if record is None else row_of(record)[0]
    drawn = trained.backbone.base == SHIPPED or extract.vision.tower == SHIPPED
    good_for = NOTHING if marks else DRAWN if drawn else TRAINED
    return Loaded(
        model=load_trainable(folder, dtype=answering_dtype(trained)), tokenizer=_tokenizer(folder, trained),
        note=ModelNote(name, str(checkpoint), tuple(marks), good_for), extract=extract,
        window_frames=trained.window_frames, hop_frames=trained.hop_frames,
    )  # fmt: skip


def extraction_of(record: RunRecord, *, device: str = "auto") -> ExtractSettings:
    """The preset whose features are those that a run was trained on.

    Raises:
        ConfigError: None is; the settings must be given.
    """
    names = sorted(preset_names(EXTRACTION), key=lambda name: (name != SHIPPED_EXTRACTION, -len(name)))
    for name in names:  # small networks first: they are built to be compared
        settings = _preset(name, device)
        try:
            if not _other_features(record, settings):
                return settings
        except (WeightsError, BackendUnavailableError):  # published weights that are not here
            continue
    raise ConfigError(
        f"none of the presets ({', '.join(sorted(names))}) gives the features that it was trained on",
        path=record.settings.get("run"),
        remedy="give the settings that the training videos were extracted with (--config)",
    )


def resolve_model_device(name: str) -> str:
    """Where the language model runs: ``auto`` is a CUDA device or else the CPU, on which it is tested.

    Raises:
        ConfigError: There is no such device.
    """
    if name not in DEVICES:
        raise ConfigError(f"device {name!r} is unknown", remedy=f"devices are {', '.join(DEVICES)}")
    return ("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else resolve_device(name)


def _record_of(folder: Path) -> RunRecord | None:
    """Of the run that a checkpoint lies in, or that was put beside it."""
    places = [folder, folder.parent, *([folder.parent.parent] if folder.parent.name == CHECKPOINTS else [])]
    return next((read_record(place) for place in places if (place / RECORD).is_file()), None)


def _preset(name: str, device: str) -> ExtractSettings:
    return load_settings(ExtractSettings, config=name, package=EXTRACTION, values={"device": device})


def _other_features(record: RunRecord, settings: ExtractSettings) -> list[str]:
    """Families in which an extraction differs from that of a run; builds the networks, once a process."""
    fingerprints = get_backends(settings).fingerprints
    return [family for family in FAMILIES if fingerprints[family].digest != record.fingerprints.get(family)]


def _tokenizer(folder: Path, trained: TrainSettings) -> PreTrainedTokenizerBase:
    if (folder / "tokenizer_config.json").is_file():
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder)
        return tokenizer
    return base_tokenizer(trained.backbone.base, revision=trained.backbone.revision)
