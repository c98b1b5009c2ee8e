"""Prompts, answers and labels; the order of batches; the learning rate."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, get_cosine_schedule_with_warmup

from feature_store.store import FeatureStore
from hawkeye_core.answers.parse import parse_segments
from hawkeye_core.answers.render import INSTRUCTION
from hawkeye_core.model.outputs import IGNORE
from hawkeye_core.model.tiny import SCENE, byte_tokenizer
from hawkeye_core.settings import load_settings, preset_names
from hawkeye_core.training.annotations import read_annotations
from hawkeye_core.training.collate import Collator
from hawkeye_core.training.config import TrainSettings
from hawkeye_core.training.order import StepBatches, epoch_order
from hawkeye_core.training.schedule import rate_factor
from hawkeye_core.training.windows import WindowDataset, WindowSpec

TOKENIZER = byte_tokenizer()
SCENE_ID = TOKENIZER.convert_tokens_to_ids(SCENE)


@pytest.fixture
def collator() -> Collator:
    return Collator(TOKENIZER, scene_token_id=SCENE_ID, max_length=4096)


@pytest.fixture
def data(made_up: tuple[Path, Path]) -> WindowDataset:
    return WindowDataset(FeatureStore.open(made_up[0]), read_annotations(made_up[1]), length=32, hop=24)


def test_the_prompt_writes_the_time_in_front_of_each_seconds_tokens(collator: Collator) -> None:
    text = TOKENIZER.decode(collator.prompt_ids(WindowSpec("v", 40, 40 + 19, 8.0)))
    seconds = "".join(f"{s}.0s" + SCENE * 2 * frames for s, frames in enumerate((8, 8, 3)))
    assert text == f"<s>USER: {seconds}\n{INSTRUCTION} ASSISTANT:"


def llama_like() -> PreTrainedTokenizerFast:
    """Subwords with a space in front of whatever is encoded, as sentencepiece has them in Llama and Vicuna."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    tokenizer.pre_tokenizer = pre_tokenizers.Split("\u2581", "merged_with_next")
    text = [f"USER: 0.0s\n{INSTRUCTION} ASSISTANT: From {t}.5 to 17.0 seconds, there exists" for t in range(10)]
    special = ["<unk>", "<s>", "</s>", SCENE]
    tokenizer.train_from_iterator(text * 3, trainers.BpeTrainer(vocab_size=200, special_tokens=special))
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<unk>")


def test_an_answer_follows_its_prompt_as_if_they_had_been_encoded_together() -> None:
    tokenizer = llama_like()
    scene = tokenizer.convert_tokens_to_ids(SCENE)
    collator = Collator(tokenizer, scene_token_id=scene, max_length=4096)
    alone = tokenizer.encode(" From 1.0", add_special_tokens=False)
    assert tokenizer.convert_ids_to_tokens(alone)[:2] == ["\u2581", "\u2581From"]  # a space too many
    answer = collator.end_answer("From 1.0")
    together = tokenizer.encode("Q ASSISTANT: From 1.0", add_special_tokens=False)
    assert together[-len(answer) + 1 :] == answer[:-1]
    prompt = tokenizer.convert_ids_to_tokens(collator.prompt_ids(WindowSpec("v", 0, 1, 8.0)))
    assert "".join(prompt[1 : prompt.index(SCENE)]).replace("\u2581", " ") == " USER: 0.0s"  # not two spaces


def test_labels_stand_on_the_answer_only(collator: Collator, data: WindowDataset) -> None:
    samples = [data[0], data[4], dataclasses.replace(data[1], segments=())]
    batch = collator(samples)
    for row, sample in enumerate(samples):
        labels = batch["labels"][row]
        learned = labels != IGNORE
        assert torch.equal(labels[learned], batch["input_ids"][row][learned])
        assert int(labels[learned][-1]) == TOKENIZER.eos_token_id
        answer = TOKENIZER.decode(labels[learned], skip_special_tokens=True)
        duration = sample.spec.duration_s
        assert [(s.start_s, s.end_s) for s in parse_segments(answer, duration_s=duration).segments] == [
            (s.start_s, s.end_s) for s in sample.segments
        ]
        ids, mask = batch["input_ids"][row], batch["attention_mask"][row]
        prompt = len(collator.prompt_ids(sample.spec))
        assert not learned[:prompt].any()
        assert int(mask.sum()) == prompt + int(learned.sum())
        assert (ids[mask == 0] == TOKENIZER.pad_token_id).all()
        assert int((ids == SCENE_ID).sum()) == 2 * (sample.spec.stop - sample.spec.start)


def test_training_asks_the_videos_own_question_and_evaluation_the_papers(
    collator: Collator, data: WindowDataset
) -> None:
    own = dataclasses.replace(data[0], question="When is something wrong?")
    asked = TOKENIZER.decode(collator([own])["input_ids"][0])
    assert "\nWhen is something wrong? ASSISTANT:" in asked
    assert INSTRUCTION not in asked
    assert f"\n{INSTRUCTION} ASSISTANT:" in TOKENIZER.decode(collator.prompts([own], room=4)["input_ids"][0])


def test_prompts_are_padded_on_the_left(collator: Collator, data: WindowDataset) -> None:
    batch = collator.prompts([data[0], data[2]], room=10)
    lengths = [len(collator.prompt_ids(data[i].spec)) for i in (0, 2)]
    assert batch["attention_mask"].sum(1).tolist() == lengths
    assert (batch["attention_mask"][:, -1] == 1).all()
    assert batch["scene"].shape[0] == 2


def test_every_epoch_shows_every_sample_once_in_another_order() -> None:
    seen = [index for batch in StepBatches(7, batch_size=3, steps=14, seed=5) for index in batch]
    assert len(seen) == 42
    epochs = [seen[i : i + 7] for i in range(0, 42, 7)]
    assert all(sorted(epoch) == list(range(7)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 1
    assert epoch_order(7, seed=5, epoch=0) == epochs[0] != epoch_order(7, seed=6, epoch=0)


def test_batches_do_not_depend_on_where_one_begins() -> None:
    whole = list(StepBatches(5, batch_size=2, steps=9, seed=1))
    rest = StepBatches(5, batch_size=2, steps=9, seed=1, first_step=4)
    assert len(rest) == 5
    assert list(rest) == whole[4:]


def test_the_rate_is_transformers_cosine_with_warm_up() -> None:
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    reference = get_cosine_schedule_with_warmup(optimizer, num_warmup_steps=3, num_training_steps=20)
    for step in range(20):
        assert rate_factor(step, steps=20, warmup_ratio=0.15) == pytest.approx(reference.get_last_lr()[0])
        optimizer.step()
        reference.step()
    assert rate_factor(0, steps=1, warmup_ratio=0.0) == 1.0


@pytest.mark.parametrize("name", preset_names("hawkeye_core.training"))
def test_every_preset_is_valid_and_can_be_overridden(name: str) -> None:
    settings = load_settings(
        TrainSettings,
        config=name,
        package="hawkeye_core.training",
        overrides=["steps=7", "epochs=null", "model.moe=off"],
    )
    assert settings.steps == 7
    assert settings.model.moe is False
    assert settings.model.tau == 0.07
