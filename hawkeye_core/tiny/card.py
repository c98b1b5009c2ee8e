"""The card of shipped weights: what they were trained on, for how long, how good they are, what they are not for."""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import Field
from safetensors.torch import load_file

from hawkeye_core.digest import sha256_of
from hawkeye_core.errors import WeightsError
from hawkeye_core.settings import Settings
from hawkeye_core.tiny.checkpoint import BEST, LAST, METRICS, save_weights, write_whole
from hawkeye_core.tiny.machine import hardware
from hawkeye_core.tiny.shipped import ShippedName
from hawkeye_core.training.record import RECORD, git_commit, write_json

LICENCE = "Apache-2.0"
PACKAGES = ("torch", "numpy", "opencv-python", "safetensors")
BEFORE = ", before that "

USES: dict[str, tuple[str, str]] = {
    "pose": (
        "the demo, tests and ablations on ReconSim, and trying out the extraction where no published weights are",
        "real video: it has seen drawn people only, and no number of its says anything about real people",
    ),
    "relations": (
        "the demo, tests and ablations on ReconSim, and trying out the extraction where no published weights are",
        "real video: it has seen drawn things and people only, and few of Visual Genome's classes",
    ),
}
"""What the weights are good for, and what they are not."""


class Card(Settings):
    """``NAME.json`` beside the weights."""

    name: str
    sha256: str
    """Of the weights file."""
    data: str
    """What they were trained on."""
    licence: str = LICENCE
    good_for: str
    not_for: str
    steps: int
    samples: int
    """Seen in training, of all runs that led here."""
    minutes: float
    """Of training, of all runs that led here; the machine may have been shared."""
    parameters: int
    metrics: dict[str, float]
    """On held-out scenes."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Of the last run."""
    hardware: str
    versions: dict[str, str]
    git_commit: str | None
    date: str


def publish(
    name: ShippedName, run: str | Path, *, folder: Path, metrics: Mapping[str, float], data: str, half: bool = False,
    before: Sequence[str | Path] = (),
) -> Card:  # fmt: skip
    """Copy a run's best weights into a folder as ``NAME.safetensors``, with ``NAME.json`` and ``NAME.md`` beside them.

    Args:
        name: Of the network.
        run: Folder of the run.
        folder: Where it goes; earlier weights there are replaced.
        metrics: Measured on held-out scenes with these very weights.
        data: What was trained on, in words.
        half: Store floating-point tensors in float16, half the size.
        before: Runs whose weights the run went on with, one after the other; their steps count as well.

    Raises:
        WeightsError: The run has no weights yet.
    """
    source, record = best_weights(run), json.loads((Path(run) / RECORD).read_text())
    state = load_file(source)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{name}.safetensors"
    earlier = _earlier(folder / f"{name}.json") if record["settings"]["start"] == "shipped" else None
    counted: list[Mapping[str, Any]] = [record, *(json.loads((Path(other) / RECORD).read_text()) for other in before)]
    if earlier is not None:
        counted.append(earlier.model_dump())
    save_weights({k: v.half() if half and v.is_floating_point() else v for k, v in state.items()}, target)
    card = new_card(name, sha256_of(target), record, metrics=metrics, about=(data, *USES[name]), before=counted[1:])
    write_card(card, folder)
    return card


def new_card(
    name: ShippedName, sha256: str, record: Mapping[str, Any], *, metrics: Mapping[str, float],
    about: tuple[str, str, str], before: Sequence[Mapping[str, Any]] = (), parameters: int | None = None,
) -> Card:  # fmt: skip
    """The card of a run's weights.

    Args:
        name: Of the network.
        sha256: Of the weights file.
        record: ``run.json`` of the run.
        metrics: On held-out scenes, with these very weights.
        about: Data it was trained on, what it is good for, what it is not for.
        before: Records or cards of what the run went on with; their steps, samples and minutes are added.
        parameters: Of the network; none: all that the run trained.
    """
    data, good, bad = about
    counted = [record, *before]
    return Card(
        name=name, sha256=sha256, data=data, good_for=good, not_for=bad, metrics=dict(metrics),
        steps=sum(one["steps"] for one in counted), samples=sum(one["samples"] for one in counted),
        minutes=round(sum(one["minutes"] for one in counted), 1),
        parameters=record["parameters"] if parameters is None else parameters,
        settings=_without_places(record["settings"]), hardware=_hardware(counted),
        versions={"python": platform.python_version()} | {package: version(package) for package in PACKAGES},
        git_commit=git_commit(Path(__file__).parent), date=datetime.now(UTC).date().isoformat(),
    )  # fmt: skip


def write_card(card: Card, folder: Path) -> None:
    """``NAME.json`` and ``NAME.md``."""
    write_json(folder / f"{card.name}.json", card.model_dump(mode="json"))
    write_whole(folder / f"{card.name}.md", lambda temporary: temporary.write_text(as_markdown(card)))


def best_metrics(run: str | Path) -> dict[str, float]:
    """What the run's best weights measured when they were kept; empty if nothing was measured."""
    measure = json.loads((Path(run) / RECORD).read_text())["measure"]
    rows = [json.loads(line) for line in (Path(run) / METRICS).read_text().splitlines()]
    measured: list[dict[str, float]] = [row["eval"] for row in rows if "eval" in row]
    return max(measured, key=lambda row: row[measure], default={})


def best_weights(run: str | Path) -> Path:
    """The weights of a run that measured best, else the last ones.

    Raises:
        WeightsError: It has none.
    """
    for name in (BEST, LAST):
        if (path := Path(run) / name).is_file():
            return path
    raise WeightsError("holds no weights yet", path=run, remedy="train until the first evaluation")


def read_card(path: Path) -> Card:
    """A card that :func:`publish` wrote.

    Raises:
        WeightsError: There is none, or it is not one.
    """
    try:
        return Card.model_validate_json(path.read_text())
    except FileNotFoundError as error:
        raise WeightsError("no such card", path=path, remedy="write it with `hawkeye tiny card`") from error
    except ValueError as error:
        raise WeightsError(f"is not a card: {error}", path=path) from error


def as_markdown(card: Card) -> str:
    """The card as one table."""
    metrics = ", ".join(f"{name} {value:.3f}" for name, value in card.metrics.items())
    join = ": " if BEFORE in card.hardware else " on "
    rows = {
        "data": card.data, "good for": card.good_for, "not for": card.not_for, "held-out scenes": metrics,
        "parameters": f"{card.parameters:,}", "steps": f"{card.steps:,}", "samples seen": f"{card.samples:,}",
        "minutes": f"{card.minutes:g}{join}{card.hardware}", "seed": str(card.settings.get("seed", "")),
        "versions": ", ".join(f"{name} {value}" for name, value in card.versions.items()),
        "commit": card.git_commit or "none", "date": card.date, "licence": card.licence, "SHA-256": f"`{card.sha256}`",
    }  # fmt: skip
    lines = [f"# {card.name}", "", "| | |", "| --- | --- |", *(f"| {key} | {value} |" for key, value in rows.items())]
    return "\n".join(lines) + "\n"


def _without_places(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Absolute paths, which mean nothing on another machine, as their last part."""

    def plain(value: Any) -> Any:
        if isinstance(value, list):
            return [plain(one) for one in value]
        return Path(value).name if isinstance(value, str) and Path(value).is_absolute() else value

    return {name: plain(value) for name, value in settings.items()}


def _earlier(path: Path) -> Card | None:
    return read_card(path) if path.is_file() else None


def _hardware(counted: Sequence[Mapping[str, Any]]) -> str:
    """What was trained on, of the last run first; with the minutes of each where there is more than one machine."""
    parts: list[tuple[str, float]] = []
    for name, minutes in (part for one in counted for part in _machines(one)):
        if parts and parts[-1][0] == name:
            parts[-1] = name, parts[-1][1] + minutes
        else:
            parts.append((name, minutes))
    if len(parts) == 1:
        return parts[0][0]
    return BEFORE.join(f"{minutes:.4g} on {name}" for name, minutes in parts)


def _machines(one: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Machine and minutes of a record, or of each run that a card counts, as :func:`_hardware` has written them."""
    text = str(one.get("hardware") or hardware())
    found = [re.fullmatch(r"([0-9.]+) on (.+)", part) for part in text.split(BEFORE)]
    if len(found) < 2 or not all(found):
        return [(text, one["minutes"])]
    return [(match[2], float(match[1])) for match in found if match]
