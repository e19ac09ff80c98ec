"""JSON records that all have the same form, read as one table of numbers without making an object of each.

Taking the digits away from the text leaves the form of every record; when that is one form repeated, the digits alone
are the data. Anything else (a missing field, a word, another order) is read the usual way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import orjson
from numpy.typing import NDArray

from framelabel.formats.record_forms import NUMBER, numbers_of

_DIGITS = b"0123456789.-+ \t\r\n"
_SEPARATED = bytes(0x2C if byte in b" \t\r\n" else byte for byte in range(256))
_NO_NUMBER = bytes(byte for byte in range(256) if byte not in NUMBER and byte != ord(","))
_WORDS = bytes(byte for byte in range(256) if byte not in NUMBER and byte not in b", \t\r\n")
_EXPONENT = re.compile(rb"[0-9][eE]")
_NAME = re.compile(r"[A-Za-z_]+")


@dataclass(frozen=True, slots=True, eq=False)
class NumberTable:
    """The numbers of many records of one form."""

    fields: Mapping[str, slice]
    """Columns of each field that holds numbers; null, false and empty lists count as absent."""
    values: NDArray[np.float64]
    """(N, columns)."""

    def __len__(self) -> int:
        return len(self.values)

    def column(self, name: str) -> NDArray[np.float64]:
        """Return the (N,) values of a field of one number."""
        return self.values[:, self.fields[name].start]


@dataclass(frozen=True, slots=True)
class TableForm:
    """Which records may be read as a table."""

    widths: Mapping[str, int]
    """How many numbers each field that may occur has."""
    required: frozenset[str]


def number_table(text: bytes, allowed: TableForm) -> NumberTable | None:
    """Return the records of `{...},{...}` as numbers; None when they are not all of one form or not only numbers."""
    first = text[: text.find(b"}") + 1]
    form = _form(first, allowed)
    if form is None or _EXPONENT.search(first):  # an exponent in a later record would change its form
        return None
    fields, has_empty, columns = form
    numbers = _alike(first, text) or _alike_but_for_space(first, text)
    if numbers is not None and has_empty:
        numbers = numbers.replace(b",,", b",")
    values = numbers_of(numbers) if numbers is not None else None
    if values is None or len(values) % columns or not float(np.abs(values).max(initial=0)) < 2**53:
        return None
    return NumberTable(fields, values.reshape(-1, columns))


def _alike(first: bytes, text: bytes) -> bytes | None:
    """Return the numbers of records that have the form of the first one to the last space; None when one differs."""
    start = text.find(b"{", len(first))
    between = text[len(first) : start] if start > 0 else b","
    one = first.translate(None, NUMBER) + between
    shape = text.translate(None, NUMBER) + between
    return text.translate(None, _NO_NUMBER) if shape == one * (len(shape) // len(one)) else None


def _alike_but_for_space(first: bytes, text: bytes) -> bytes | None:
    """As `_alike`, whatever space stands between the parts of a record; each space separates numbers."""
    one = first.translate(None, _DIGITS) + b","
    shape = text.translate(None, _DIGITS) + b","
    return text.translate(_SEPARATED, _WORDS) if shape == one * (len(shape) // len(one)) else None


def _form(text: bytes, allowed: TableForm) -> tuple[dict[str, slice], bool, int] | None:
    """Return the columns of each field of one record that says something, whether one says nothing, and how many.

    None when a value is a text.
    """
    try:
        record = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(record, dict) or not allowed.required <= record.keys() <= allowed.widths.keys():
        return None
    fields: dict[str, slice] = {}
    has_empty = False
    column = 0
    for name, value in record.items():
        if not _NAME.fullmatch(name):
            return None
        if (value is None or value is False or value == []) and name not in allowed.required:
            has_empty = True
            continue
        items = value if isinstance(value, list) else [value]
        if not all(isinstance(item, (int, float)) and not isinstance(item, bool) for item in items):
            return None
        if len(items) != allowed.widths[name]:
            return None
        fields[name] = slice(column, column + len(items))
        column += len(items)
    return (fields, has_empty, column) if column else None
