"""The dense head: labels of frames, its loss against a literal loop, pieces, starts with and without one."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from feature_store.store import FeatureStore
from hawkeye_core.errors import WeightsError
from hawkeye_core.model.saving import TRAINABLE, assign_trainable, save_trainable
from hawkeye_core.training import held_out
from hawkeye_core.training.annotations import read_annotations
from hawkeye_core.training.build import begin_with, build_model
from hawkeye_core.training.calibration import HEAD, Calibration
from hawkeye_core.training.config import TrainSettings
from hawkeye_core.training.locate import FINAL
from hawkeye_core.training.record import read_record
from hawkeye_core.training.trainer import Trainer
from hawkeye_core.training.windows import WindowDataset

from .test_invariants import first_step


@pytest.fixture
def dense(settings: TrainSettings) -> TrainSettings:
    model = settings.model.model_copy(update={"dense_head": True, "lambda_dense": 0.7})
    return settings.model_copy(
        update={"model": model, "batch_size": 8, "window_frames": 20, "hop_frames": 8, "max_grad_norm": 1e9}
    )


def pieces_of(settings: TrainSettings) -> tuple[Trainer, list]:
    trainer = Trainer(settings.model_copy(update={"tensorboard": False}))
    trainer.setup()
    return trainer, trainer._next(iter(trainer._loader()))[0]


def test_a_frame_is_anomalous_if_its_middle_lies_in_a_segment(dense: TrainSettings) -> None:
    trainer, _ = pieces_of(dense)
    data = WindowDataset(FeatureStore.open(dense.store), read_annotations(dense.annotations), length=32, hop=24)
    batch = trainer.collate([data[0], data[1], data[3]])  # fight 0-4 s and 3-7 s with a segment of 2-5 s
    expected = [[2 <= (k + 0.5) / 8 < 5 for k in range(32)], [2 <= 3 + (k + 0.5) / 8 < 5 for k in range(32)]]
    assert batch["anomalous"][:2].bool().tolist() == expected
    assert not (batch["anomalous"] * ~batch["scene"].frame_mask).any()


def test_its_loss_is_the_literal_cross_entropy_over_frames(dense: TrainSettings) -> None:
    trainer, (batch,) = pieces_of(dense)
    model = trainer.bare.eval()
    output = model(**batch)
    embeds, _ = model.embed(batch["input_ids"], batch["scene"])
    hidden = model.backbone.model.language_model(
        inputs_embeds=embeds, attention_mask=batch["attention_mask"]
    ).last_hidden_state
    weight, bias = model.dense.linear.weight[0], model.dense.linear.bias[0]
    losses, chances = [], torch.zeros(batch["scene"].frame_mask.shape)
    for b, row in enumerate(batch["input_ids"]):
        at = [k for k, token in enumerate(row.tolist()) if token == model.scene_token_id]
        for frame in range(len(at) // 2):
            mean = (hidden[b, at[2 * frame]] + hidden[b, at[2 * frame + 1]]) / 2
            chance = 1 / (1 + math.exp(-float(weight @ mean + bias)))
            chances[b, frame] = chance
            losses.append(-math.log(chance if batch["anomalous"][b, frame] else 1 - chance))
    assert output.dense.frames == len(losses)
    assert output.dense.loss.item() == pytest.approx(sum(losses) / len(losses), rel=1e-5)
    total = output.lm_loss + model.config.lambda_bc * output.balance_loss + 0.7 * output.dense.loss
    torch.testing.assert_close(output.loss, total)
    found = model.frame_scores(batch["input_ids"], batch["attention_mask"], batch["scene"])
    torch.testing.assert_close(found, chances, rtol=1e-5, atol=1e-6)


def test_pieces_add_up_to_the_batch(dense: TrainSettings) -> None:
    whole, gradients = first_step(dense)
    parts, added = first_step(dense, accumulate=4)
    assert whole["dense_loss"] > 0
    for name in ("loss", "dense_loss"):
        assert parts[name] == pytest.approx(whole[name], rel=1e-5)
    for name in ("dense.linear.weight", "scene.moe.router.weight"):
        torch.testing.assert_close(added[name], gradients[name], rtol=1e-4, atol=1e-6)


def test_training_may_begin_with_weights_that_have_no_head_and_the_other_way_round(
    dense: TrainSettings, settings: TrainSettings, tmp_path: Path
) -> None:
    with_head, _ = build_model(dense, vision_width=16)
    without, _ = build_model(settings, vision_width=16)
    for name, model in (("with", with_head), ("without", without)):
        save_trainable(model, tmp_path / name)
    torch.manual_seed(5)
    new, _ = build_model(dense, vision_width=16)
    head = new.dense.linear.weight.clone()
    begin_with(new, tmp_path / "without" / TRAINABLE)
    assert torch.equal(new.dense.linear.weight, head)
    assert torch.equal(new.scene.kind.weight, without.scene.kind.weight)
    begin_with(new, tmp_path / "with" / TRAINABLE)
    assert torch.equal(new.dense.linear.weight, with_head.dense.linear.weight)
    begin_with(without, tmp_path / "with" / TRAINABLE)
    assert torch.equal(without.scene.kind.weight, with_head.scene.kind.weight)
    with pytest.raises(WeightsError):  # a checkpoint itself is complete or refused
        assign_trainable(new, {n: t for n, t in new.state_dict().items() if "dense" not in n}, path="x")


def test_a_calibrated_run_differs_in_its_head_alone_by_the_line_that_it_logs(
    dense: TrainSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[list[float], list[float]]] = []

    def fit(probabilities: list[float], truth: list[float]) -> Calibration:
        given.append((probabilities, truth))
        return Calibration(0.5, -0.25, 0.4, 0.3, len(truth))

    monkeypatch.setattr(held_out, "fit_calibration", fit)
    finals = []
    for name, calibrate in (("plain", False), ("fitted", True)):
        run = tmp_path / name
        trainer = Trainer(dense.model_copy(update={"run": str(run), "calibrate": calibrate, "steps": 2, "lr": 1e-3}))
        trainer.setup()
        trainer.train()
        finals.append(load_file(run / FINAL / TRAINABLE))
    rows = [json.loads(line) for line in (tmp_path / "fitted" / "metrics.jsonl").read_text().splitlines()]
    assert [row["calibration_scale"] for row in rows if "calibration_scale" in row] == [0.5]
    ((probabilities, truth),) = given
    windows = [trainer.collate([sample]) for sample in trainer.data.held_out.data]
    assert truth == [y for one in windows for y in one["anomalous"][one["scene"].frame_mask].tolist()]
    assert len(probabilities) == len(truth) > 0
    plain, fitted = finals
    for name, value in plain.items():
        scale = 0.5 if name.startswith(HEAD) else 1.0
        shift = -0.25 if name == f"{HEAD}bias" else 0.0
        torch.testing.assert_close(fitted[name], scale * value + shift, msg=name)


def test_no_steps_calibrate_what_they_begin_with(
    dense: TrainSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_out, "fit_calibration", lambda p, y: Calibration(0.5, -0.25, 0.4, 0.3, len(y)))
    begun, again = tmp_path / "begun", tmp_path / "again"
    calibrated = {"steps": 0, "calibrate": True, "start": str(begun)}
    for run, changes in ((begun, {"steps": 2, "lr": 1e-2}), (again, calibrated)):
        trainer = Trainer(dense.model_copy(update={"run": str(run), **changes}))
        trainer.setup()
        trainer.train()
    before, after = (load_file(run / FINAL / TRAINABLE) for run in (begun, again))
    changed = {name for name, value in before.items() if not torch.equal(value, after[name])}
    assert changed == {name for name in before if name.startswith(HEAD)}
    torch.testing.assert_close(after[f"{HEAD}weight"], 0.5 * before[f"{HEAD}weight"])
    torch.testing.assert_close(after[f"{HEAD}bias"], 0.5 * before[f"{HEAD}bias"] - 0.25)
    rows = [json.loads(line) for line in (again / "metrics.jsonl").read_text().splitlines()]
    assert [row["test_loss"] for row in rows if "test_loss" in row]
    record = read_record(again)
    assert (record.status, record.steps) == ("finished", 0)
