"""A run on videos of several windows: batches, order, curve and routing weights, and the files a report reads."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from hawkeye_core.errors import AnnotationError, WeightsError
from hawkeye_core.evaluation.folder import read_evaluation
from hawkeye_core.evaluation.predict import Predictor, batches
from hawkeye_core.evaluation.prediction_files import read_predictions, write_parquet
from hawkeye_core.evaluation.run import evaluate
from hawkeye_core.evaluation.run_protocol import row_of
from hawkeye_core.training.record import RunRecord, read_record

from .conftest import FRAMES


@pytest.fixture(scope="module")
def evaluated(made_up_run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluated")
    evaluate(made_up_run.settings(folder, batch_size=8))
    return folder


def test_batches_hold_windows_of_like_length_and_each_of_them_once() -> None:
    lengths = [32, 7, 32, 20, 32, 8]
    assert batches(lengths, batch_size=2) == [[0, 2], [4, 3], [5, 1]]
    assert sorted(place for batch in batches(lengths, batch_size=4) for place in batch) == list(range(6))
    assert batches([], batch_size=3) == []


def test_results_do_not_depend_on_the_size_of_batches(made_up_run, evaluated: Path, tmp_path: Path) -> None:
    evaluate(made_up_run.settings(tmp_path, batch_size=1))
    one, eight = read_evaluation(tmp_path), read_evaluation(evaluated)
    assert [item.video for item in eight.predictions] == list(FRAMES)  # as annotated
    assert sum(len(item.segments) for item in eight.predictions) > 3
    for first, second in zip(one.predictions, eight.predictions, strict=True):
        assert first.answers == second.answers
        assert [item.segment for item in first.segments] == [item.segment for item in second.segments]
        np.testing.assert_allclose([item.score for item in first.segments], [item.score for item in second.segments],
                                   atol=1e-5)  # fmt: skip
        assert len(first.curve or ()) == math.ceil(FRAMES[first.video] / 8)
        np.testing.assert_allclose(first.curve, second.curve, atol=1e-5)
    assert one.router is not None
    assert eight.router is not None
    for video, weights in one.router.items():
        np.testing.assert_allclose(weights.action, eight.router[video].action, atol=1e-5)
        np.testing.assert_allclose(weights.object, eight.router[video].object, atol=1e-5)


def test_only_the_features_of_one_batch_are_read_ahead(
    made_up_run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    answer = Predictor.answer

    def answering(predictor: Predictor, samples: Any) -> Any:
        sizes.append(len(samples))
        return answer(predictor, samples)

    monkeypatch.setattr(Predictor, "answer", answering)
    evaluate(made_up_run.settings(tmp_path, batch_size=6, curve=False))
    assert sizes == [6, 6, 2]
    assert all(item.curve is None for item in read_predictions(tmp_path / "predictions.parquet"))
    assert "curve" not in json.loads((tmp_path / "predictions.jsonl").read_text().splitlines()[0])
    assert "probes" not in (tmp_path / "results.md").read_text()


def test_both_forms_have_the_curve_and_the_result_ranks_frames_by_it(evaluated: Path) -> None:
    lines, table = (read_predictions(evaluated / f"predictions.{kind}") for kind in ("jsonl", "parquet"))
    assert lines == table
    result = json.loads((evaluated / "results.json").read_text())
    by_curve, by_segments = result["frames"]
    assert (by_curve["by"], by_segments["by"]) == ("the anomaly curve", "scores of segments")
    assert by_curve["base_rate"] == pytest.approx(80 / 253)  # 10 of 31.6 s
    assert f"AUC {100 * by_curve['auc']:.1f}" in (evaluated / "results.md").read_text()
    assert list(result["stages"]) == ["reading features", "answering", "probes"]


def test_scored_as_a_file_the_curves_rank_frames_as_those_of_the_run(
    made_up_run, evaluated: Path, tmp_path: Path
) -> None:
    table = evaluated / "predictions.parquet"
    (tmp_path / "router.parquet").write_bytes((evaluated / "router.parquet").read_bytes())
    settings = made_up_run.settings(tmp_path, predictions=str(table))
    result = evaluate(settings)
    assert [asdict(one) for one in result.frames] == json.loads((evaluated / "results.json").read_text())["frames"]
    assert read_predictions(tmp_path / "predictions.parquet") == read_predictions(table)
    assert not (tmp_path / "router.parquet").exists()  # of other predictions
    found = read_predictions(table)
    found[1] = replace(found[1], curve=(found[1].curve or ())[1:])
    write_parquet(found, tmp_path / "short.parquet")
    with pytest.raises(AnnotationError, match=r"curve of 'theft' has 4 values; the video lasts 5.000 s, which are 5"):
        evaluate(settings.model_copy(update={"predictions": str(tmp_path / "short.parquet")}))
    found[1] = replace(found[1], curve=None)  # not every video has one
    write_parquet(found, tmp_path / "some.parquet")
    some = evaluate(settings.model_copy(update={"predictions": str(tmp_path / "some.parquet")}))
    assert [one.by for one in some.frames] == ["scores of segments"]


def test_a_model_whose_output_is_no_number_is_refused(made_up_run, tmp_path: Path) -> None:
    broken = tmp_path / "run"
    shutil.copytree(made_up_run.run, broken)
    weights = broken / "checkpoint" / "trainable.safetensors"
    state = load_file(weights)
    state["backbone.lm_head.weight"].fill_(math.nan)
    save_file(state, weights)
    settings = made_up_run.settings(tmp_path / "out").model_copy(update={"run": str(broken)})
    with pytest.raises(WeightsError, match="answer to frames 0 on of 'fight' is no number"):
        evaluate(settings)


def test_routing_weights_are_means_over_the_frames_of_a_second(made_up_run, evaluated: Path) -> None:
    import torch

    from feature_store.store import FeatureStore
    from hawkeye_core.training.checkpoint import load_checkpoint
    from hawkeye_core.training.scene_tensors import collate_scenes

    model, _ = load_checkpoint(f"{made_up_run.run}/checkpoint")
    store = FeatureStore.open(made_up_run.store)
    (video,) = [video for video in store.videos() if video.startswith("theft")]
    frames: list[list[np.ndarray]] = [[] for _ in range(5)]
    for start, stop in ((0, 32), (20, 40)):
        with torch.no_grad():
            weights = model.encode(collate_scenes([store.window(video, start, stop)])).weights
        assert weights is not None
        for k in range(start, stop):
            frames[k // 8].append(weights[0, k - start].numpy())
    expected = np.stack([np.mean(found, 0) for found in frames])
    router = read_evaluation(evaluated).router
    assert router is not None
    np.testing.assert_allclose(router[video].action, expected[:, 0], atol=1e-6)
    np.testing.assert_allclose(router[video].object, expected[:, 1], atol=1e-6)
    np.testing.assert_allclose(router[video].action.sum(1), 1, atol=1e-5)


def test_the_protocol_says_which_row_it_is_and_what_was_read(made_up_run, evaluated: Path) -> None:
    protocol = read_evaluation(evaluated).protocol
    assert (protocol.name, protocol.kind, protocol.seed) == ("Hawkeye", "ours", 0)
    assert {video.video: video.duration_s for video in protocol.videos} == {v: n / 8 for v, n in FRAMES.items()}
    riot = protocol.videos[3]
    assert [(s.start_s, s.end_s, s.category) for s in riot.segments] == [(1, 3, "a"), (9, 11, "b")]
    assert (riot.category, protocol.videos[2].category) == ("a", "")
    assert "presence=0.001" in protocol.command
    assert f"run={made_up_run.run}" in protocol.command
    assert protocol.inputs.keys() == {"segments.jsonl", "trainable.safetensors"}


@pytest.mark.parametrize(
    ("changes", "row"),
    [
        ({}, ("Hawkeye", "ours")),
        ({"model": {"scene": False, "asg": False}}, ("scene: off", "ablation")),
        ({"model": {"asg": False}}, ("w/o ASG", "ablation")),
        ({"model": {"asg": False, "org": False}}, ("w/o ASG, ORG", "ablation")),
        ({"model": {"moe": False, "lambda_bc": 0}}, ("w/o B-H MoE", "ablation")),
        ({"model": {"lambda_bc": 0}}, ("w/o L_bc", "ablation")),
        ({"pretuned": False}, ("w/o pre-tuning", "ablation")),
        ({"pretuned": False, "model": {"org": False}}, ("w/o ORG", "ablation")),
    ],
)
def test_a_run_is_named_by_what_it_is_without(made_up_run, changes: dict[str, Any], row: tuple[str, str]) -> None:
    record = read_record(made_up_run.run).model_dump()
    model = record["settings"]["model"] | changes.get("model", {})
    found = RunRecord.model_validate(record | {"settings": record["settings"] | changes | {"model": model}})
    assert row_of(found) == row


def test_begun_with_other_weights_a_run_is_no_ablation(made_up_run) -> None:
    record = read_record(made_up_run.run)
    settings = record.settings | {"pretuned": False}
    found = record.model_copy(update={"settings": settings, "inputs": record.inputs | {"start": "0" * 64}})
    assert row_of(found) == ("Hawkeye", "ours")
