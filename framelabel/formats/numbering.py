"""Foreign identifiers of any type as dense integers, and values of uncertain type as what they should be."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import NO_TRACK
from framelabel.formats.report import Report

_ODD = -(1 << 62)


class Keys:
    """Foreign identifiers of any type as integers: whole numbers are themselves, others get codes far below these."""

    def __init__(self) -> None:
        self._odd: dict[Hashable, int] = {}

    def codes(self, values: Sequence[Any]) -> NDArray[np.int64]:
        """Return the (N,) codes of identifiers.

        Raises:
            TypeError, ValueError: an identifier is a list or an object.
        """
        plain = np.array(values)
        if plain.ndim == 1 and plain.dtype.kind == "i":
            return plain.astype(np.int64, copy=False)
        return np.array([self._code(value) for value in values], np.int64)

    def places(self, codes: NDArray[np.int64], rows: Mapping[Any, int]) -> NDArray[np.int64]:
        """Return the (N,) rows of the identifiers with these codes; -1 where `rows` has none."""
        names, numbers = self.codes(list(rows)), np.fromiter(rows.values(), np.int64, len(rows))
        if not len(names):
            return np.full(len(codes), -1, np.int64)
        low, high = int(names.min()), int(names.max())
        if high - low < 4 * len(names) + 1000:
            table = np.full(high - low + 1, -1, np.int64)
            table[names - low] = numbers
            within = (codes >= low) & (codes <= high)
            return (
                table[codes - low] if bool(within.all()) else np.where(within, table[codes * within - low * within], -1)
            )
        order = np.argsort(names)
        at = np.minimum(np.searchsorted(names[order], codes), len(names) - 1)
        return np.where(names[order][at] == codes, numbers[order][at], -1)

    def key(self, code: int) -> Hashable:
        """Return the identifier that has this code."""
        return next((key for key, known in self._odd.items() if known == code), int(code))

    def _code(self, value: Any) -> int:
        is_whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        if is_whole and abs(value) < 1 << 61:
            return int(value)
        return self._odd.setdefault(value, _ODD + len(self._odd))


class TrackNumbers:
    """Turns track ids as files hold them into integers, unique in their video: numbers stay, texts are numbered."""

    def __init__(self, report: Report) -> None:
        self.report = report

    def of(
        self, videos: Sequence[int], values: Sequence[Any], taken: Mapping[int, int] = MappingProxyType({})
    ) -> NDArray[np.int64]:
        """Return the (N,) ids of `values`, each in the video beside it; empty and negative ones are NO_TRACK.

        `taken` is the highest id that each video has besides.
        """
        try:
            plain = np.array(values)
        except (ValueError, OverflowError):
            plain = np.array([], dtype=object)
        if plain.ndim == 1 and plain.dtype.kind == "i":
            return np.where(plain < 0, NO_TRACK, plain).astype(np.int64)
        whole = [whole_number(value) for value in values]
        highest = dict(taken)
        for video, number in zip(videos, whole, strict=True):
            if number is not None:
                highest[video] = max(highest.get(video, -1), number)
        given: dict[tuple[int, str], int] = {}
        result = np.full(len(values), NO_TRACK, np.int64)
        for row, (video, value, number) in enumerate(zip(videos, values, whole, strict=True)):
            if number is not None:
                result[row] = max(number, NO_TRACK)
            elif value not in (None, ""):
                key = (video, str(value))
                if key not in given:
                    highest[video] = highest.get(video, 0) + 1
                    given[key] = highest[video]
                result[row] = given[key]
        if given:
            self.report.change("", f"{len(given)} track ids are not numbers; numbered in order of appearance")
        return result


def whole_number(value: Any) -> int | None:
    """Return a whole number written as number or text, None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**62:
        return int(value)
    if isinstance(value, int):
        return value if abs(value) < 2**62 else None
    if isinstance(value, str) and len(value) < 19 and value.removeprefix("-").isascii():
        digits = value.removeprefix("-")
        if digits.isdigit() and (digits == "0" or not digits.startswith("0")):
            return int(value)
    return None


def fraction_of(value: Any) -> Fraction:
    """Return a picture rate written as number or "30000/1001"; 0 when it is missing or absurd.

    Decimals become the nearest fraction with a denominator up to 1001, so that 29.97002997 is 30000/1001 again.
    """
    try:
        if isinstance(value, str) and "/" in value:
            rate = Fraction(value)
        else:
            rate = Fraction(float(value)).limit_denominator(1001)
    except (TypeError, ValueError, OverflowError, ZeroDivisionError):
        return Fraction(0)
    return rate if 0 < rate < 1_000_000 else Fraction(0)


def sequence(value: Any) -> list[Any]:
    """Return a list as it is.

    Raises:
        TypeError: it is something else.
    """
    if not isinstance(value, list):
        msg = f"expected a list, found {type(value).__name__}"
        raise TypeError(msg)
    return value


def column(block: list[dict[str, Any]], key: str) -> list[Any]:
    """Return one field of all records; None where it is missing."""
    try:
        return [record[key] for record in block]
    except KeyError:
        return [record.get(key) for record in block]
