import numpy as np
import pytest
import torch

from hawkeye_core.model.backbone import build_backbone
from hawkeye_core.model.outputs import IGNORE
from hawkeye_core.tiny.language_model import answer_logits
from hawkeye_core.tiny.llava_config import llava_config
from hawkeye_core.tiny.llava_tokenizer import train_tokenizer
from hawkeye_core.tiny.packing import PackedBatch, Turn, pack


@pytest.fixture(scope="module")
def backbone():
    torch.manual_seed(0)
    return build_backbone(llava_config(train_tokenizer(["a man walks"] * 3))).eval()


def _video(frames: int, seed: int):
    scene = 4  # <video>
    prefix = [1, 50, *[scene] * (2 * frames)]
    return prefix, torch.from_numpy(np.random.default_rng(seed).standard_normal((2 * frames, 128), dtype=np.float32))


def test_many_questions_in_one_sequence_give_the_logits_of_each_alone(backbone):
    (short, short_tokens), (long, long_tokens) = _video(2, 0), _video(5, 1)
    asked = [[Turn([60, 61], [70, 71, 2]), Turn([62], [72, 2])], [Turn([63, 64, 65], [73, 2])]]
    packed, _ = answer_logits(backbone, pack([short, long], asked, [short_tokens, long_tokens], pad=0))
    alone = [
        answer_logits(backbone, pack([prefix], [[turn]], [tokens], pad=0))[0]
        for prefix, tokens, turns in ((short, short_tokens, asked[0]), (long, long_tokens, asked[1]))
        for turn in turns
    ]
    torch.testing.assert_close(packed, torch.cat(alone), atol=1e-5, rtol=1e-4)


def test_a_text_without_a_video_does_not_see_it(backbone):
    prefix, tokens = _video(3, 0)
    text = Turn([1], [80, 81, 2], alone=True)
    one, _ = answer_logits(backbone, pack([prefix], [[text]], [tokens], pad=0))
    other, _ = answer_logits(backbone, pack([prefix], [[text]], [tokens + 1], pad=0))
    torch.testing.assert_close(one, other)
    seen, _ = answer_logits(backbone, pack([prefix], [[Turn([1], [80, 81, 2])]], [tokens + 1], pad=0))
    assert (seen - one).abs().max() > 1e-4


def test_positions_go_on_where_the_video_ends_and_labels_are_the_answers():
    batch = pack([[1, 4, 4]], [[Turn([10], [11, 2]), Turn([12], [13, 2])]], [torch.zeros(2, 128)], pad=0)
    assert batch.positions.tolist() == [[0, 1, 2, 3, 4, 5, 3, 4, 5]]
    assert batch.labels.tolist() == [[IGNORE] * 4 + [11, 2] + [IGNORE] + [13, 2]]


def test_padding_sees_only_itself_and_is_seen_by_nobody():
    batch = PackedBatch(
        torch.tensor([[1, 5, 0]]), torch.full((1, 3), IGNORE), torch.tensor([[0, 1, -1]]), torch.tensor([[0, 1, 0]]),
        torch.zeros(0, 128),
    )  # fmt: skip
    assert batch.visible()[0, 0].tolist() == [[True, False, False], [True, True, False], [False, False, True]]
