"""Decimal text that reads back to the same float64: widths, offsets and rows of numbers, vectorised."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from framelabel.formats.number_rows import Part, number_rows_text

Floats = NDArray[np.float64]

_DIGITS = (2, 4, 8, 10, 12, 13, 14, 15)
"""Decimal places tried. Rounding to 2 places that fits is the shortest that fits, because coordinates below 1e7 have
steps far below 0.01: a shorter decimal fits only where it is the same number. The same holds up to 8 places."""


def addend(start: Floats, total: Floats) -> Floats:
    """Return the (N,) shortest decimals w with start + w == total in float64.

    Formats that store a width instead of a corner (or a corner minus 1) stay exact this way, and a file's own 38.65
    does not come back as 38.650000000000034. Where no such w exists (see `restored`) it is total - start.
    """
    exact = total - start
    short = np.round(exact, _DIGITS[0])
    good = start + short == total
    if bool(good.all()):
        return short
    result = np.where(good, short, exact)
    pending = np.flatnonzero(~good)
    for digits in _DIGITS[1:]:
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
    corner, end = xyxy[:, :2], xyxy[:, 2:]
    size = addend(corner.ravel(), end.ravel()).reshape(-1, 2)
    return np.concatenate([corner, size], axis=1)


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


def number_lines(*columns: NDArray[Any]) -> bytes:
    """Return columns of numbers, (N,) or (N, K), as lines with commas between: by shortest digits, 912.0 as 912."""
    if not len(columns[0]):
        return b""
    cells = [cell for column in columns for cell in (column.T if column.ndim > 1 else [column])]
    parts: list[Part] = [part for cell in cells for part in (cell, b",")]
    text = number_rows_text([*parts[:-1], b"\n"], is_short=True)
    return _joined_lines(columns) if text is None else text


def _joined_lines(columns: Sequence[NDArray[Any]]) -> bytes:
    """As `number_lines`, for numbers of many digits."""
    tables: list[NDArray[Any]] = []
    for column in map(_wholes_if_constant, columns):
        table = column.reshape(len(column), -1)
        if tables and table.dtype.kind == tables[-1].dtype.kind == "i":
            table = np.concatenate([tables.pop(), table], axis=1)
        tables.append(table)
    texts = [row_texts(table, is_short=True) for table in tables]
    return b"\n".join(map(b",".join, zip(*texts, strict=True))) + b"\n"


def _wholes_if_constant(column: NDArray[Any]) -> NDArray[Any]:
    """Return a column as integers where it holds one whole number only."""
    first = column.flat[0]
    is_whole = column.dtype.kind != "f" or (column.ndim == 1 and bool((column == np.floor(first)).all()))
    return column.astype(np.int64) if is_whole and abs(first) < 2**53 else column


def row_texts(values: NDArray[Any], *, is_short: bool = False) -> list[bytes]:
    """Return (N, K) numbers as N texts with commas between the numbers; with `is_short`, 912 for 912.0.

    >>> row_texts(np.array([[1.5, 2.0], [3.0, 0.25]]))
    [b'1.5,2.0', b'3.0,0.25']
    """
    if not len(values):
        return []
    texts = _json(values)[2:-2].split(b"],[")
    if is_short and values.dtype.kind == "f":
        for row in np.flatnonzero((values == np.floor(values)).any(axis=1)).tolist():
            texts[row] = (texts[row] + b",").replace(b".0,", b",")[:-1]
    return texts


def cell_texts(values: NDArray[Any]) -> list[list[bytes]]:
    """Return (N, K) numbers as K columns of N texts.

    >>> cell_texts(np.array([[1, 2], [3, 4]]))
    [[b'1', b'3'], [b'2', b'4']]
    """
    if not len(values):
        return [[] for _ in range(values.shape[1])]
    cells = _json(values)[2:-2].replace(b"],[", b",").split(b",")
    return [cells[column :: values.shape[1]] for column in range(values.shape[1])]


def json_texts(values: Sequence[str]) -> list[bytes]:
    """Return each text as JSON, quoted and escaped."""
    return [b'"%b"' % value for value in orjson.dumps(values)[2:-2].split(b'","')] if values else []


def _json(values: NDArray[Any]) -> bytes:
    return orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)


def filled(template: bytes, *columns: Sequence[int] | Sequence[bytes]) -> bytes:
    """Return a template once for each row, with the row's values in place of its %d (int) and %b (bytes) in turn.

    >>> filled(b"<%d %b>", [1, 2], [b"a", b"b"])
    b'<1 a><2 b>'
    """
    return (template * len(columns[0])) % tuple(chain.from_iterable(zip(*columns, strict=True)))
