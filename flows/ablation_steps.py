"""The ablation study's plan: its steps as commands, the first full table as early as it can be."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence

from flows.steps import Step, digest, hawkeye, package_weights, preset_digest
from hawkeye_core.ablation.config import AblationSettings
from hawkeye_core.ablation.variants import NO_LBC, Variant

DRAW, STORE, LABELS, PRETUNE = "draw", "store", "labels", "stage 1"
TUNE, EVALUATE, REPORT = "stage 2", "evaluation", "report"
"""Kinds of steps."""
_QUIET = ("tensorboard=false", "keep_last=1")


def plan(settings: AblationSettings) -> list[Step]:
    """All steps, in the order in which they begin when a lane is free.

    World and features, then stage 1 of every row, then stage 2 and evaluation of all rows with seed 0, with seed 1, ...
    """
    draw = _draw(settings)
    store = _store(settings, draw)
    found = [draw, store]
    before: dict[str, Step] = {}
    for variant in settings.rows:
        if variant.pretuned:
            steps = pretuning(settings, variant, store)
            found += steps
            before[variant.key] = steps[-1]
    evaluations = []
    for seed in range(settings.seeds):
        for variant in settings.rows:
            tune = _tune(settings, variant, seed, before.get(variant.key, store))
            evaluate = _evaluate(settings, variant, seed, tune)
            evaluations.append(evaluate)
            found += [tune, evaluate]
    return [*found, _report(settings, evaluations)]


def pretuning(settings: AblationSettings, variant: Variant, store: Step) -> list[Step]:
    """The commands of a row's pre-tuning; the last one leaves its weights in ``settings.paths.pretuned(variant)``.

    This is the one place that knows how rows are pre-tuned: every row from the package's Video-LLaVA, with its own
    scene modules. They learn the labels of frames (who does what, what stands to what; never what is anomalous) on the
    world's training videos, then comes stage 1 on its regions and motions. Plain Video-LLaVA has stage 1 alone.
    """
    paths = settings.paths
    run = paths.pretuned(variant)
    labels = _labels(settings, variant, store)
    before = labels[-1] if labels else store
    start = ("--start", str(paths.labels(variant))) if labels else ()
    stage1 = Step(
        run.name, f"{variant.name}: stage 1",
        hawkeye("train", "--config", settings.stage1, "--store", str(paths.store),
                "--regions", str(paths.world / "regions.jsonl"), "--motions", str(paths.world / "motions.jsonl"),
                *start, "--run", str(run), f"seed={settings.pretune_seed}", *_steps(settings.stage1_steps), *_QUIET,
                *variant.overrides),
        digest(before.key, preset_digest(settings.stage1)), run, needs=(before.name,), kind=PRETUNE, fresh=(run,),
    )  # fmt: skip
    return [*labels, stage1]


def _labels(settings: AblationSettings, variant: Variant, store: Step) -> list[Step]:
    """Labels of frames; graphs are those of the store, mirrored, enlarged and moved as wholes.

    Nothing is chosen by the videos that are measured on.
    """
    if not settings.label_steps or not variant.scene:
        return []
    paths = settings.paths
    run = paths.labels(variant)
    worlds, stores = [str(paths.world), *settings.label_worlds], [str(paths.store), *settings.label_stores]
    words = hawkeye(
        "tiny", "train", "scene", f"run={run}", f"worlds={json.dumps(worlds)}", f"stores={json.dumps(stores)}",
        f"all_of={json.dumps(settings.label_worlds)}",
        "questions=false", f"steps={settings.label_steps}", "batch=8", "lr=2e-3", "warmup_steps=50", "ema=0.995",
        "noise=0", f"eval_every={10 * settings.label_steps}", f"seed={settings.pretune_seed}",
        f"without=[{variant.without}]", *(("balance=0",) if variant is NO_LBC else ()),
    )  # fmt: skip
    return [
        Step(run.name, f"{variant.name}: labels of frames", words, digest(store.key, preset_digest("demo-stage1")),
             needs=(store.name,), kind=LABELS, fresh=(run,))
    ]  # fmt: skip


def evaluation_name(settings: AblationSettings, variant: Variant, seed: int) -> str:
    """Name of the step that evaluates a run."""
    out = settings.paths.evaluation(variant, seed)
    return f"{out.parent.name}-{out.name}"


def _draw(settings: AblationSettings) -> Step:
    words = hawkeye("reconsim", "draw", "--out", str(settings.paths.world), "--preset", settings.preset,
                    "--seed", str(settings.world_seed), f"--jobs={settings.jobs}", "--training")  # fmt: skip
    return Step("draw", "drawing the world", words, "", kind=DRAW)


def _store(settings: AblationSettings, draw: Step) -> Step:
    """Without networks for pose and relations a video takes less than what Prefect adds to it."""
    paths = settings.paths
    common = ("--config", "tiny", "--videos", str(paths.videos), "--store", str(paths.store))
    if settings.graphs == "oracle":
        words = list(hawkeye("extract", *common))
        for family in ("pose", "relations"):
            folder = json.dumps(str(paths.world / "sidecars" / family))
            words.append(f"{family}={{backend: sidecar, path: {folder}}}")
    else:
        words = [sys.executable, "-m", "flows.extract", *common, f"workers={settings.jobs}"]
    made = "made of the truth" if settings.graphs == "oracle" else "extracted from the pixels"
    return Step(
        f"store-{settings.graphs}", f"features of the videos, graphs {made}", tuple(words),
        digest(draw.key, package_weights()), needs=(draw.name,), kind=STORE,
    )  # fmt: skip


def _tune(settings: AblationSettings, variant: Variant, seed: int, before: Step) -> Step:
    """Stage 2. It reads the annotations with the validation videos: test videos are not looked at while it trains."""
    paths = settings.paths
    run = paths.run(variant, seed)
    start = ("--start", str(paths.pretuned(variant))) if variant.pretuned else ()
    words = hawkeye(
        "train", "--config", settings.stage2, "--store", str(paths.store), "--annotations", str(paths.val_segments),
        *start, "--run", str(run), f"seed={seed}", *_steps(settings.stage2_steps), *_QUIET, *variant.overrides,
    )  # fmt: skip
    return Step(
        run.name, f"{variant.name}, seed {seed}: stage 2", words, digest(before.key, preset_digest(settings.stage2)),
        run, needs=(before.name,), kind=TUNE, fresh=(run,),
    )  # fmt: skip


def _evaluate(settings: AblationSettings, variant: Variant, seed: int, tune: Step) -> Step:
    """Of the split that was asked for; ``validation.jsonl`` names its videos ``test`` too (docs/reconsim.md)."""
    paths = settings.paths
    out = paths.evaluation(variant, seed)
    named = {"curve_threshold": settings.curve_threshold, "presence": settings.presence}
    times = tuple(f"{name}={value:g}" for name, value in named.items() if value is not None)
    words = hawkeye(
        "eval", "--store", str(paths.store), "--annotations", str(paths.segments),
        "--run", str(paths.run(variant, seed)), "--out", str(out), "--name", variant.name,
        "split=test", "batch_size=8", "max_new_tokens=96", *times,
    )  # fmt: skip
    return Step(
        evaluation_name(settings, variant, seed), f"{variant.name}, seed {seed}: evaluation ({settings.select})", words,
        tune.key, needs=(tune.name,), kind=EVALUATE, fresh=(out,),
    )  # fmt: skip


def _report(settings: AblationSettings, evaluations: Sequence[Step]) -> Step:
    """The paper's rows are not quoted beside a drawn world."""
    paths = settings.paths
    words = [
        "report",
        "--out",
        str(paths.report),
        "--store",
        str(paths.store),
        "--videos",
        str(paths.videos),
        "--title",
        f"Hawkeye: ablation study on ReconSim ({settings.select})",
        "data=ReconSim",
        "quoted=off",
    ]
    for variant in settings.rows:
        for seed in range(settings.seeds):
            words += ["--eval", str(paths.evaluation(variant, seed)),
                      "--run", f"{variant.name}={paths.run(variant, seed)}"]  # fmt: skip
    return Step(
        paths.report.name, f"the report ({settings.select})", hawkeye(*words),
        digest(*(step.key for step in evaluations)), needs=tuple(step.name for step in evaluations), kind=REPORT,
    )  # fmt: skip


def _steps(count: int | None) -> Iterator[str]:
    if count is not None:
        yield f"steps={count}"
        yield "epochs=null"
