"""All probes of a batch in one pass give what each gives alone: one prompt, one probe, nothing else."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from hawkeye_core.model.config import HawkeyeConfig
from hawkeye_core.model.hawkeye import HawkeyeModel
from hawkeye_core.model.probes import additive, visible, yes_probabilities
from hawkeye_core.model.saving import config_for, new_model
from hawkeye_core.model.tiny import tiny_llava

YES, NO = 40, 41
SMALL: dict[str, Any] = {"action_width": 8, "graph_width": 8, "scene_heads": 2, "expert_layers": 1}
LENGTHS = [37, 20, 9]
PROBES = [[50, 60, 61], [50, 62, 63, 64, 65], [51], [52, 66, 67, 68]]


@pytest.fixture(scope="module", params=["bytes", "bytes with LoRA", "shipped", "shipped with LoRA"])
def model(request: pytest.FixtureRequest) -> HawkeyeModel:
    """Adapters are not zero, so that they count."""
    torch.manual_seed(0)
    values = SMALL | {"lora": "LoRA" in request.param, "lora_rank": 4}
    if "shipped" in request.param:
        made = new_model(config_for("shipped", **values), dtype=torch.float32)  # it is stored in half precision
    else:
        made = HawkeyeModel(HawkeyeConfig(llava=tiny_llava(vision_width=16, hidden_size=32), **values))
    for name, parameter in made.named_parameters():
        if ".lora_B." in name:
            torch.nn.init.normal_(parameter, std=0.1)
    return made.eval()


def shared(model: HawkeyeModel) -> tuple[Tensor, Tensor]:
    """Embedded prompts of different lengths, padded on the left with what would show if it were seen."""
    ids = torch.randint(70, 200, (len(LENGTHS), max(LENGTHS)), generator=torch.Generator().manual_seed(1))
    mask = (torch.arange(max(LENGTHS)) >= max(LENGTHS) - torch.tensor(LENGTHS)[:, None]).long()
    return model.get_input_embeddings()(ids).detach(), mask


@torch.no_grad()
def alone(model: HawkeyeModel, prompt: Tensor, probe: list[int]) -> float:
    """[L, H] and its probe as one plain sequence."""
    embeds = torch.cat([prompt, model.get_input_embeddings()(torch.tensor(probe))])[None]
    hidden = model.backbone.model.language_model(inputs_embeds=embeds, use_cache=False).last_hidden_state
    yes, no = model.backbone.lm_head(hidden[0, -1])[[YES, NO]].double()
    return float(1 / (1 + (no - yes).exp()))


@pytest.mark.parametrize("tokens", [10_000, 32, 1], ids=["one pass", "several passes", "one probe a pass"])
def test_probes_together_equal_each_alone(model: HawkeyeModel, tokens: int) -> None:
    embeds, mask = shared(model)
    together = yes_probabilities(model, embeds, mask, PROBES, yes=YES, no=NO, tokens=tokens)
    single = torch.tensor([[alone(model, row[there.bool()], probe) for probe in PROBES]
                           for row, there in zip(embeds, mask, strict=True)])  # fmt: skip
    torch.testing.assert_close(together, single, atol=1e-5, rtol=0)
    assert single.std() > 1e-3  # they do not merely agree because all are alike


def test_no_probe_hears_another_and_what_follows_makes_no_difference(model: HawkeyeModel) -> None:
    embeds, mask = shared(model)
    first = yes_probabilities(model, embeds, mask, PROBES, yes=YES, no=NO)
    other = yes_probabilities(model, embeds, mask, [[90, 91], *PROBES[1:3], [92] * 7], yes=YES, no=NO)
    torch.testing.assert_close(first[:, 1:3], other[:, 1:3], atol=1e-5, rtol=0)
    assert (first[:, 0] - other[:, 0]).abs().max() > 1e-4
    torch.testing.assert_close(
        yes_probabilities(model, embeds, mask, PROBES, yes=NO, no=YES), 1 - first, atol=1e-6, rtol=0
    )


def test_the_mask_is_prompt_and_own_probe() -> None:
    seen = visible(torch.tensor([[0, 1, 1]]), 2, 2)[0, 0]
    assert seen.int().tolist() == [
        [0, 1, 1, 1, 0, 0, 0], [0, 1, 1, 1, 1, 0, 0], [0, 1, 1, 0, 0, 1, 0], [0, 1, 1, 0, 0, 1, 1],
    ]  # fmt: skip
    added = additive(seen, torch.bfloat16)
    assert added.dtype == torch.bfloat16
    assert ((added == 0) == seen).all()
    assert added.isfinite().all()
