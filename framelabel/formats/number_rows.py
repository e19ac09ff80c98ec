"""Rows of text made of words and numbers, written without a Python object for each number.

Every number gets a place of fixed width in its row, its digits looked up in tables, the rest filled with zero bytes;
then the zero bytes are taken out of all rows at once. A number of more than two decimal places leaves a mark that its
own text replaces.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

Part = bytes | NDArray[Any]
"""Text that stands in every row, or the (N,) integers or floats of a column."""

_FILL, _MARK = b"\0", b"%b"
_HIGHEST = 10_000
"""Whole parts from here on (four digits) are not in the tables."""
_LOWEST = 1_000
"""Whole parts of negative numbers go to -999, sign and three digits."""
_MARKED = _HIGHEST + _LOWEST
_MOST_MARKED = 0.4
"""Of all decimals; above, joining texts row by row is as fast."""


def number_rows_text(parts: Sequence[Part], *, is_short: bool = False) -> bytes | None:
    """Return the rows one after the other; None where they are better made in another way.

    Floats are written by their shortest digits, with `is_short` 912.0 as 912.

    >>> number_rows_text([b"<", np.array([7, 1234]), b" ", np.array([1.5, -0.25]), b">"])
    b'<7 1.5><1234 -0.25>'
    """
    columns = [part for part in parts if not isinstance(part, bytes)]
    count = len(columns[0])
    numbers = [part if isinstance(part, bytes) else _constant(part, is_short=is_short) for part in parts]
    decimals = [part for part in numbers if not isinstance(part, bytes) and part.dtype.kind == "f"]
    heads, tails, marked = _decimal_places(decimals, count)
    if len(marked) > _MOST_MARKED * count * len(decimals):
        return None
    row = bytearray()
    fields: list[tuple[int, NDArray[np.uint32]]] = []
    at = 0
    for part in numbers:
        if isinstance(part, bytes):
            row += part.replace(b"%", b"%%") if len(marked) else part
            continue
        if part.dtype.kind == "f":
            words = [_heads()[heads[at]], _tails(is_short)[tails[at]]]
            at += 1
        else:
            whole = _whole_words(part)
            if whole is None:
                return None
            words = whole
        for word in words:
            fields.append((len(row), word))
            row += _FILL * 4
    places = [place for place, _ in fields]
    names = [f"f{number}" for number in range(len(fields))]
    form = np.dtype({"names": names, "formats": ["<u4"] * len(names), "offsets": places, "itemsize": len(row)})
    table = np.frombuffer(bytearray(bytes(row) * count), form)
    for name, (_, word) in zip(names, fields, strict=True):
        table[name] = word
    text = table.tobytes().translate(None, _FILL)
    if not len(marked):
        return text
    others = orjson.dumps(marked, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]
    return text % tuple((others.replace(b".0,", b",").removesuffix(b".0") if is_short else others).split(b","))


def _constant(part: NDArray[Any], *, is_short: bool) -> Part:
    """Return the text of a column that holds one whole number only, else the column."""
    first = part[0]
    if part.dtype.kind == "b":
        part = part.view(np.uint8)
    if not bool((part == first).all()) or not abs(first) < 2**53 or first != np.floor(first):
        return part
    is_decimal = part.dtype.kind == "f" and not is_short
    return b"%d.0" % int(first) if is_decimal else b"%d" % int(first)


def _decimal_places(
    columns: list[NDArray[np.float64]], count: int
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]:
    """Return (C, N) rows of `_heads` and of `_tails`, and the (M,) numbers that are in neither, row by row."""
    values = np.stack(columns) if columns else np.zeros((0, count))
    hundredths = np.rint(values * 100)
    has_places = hundredths / 100 == values
    lowest, highest = hundredths.min(initial=0), hundredths.max(initial=0)
    if not (lowest > -_LOWEST * 100 and highest < _HIGHEST * 100):
        has_places &= (hundredths < _HIGHEST * 100) & (hundredths > -_LOWEST * 100)
    is_every = bool(has_places.all())
    whole = (hundredths if is_every else np.where(has_places, hundredths, 0)).astype(np.int32)
    if lowest < 0:
        is_negative = whole < 0
        whole = np.abs(whole)
    heads = whole // 100
    tails = whole - heads * 100
    if lowest < 0:
        heads += is_negative * np.int32(_HIGHEST)
    if is_every:
        return heads, tails, np.zeros(0)
    other = ~has_places
    heads[other] = _MARKED
    tails[other] = 100
    return heads, tails, values.T[other.T]


def _whole_words(values: NDArray[Any]) -> list[NDArray[np.uint32]] | None:
    """Return the words of integers from 0 to 99,999,999; None when one is beyond."""
    lowest, highest = int(values.min()), int(values.max())
    if lowest < 0 or highest >= _HIGHEST**2:
        return None
    values = values.astype(np.int32)
    if highest < _HIGHEST:
        return [_heads()[values]]
    upper = values // _HIGHEST
    lower = values - upper * _HIGHEST
    has_upper = upper > 0
    return [np.where(has_upper, _heads()[upper], np.uint32(0)), _lower()[lower + has_upper * np.int32(_HIGHEST)]]


@cache
def _heads() -> NDArray[np.uint32]:
    """Return the texts 0 to 9999, then -0 to -999, then the mark."""
    negative = _digits(np.arange(_LOWEST))
    sign = (negative == 0).argmin(axis=1) - 1
    negative[np.arange(_LOWEST), sign] = ord("-")
    return np.concatenate([_words(_digits(np.arange(_HIGHEST))), _words(negative), _word(_MARK)])


@cache
def _lower() -> NDArray[np.uint32]:
    """Return the texts 0 to 9999, then 0000 to 9999: the lower four digits below nothing and below others."""
    numbers = np.arange(_HIGHEST)
    return np.concatenate([_words(_digits(numbers)), _words(_digits(numbers + _HIGHEST))])


@cache
def _tails(is_short: bool) -> NDArray[np.uint32]:
    """Return the texts .0 (nothing with `is_short`), .01 to .99, then nothing behind a mark."""
    texts = [b".%02d" % number for number in range(100)]
    texts = [text[:2] if text.endswith(b"0") else text for text in texts]
    return np.concatenate([_word(text) for text in (b"" if is_short else texts[0], *texts[1:], b"")])


def _digits(numbers: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return the (N, 4) last four digits of numbers as characters, zero bytes in place of leading zeros."""
    tens = np.array([1000, 100, 10, 1])
    digits = numbers[:, None] // tens
    is_leading = (digits == 0) & (tens > 1)
    return np.where(is_leading, 0, digits % 10 + ord("0")).astype(np.uint8)


def _words(characters: NDArray[np.uint8]) -> NDArray[np.uint32]:
    return characters.view("<u4").ravel()


def _word(text: bytes) -> NDArray[np.uint32]:
    return np.frombuffer(text.ljust(4, _FILL), "<u4")
