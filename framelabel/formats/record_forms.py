"""Text records that recur in a few forms, read as numbers without making an object of each.

Taking the digits away from a record leaves its form; what a form says besides its numbers is worked out once, from the
first record that has it. Every further record of that form costs a look in a dictionary and its numbers. Digits that
stand in words show as numbers too many or as malformed ones, and then nothing is read this way.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import numpy as np
import orjson
from numpy.typing import NDArray

F = TypeVar("F")

NUMBER = b"0123456789.-+"
"""Characters that numbers are made of; exponents are left to the usual readers."""
_MOST_FORMS = 4096
"""Labels with texts of their own have a form each; they are read the usual way."""


class RecordForms(Generic[F]):
    """The forms met so far. `describe` says what a record's form means, None when it cannot be read this way."""

    def __init__(self, describe: Callable[[bytes], F | None]) -> None:
        self._describe = describe
        self._known: dict[bytes, int] = {}
        self.forms: list[F] = []

    def of(self, text: bytes, boundary: bytes) -> NDArray[np.int64] | None:
        """Return the (N,) form numbers of the records between boundaries; None when one has no readable form."""
        skeletons = text.translate(None, NUMBER).split(boundary)
        try:
            return self._numbers(skeletons)
        except KeyError:
            if not self._learn(skeletons, text.split(boundary)):
                return None
            return self._numbers(skeletons)

    def _numbers(self, skeletons: list[bytes]) -> NDArray[np.int64]:
        return np.fromiter(map(self._known.__getitem__, skeletons), np.int64, len(skeletons))

    def _learn(self, skeletons: list[bytes], records: list[bytes]) -> bool:
        if len(records) != len(skeletons):
            return False
        for skeleton, record in zip(skeletons, records, strict=True):
            if skeleton in self._known:
                continue
            form = self._describe(record) if len(self.forms) < _MOST_FORMS else None
            if form is None:
                return False
            self._known[skeleton] = len(self.forms)
            self.forms.append(form)
        return True


def numbers_of(text: bytes) -> NDArray[np.float64] | None:
    """Return the numbers of a text that has commas, one or several, between them; None when one is malformed."""
    try:
        numbers = orjson.loads(b"[%b]" % text.strip(b","))
    except orjson.JSONDecodeError:
        if b",," not in text:
            return None
        return numbers_of(single_commas(text))
    try:  # a third faster than np.array, which first asks every number for its type
        return np.frombuffer(struct.pack(f"{len(numbers)}d", *numbers), np.float64)
    except (OverflowError, struct.error):
        return None


def single_commas(text: bytes) -> bytes:
    """Return a text with one comma in place of several."""
    while b",," in text:
        text = text.replace(b",,", b",")
    return text


def picked(
    values: NDArray[np.float64], form: NDArray[np.int64], widths: Sequence[int], columns: Sequence[Sequence[int]]
) -> NDArray[np.float64] | None:
    """Return (N, K) chosen numbers of records of several forms; None when the count of numbers differs.

    Args:
        values: the numbers of all records, one record after the other.
        form: (N,) the form of each record.
        widths: how many numbers each form has.
        columns: for each form which K of its numbers; -1 for one that it does not have, which becomes NaN.
    """
    width = np.array(widths, np.int64)[form]
    ends = np.cumsum(width)
    if len(values) != (int(ends[-1]) if len(ends) else 0):
        return None
    chosen = np.array(columns, np.int64)[form]
    places = (ends - width)[:, None] + chosen
    result = np.append(values, np.nan)[np.where(chosen < 0, len(values), places)]
    return np.asarray(result, dtype=np.float64)
