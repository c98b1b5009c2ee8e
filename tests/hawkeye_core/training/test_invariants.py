"""One batch, the same batch in pieces, and over two processes: equal losses and gradients, L_bc included."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from accelerate.state import AcceleratorState
from safetensors.torch import load_file

from hawkeye_core.errors import ConfigError
from hawkeye_core.training import run_state
from hawkeye_core.training.balance import StepBalance
from hawkeye_core.training.checkpoint import WEIGHTS
from hawkeye_core.training.config import TrainSettings
from hawkeye_core.training.keeper import CHECKPOINT
from hawkeye_core.training.meter import step_flops
from hawkeye_core.training.order import MicroBatches, StepBatches, bucketed_order
from hawkeye_core.training.record import read_record
from hawkeye_core.training.trainer import Trainer

from .processes import DDP, launch, launched, start, wait_for_lines


def first_step(settings: TrainSettings, **changes: Any) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Metrics and gradients of the first step."""
    AcceleratorState._reset_state(reset_partial_state=True)
    trainer = Trainer(settings.model_copy(update={"tensorboard": False, **changes}))
    trainer.setup()
    found: dict[str, torch.Tensor] = {}

    def keep(optimizer: object, args: object, kwargs: object) -> None:
        found.update({name: p.grad.clone() for name, p in trainer.bare.named_parameters() if p.grad is not None})

    trainer.optimizer.optimizer.register_step_pre_hook(keep)
    values = trainer.step(*trainer._next(iter(trainer._loader())))
    return values, found


@pytest.fixture
def eight(settings: TrainSettings) -> TrainSettings:
    """Batches of eight windows of unequal length, with answers of unequal length."""
    return settings.model_copy(update={"batch_size": 8, "window_frames": 20, "hop_frames": 8, "max_grad_norm": 1e9})


@pytest.mark.parametrize("form", [{}, {"cv": "ratio"}, {"importance": "exp"}, {"moe": False}])
def test_a_batch_of_eight_equals_its_pieces_added_up(eight: TrainSettings, form: dict[str, object]) -> None:
    eight = eight.model_copy(update={"model": eight.model.model_copy(update=form)})
    whole, gradients = first_step(eight)
    assert (whole["balance_loss"] == 0) == (form == {"moe": False})
    for pieces in (2, 4, 8):
        parts, added = first_step(eight, accumulate=pieces)
        for name in ("loss", "lm_loss", "balance_loss", "grad_norm", "answer_tokens"):
            assert parts[name] == pytest.approx(whole[name], rel=1e-5), (pieces, name)
        for name in ("router_action", "router_object", "expert_load"):
            assert parts.get(name, []) == pytest.approx(whole.get(name, []), rel=1e-5), (pieces, name)
        assert gradients.keys() == added.keys()
        for name, gradient in gradients.items():
            bound = 2e-5 * float(gradient.abs().max()) + 1e-7
            torch.testing.assert_close(added[name], gradient, rtol=1e-4, atol=bound)


def test_the_gradient_of_the_balancing_loss_alone_is_that_of_the_whole_batch(eight: TrainSettings) -> None:
    model = eight.model.model_copy(update={"lambda_bc": 1e4})
    _, gradients = first_step(eight.model_copy(update={"model": model}))
    _, added = first_step(eight.model_copy(update={"model": model}), accumulate=8)
    router = "scene.moe.router.weight"
    torch.testing.assert_close(added[router], gradients[router], rtol=1e-4, atol=1e-3)
    assert float(gradients[router].abs().max()) > 1.0


def test_the_mean_of_the_pieces_balancing_losses_would_be_another_number(eight: TrainSettings) -> None:
    trainer = Trainer(eight.model_copy(update={"accumulate": 8}))
    trainer.setup()
    pieces, _ = trainer._next(iter(trainer._loader()))
    columns = [trainer.bare.scene(piece["scene"]).columns for piece in pieces]
    alone = torch.stack([StepBalance(trainer.bare.config, [part]).of_piece(0, part) for part in columns]).mean()
    whole = StepBalance(trainer.bare.config, columns).of_piece(3, columns[3])
    assert abs(float((alone - whole).detach())) > 1e-3


@pytest.mark.parametrize("importance", ["softmax", "exp"])
@pytest.mark.parametrize("cv", ["printed", "ratio"])
def test_the_balancing_loss_of_one_piece_is_the_models_own(eight: TrainSettings, importance: str, cv: str) -> None:
    model = eight.model.model_copy(update={"importance": importance, "cv": cv})
    trainer = Trainer(eight.model_copy(update={"model": model}))
    trainer.setup()
    pieces, _ = trainer._next(iter(trainer._loader()))
    output = trainer.bare(**pieces[0])
    own = StepBalance(trainer.bare.config, [output.columns]).of_piece(0, output.columns)
    torch.testing.assert_close(own, output.balance_loss, rtol=1e-6, atol=0.0)  # sums in another order


def test_a_mean_of_means_would_be_another_loss(eight: TrainSettings) -> None:
    trainer = Trainer(eight.model_copy(update={"accumulate": 8}))
    trainer.setup()
    pieces, _ = trainer._next(iter(trainer._loader()))
    outputs = [trainer.bare(**piece) for piece in pieces]
    assert len({output.answer_tokens for output in outputs}) > 1
    mean = sum(output.lm_loss.item() for output in outputs) / 8
    assert abs(trainer.step(pieces)["lm_loss"] - mean) > 1e-4


def test_gradient_checkpointing_changes_nothing(eight: TrainSettings) -> None:
    plain, gradients = first_step(eight)
    again, recomputed = first_step(eight, gradient_checkpointing=True)
    assert again["loss"] == plain["loss"]
    assert all(torch.equal(recomputed[name], gradient) for name, gradient in gradients.items())


def test_gradient_checkpointing_really_recomputes(eight: TrainSettings) -> None:
    trainer = Trainer(eight.model_copy(update={"gradient_checkpointing": True}))
    trainer.setup()
    layers = {"language model": trainer.bare.backbone.model.language_model.layers[0].mlp,
              "experts": trainer.bare.scene.moe.experts[0].layers[0]}  # fmt: skip
    calls: list[str] = []
    for name, layer in layers.items():  # before, not behind: recomputing ends as soon as it has what it needs
        layer.register_forward_pre_hook(lambda *_, name=name: calls.append(name))
    trainer.step(*trainer._next(iter(trainer._loader())))
    assert sorted(calls) == ["experts", "experts", "language model", "language model"]


def test_bf16_evaluates_in_bf16(eight: TrainSettings) -> None:
    trainer = Trainer(eight.model_copy(update={"precision": "bf16", "eval_every": 1, "eval_new_tokens": 4}))
    trainer.setup()
    seen = set()
    trainer.bare.backbone.lm_head.register_forward_hook(lambda module, args, output: seen.add(output.dtype))
    assert 0 < trainer.evaluate()["test_loss"] < 10
    assert seen == {torch.bfloat16}


def test_bf16_computes_in_bf16_and_keeps_the_weights_in_float32(eight: TrainSettings) -> None:
    full, _ = first_step(eight)
    half, gradients = first_step(eight, precision="bf16")
    assert half["loss"] != full["loss"]
    assert half["lm_loss"] == pytest.approx(full["lm_loss"], rel=0.02)
    assert {gradient.dtype for gradient in gradients.values()} == {torch.float32}


def test_pieces_and_processes_share_out_the_same_batches() -> None:
    whole = list(StepBatches(11, batch_size=8, steps=5, seed=3))
    for world, accumulate in ((1, 8), (2, 4), (4, 2), (2, 1)):
        batches = StepBatches(11, batch_size=8, steps=5, seed=3)
        mine = [list(MicroBatches(batches, accumulate=accumulate, rank=r, world=world)) for r in range(world)]
        for step, batch in enumerate(whole):
            pieces = [mine[r][step * accumulate + m] for m in range(accumulate) for r in range(world)]
            assert [index for piece in pieces for index in piece] == batch


@pytest.mark.parametrize(("samples", "batch_size"), [(7, 3), (100, 8), (3, 8), (64, 4)])
def test_buckets_show_every_sample_once_an_epoch_in_batches_of_like_length(samples: int, batch_size: int) -> None:
    lengths = [(37 * i) % 50 + 1 for i in range(samples)]
    steps = 3 * samples
    seen = list(StepBatches(samples, batch_size=batch_size, steps=steps, seed=1, lengths=lengths))
    flat = [index for batch in seen for index in batch]
    epochs = [flat[i : i + samples] for i in range(0, samples * batch_size * 3, samples)]
    assert all(sorted(epoch) == list(range(samples)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 1
    assert sorted(bucketed_order(lengths, batch_size=batch_size, seed=1, epoch=5)) == list(range(samples))
    assert list(
        StepBatches(samples, batch_size=batch_size, steps=steps, seed=1, lengths=lengths, first_step=steps - 2)
    ) == seen[-2:]  # fmt: skip
    if samples == 100:
        free = list(StepBatches(samples, batch_size=batch_size, steps=steps, seed=1))
        padding = [sum(max(lengths[i] for i in b) - lengths[j] for b in batches for j in b) for batches in (seen, free)]
        assert padding[0] < 0.5 * padding[1]


def test_epochs_stand_for_steps(settings: TrainSettings) -> None:
    epochs = settings.model_copy(update={"steps": None, "epochs": 1.0, "batch_size": 2})
    assert epochs.total_steps(3) == 2
    assert settings.model_copy(update={"steps": None}).total_steps(3) == 40
    with pytest.raises(ValueError, match="steps and epochs are both set"):
        TrainSettings(steps=3, epochs=1)


def test_batches_that_cannot_be_shared_out_are_refused(settings: TrainSettings) -> None:
    with pytest.raises(ValueError, match="accumulate 3 does not divide batch_size 8"):
        TrainSettings(batch_size=8, accumulate=3)
    with pytest.raises(ConfigError, match=r"batch_size 2 is not a multiple of 4 pieces x 1 processes"):
        Trainer(settings.model_copy(update={"accumulate": 4}))


def test_flops_of_a_step_by_hand(settings: TrainSettings) -> None:
    trainer = Trainer(settings.model_copy(update={"peak_tflops": 1.0}))
    trainer.setup()
    model = trainer.bare
    layers = sum(p.numel() for p in model.backbone.model.language_model.layers.parameters())
    head = sum(p.numel() for p in model.backbone.lm_head.parameters())
    scene = sum(p.numel() for m in (model.scene, model.backbone.model.multi_modal_projector) for p in m.parameters())
    assert step_flops(model, tokens=10, scene_tokens=4) == 6 * (10 * (layers + head) + 4 * scene)
    model.backbone.model.language_model.requires_grad_(False)
    assert step_flops(model, tokens=10, scene_tokens=4) == 4 * 10 * layers + 6 * (10 * head + 4 * scene)
    assert 0 < trainer.step(*trainer._next(iter(trainer._loader())))["mfu"] < 1


# Two processes


def steps_of(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize("accumulate", [2])
def test_a_batch_of_eight_equals_two_processes_with_four_each(
    eight: TrainSettings, tmp_path: Path, accumulate: int
) -> None:
    """One step: loss, its parts, and the gradients, which AdamW keeps as its first moment; L_bc weighs most of it."""
    model = eight.model.model_copy(update={"lambda_bc": 100.0})
    chosen = eight.model_copy(update={"steps": 1, "warmup_ratio": 0.0, "model": model, "tensorboard": False})
    whole, gradients = first_step(chosen)
    config, run = tmp_path / "config.yaml", tmp_path / "two"
    config.write_text(yaml.safe_dump(chosen.model_dump(mode="json")))
    train = ("train", "--config", str(config), "--run", str(run))
    start(*train, f"accumulate={accumulate}", "checkpoint_every=1", way=DDP).ended()
    first = steps_of(run)[0]
    for name in ("loss", "lm_loss", "balance_loss", "grad_norm", "answer_tokens"):
        assert first[name] == pytest.approx(whole[name], rel=1e-5), name
    assert 100 * whole["balance_loss"] > whole["lm_loss"]
    saved = torch.load(run_state.checkpoints_of(run)[-1] / run_state.OPTIMIZER, weights_only=True)["optimizer"]
    trainer = Trainer(chosen.model_copy(update={"run": str(tmp_path / "names")}))
    trainer.setup()
    names = [name for name, p in trainer.bare.named_parameters() if p.requires_grad]
    assert len(saved["state"]) == len(gradients)
    largest = max(float(gradient.abs().max()) for gradient in gradients.values())
    for index, moments in saved["state"].items():
        gradient = gradients[names[index]]
        # Sums in another order: a gradient that nearly cancels is rounded at the size of what it is a sum of.
        bound = 2e-5 * float(gradient.abs().max()) + 1e-7 * max(1.0, largest)
        torch.testing.assert_close(moments["exp_avg"] * 10, gradient, rtol=1e-4, atol=bound)  # (1 - 0.9) g


@pytest.mark.slow
def test_two_processes_train_and_resume_as_one(settings: TrainSettings, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    chosen = settings.model_copy(
        update={"steps": 12, "batch_size": 8, "accumulate": 2, "lr": 1e-3, "checkpoint_every": 3, "eval_every": 6,
                "eval_new_tokens": 8, "window_frames": 20, "hop_frames": 8, "tensorboard": False}
    )  # fmt: skip
    config.write_text(yaml.safe_dump(chosen.model_dump(mode="json")))
    runs = {name: tmp_path / name for name in ("one", "two", "killed")}
    begin = {name: ("train", "--config", str(config), "--run", str(run)) for name, run in runs.items()}
    for name, way in (("one", None), ("two", DDP)):
        start(*begin[name], way=way).ended()
    one, two = steps_of(runs["one"]), steps_of(runs["two"])
    assert len(one) == len(two) == 14
    for first, second in zip(one, two, strict=True):
        for key in {"loss", "lm_loss", "balance_loss", "test_loss"} & first.keys():
            assert abs(first[key] - second[key]) <= 1e-6 * max(1.0, abs(first[key])), (first["step"], key)
    assert read_record(runs["two"]).processes == 2
    process = launch(DDP, *begin["killed"])  # the launcher passes the signal on and says with a code that it got one
    wait_for_lines(process, runs["killed"], 5)
    process.send_signal(signal.SIGTERM)
    output = launched(process)
    assert read_record(runs["killed"]).status == "stopped", output
    assert 4 <= int(run_state.checkpoints_of(runs["killed"])[-1].name[-6:]) < 12
    AcceleratorState._reset_state(reset_partial_state=True)
    with pytest.raises(ConfigError, match=r"(?s)processes was 2, now 1.*remedy: start it with 2 processes"):
        Trainer(chosen.model_copy(update={"run": str(runs["killed"]), "resume": True})).setup()
    start(*begin["killed"], "--resume", way=DDP).ended()
    assert [line["loss"] for line in steps_of(runs["killed"]) if "loss" in line] == [
        line["loss"] for line in two if "loss" in line
    ]
    a, b = (load_file(runs[name] / CHECKPOINT / WEIGHTS) for name in ("two", "killed"))
    assert all(torch.equal(a[name], b[name]) for name in a)
