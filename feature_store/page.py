"""Header of a Parquet data page, and where its values begin.

The header is Thrift's compact protocol (parquet-format, ``parquet.thrift``: PageHeader, DataPageHeader). pyarrow does
not show it, and only the header says whether a column chunk is one page and where its levels end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_VARINT_BYTES = 10
_DEPTH = 4
_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12


class PageError(ValueError):
    """The bytes are not the page that was expected."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a column chunk."""

    kind: int  # 0 data page (v1), 2 dictionary page, 3 data page v2
    body: int  # offset of the first byte after the header
    size: int  # bytes of the body as stored
    crc: int | None  # CRC-32 of the body, unsigned
    num_values: int  # entries, counting one for every empty list
    encoding: int  # 0 PLAIN


def read_page(data: memoryview, offset: int) -> Page:
    """Parse the page header at ``offset``; raises :class:`PageError`."""
    reader = _Compact(data, offset)
    try:
        header = reader.struct(0)
        details = header.get(5) or header.get(8) or header.get(7) or {}
        crc = header.get(4)
        page = Page(
            kind=int(header[1]),
            body=reader.position,
            size=int(header[3]),
            crc=None if crc is None else int(crc) & 0xFFFFFFFF,
            num_values=int(details[1]),
            encoding=int(details.get(2, -1)),
        )
    except (KeyError, IndexError, TypeError) as error:
        raise PageError(f"no page header at byte {offset}") from error
    if page.size < 0 or page.body + page.size > len(data):
        raise PageError(f"the page at byte {offset} ends beyond the file")
    return page


def values_start(data: memoryview, page: Page, *, max_repetition: int, max_definition: int) -> int:
    """Offset of the first value of a data page v1: behind the two blocks of levels, each led by its length."""
    position = page.body
    for level in (max_repetition, max_definition):
        if level > 0:
            position += 4 + int.from_bytes(data[position : position + 4], "little")
        if position > page.body + page.size:
            raise PageError(f"the levels of the page at byte {page.body} end beyond it")
    return position


class _Compact:
    """Reader of Thrift's compact protocol; unknown fields are read and left out of nothing."""

    def __init__(self, data: memoryview, position: int) -> None:
        self.data = data
        self.position = position

    def byte(self) -> int:
        value = self.data[self.position]
        self.position += 1
        return value

    def varint(self) -> int:
        value = 0
        for index in range(_VARINT_BYTES):
            byte = self.byte()
            value |= (byte & 0x7F) << (7 * index)
            if byte < 0x80:
                return value
        raise PageError("a number in the page header is too long")

    def zigzag(self) -> int:
        value = self.varint()
        return (value >> 1) ^ -(value & 1)

    def struct(self, depth: int) -> dict[int, Any]:
        if depth > _DEPTH:
            raise PageError("the page header is nested too deeply")
        fields: dict[int, Any] = {}
        number = 0
        while head := self.byte():
            delta = head >> 4
            number = number + delta if delta else self.zigzag()
            fields[number] = self.value(head & 0x0F, depth)
        return fields

    def value(self, kind: int, depth: int) -> Any:
        if kind in (_TRUE, _FALSE):
            return kind == _TRUE
        if kind in (_I16, _I32, _I64):
            return self.zigzag()
        if kind == _STRUCT:
            return self.struct(depth + 1)
        if kind == _BYTE:
            return self.byte()
        if kind in (_DOUBLE, _BINARY):
            return self.skip(8 if kind == _DOUBLE else self.varint())
        raise PageError(f"the page header holds a field of kind {kind}, which Parquet's does not have")

    def skip(self, size: int) -> None:
        self.position += size
        if self.position > len(self.data):
            raise PageError("a text in the page header ends beyond the file")
