"""The whole model: placement of scene tokens, loss, generation, saving, padding, switches."""

from __future__ import annotations

import dataclasses

import pytest
import torch
import torch.nn.functional as F
from transformers import AutoModel

from hawkeye_core.model.config import HawkeyeConfig
from hawkeye_core.model.hawkeye import HawkeyeModel
from hawkeye_core.model.scene_encoder import SceneEncoder, halves
from hawkeye_core.model.tiny import byte_tokenizer

from .one_window import one

TOKENIZER = byte_tokenizer()


def build(config: HawkeyeConfig) -> HawkeyeModel:
    torch.manual_seed(0)
    return HawkeyeModel(config).eval()


def texts(model: HawkeyeModel, frames: int, question: str = " ?") -> list[int]:
    return [
        TOKENIZER.bos_token_id,
        *[model.scene_token_id] * (2 * frames),
        *TOKENIZER.encode(question, add_special_tokens=False),
    ]


def padded(rows: list[list[int]], value: int, *, left: bool = False) -> torch.Tensor:
    longest = max(map(len, rows))
    return torch.tensor(
        [[value] * (longest - len(r)) * left + r + [value] * (longest - len(r)) * (not left) for r in rows]
    )


def test_scene_tokens_stand_where_their_placeholders_were(make_config, make_scene) -> None:
    model, scene = build(make_config()), make_scene([3, 2])
    ids = padded([texts(model, 3), texts(model, 2, " what?")], TOKENIZER.pad_token_id)
    embeds, encoded = model.embed(ids, scene)
    projector = model.backbone.model.multi_modal_projector
    for b, frames in enumerate((3, 2)):
        placed = embeds[b][ids[b] == model.scene_token_id]
        torch.testing.assert_close(placed, projector(encoded.tokens[b, :frames].flatten(0, 1)))
    text = ids != model.scene_token_id
    torch.testing.assert_close(embeds[text], model.get_input_embeddings()(ids[text]))


def test_a_wrong_number_of_placeholders_is_refused_sample_by_sample(make_config, make_scene) -> None:
    model, scene = build(make_config()), make_scene([3, 2])
    ids = padded([texts(model, 2), texts(model, 3)], TOKENIZER.pad_token_id)  # the right sum, the wrong samples
    with pytest.raises(ValueError, match=r"\[4, 6\], scene tokens \[6, 4\]"):
        model.embed(ids, scene)


def test_the_loss_is_that_of_the_full_head_plus_lambda_l_bc(make_config, make_scene) -> None:
    model, scene = build(make_config(lambda_bc=0.3)), make_scene([3, 2])
    rows = [texts(model, 3), texts(model, 2)]
    answers = [TOKENIZER.encode("none"), TOKENIZER.encode("from 1 to 2")]
    ids = padded([r + a for r, a in zip(rows, answers, strict=True)], TOKENIZER.pad_token_id)
    labels = padded([[-100] * len(r) + a for r, a in zip(rows, answers, strict=True)], -100)
    mask = padded([[1] * len(r + a) for r, a in zip(rows, answers, strict=True)], 0)
    output = model(ids, mask, scene, labels)
    embeds, encoded = model.embed(ids, scene)
    logits = model.backbone(inputs_embeds=embeds, attention_mask=mask).logits
    full = F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100)
    torch.testing.assert_close(output.lm_loss, full)
    torch.testing.assert_close(output.loss, full + 0.3 * encoded.balance_loss)
    assert output.answer_tokens == sum(map(len, answers))
    names, parameters = zip(*model.named_parameters(), strict=True)
    ours = torch.autograd.grad(output.lm_loss, parameters, allow_unused=True)
    literal = torch.autograd.grad(full, parameters, allow_unused=True)
    moved = 0
    for name, one_, other in zip(names, ours, literal, strict=True):
        assert (one_ is None) == (other is None), name
        if one_ is not None and other is not None:
            torch.testing.assert_close(one_, other, atol=1e-7, rtol=1e-4, msg=name)
            moved += bool(one_.abs().max() > 0)
    assert moved > len(names) / 2
    everywhere = F.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
    assert abs(float((everywhere - full).detach())) > 1e-4  # rows of the question would be seen


def test_padding_changes_nothing(make_config, make_scene) -> None:
    encoder, scene = SceneEncoder(make_config()).eval(), make_scene([7, 4, 1], objects=4)
    for parameter in encoder.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    together = encoder(scene)
    for row, length in enumerate((7, 4, 1)):
        alone = encoder(one(scene, row, length))
        torch.testing.assert_close(together.tokens[row, :length], alone.tokens[0], atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(together.weights[row, :length], alone.weights[0], atol=1e-5, rtol=1e-4)
    noise = dataclasses.replace(
        scene,
        frame_tokens=torch.where(scene.frame_mask[..., None, None], scene.frame_tokens, 1e3),
        keypoints=torch.where(scene.frame_mask[..., None, None, None], scene.keypoints, 9.0),
    )
    other = encoder(noise)
    torch.testing.assert_close(other.tokens[scene.frame_mask], together.tokens[scene.frame_mask])
    torch.testing.assert_close(other.balance_loss, together.balance_loss)


def test_generation_in_a_batch_equals_one_by_one_and_teacher_forcing(make_config, make_scene) -> None:
    model, scene = build(make_config()), make_scene([3, 2])
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    rows = [texts(model, 3, " where"), texts(model, 2)]
    arguments = {"max_new_tokens": 6, "eos_token_id": TOKENIZER.eos_token_id, "pad_token_id": TOKENIZER.pad_token_id}
    mask = padded([[1] * len(row) for row in rows], 0, left=True)
    both = model.generate(padded(rows, TOKENIZER.pad_token_id, left=True), mask, scene, **arguments)
    assert both.token_ids.shape == both.probabilities.shape
    for row, length in enumerate((3, 2)):
        alone = model.generate(torch.tensor([rows[row]]), torch.ones(1, len(rows[row])).long(), one(scene, row, length),
                               **arguments)  # fmt: skip
        assert model.scene_token_id not in alone.token_ids
        steps = alone.token_ids.shape[1]
        assert both.token_ids[row, :steps].tolist() == alone.token_ids[0].tolist()
        torch.testing.assert_close(both.probabilities[row, :steps], alone.probabilities[0], atol=1e-5, rtol=1e-4)
        forced = torch.tensor([rows[row] + alone.token_ids[0].tolist()])
        embeds, _ = model.embed(forced, one(scene, row, length))
        shares = model.backbone(inputs_embeds=embeds).logits[0, len(rows[row]) - 1 : -1].softmax(-1)
        expected = shares.gather(1, alone.token_ids[0][:, None])[:, 0]
        torch.testing.assert_close(alone.probabilities[0], expected, atol=1e-5, rtol=1e-4)


def test_saving_and_loading_give_the_same_model(make_config, make_scene, tmp_path) -> None:
    model, scene = build(make_config(tau=0.5, edges="directed")), make_scene([2])
    model.save_pretrained(tmp_path)
    again = AutoModel.from_pretrained(tmp_path).eval()
    assert isinstance(again, HawkeyeModel)
    assert again.config.to_diff_dict() == model.config.to_diff_dict() | {
        "dtype": again.config.to_diff_dict().get("dtype")
    }
    ids = torch.tensor([texts(model, 2)])
    assert torch.equal(model.embed(ids, scene)[0], again.embed(ids, scene)[0])
    mask = torch.ones_like(ids)
    assert torch.equal(model(ids, mask, scene, ids).loss, again(ids, mask, scene, ids).loss)


def test_no_vision_tower_is_built(make_config) -> None:
    backbone = build(make_config()).backbone
    parts = {name.split(".")[1] for name, _ in backbone.named_parameters() if name.startswith("model.")}
    assert parts == {"language_model", "multi_modal_projector"}


@pytest.mark.parametrize(
    ("switch", "absent"),
    [
        ({"asg": False}, {"actions"}),
        ({"org": False}, {"relations"}),
        ({"moe": False}, {"moe", "kind"}),
        ({"scene": False}, {"actions", "relations", "moe", "kind", "concatenate"}),
        ({}, {"concatenate"}),
    ],
)
def test_switches_leave_parts_out_and_keep_the_number_of_tokens(make_config, make_scene, switch, absent) -> None:
    encoder = SceneEncoder(make_config(**switch))
    scene = make_scene([3, 2])
    out = encoder(scene)
    assert out.tokens.shape == (2, 3, 2, 16)
    assert not {name.split(".")[0] for name, _ in encoder.named_parameters()} & absent
    assert (out.weights is None) == bool({"moe"} & absent)
    if switch == {"scene": False}:
        assert torch.equal(out.tokens[:, :, 0], scene.frame_tokens[:, :, :2].mean(2))


def test_switched_off_streams_do_not_look_at_their_features(make_config, make_scene) -> None:
    scene = make_scene([3])
    without_people = dataclasses.replace(scene, person_mask=torch.zeros_like(scene.person_mask))
    encoder = SceneEncoder(make_config(asg=False))
    assert torch.equal(encoder(scene).tokens, encoder(without_people).tokens)
    encoder = SceneEncoder(make_config())
    assert not torch.equal(encoder(scene).tokens, encoder(without_people).tokens)


@pytest.mark.parametrize(
    ("grid", "expected"), [(1, [[0], [0]]), (4, [[0, 1], [2, 3]]), (9, [[0, 1, 2, 3], [4, 5, 6, 7, 8]])]
)
def test_halves_of_a_grid(grid: int, expected: list[list[int]]) -> None:
    tokens = torch.randn(1, 1, grid, 2)
    for half, members in enumerate(expected):
        torch.testing.assert_close(halves(tokens)[0, 0, half], tokens[0, 0, members].mean(0))


def test_bfloat16_runs_with_a_float32_balance_loss(make_config, make_scene) -> None:
    model, scene = build(make_config()).bfloat16(), make_scene([3])
    ids = torch.tensor([texts(model, 3)])
    output = model(ids, torch.ones_like(ids), scene, ids)
    assert output.balance_loss.dtype == torch.float32
    assert torch.isfinite(output.loss)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scene_heads": 3}, "does not divide the vision width 16"),
        ({"edges": "up"}, "allowed: undirected, directed"),
        ({"tau": 0.0}, "must be positive"),
        ({"importance": "log"}, "importance is 'log'"),
        ({"experts": 0}, "at least 1"),
    ],
)
def test_impossible_configurations_are_refused(make_config, change, message) -> None:
    with pytest.raises(ValueError, match=message):
        make_config(**change)


def test_the_byte_tokenizer_gives_back_every_text() -> None:
    text = "15.0, 17.0 and 日本 é\n\t<not special>"
    ids = TOKENIZER.encode(text, add_special_tokens=False)
    assert len(ids) == len(text.encode())
    assert TOKENIZER.decode(ids) == text
    answer = " From 15.0 to 17.0 seconds, there exists theft, as a man went to a shelf."
    ids = TOKENIZER.encode(answer, add_special_tokens=False)
    assert len(ids) < len(answer) / 2
    assert TOKENIZER.decode(ids, skip_special_tokens=True) == answer
