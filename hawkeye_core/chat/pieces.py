"""Tokens to pieces of text, as they come: a piece is given out when its characters are whole."""

from __future__ import annotations

from transformers import PreTrainedTokenizerBase

BROKEN = "\ufffd"
"""What decoding writes for bytes that are not yet, or never, a character."""


class TextPieces:
    """The text of a growing row of tokens, piece by piece.

    All pieces together are the text of the whole row without spaces at its beginning: an answer begins with the one
    behind ``ASSISTANT:``.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        self._ids: list[int] = []
        self._shown = ""

    def add(self, token: int) -> str:
        """What the token adds that is sure; may be empty."""
        self._ids.append(token)
        text = self._text()
        return self._next(text.rstrip(BROKEN))

    def rest(self) -> str:
        """What is left at the end."""
        return self._next(self._text())

    def _text(self) -> str:
        return str(self._tokenizer.decode(self._ids, skip_special_tokens=True)).lstrip(" ")

    def _next(self, text: str) -> str:
        piece = text[len(self._shown) :]
        self._shown = max(self._shown, text, key=len)
        return piece
