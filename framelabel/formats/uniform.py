"""JSON records that all have the same form, read as one table of numbers without making an object of each.

Taking the digits away from the text leaves the form of every record; when that is one form repeated, the digits alone
are the data. Anything else (a missing field, a word, another order) is read the usual way.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

_DIGITS = b"0123456789.-+ \t\r\n"
_NUMBER = b"0123456789.-+"
_ONLY_NUMBERS = bytes(byte if byte in _NUMBER else 0x20 for byte in range(256))
_EXPONENT = re.compile(rb"[0-9][eE]")
_NAME = re.compile(r"[A-Za-z_]+")


@dataclass(frozen=True, slots=True, eq=False)
class NumberTable:
    """The numbers of many records of one form."""

    fields: Mapping[str, slice]
    """Columns of each field; an empty list has none."""
    constants: Mapping[str, Any]
    """Fields that hold the same bool or null in every record."""
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
    end = text.find(b"}") + 1
    form = _form(text[:end], allowed)
    if form is None or _EXPONENT.search(text[:end]):  # an exponent in a later record would change its form
        return None
    fields, constants, columns = form
    one = text[:end].translate(None, _DIGITS) + b","
    shape = text.translate(None, _DIGITS) + b","
    count = len(shape) // len(one)
    if shape != one * count:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            values = np.fromstring(text.translate(_ONLY_NUMBERS).decode("ascii"), dtype=np.float64, sep=" ")
        except (DeprecationWarning, ValueError):
            return None
    if len(values) != count * columns or (len(values) and not float(np.abs(values).max()) < 2**53):
        return None
    return NumberTable(fields, constants, values.reshape(count, columns))


def _form(text: bytes, allowed: TableForm) -> tuple[dict[str, slice], dict[str, Any], int] | None:
    """Return the columns of each field of one record, or None when a value is not a number, list of numbers or word."""
    try:
        record = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(record, dict) or not allowed.required <= record.keys() <= allowed.widths.keys():
        return None
    fields: dict[str, slice] = {}
    constants: dict[str, Any] = {}
    column = 0
    for name, value in record.items():
        if not _NAME.fullmatch(name):
            return None
        if (value is None or isinstance(value, bool)) and name not in allowed.required:
            constants[name] = value
            continue
        items = value if isinstance(value, list) else [value]
        if not all(isinstance(item, (int, float)) and not isinstance(item, bool) for item in items):
            return None
        if len(items) != allowed.widths[name]:
            return None
        fields[name] = slice(column, column + len(items))
        column += len(items)
    return (fields, constants, column) if column else None
