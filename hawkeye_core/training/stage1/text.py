"""Questions and answers of stage 1 (paper, section 4.1)."""

from __future__ import annotations

from collections.abc import Sequence

BOTH = "Describe the image region {region} and judge the action of the characters in the video."
"""The paper's instruction; ``{region}`` is its ``<objs>``."""

REGION_ONLY = "Describe the image region {region}."
MOTION_ONLY = "Judge the action of the characters in the video."

SEPARATOR = " & "
"""Stands between the region's sentence and the motion's."""


def coordinates(box: Sequence[float], *, width: int, height: int) -> str:
    """A box as text: ``[0.28, 0.13, 0.62, 0.86]``.

    The paper prints boxes as four numbers of two decimals and does not say more. This is the form in which LLaVA-1.5,
    the parent of the backbone, was shown RefCOCO: x1, y1, x2, y2 as parts of the image's width and height, origin top
    left. What sticks out of the image is cut off.

    Args:
        box: x1, y1, x2, y2 in pixels.
        width: Of the image, pixels.
        height: Of the image, pixels.
    """
    parts = (value / side for value, side in zip(box, (width, height, width, height), strict=True))
    return f"[{', '.join(f'{min(max(part, 0.0), 1.0):.2f}' for part in parts)}]"


def has_words(text: str) -> bool:
    """Whether :func:`sentence` leaves anything to say."""
    return any(character.isalnum() for character in text)


def sentence(text: str) -> str:
    """A caption as one sentence: "man in suit  wearing sunglasses" becomes "Man in suit wearing sunglasses."

    Spaces are made single, the first letter large, and a full stop put in place of whatever punctuation ends it.
    ``&`` becomes "and", since it separates the two sentences; angle brackets and control characters go, so that no
    caption can spell a special token of a tokenizer (``<video>``, ``</s>``).
    """
    words = "".join(" " if c.isspace() else c for c in text if c.isspace() or (c.isprintable() and c not in "<>"))
    words = " ".join(words.replace("&", " and ").split()).strip(" .,;:!?")
    return f"{words[:1].upper()}{words[1:]}."


def question(region: str | None, *, motion: bool) -> str:
    """The instruction of a sample.

    Args:
        region: Its coordinates as text, or None without a region.
        motion: Whether there is a motion to judge.
    """
    if region is None:
        return MOTION_ONLY
    return (BOTH if motion else REGION_ONLY).format(region=region)


def answer(expression: str | None, caption: str | None) -> str:
    """The region's sentence, then the motion's: "A man in suit. & A person waves."; None leaves one out."""
    return SEPARATOR.join(sentence(text) for text in (expression, caption) if text is not None)
