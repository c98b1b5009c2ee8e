import numpy as np
import pytest
import torch

from hawkeye_core.answers.segments import Segment
from hawkeye_core.model.outputs import IGNORE
from hawkeye_core.model.scene_encoder import halves
from hawkeye_core.model.time_encoding import sinusoidal_time
from hawkeye_core.tiny.account import Account, Told
from hawkeye_core.tiny.clips import TokenClip, draw_clip, join_clips, two_a_frame
from hawkeye_core.tiny.grounding import grounding_measures, temporal_iou
from hawkeye_core.tiny.language_task import LanguageTask
from hawkeye_core.tiny.llava_tokenizer import train_tokenizer
from hawkeye_core.tiny.questions import NOT_SEEN, Exchange, between

WIDTH = 128


def _clip(seed: int, frames: int = 32) -> TokenClip:
    rng = np.random.default_rng(seed)
    end = frames / 8
    told = (
        Told(0.0, end / 2, "a man walks", "a man walks slowly", 0, True),
        Told(end / 2, end, "a man falls", "a man falls down", 0, True),
    )
    return TokenClip(rng.standard_normal((frames, 5, WIDTH)).astype(np.float16), 8.0, Account(end, told, "A street."))


@pytest.fixture(scope="module")
def task() -> LanguageTask:
    texts = ["From 0.0 to 2.0 seconds, a man walks. A man falls down."] * 3
    return LanguageTask(
        train_tokenizer(texts), [_clip(0), _clip(1)], [_clip(2)], batch=2, texts=["A man hits a woman."]
    )


def test_a_question_stands_where_the_collator_puts_it(task):
    asker = task.asker
    whole = asker.collator.join_prompt([(0, 8), (1, 4)], "When?")
    assert asker.prefix(12, 8.0) + asker.question("When?") == whole
    assert task.tokenizer.decode(asker.prefix(12, 8.0)).replace("<video>", "") == "<s>USER: 0.0s1.0s"


def test_a_batch_holds_two_tokens_a_frame_and_ended_answers(task):
    batch = next(task.batches(0, 5))
    places = (batch.input_ids == task.asker.collator.scene_token_id).sum()
    assert len(batch.tokens) == places
    ended = batch.labels == task.tokenizer.eos_token_id
    answers = (batch.labels[:, 1:] != IGNORE) & (batch.labels[:, :-1] == IGNORE)
    assert ended.sum() == answers.sum() > 4


def test_batch_k_needs_no_batch_before_it(task):
    stream = task.batches(3, 0)
    for _ in range(2):
        next(stream)
    first, second = next(stream), next(task.batches(3, 2))
    assert (first.input_ids == second.input_ids).all()
    assert (first.tokens == second.tokens).all()


def test_halves_are_hawkeyes_tokens_without_scene_modules():
    clip = _clip(0)
    expected = halves(torch.from_numpy(clip.tokens[None, :, :4].astype(np.float32)))[0]
    torch.testing.assert_close(torch.from_numpy(two_a_frame(clip.tokens, None)), expected)


def test_some_tokens_look_as_untrained_scene_modules_hand_them_over():
    tokens = _clip(0).tokens
    plain = tokens.astype(np.float32)
    pair = torch.from_numpy(np.stack([plain[:, :4].mean(1), plain[:, 4]], 1))
    expected = torch.nn.functional.layer_norm(pair + sinusoidal_time(len(pair), WIDTH, like=pair)[:, None], (WIDTH,))
    found = [torch.from_numpy(two_a_frame(tokens, np.random.default_rng(seed))) for seed in range(30)]
    assert any((values - expected).abs().mean() < 0.1 for values in found)
    assert any((values - pair).abs().mean() < 0.1 for values in found)


def test_joined_clips_run_on():
    both = join_clips([_clip(0).cut(0, 8), _clip(1).cut(24, 32)])
    assert both.tokens.shape[0] == 16
    assert [(i.key, i.start_s, i.end_s) for i in both.account.told] == [
        ("a man walks", 0.0, 1.0), ("a man falls", 1.0, 2.0),
    ]  # fmt: skip


def test_drawn_clips_are_never_too_long():
    rng = np.random.default_rng(0)
    for longest in (24, 40, 96):
        lengths = [len(draw_clip([_clip(0), _clip(1, 96)], rng, longest=longest).tokens) for _ in range(50)]
        assert min(lengths) >= 8
        assert max(lengths) <= longest


def test_measures():
    asked = [
        Exchange("when", "", "From 1.0 to 3.0 seconds."), Exchange("when", "", "From 1.0 to 3.0 seconds."),
        Exchange("not", "", NOT_SEEN), Exchange("not", "", NOT_SEEN),
    ]  # fmt: skip
    said = ["From 2.0 to 4.0 seconds.", NOT_SEEN, NOT_SEEN, "From 0.0 to 1.0 seconds."]
    found = grounding_measures(asked, said, [10.0] * 4)
    assert found["iou"] == pytest.approx(1 / 6, abs=0.02)
    assert (found["absent"], found["denied"], found["exact"], found["iou_50"]) == (0.5, 0.5, 0.25, 0.0)


def test_iou_of_unions():
    first, second = [Segment(0, 1), Segment(2, 3)], [Segment(0, 3)]
    assert temporal_iou(first, second) == pytest.approx(2 / 3, abs=0.03)
    assert temporal_iou([], []) == 1.0
    assert temporal_iou(first, []) == 0.0


def test_a_short_span_is_written_with_a_length():
    assert between(3.01, 3.04) == "From 3.0 to 3.1 seconds"


def test_it_learns_and_answers(task):
    optimiser = torch.optim.AdamW(task.model.parameters(), lr=3e-3)
    losses = []
    for _, batch in zip(range(10), task.batches(0, 0), strict=False):
        loss = task.losses(batch)["language"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]
    task.model.eval()
    found = task.evaluate()
    assert set(found) == {"iou", "iou_50", "absent", "denied", "exact"}
