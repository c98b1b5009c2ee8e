"""Asks a model about every second of a batch of windows, behind prompts that it has read already."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from hawkeye_core.errors import ConfigError
from hawkeye_core.evaluation.anomaly_curve import seconds_of, window_probes
from hawkeye_core.model.hawkeye import HawkeyeModel
from hawkeye_core.model.outputs import Generated
from hawkeye_core.model.probes import yes_probabilities
from hawkeye_core.training.collate import Collator, PromptBatch
from hawkeye_core.training.windows import WindowSpec


def probe_windows(
    model: HawkeyeModel, collate: Collator, batch: PromptBatch, generated: Generated, specs: Sequence[WindowSpec]
) -> Tensor:
    """[B, most seconds] P(yes) for each second of each window.

    Args:
        model: In evaluation mode.
        collate: Made the batch.
        batch: Prompts of B windows.
        generated: What the model gave for them, with its embedded prompts and what it kept of them; the keys and values
            of the answer are given up.
        specs: [B] of the windows.

    Raises:
        ConfigError: A window and a question about a second are longer than the language model takes.
        ValueError: The prompts were not kept.
    """
    if generated.embeds is None or generated.kept is None:
        raise ValueError("a curve needs the prompts as generate() has read them")
    # Prompts are padded on the left and end alike, so all scene tokens end in one column.
    places = (batch["input_ids"] == collate.scene_token_id).any(0).nonzero()
    end = int(places.max()) + 1
    probes = window_probes(collate, max(map(seconds_of, specs)))
    mask = batch["attention_mask"][:, :end].to(model.device)
    longest = int(mask.sum(1).max()) + probes.length
    if longest > collate.max_length:
        raise ConfigError(
            f"a window and a question about one of its seconds need {longest} tokens; the language model takes "
            f"{collate.max_length}",
            remedy="leave the curve out with curve=off, or train with shorter windows",
        )
    head = torch.tensor(probes.head, dtype=torch.long, device=model.device)
    embeds = model.get_input_embeddings()(head).to(generated.embeds.dtype).expand(len(specs), -1, -1)
    shared = torch.cat([generated.embeds[:, :end], embeds], 1)
    shared_mask = torch.cat([mask, mask.new_ones(len(specs), len(probes.head))], 1)
    return yes_probabilities(
        model, shared, shared_mask, probes.tails, yes=probes.yes, no=probes.no, past=generated.kept.crop(end)
    )
