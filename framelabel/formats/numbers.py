"""Decimal text that reads back to the same float64: widths, offsets and rows of numbers, vectorised."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_DIGITS = (0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 13, 14, 15)


def addend(start: Floats, total: Floats) -> Floats:
    """Return the (N,) shortest decimals w with start + w == total in float64.

    Formats that store a width instead of a corner (or a corner minus 1) stay exact this way, and a file's own 38.65
    does not come back as 38.650000000000034. Where no such w exists (see `restored`) it is total - start.
    """
    exact = total - start
    result = exact.copy()
    pending = np.arange(len(exact))
    for digits in _DIGITS:
        rounded = np.round(exact[pending], digits)
        good = start[pending] + rounded == total[pending]
        result[pending[good]] = rounded[good]
        pending = pending[~good]
        if not len(pending):
            break
    return result


def restored(start: Floats, total: Floats) -> Floats:
    """Return `total` as it comes back from its stored distance to `start`.

    It differs by one unit in the last place where the distance has fewer binary places than `total` (a box that
    starts left of the picture and ends at a tiny x2).
    """
    return np.asarray(start + (total - start), dtype=np.float64)


def xyxy_to_xywh(xyxy: Floats) -> Floats:
    """Return (N, 4) x, y, width, height such that x + width gives x2 again."""
    return np.stack(
        [xyxy[:, 0], xyxy[:, 1], addend(xyxy[:, 0], xyxy[:, 2]), addend(xyxy[:, 1], xyxy[:, 3])],
        axis=1,
    )


def xywh_to_xyxy(xywh: Floats) -> Floats:
    """Return (N, 4) corners of x, y, width, height."""
    return np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:4]], axis=1)


def xywh_restored(xyxy: Floats) -> Floats:
    """Return boxes as they come back from a format that stores widths."""
    return np.concatenate([xyxy[:, :2], restored(xyxy[:, :2], xyxy[:, 2:])], axis=1)


def rounded(xyxy: Floats, digits: int = 9) -> Floats:
    """Return boxes as they come back from a format that stores fractions of the picture."""
    return np.round(xyxy, digits)


def shortest_fraction(values: Floats, scale: Floats | float, digits: int = 9) -> Floats:
    """Return the (N,) shortest decimals f (6 or more places) with round(f * scale, digits) == values."""
    exact = np.divide(values, scale)
    result = exact.copy()
    scales = np.broadcast_to(np.asarray(scale, np.float64), exact.shape)
    pending = np.arange(len(exact))
    for places in (6, 9, 12, 14):
        short = np.round(exact[pending], places)
        good = np.round(short * scales[pending], digits) == values[pending]
        result[pending[good]] = short[good]
        pending = pending[~good]
        if not len(pending):
            break
    return result


def delimited(columns: Sequence[list[int] | list[float] | list[str]], separator: bytes = b",") -> bytes:
    """Return rows of numbers as text: integers as they are, floats by shortest digits, 912.0 as 912.

    Texts must hold no comma and no bracket. Rows end with a newline.
    """
    if not columns or not columns[0]:
        return b""
    text = orjson.dumps(list(zip(*columns, strict=True)))[2:-2]
    text = text.replace(b"],[", b"\n").replace(b".0,", b",").replace(b".0\n", b"\n")
    text = text.removesuffix(b".0").replace(b'"', b"")
    if separator != b",":
        text = text.replace(b",", separator)
    return text + b"\n"


def texts(values: NDArray[Any], before: bytes = b"", after: bytes = b"") -> list[bytes]:
    """Return each number of an (N,) array, or each row of an (N, K) array, as JSON text between two fixed texts.

    >>> texts(np.array([1, 2]), b"<", b">")
    [b'<1>', b'<2>']
    """
    if not len(values):
        return []
    text = orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)
    body, separator = (text[2:-2], b"],[") if values.ndim == 2 else (text[1:-1], b",")
    return (before + body.replace(separator, after + b"\0" + before) + after).split(b"\0")


def woven(*columns: list[bytes]) -> bytes:
    """Return the texts of several columns row by row, joined."""
    return b"".join(chain.from_iterable(zip(*columns, strict=True)))
