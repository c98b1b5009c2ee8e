"""Token ids of a video, of questions behind it and of their answers, as Hawkeye's own prompts have them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from transformers import PreTrainedTokenizerBase

from hawkeye_core.tiny.account import Account
from hawkeye_core.tiny.llava_config import MAX_LENGTH
from hawkeye_core.tiny.packing import Turn
from hawkeye_core.tiny.questions import Exchange, draw_exchanges
from hawkeye_core.training.collate import Collator

QUESTIONS = 8
"""Asked about each stretch of video."""


class Asker:
    """Makes the parts of packed rows.

    Args:
        tokenizer: Of the language model.
        scene_token_id: The placeholder of a video token, two a frame.
        foreign: Keys of what is told of all videos, to ask for what is not there.
        texts: Sentences to learn without a video, one a stretch; may be empty.
    """

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, *, scene_token_id: int, foreign: Sequence[str] = (),
        texts: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self.tokenizer, self.foreign, self.texts = tokenizer, foreign, texts
        self.collator = Collator(tokenizer, scene_token_id=scene_token_id, max_length=MAX_LENGTH)

    def prefix(self, frames: int, fps: float) -> list[int]:
        """A video of so many frames, with its times."""
        seconds = Counter(int(k / fps) for k in range(frames))
        ending = len(self.question(""))  # what stands behind the video in a prompt without a question
        return self.collator.join_prompt(list(seconds.items()), "")[:-ending]

    def question(self, text: str) -> list[int]:
        """A question behind a video, as :class:`~hawkeye_core.training.collate.Collator` puts it."""
        whole = self.collator.join_prompt([(0, 1)], text)
        place = max(index for index, token in enumerate(whole) if token == self.collator.scene_token_id)
        return whole[place + 1 :]

    def turn(self, exchange: Exchange) -> Turn:
        """A question and its answer."""
        return Turn(self.question(exchange.question), self.collator.end_answer(exchange.answer))

    def turns(self, account: Account, rng: np.random.Generator) -> list[Turn]:
        """Questions on a stretch of video, and perhaps a sentence of its own."""
        asked = draw_exchanges(account, rng, count=QUESTIONS, foreign=self.foreign)
        return [*map(self.turn, asked), *self._alone(rng)]

    def _alone(self, rng: np.random.Generator) -> list[Turn]:
        if not self.texts:
            return []
        text = self.texts[int(rng.integers(len(self.texts)))]
        return [Turn([int(self.tokenizer.bos_token_id or 0)], self.collator.end_answer(text), alone=True)]


def keys_of(accounts: Sequence[Account]) -> tuple[str, ...]:
    """All that is told in them, for :class:`Asker`."""
    return tuple(sorted({item.key for account in accounts for item in account.told}))


def held_out_questions(
    accounts: Sequence[Account], foreign: Sequence[str], *, seed: int, count: int = 5
) -> list[tuple[int, Exchange]]:
    """Questions on whole held-out videos, some of each kind, each with its video's number."""
    rng = np.random.default_rng([seed, 1])
    return [
        (index, exchange)
        for index, account in enumerate(accounts)
        for exchange in draw_exchanges(account, rng, count=count, foreign=foreign)
    ]
