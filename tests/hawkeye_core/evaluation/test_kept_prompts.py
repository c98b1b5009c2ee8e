"""A prompt is read once: answers, scores of frames and probes go on behind it, and are what reading it again gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from feature_store.store import FeatureStore
from hawkeye_core.evaluation.anomaly_curve import window_probes
from hawkeye_core.evaluation.predict import Predictor
from hawkeye_core.model.dense_head import DenseHead
from hawkeye_core.model.kept import first_output, read
from hawkeye_core.training.annotations import read_annotations
from hawkeye_core.training.checkpoint import load_checkpoint
from hawkeye_core.training.windows import WindowDataset

WORDS = 12


@pytest.fixture(scope="module")
def windows(made_up_run):
    """Model, tokenizer, and windows of several lengths, so that shorter ones are padded."""
    model, tokenizer = load_checkpoint(Path(made_up_run.run) / "checkpoint")
    data = WindowDataset(FeatureStore.open(made_up_run.store), read_annotations(made_up_run.annotations),
                         length=32, hop=20)  # fmt: skip
    chosen = [next(i for i, spec in enumerate(data.specs) if spec.stop - spec.start == n) for n in (32, 20, 3)]
    return model.eval(), tokenizer, [data[index] for index in chosen]


def tokens_read(model, call) -> list[int]:
    """Columns of each pass of the language model."""
    found: list[int] = []
    language_model = model.backbone.model.language_model
    handle = language_model.register_forward_pre_hook(
        lambda _module, _args, kwargs: found.append(
            next(kwargs[name].shape[1] for name in ("inputs_embeds", "input_ids") if kwargs.get(name) is not None)
        ),
        with_kwargs=True,
    )
    call()
    handle.remove()
    return found


@pytest.mark.parametrize("way", ["dense", "probes", "guided"])
def test_no_token_of_a_prompt_is_read_twice(windows, way: str) -> None:
    model, tokenizer, samples = windows
    torch.manual_seed(3)
    model.dense = None if way == "probes" else DenseHead(model.backbone.config.text_config.hidden_size)
    predictor = Predictor(model, tokenizer, max_new_tokens=WORDS + 60, curve=True,
                          curve_threshold=0.1 if way == "guided" else None)  # fmt: skip
    prompt = predictor.collate.prompts(samples, room=WORDS)["input_ids"].shape[1]
    passes = tokens_read(model, lambda: predictor.answer(samples))
    assert passes[0] == prompt
    rest = [columns for columns in passes[1:] if columns > 1]  # single ones are said words
    if way == "dense":
        assert rest == []
    elif way == "probes":
        probes = window_probes(predictor.collate, 4)
        assert rest == [len(probes.head), 4 * max(map(len, probes.tails))]
    else:
        assert rest  # beginnings of sentences
        assert max(rest) < 60


@torch.no_grad()
def test_what_is_kept_is_what_reading_it_anew_gives(windows) -> None:
    model, tokenizer, samples = windows
    predictor = Predictor(model, tokenizer, max_new_tokens=WORDS)
    batch = predictor.collate.prompts(samples, room=WORDS)
    ids, mask = batch["input_ids"], batch["attention_mask"]
    made = model.generate(ids, mask, batch["scene"], max_new_tokens=WORDS, eos_token_id=-1, pad_token_id=0)
    anew = read(model.backbone.model.language_model, made.embeds, mask)
    there = mask.bool()
    np.testing.assert_allclose(made.kept.hidden[there], anew.hidden[there], atol=1e-5)
    assert made.kept.cache.get_seq_length() == ids.shape[1] + WORDS - 1
    rows = anew.rows([2, 0, 2])
    for layer, other, again in zip(
        made.kept.crop(ids.shape[1]).layers, anew.cache.layers, rows.layers, strict=True
    ):  # fmt: skip
        keys, expected = layer.keys.transpose(1, 2)[there], other.keys.transpose(1, 2)[there]
        np.testing.assert_allclose(keys, expected, atol=1e-5)
        assert torch.equal(again.values, other.values[[2, 0, 2]])
    past = anew.crop(ids.shape[1] - 7)
    rest = model.decode(made.embeds, mask, max_new_tokens=WORDS, eos_token_id=-1, pad_token_id=0, past=past)
    assert torch.equal(rest.token_ids, made.token_ids)
    np.testing.assert_allclose(rest.probabilities, made.probabilities, atol=1e-5)


def test_only_the_first_call_is_held() -> None:
    module = torch.nn.Linear(2, 2)
    with first_output(module) as found:
        first = module(torch.ones(2))
        module(torch.zeros(2))
    module(torch.zeros(2))
    assert len(found) == 1
    assert torch.equal(found[0], first)
