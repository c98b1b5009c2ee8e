"""The slice end to end on made-up features: train, checkpoint, predict, score."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from accelerate.state import AcceleratorState

from hawkeye_core.answers.segments import Segment
from hawkeye_core.errors import AnnotationError, ConfigError, WeightsError
from hawkeye_core.evaluation.config import EvalSettings
from hawkeye_core.evaluation.predict import Predictor, WindowAnswer
from hawkeye_core.evaluation.run import evaluate
from hawkeye_core.evaluation.scores import ScoredSegment
from hawkeye_core.training.checkpoint import WEIGHTS, load_checkpoint
from hawkeye_core.training.config import TrainSettings
from hawkeye_core.training.meter import TIMED
from hawkeye_core.training.record import RECORD, read_record
from hawkeye_core.training.run import train
from hawkeye_core.training.trainer import Trainer
from hawkeye_core.training.windows import WindowSample


def losses(run: Path) -> list[tuple[float, ...]]:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    kept = [[v for k, v in line.items() if k not in TIMED] for line in lines]
    return [tuple(n for v in line for n in (v if isinstance(v, list) else [v])) for line in kept]


@pytest.fixture(scope="module")
def trained(
    settings_in: Callable[[Path], TrainSettings], tmp_path_factory: pytest.TempPathFactory
) -> tuple[TrainSettings, Path]:
    """A finished run, of tests that only read it, and its settings."""
    AcceleratorState._reset_state(reset_partial_state=True)
    settings = settings_in(tmp_path_factory.mktemp("trained"))
    return settings, train(settings)


def test_the_same_command_twice_gives_the_same_losses_and_weights(settings: TrainSettings) -> None:
    first = train(settings)
    second = train(settings.model_copy(update={"run": settings.run + "-b"}))
    assert len(losses(first)) == settings.steps + 1
    assert losses(first) == losses(second)
    assert (first / "checkpoint" / WEIGHTS).read_bytes() == (second / "checkpoint" / WEIGHTS).read_bytes()
    other = train(settings.model_copy(update={"run": settings.run + "-c", "seed": 1}))
    assert losses(other)[0] != losses(first)[0]


def test_a_run_learns_what_it_is_shown(settings: TrainSettings) -> None:
    run = train(settings.model_copy(update={"steps": 40, "lr": 1e-2}))
    values = [line[2] for line in losses(run)[:-1]]
    assert values[-1] < 0.6 * values[0]


def test_a_step_writes_one_line_with_all_its_numbers_and_moves_the_bar(
    settings: TrainSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    run = train(settings.model_copy(update={"peak_tflops": 1.0, "eval_every": 4, "eval_new_tokens": 8}))
    *steps, tested = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in steps] == [0, 1, 2, 3]
    for line in steps:
        assert line.keys() == TIMED | {
            "step", "loss", "lm_loss", "balance_loss", "lr", "grad_norm", "answer_tokens",
            "router_action", "router_object", "expert_load",
        }  # fmt: skip
        assert line["loss"] == pytest.approx(line["lm_loss"] + settings.model.lambda_bc * line["balance_loss"])
        assert line["data_wait_s"] < line["seconds"]
        assert line["memory_gb"] > 0 < line["mfu"]
    assert tested.keys() == {"step", "test_loss", "test_f2", "test_fnr"}
    bar = capsys.readouterr().err
    assert "train" in bar
    assert "4/4" in bar
    assert "eta" in bar
    assert f"loss {steps[-1]['loss']:.4f}" in bar


def test_a_run_of_another_version_is_refused_with_what_it_has(
    trained: tuple[TrainSettings, Path], tmp_path: Path
) -> None:
    record = json.loads((trained[1] / RECORD).read_text())
    record["settings"] |= {"of_tomorrow": 1, "seed": "no number"}
    (tmp_path / RECORD).write_text(json.dumps(record))
    with pytest.raises(WeightsError, match=r"does not know or take: .*of_tomorrow") as refused:
        read_record(tmp_path)
    assert "seed" in str(refused.value)
    assert str(record["git_commit"]) in str(refused.value)


def test_the_record_says_what_the_run_was_made_of(trained: tuple[TrainSettings, Path]) -> None:
    settings, run = trained
    record = read_record(run)
    assert record.status == "finished"
    assert record.untrained == ("pose", "relations", "vision", "backbone")
    assert set(record.fingerprints) == {"pose", "relations", "vision"}
    assert TrainSettings.model_validate(record.settings) == settings
    assert record.samples == 3
    assert math.isfinite(record.result["test_loss"])
    model, tokenizer = load_checkpoint(run / "checkpoint")
    assert sum(p.numel() for p in model.parameters()) == record.parameters
    assert tokenizer.decode(tokenizer.encode("From 15.0", add_special_tokens=False)) == "From 15.0"
    assert not [path for path in run.iterdir() if path.name.startswith(".")]


def test_an_earlier_run_is_kept(settings: TrainSettings) -> None:
    first = train(settings)
    before = losses(first)
    train(settings.model_copy(update={"seed": 3}))
    assert losses(first.with_name("run.1")) == before


def test_a_folder_with_other_things_is_left_alone(settings: TrainSettings) -> None:
    folder = Path(settings.run)
    folder.mkdir()
    (folder / "thesis.tex").write_text("x")
    with pytest.raises(ConfigError, match="holds other things than a run"):
        train(settings)
    assert [path.name for path in folder.iterdir()] == ["thesis.tex"]


def test_only_trained_features_lose_the_mark(
    settings: TrainSettings, make_store: Callable[..., Path], tmp_path: Path
) -> None:
    store = make_store(tmp_path / "s", {"fight": 80, "theft": 40, "calm": 33}, weights="sha256:00")
    settings = settings.model_copy(update={"store": str(store)})
    run = train(settings)
    result = evaluate(_eval(settings, run))
    assert result.marks == ("untrained backbone",)


def test_a_video_with_nobody_and_nothing_in_it_trains(
    settings: TrainSettings, make_store: Callable[..., Path], tmp_path: Path
) -> None:
    store = make_store(tmp_path / "s", {"fight": 80, "theft": 40, "calm": 33}, empty=True)
    run = train(settings.model_copy(update={"store": str(store)}))
    assert all(math.isfinite(value) for line in losses(run) for value in line)


@pytest.mark.parametrize(
    "change", [{"asg": False}, {"org": False}, {"moe": False}, {"scene": False}, {"velocity": True}, {"lambda_bc": 0.0},
               {"edges": "directed"}, {"video_residual": True}, {"importance": "exp"}, {"cv": "ratio"}],
)  # fmt: skip
def test_every_switch_trains(settings: TrainSettings, change: dict[str, object]) -> None:
    model = settings.model.model_copy(update=change)
    run = train(settings.model_copy(update={"model": model, "steps": 2}))
    assert all(math.isfinite(value) for line in losses(run) for value in line)


def test_evaluation_writes_marked_tables(trained: tuple[TrainSettings, Path]) -> None:
    settings, run = trained
    result = evaluate(_eval(settings, run))
    assert [row.name for row in result.rows] == [
        "Hawkeye", "all positive", "random 1 s clips", "oracle 1 s clips",
    ]  # fmt: skip
    assert result.marks == ("untrained features (pose, relations, vision)", "untrained backbone")
    assert result.rows[0].note == "UNTRAINED"
    assert result.rows[1].fnr == 0.0
    assert result.rows[1].precision == pytest.approx(8 / 73)  # 1 s of 40 + 33 frames at 8 fps
    assert sum(result.statuses.values()) == 2 + 2
    assert "2 videos (9.1 s), 1 segments, split test" in result.protocol
    markdown = (Path(run).parent / "eval" / "results.md").read_text()
    assert "| Hawkeye (UNTRAINED) |" in markdown
    assert "UNTRAINED: untrained features (pose, relations, vision); untrained backbone" in markdown
    stored = json.loads((Path(run).parent / "eval" / "results.json").read_text())
    assert stored["unparsed_rate"] == result.unparsed_rate
    lines = [json.loads(line) for line in (Path(run).parent / "eval" / "predictions.jsonl").read_text().splitlines()]
    assert [line["video"] for line in lines] == ["theft", "calm"]
    assert [len(line["answers"]) for line in lines] == [2, 2]


def test_evaluation_twice_gives_the_same_numbers_whatever_the_batch(trained: tuple[TrainSettings, Path]) -> None:
    settings, run = trained
    first = evaluate(_eval(settings, run))
    second = evaluate(_eval(settings, run).model_copy(update={"batch_size": 1}))
    assert repr(first.rows) == repr(second.rows)


def test_the_evaluation_in_training_counts_as_the_command_does(
    settings: TrainSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(self: Predictor, samples: list[WindowSample]) -> list[WindowAnswer]:
        """A model that says one second of each window."""
        return [
            WindowAnswer(s.video, s.start_s, s.start_s + s.duration_s, "", "ok",
                         (ScoredSegment(Segment(s.start_s + 0.5, s.start_s + 1.5, "x"), 0.9),))
            for s in (sample.spec for sample in samples)
        ]  # fmt: skip

    monkeypatch.setattr(Predictor, "answer", answer)
    run = train(settings.model_copy(update={"eval_every": 4, "eval_new_tokens": 24, "steps": 8}))
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "test_f2" in line] == [4, 8]
    row = evaluate(_eval(settings, run)).rows[0]
    assert 0 < row.f2 < 1
    assert (lines[-1]["test_f2"], lines[-1]["test_fnr"]) == (row.f2, row.fnr)
    assert read_record(run).result["best_f2"] == max(line["test_f2"] for line in lines if "test_f2" in line)


def test_other_features_than_those_of_the_run_are_refused(
    trained: tuple[TrainSettings, Path], make_store: Callable[..., Path], tmp_path: Path
) -> None:
    settings, run = trained
    other = make_store(tmp_path / "s", {"theft": 40, "calm": 33, "fight": 80}, weights="sha256:00")
    with pytest.raises(ConfigError, match=r"pose, relations, vision features are not those"):
        evaluate(_eval(settings, run).model_copy(update={"store": str(other)}))


def test_wrong_inputs_leave_no_run_behind(settings: TrainSettings, tmp_path: Path) -> None:
    lines = tmp_path / "bad.jsonl"
    lines.write_text('{"video": "nowhere", "segments": [], "split": "train"}\n')
    with pytest.raises(AnnotationError, match="no features of 1 annotated videos"):
        train(settings.model_copy(update={"annotations": str(lines)}))
    lines.write_text('{"video": "fight", "segments": [{"start": 11, "end": 12, "category": "x"}], "split": "train"}\n')
    with pytest.raises(AnnotationError, match=r"lasts 10.0 s; a segment starts at 11.0 s"):
        train(settings.model_copy(update={"annotations": str(lines)}))
    lines.write_text('{"video": "fight", "segments": [], "split": "test"}\n')
    with pytest.raises(AnnotationError, match="no video of split `train`"):
        train(settings.model_copy(update={"annotations": str(lines)}))
    model = settings.model.model_copy(update={"scene_heads": 3})
    with pytest.raises(ConfigError, match="scene_heads 3 does not divide the vision width 16"):
        train(settings.model_copy(update={"model": model}))
    assert not Path(settings.run).exists()


def test_a_sample_that_is_too_long_is_named(settings: TrainSettings) -> None:
    backbone = settings.backbone.model_copy(update={"max_length": 64})
    with pytest.raises(ConfigError, match=r"of 'fight' need \d+ tokens; the language model takes 64"):
        train(settings.model_copy(update={"backbone": backbone}))


def test_damaged_and_missing_runs_are_refused(settings: TrainSettings, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"(?s)no such training run.*hawkeye train"):
        evaluate(_eval(settings, tmp_path / "nothing"))
    run = train(settings)
    weights = run / "checkpoint" / WEIGHTS
    content = weights.read_bytes()
    weights.write_bytes(content[: len(content) // 2])
    with pytest.raises(WeightsError, match="cannot be read as weights"):
        evaluate(_eval(settings, run))
    config = json.loads((run / "checkpoint" / "config.json").read_text()) | {"action_width": 4}
    weights.write_bytes(content)
    (run / "checkpoint" / "config.json").write_text(json.dumps(config))
    with pytest.raises(WeightsError, match="must come from one checkpoint"):
        evaluate(_eval(settings, run))


def test_an_infinite_loss_stops_the_run(settings: TrainSettings) -> None:
    trainer = Trainer(settings)
    trainer.setup()
    with torch.no_grad():
        next(trainer.model.backbone.lm_head.parameters()).fill_(float("nan"))
    with pytest.raises(ConfigError, match="the loss of step 0 is nan"):
        trainer.train()


def _eval(settings: TrainSettings, run: Path) -> EvalSettings:
    return EvalSettings(
        store=settings.store, annotations=settings.annotations, run=str(run), out=str(Path(run).parent / "eval"),
        max_new_tokens=24, batch_size=3, device="cpu",
    )  # fmt: skip
