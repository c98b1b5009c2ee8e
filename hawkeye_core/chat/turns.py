"""Layout of a conversation in tokens, and what of it is left out when it outgrows the language model.

As Vicuna was taught, and as :class:`~hawkeye_core.training.collate.Collator` lays out the first turn::

    <s>USER: 0.0s<scene tokens>1.0s<...>\\n<first question> ASSISTANT: <answer></s>USER: <question> ASSISTANT: <answer></s>...
"""  # noqa: E501 - one line of tokens

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hawkeye_core.errors import ConfigError
from hawkeye_core.training.collate import ASSISTANT, Collator
from hawkeye_core.training.windows import WindowSpec

MAX_QUESTION = 10_000
"""Characters of a question; longer ones are refused before they are put into tokens."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A question about one window and the tokens that answered it, without the one that ends an answer.

    Args:
        question: On the window's clock.
        answer: Token ids.
    """

    question: str
    answer: tuple[int, ...]


class Layout:
    """Token ids of one window's conversation.

    Args:
        collate: Of the model.
        spec: The window.
        room: Tokens that an answer may take.
    """

    def __init__(self, collate: Collator, spec: WindowSpec, *, room: int) -> None:
        self._collate = collate
        self._room = room
        self._eos = int(collate.tokenizer.eos_token_id)
        self.prefix = _to_last_scene(collate.prompt_ids(spec), collate.scene_token_id)

    def row(self, turns: Sequence[Turn], question: str | None = None) -> list[int]:
        """All tokens of some turns, and of a new question behind them."""
        ids = list(self.prefix)
        for place, turn in enumerate(turns):
            ids += [*self._asked(turn.question, first=not place), *turn.answer, self._eos]
        return ids if question is None else ids + self._asked(question, first=not turns)

    def fit(self, turns: Sequence[Turn], question: str) -> tuple[Turn, ...]:
        """The turns that leave room for a question and its answer.

        The oldest follow-ups go first, one after another; the first turn, with the paper's question, goes last. The
        scene tokens always stay.

        Raises:
            ConfigError: The question does not fit even without any turn.
        """
        kept = tuple(turns)
        while (length := len(self.row(kept, question)) + self._room) > self._collate.max_length:
            if not kept:
                raise ConfigError(
                    f"the window, the question and an answer need {length} tokens; the language model takes "
                    f"{self._collate.max_length}",
                    remedy="ask a shorter question, allow shorter answers, or use shorter windows",
                )
            kept = (kept[0], *kept[2:]) if len(kept) > 1 else ()
        return kept

    def _asked(self, question: str, *, first: bool) -> list[int]:
        if first:
            ids = self._collate.join_prompt([(0, 1)], question)
            return ids[len(_to_last_scene(ids, self._collate.scene_token_id)) :]
        text = f"USER: {question}{ASSISTANT}"
        return list(self._collate.tokenizer.encode(text, add_special_tokens=False))


def plain_question(text: str) -> str:
    """A question as one line, without control characters and angle brackets, which could spell a special token.

    Raises:
        ConfigError: Nothing is left, or it is too long.
    """
    if len(text) > MAX_QUESTION:
        raise ConfigError(f"a question has at most {MAX_QUESTION} characters, not {len(text)}")
    kept = "".join(" " if char in "<>" or not char.isprintable() else char for char in text)
    question = " ".join(kept.split())
    if not question:
        raise ConfigError("the question is empty")
    return question


def _to_last_scene(ids: list[int], scene: int) -> list[int]:
    """The beginning of a prompt, up to its last scene placeholder."""
    return ids[: len(ids) - ids[::-1].index(scene)]
