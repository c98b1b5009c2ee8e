"""Texts that people typed, made fit for a table."""

from __future__ import annotations

from hawkeye_core.datasets.source import Remark
from hawkeye_core.errors import AnnotationError
from hawkeye_core.training.stage1.rows import MAX_TEXT


def clean_text(text: str, *, subject: str, where: str, remedy: str, remarks: list[Remark]) -> str:
    """Spaces made single; characters that cannot be printed left out, which is remarked.

    Args:
        text: An expression or caption.
        subject: Of the remark.
        where: File and place, for the error.
        remedy: What to do about the error.
        remarks: Gets the remark.

    Raises:
        AnnotationError: It is longer than a row of stage 1 may be.
    """
    if len(text) > MAX_TEXT:
        raise AnnotationError(f"a text of {len(text):,} characters, more than {MAX_TEXT}", path=where, remedy=remedy)
    words = " ".join(text.split())
    if words.isprintable():
        return words
    printable = " ".join("".join(filter(str.isprintable, words)).split())
    detail = ascii(words[:60])
    remarks.append(Remark("note", "characters that cannot be printed are left out", subject, detail))
    return printable
