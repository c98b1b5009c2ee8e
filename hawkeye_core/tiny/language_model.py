"""Forward pass of the small Video-LLaVA on packed batches, and greedy answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import VideoLlavaForConditionalGeneration

from hawkeye_core.model.outputs import IGNORE
from hawkeye_core.tiny.packing import PackedBatch


def embed(backbone: VideoLlavaForConditionalGeneration, input_ids: Tensor, tokens: Tensor) -> Tensor:
    """Text embeddings with the projected video tokens in their placeholders: [B, L], [N, D] -> [B, L, H]."""
    places = input_ids == int(backbone.config.video_token_index)
    text = backbone.get_input_embeddings()(input_ids.masked_fill(places, 0))
    return text.masked_scatter(places[..., None], backbone.model.multi_modal_projector(tokens).to(text.dtype))


def answer_logits(backbone: VideoLlavaForConditionalGeneration, batch: PackedBatch) -> tuple[Tensor, Tensor]:
    """Logits of the rows that predict an answer token, [answer tokens, V], and those tokens."""
    hidden = backbone.model.language_model(
        inputs_embeds=embed(backbone, batch.input_ids, batch.tokens),
        attention_mask=batch.visible(),
        position_ids=batch.positions,
        use_cache=False,
    ).last_hidden_state
    targets = batch.labels[:, 1:]
    learned = targets != IGNORE
    return backbone.lm_head(hidden[:, :-1][learned]), targets[learned]


def answer_loss(backbone: VideoLlavaForConditionalGeneration, batch: PackedBatch) -> Tensor:
    """Mean cross-entropy of the answers' tokens."""
    return F.cross_entropy(*answer_logits(backbone, batch))


@torch.no_grad()
def answer(
    backbone: Any, prompts: Sequence[list[int]], tokens: Sequence[Tensor], *, pad: int, eos: int, longest: int = 96
) -> list[list[int]]:
    """Greedy answers, without the end token.

    Args:
        backbone: The model.
        prompts: [B] token ids of video and question.
        tokens: [B] video tokens, [placeholders, D] each.
        pad: Token id that fills up.
        eos: Token id that ends an answer.
        longest: Tokens at most.
    """
    length = max(map(len, prompts))
    device = tokens[0].device
    ids = torch.tensor([[pad] * (length - len(row)) + row for row in prompts], device=device)
    mask = torch.tensor([[0] * (length - len(row)) + [1] * len(row) for row in prompts], device=device)
    found = backbone.generate(
        inputs_embeds=embed(backbone, ids, torch.cat(list(tokens))),
        attention_mask=mask,
        max_new_tokens=longest,
        do_sample=False,
        eos_token_id=eos,
        pad_token_id=pad,
    )
    return [[token for token in row if token not in (pad, eos)] for row in found.tolist()]
