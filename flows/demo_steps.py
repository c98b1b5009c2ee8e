"""The demonstration's plan: its steps as commands."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

from flows.steps import Step, digest, hawkeye, package_weights, preset_digest
from hawkeye_core.demo.config import DemoSettings
from hawkeye_core.demo.systems import HAWKEYE, ORACLE, System, systems
from hawkeye_core.evaluation.curve_segments import CURVE_THRESHOLD


def plan(settings: DemoSettings) -> list[Step]:
    """All steps but the report."""
    paths = settings.paths
    draw = Step(
        "draw", "drawing a world of surveillance videos",
        hawkeye("reconsim", "draw", "--out", str(paths.world), "--preset", settings.preset, "--seed",
                 str(settings.seed), f"--jobs={settings.jobs}", "--training"), "",
    )  # fmt: skip
    extract = _extract(settings, draw)
    found = [draw, extract]
    if settings.oracle:  # the longest chain: begun first, it ends with the others
        oracle = _extract_truth(settings, draw)
        found += [oracle, *_train_and_evaluate(settings, ORACLE, oracle)]
    for system in systems(oracle=False):
        found += _train_and_evaluate(settings, system, extract)
    return found


def _extract(settings: DemoSettings, draw: Step) -> Step:
    words = [sys.executable, "-m", "flows.extract", *_where(settings, HAWKEYE), f"workers={settings.jobs}"]
    words += [f"{network}.precision={settings.arithmetic}" for network in ("pose", "relations")]
    title = "extracting pose, scene graphs and vision tokens from the pixels"
    return Step("extract-extracted", title, tuple(words), digest(draw.key, package_weights()))


def _extract_truth(settings: DemoSettings, draw: Step) -> Step:
    """Without networks for pose and relations a video takes less than what Prefect would add to it."""
    words = [*hawkeye("extract", *_where(settings, ORACLE))]
    for family in ("pose", "relations"):
        folder = json.dumps(str(settings.paths.world / "sidecars" / family))
        words.append(f"{family}={{backend: sidecar, path: {folder}}}")
    title = f"{ORACLE.name}: extracting vision tokens beside them"
    return Step("extract-oracle", title, tuple(words), digest(draw.key, package_weights()), chain=ORACLE.name)


def _where(settings: DemoSettings, system: System) -> tuple[str, ...]:
    paths = settings.paths
    return "--config", "tiny", "--videos", str(paths.videos), "--store", str(paths.store(system.graphs))


def _train_and_evaluate(settings: DemoSettings, system: System, store: Step) -> Iterator[Step]:
    paths = settings.paths
    where = ("--store", str(paths.store(system.graphs)))
    first, second = paths.run(system.key, 1), paths.run(system.key, 2)
    begin = ("--start", system.start) if system.start else ()
    common = (f"seed={settings.seed}", "tensorboard=false", *system.overrides)
    stage1 = Step(
        f"{system.key}-stage1", f"{system.name}: stage 1, motions and regions",
        hawkeye("train", "--config", "demo-stage1", *where, "--regions", str(paths.world / "regions.jsonl"),
                 "--motions", str(paths.world / "motions.jsonl"), "--run", str(first),
                 *begin, f"steps={settings.stage1_steps}", *common),
        digest(store.key, package_weights(system.start), preset_digest("demo-stage1")), first, system.name,
        (store.name,) if store.chain else (),
    )  # fmt: skip
    annotated = ("--annotations", str(paths.segments))
    # Training measures its loss on validation videos in place of the test videos. They are too few to calibrate on;
    # the finished models' probabilities were fitted on more (docs/demo.md).
    learned = ("--annotations", str(paths.validation)) if settings.validated else annotated
    stage2 = Step(
        f"{system.key}-stage2", f"{system.name}: stage 2, segments and reasons",
        hawkeye("train", "--config", "demo-stage2", *where, *learned, "--start", str(first), "--run", str(second),
                 f"steps={settings.stage2_steps}", *common),
        digest(stage1.key, preset_digest("demo-stage2")), second, system.name, (stage1.name,),
    )  # fmt: skip
    out = str(paths.evaluation(system.key))
    yield stage1
    yield stage2
    yield Step(
        f"{system.key}-eval", f"{system.name}: evaluating on held-out videos",
        hawkeye("eval", *where, *annotated, "--run", str(second), "--out", out, "batch_size=8",
                 f"curve_threshold={CURVE_THRESHOLD:g}", "max_new_tokens=96"), stage2.key, chain=system.name,
                 needs=(stage2.name,),
    )  # fmt: skip
