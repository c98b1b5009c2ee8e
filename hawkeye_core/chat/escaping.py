"""Text of models and files as a terminal may show it."""

from __future__ import annotations


def visible(text: str) -> str:
    """Every character that is neither printable nor a line break as an escape: ``\\x1b``, ``\\u202e``, ``\\udcff``.

    Control characters could move the cursor or hide what is said, those of writing direction turn it round, and half of
    a surrogate pair, as undecodable file names have them, cannot be written.
    """
    return "".join(
        char if char.isprintable() or char == "\n" else char.encode("unicode_escape").decode("ascii") for char in text
    )
