"""Foreign identifiers of any type as dense integers, and values of uncertain type as what they should be."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import NO_TRACK
from framelabel.formats.report import Report


class Numbering(dict[Hashable, int]):
    """Gives every new key the next number from 0; iterating yields the keys in that order."""

    def __missing__(self, key: Hashable) -> int:
        number = self[key] = len(self)
        return number

    def key(self, number: int) -> Hashable:
        """Return the key that has this number."""
        return list(self)[number]


class TrackNumbers:
    """Turns track ids as files hold them into integers, unique in their video: numbers stay, texts are numbered."""

    def __init__(self, report: Report) -> None:
        self.report = report

    def of(self, videos: Sequence[int], values: Sequence[Any]) -> NDArray[np.int64]:
        """Return the (N,) ids of `values`, each in the video beside it; empty and negative ones are NO_TRACK."""
        try:
            plain = np.array(values)
        except (ValueError, OverflowError):
            plain = np.array([], dtype=object)
        if plain.ndim == 1 and plain.dtype.kind == "i":
            return np.where(plain < 0, NO_TRACK, plain).astype(np.int64)
        whole = [_whole(value) for value in values]
        highest: dict[int, int] = {}
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


def _whole(value: Any) -> int | None:
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
