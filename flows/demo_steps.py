"""The demonstration's steps as commands, each with all that decides its result."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hawkeye_core.demo.config import DemoSettings
from hawkeye_core.demo.systems import System, systems
from hawkeye_core.tiny.shipped import shipped_folder

RECORD = "run.json"
_FREE = ("--jobs=", "workers=")
"""Beginnings of words that decide no result."""
PRESENCE = 0.15
"""From this probability of an anomaly on a window is answered with segments, in every row that has a model: where F2 is
highest for an unsure model (F2* / 5, see :mod:`hawkeye_core.model.opening`), not chosen on its own videos."""


@dataclass(frozen=True, slots=True)
class Step:
    """A command.

    Args:
        name: Of its stamp.
        title: For people.
        words: The command.
        after: Key of what it reads: steps before, files of the package.
        run: Folder of the training run it makes; None if it is no training.
        chain: Steps of one chain follow one another; chains do not wait for each other. Empty: everything waits.
    """

    name: str
    title: str
    words: tuple[str, ...]
    after: str
    run: Path | None = None
    chain: str = ""

    @property
    def key(self) -> str:
        """Digest of all that decides the result; how many work at a time does not."""
        return _digest(self.name, *(word for word in self.words[1:] if not word.startswith(_FREE)), self.after)

    def command(self, *, resumed: bool) -> list[str]:
        """The words to run; a training that was interrupted behind a checkpoint goes on from it."""
        if self.run is not None and resumed and any((self.run / "checkpoints").glob("step-*")):
            return [*self.words[:4], "--resume", "--run", str(self.run)]
        return list(self.words)

    def unfinished(self) -> bool:
        """Whether it is a training that has stopped before its end."""
        if self.run is None:
            return False
        try:
            return bool(json.loads((self.run / RECORD).read_text(encoding="utf-8"))["status"] != "finished")
        except (OSError, ValueError, KeyError):
            return True


def plan(settings: DemoSettings) -> list[Step]:
    """All steps but the report."""
    paths = settings.paths
    draw = Step(
        "draw", "drawing a world of surveillance videos",
        _hawkeye("reconsim", "draw", "--out", str(paths.world), "--preset", settings.preset, "--seed",
                 str(settings.seed), f"--jobs={settings.jobs}", "--training"), "",
    )  # fmt: skip
    found = [draw]
    stores: dict[str, Step] = {}
    for graphs in ("extracted", "oracle") if settings.oracle else ("extracted",):
        stores[graphs] = _extract(settings, graphs, draw)
        found.append(stores[graphs])
    for system in systems(oracle=settings.oracle):
        found += _train_and_evaluate(settings, system, stores[system.graphs])
    return found


def _extract(settings: DemoSettings, graphs: str, draw: Step) -> Step:
    paths = settings.paths
    title = "extracting pose, scene graphs and vision tokens from the pixels"
    words = [sys.executable, "-m", "flows.extract", "--config", "tiny", "--videos", str(paths.videos), "--store",
             str(paths.store(graphs)), f"workers={settings.jobs}"]  # fmt: skip
    if graphs == "oracle":
        title = "the same with graphs made of the truth"
        for family in ("pose", "relations"):
            folder = json.dumps(str(paths.world / "sidecars" / family))
            words.append(f"{family}={{backend: sidecar, path: {folder}}}")
    return Step(f"extract-{graphs}", title, tuple(words), _digest(draw.key, _weights()))


def _train_and_evaluate(settings: DemoSettings, system: System, store: Step) -> Iterator[Step]:
    paths = settings.paths
    where = ("--store", str(paths.store(system.graphs)))
    first, second = paths.run(system.key, 1), paths.run(system.key, 2)
    begin = ("--start", system.start) if system.start else ()
    common = (f"seed={settings.seed}", "tensorboard=false", *system.overrides)
    stage1 = Step(
        f"{system.key}-stage1", f"{system.name}: stage 1, motions and regions",
        _hawkeye("train", "--config", "demo-stage1", *where, "--regions", str(paths.world / "regions.jsonl"),
                 "--motions", str(paths.world / "motions.jsonl"), "--run", str(first),
                 *begin, f"steps={settings.stage1_steps}", *common), store.key, first, system.name,
    )  # fmt: skip
    annotated = ("--annotations", str(paths.segments))
    stage2 = Step(
        f"{system.key}-stage2", f"{system.name}: stage 2, segments and reasons",
        _hawkeye("train", "--config", "demo-stage2", *where, *annotated, "--start", str(first), "--run", str(second),
                 f"steps={settings.stage2_steps}", *common), stage1.key, second, system.name,
    )  # fmt: skip
    out = str(paths.evaluation(system.key))
    yield stage1
    yield stage2
    yield Step(
        f"{system.key}-eval", f"{system.name}: evaluating on held-out videos",
        _hawkeye("eval", *where, *annotated, "--run", str(second), "--out", out, "batch_size=8",
                 f"presence={PRESENCE:g}", "max_new_tokens=96"), stage2.key, chain=system.name,
    )  # fmt: skip


def _hawkeye(*words: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "hawkeye_core.cli", *words)


def _weights() -> str:
    """Digest of the package's weights."""
    files = sorted(path for path in shipped_folder().rglob("*.safetensors"))
    return _digest(*(hashlib.sha256(path.read_bytes()).hexdigest() for path in files))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
