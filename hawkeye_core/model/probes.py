"""Yes or no to many short questions about one prompt: one prefill of what they share, one forward pass for all of them.

A 4-D mask lets each question see what is shared and itself, and the positions of each go on where the shared part ends,
so that every answer is that of the question asked alone.

Legend: B prompts, L tokens of the shared part, Q probes of a forward pass, A tokens of a probe, H width, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from hawkeye_core.model.hawkeye import HawkeyeModel

PROBE_TOKENS = 4096
"""Tokens of probes in one forward pass, over all prompts of a batch: a minute of video in four windows of an everyday
vocabulary. More are asked in several passes behind the same prefill. The mask is B Q A (L + Q A) numbers: at 4,096
tokens in four windows behind 1,100 tokens 36 MB in float32."""


@torch.no_grad()
def yes_probabilities(
    model: HawkeyeModel, shared: Tensor, attention_mask: Tensor, probes: Sequence[Sequence[int]], *, yes: int, no: int,
    tokens: int = PROBE_TOKENS, past: Any = None,
) -> Tensor:  # fmt: skip
    """How likely ``yes`` is behind each probe, where only ``yes`` and ``no`` may follow.

    Args:
        model: In evaluation mode.
        shared: [B, L, H] embedded tokens that every probe sees.
        attention_mask: [B, L], 0 for padding, which stands on the left.
        probes: Token ids of each, one or more; the same for all prompts.
        yes: The token of yes.
        no: The token of no.
        tokens: At most so many tokens of probes in one forward pass, but one probe at least.
        past: Keys and values of the first tokens of what is shared, fewer than L, which are not read again; those of
            the rest are put behind them.

    Returns:
        [B, number of probes] float32.
    """
    backbone: Any = model.backbone  # of transformers, which types neither its caches nor its outputs
    language_model = backbone.model.language_model
    positions = (attention_mask.cumsum(1) - 1).clamp(min=0)
    known = 0 if past is None else past.get_seq_length()
    cache = language_model(
        inputs_embeds=shared[:, known:], attention_mask=attention_mask, position_ids=positions[:, known:],
        past_key_values=past, use_cache=True,
    ).past_key_values  # fmt: skip
    longest = max(map(len, probes))
    at_once = max(1, tokens // (len(shared) * longest))
    found = []
    for begin in range(0, len(probes), at_once):
        part = probes[begin : begin + at_once]
        ids = torch.tensor([[*probe, *[no] * (longest - len(probe))] for probe in part], device=shared.device)  # [Q, A]
        embeds = model.get_input_embeddings()(ids).flatten(0, 1)  # [Q A, H]
        steps = torch.arange(longest, device=shared.device).repeat(len(part))  # [Q A]
        hidden = language_model(
            inputs_embeds=embeds.to(shared.dtype).expand(len(shared), -1, -1),
            attention_mask=additive(visible(attention_mask, len(part), longest), shared.dtype),
            position_ids=positions[:, -1:] + 1 + steps,
            past_key_values=cache,
            use_cache=True,
        ).last_hidden_state  # [B, Q A, H]
        cache.crop(
            -ids.numel()
        )  # what was shared stays; negative is how many to forget, in transformers 5.17 and later
        last = torch.tensor([place * longest + len(probe) - 1 for place, probe in enumerate(part)])
        logits = backbone.lm_head(hidden[:, last.to(hidden.device)])  # [B, Q, V]
        found.append(logits[..., [no, yes]].float().softmax(-1)[..., 1])
    return torch.cat(found, 1)


def visible(attention_mask: Tensor, probes: int, length: int) -> Tensor:
    """What a token of a probe sees: the shared tokens that are no padding, and those of its own probe up to itself.

    Args:
        attention_mask: [B, L] of the shared tokens.
        probes: Q.
        length: A.

    Returns:
        [B, 1, Q A, L + Q A] bool.
    """
    device = attention_mask.device
    probe = torch.arange(probes, device=device).repeat_interleave(length)
    own = (probe[:, None] == probe) & torch.ones(len(probe), len(probe), dtype=torch.bool, device=device).tril()
    before = attention_mask.bool()[:, None].expand(-1, len(probe), -1)  # [B, Q A, L]
    return torch.cat([before, own.expand(len(before), -1, -1)], -1)[:, None]


def additive(seen: Tensor, dtype: torch.dtype) -> Tensor:
    """A mask to add to scores of attention, which every implementation takes: 0 where seen, else the lowest number."""
    return torch.zeros_like(seen, dtype=dtype).masked_fill(~seen, torch.finfo(dtype).min)
