"""Keys and values of a window's tokens, kept between questions: what was read once is not read again.

What is to be read next is always the whole row of tokens: the window's scene tokens, the turns so far, the new
question. As long as it begins like the row that is kept, only the rest goes through the language model. A follow-up, a
question that was broken off, a turn that was left out and a new beginning are thus one case, and the keys and values
are those of the row read at once (``tests/hawkeye_core/chat/test_conversation.py``).

Legend: L tokens of a row, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import torch
from torch import Tensor

from hawkeye_core.errors import WeightsError
from hawkeye_core.model.hawkeye import HawkeyeModel
from hawkeye_core.model.scene_batch import SceneBatch


class Seen(NamedTuple):
    """What the first pass over a window gives beside keys and values."""

    router: Tensor | None  # [T, 2, N] routing weights of its frames, None without a router
    frame_scores: Tensor | None  # [T] 0..1 of the dense head, None without one


class KeptWindow:
    """One window as the language model has read it; of one conversation, in one thread.

    Args:
        model: In evaluation mode.
        scene: Features of the window, B = 1.
        prefix: Token ids up to the last scene placeholder.
        autocast: Makes the context that the model runs in.
    """

    def __init__(
        self, model: HawkeyeModel, scene: Callable[[], SceneBatch], prefix: Sequence[int], *,
        autocast: Callable[[], AbstractContextManager[Any]] = nullcontext,
    ) -> None:  # fmt: skip
        self._model = model
        self._scene = scene
        self._prefix = list(prefix)
        self._autocast = autocast
        self._ids: list[int] = []
        self._cache: Any = None
        self.seen: Seen | None = None

    @property
    def ids(self) -> tuple[int, ...]:
        """The row whose keys and values are kept; nothing before the first question."""
        return tuple(self._ids)

    @torch.no_grad()
    def read(self, ids: Sequence[int]) -> Tensor:
        """Logits [V] of what follows a row of tokens; reads what of it is not kept.

        Args:
            ids: Begins with the prefix and goes on behind it.

        Raises:
            ValueError: It does not.
            WeightsError: What the model gives is no number.
        """
        row = list(ids)
        if row[: len(self._prefix)] != self._prefix or len(row) == len(self._prefix):
            raise ValueError("a row begins with the scene tokens of its window and goes on behind them")
        with self._autocast():
            hidden = self._read_all(row) if self._cache is None else self._read_rest(row)
            logits = self._model.backbone.lm_head(hidden[:, -1:])[0, -1]
        if not logits.isfinite().all():
            raise WeightsError(
                "the model's answer is no number",
                remedy="its weights or the stored features are damaged; train again, or take another checkpoint",
            )
        return logits

    def keep(self, ids: Sequence[int]) -> None:
        """Forget what of the kept row is not the beginning of ``ids``; the prefix always stays."""
        if self._cache is not None:
            self._crop(max(common(self._ids, list(ids)), len(self._prefix)))

    def _read_all(self, row: list[int]) -> Tensor:
        """[1, L, H] in one pass, as :meth:`HawkeyeModel.generate` reads a prompt: the first answer is its answer."""
        model, device = self._model, self._model.device
        tokens = torch.tensor([row], device=device)
        embeds, encoded = model.embed(tokens, self._scene().to(device))
        output = self._language(embeds, None, len(row))
        places = tokens == model.scene_token_id
        scores = None if model.dense is None else model.dense(output.last_hidden_state, places).float().sigmoid()
        self.seen = Seen(None if encoded.weights is None else encoded.weights[0], scores)
        self._ids, self._cache = row, output.past_key_values
        return output.last_hidden_state

    def _read_rest(self, row: list[int]) -> Tensor:
        """[1, rest, H]."""
        self._crop(min(common(self._ids, row), len(row) - 1))  # one token at least, whose logits are asked for
        rest = row[len(self._ids) :]
        embeds = self._model.get_input_embeddings()(torch.tensor([rest], device=self._model.device))
        output = self._language(embeds, self._cache, len(row))
        self._ids = row  # only now: where the pass was broken off, the row is the shorter one
        return output.last_hidden_state

    def _language(self, embeds: Tensor, cache: Any, length: int) -> Any:
        language_model: Any = self._model.backbone.model.language_model  # of transformers, which types neither
        positions = torch.arange(length - embeds.shape[1], length, device=embeds.device)[None]
        mask = torch.ones(1, length, dtype=torch.int64, device=embeds.device)
        return language_model(
            inputs_embeds=embeds, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True
        )

    def _crop(self, length: int) -> None:
        """Keep the first ``length`` tokens.

        By hand: transformers forgets so many tokens of each layer, and a pass that was broken off leaves layers of
        several lengths.
        """
        for layer in self._cache.layers:
            layer.keys = layer.keys[..., :length, :]
            layer.values = layer.values[..., :length, :]
        self._ids = self._ids[:length]


def common(first: list[int], second: list[int]) -> int:
    """How many tokens two rows begin with alike."""
    shortest = min(len(first), len(second))
    if first[:shortest] == second[:shortest]:  # the usual case, at the speed of a comparison
        return shortest
    return next((place for place in range(shortest) if first[place] != second[place]), shortest)
