"""Prompts of stage 1 beside those of stage 2, labels, and what a model makes of a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader

from hawkeye_core.answers.render import INSTRUCTION
from hawkeye_core.errors import ConfigError
from hawkeye_core.model.config import HawkeyeConfig
from hawkeye_core.model.hawkeye import HawkeyeModel
from hawkeye_core.model.outputs import IGNORE
from hawkeye_core.model.tiny import SCENE, byte_tokenizer, tiny_llava
from hawkeye_core.training.collate import Collator
from hawkeye_core.training.stage1.collate import Stage1Collator
from hawkeye_core.training.stage1.dataset import Stage1Dataset
from hawkeye_core.training.stage1.order import EpochBatches
from hawkeye_core.training.windows import WindowSample, WindowSpec

TOKENIZER = byte_tokenizer()
SCENE_ID = TOKENIZER.convert_tokens_to_ids(SCENE)
MakeData = Callable[..., Stage1Dataset]


@pytest.fixture
def collator() -> Stage1Collator:
    return Stage1Collator(TOKENIZER, scene_token_id=SCENE_ID, max_length=4096)


def test_the_image_has_the_next_second_to_itself(collator: Stage1Collator, make_data: MakeData) -> None:
    data = make_data()
    text = TOKENIZER.decode(collator.prompt_ids(data.spec(0)))
    assert text == f"<s>USER: 0.0s{SCENE * 16}1.0s{SCENE * 2}\n{data.spec(0).question} ASSISTANT:"


def test_a_motion_of_a_second_and_an_image_look_like_nine_frames_of_stage_2(
    collator: Stage1Collator, make_data: MakeData
) -> None:
    spec = make_data().spec(0)
    plain = Collator(TOKENIZER, scene_token_id=SCENE_ID, max_length=4096)
    expected = TOKENIZER.decode(plain.prompt_ids(WindowSpec("v", 0, 9, 8.0))).replace(INSTRUCTION, spec.question)
    assert TOKENIZER.decode(collator.prompt_ids(spec)) == expected


@pytest.mark.parametrize(
    ("end", "seconds"),
    [(0.5, [(0, 4), (1, 1)]), (1.25, [(0, 8), (1, 2), (2, 1)]), (2.5, [(0, 8), (1, 8), (2, 4), (3, 1)])],
)  # fmt: skip
def test_motions_of_other_lengths(
    collator: Stage1Collator, make_data: MakeData, end: float, seconds: list[tuple[int, int]]
) -> None:
    data = make_data(motions=[{"video": "walk", "start": 0, "end": end, "caption": "x"}])
    expected = "".join(f"{second}.0s" + SCENE * 2 * frames for second, frames in seconds)
    assert TOKENIZER.decode(collator.prompt_ids(data.spec(0))).startswith(f"<s>USER: {expected}\nDescribe")


def test_one_typed_prompts(collator: Stage1Collator, make_data: MakeData) -> None:
    data = make_data(pairing="separate")
    region, motion = (TOKENIZER.decode(collator.prompt_ids(data.spec(n))) for n in (0, 5))
    assert region == f"<s>USER: 0.0s{SCENE * 2}\nDescribe the image region [0.10, 0.10, 0.60, 0.90]. ASSISTANT:"
    assert motion == f"<s>USER: 0.0s{SCENE * 16}\nJudge the action of the characters in the video. ASSISTANT:"


@pytest.mark.parametrize("pairing", ["joint", "separate"])
def test_labels_are_the_answers(collator: Stage1Collator, make_data: MakeData, pairing: str) -> None:
    samples = list(make_data(pairing=pairing))
    batch = collator(samples)
    for row, sample in enumerate(samples):
        learned = batch["labels"][row] != IGNORE
        assert TOKENIZER.decode(batch["labels"][row][learned]) == f" {sample.answer}</s>"
        assert int((batch["input_ids"][row] == SCENE_ID).sum()) == 2 * sample.spec.stop
    assert batch["scene"].shape == (len(samples), max(sample.spec.stop for sample in samples))
    assert collator.prompts(samples, room=1)["input_ids"].shape[0] == len(samples)


def test_a_sample_that_is_too_long_names_motion_and_image(make_data: MakeData) -> None:
    short = Stage1Collator(TOKENIZER, scene_token_id=SCENE_ID, max_length=64)
    data = make_data(motions=[{"video": "wave", "start": 0, "end": 1, "caption": "x"}])
    with pytest.raises(ConfigError, match=r"frames 0 to 9 of 'wave\+photo' need \d+ tokens"):
        short([data[0]])


def test_samples_of_stage_2_are_refused(collator: Stage1Collator, make_data: MakeData) -> None:
    spec = WindowSpec("v", 0, 1, 8.0)
    with pytest.raises(TypeError, match="WindowSpec is not the spec of a stage-1 sample"):
        collator.prompt_ids(spec)
    with pytest.raises(TypeError, match="WindowSample is not a stage-1 sample"):
        collator.answer_ids(WindowSample(spec, make_data()[0].window, ()))


@pytest.mark.parametrize("pairing", ["joint", "separate"])
def test_a_small_model_learns_the_answers(collator: Stage1Collator, make_data: MakeData, pairing: str) -> None:
    torch.manual_seed(0)
    llava = tiny_llava(vision_width=16, hidden_size=32, layers=1, heads=2)
    config = HawkeyeConfig(llava=llava, action_width=8, graph_width=8, scene_heads=2, expert_layers=1)
    model = HawkeyeModel(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    data = make_data(pairing=pairing)
    batches: Any = EpochBatches(len(data), batch_size=3, steps=12, seed=0)
    losses = []
    for batch in DataLoader(data, batch_sampler=batches, collate_fn=collator):
        output = model(**batch)
        output.loss.backward()
        assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())
        optimizer.step()
        optimizer.zero_grad()
        losses.append(output.lm_loss.item())
    assert sum(losses[-3:]) < 0.8 * sum(losses[:3])


def test_workers_and_one_process_give_the_same_batches(collator: Stage1Collator, make_data: MakeData) -> None:
    data = make_data()

    def batches(workers: int) -> list[Any]:
        order = EpochBatches(len(data), batch_size=2, steps=6, seed=4)  # more than two epochs
        return list(DataLoader(data, batch_sampler=order, collate_fn=collator, num_workers=workers))

    for ours, theirs in zip(batches(0), batches(2), strict=True):
        assert torch.equal(ours["input_ids"], theirs["input_ids"])
        assert torch.equal(ours["scene"].keypoints, theirs["scene"].keypoints)
