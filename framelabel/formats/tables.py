"""Text files of numbers, one record a line: read in blocks by numpy, line by line where a line is faulty."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from framelabel.formats.record_forms import numbers_of
from framelabel.formats.report import Report

Rows = tuple[NDArray[np.float64], NDArray[np.int64]]
"""(N, columns) numbers and the (N,) line numbers from 1."""


def number_rows(blocks: Iterable[bytes], report: Report, *, least: int, separator: bytes = b",") -> Iterator[Rows]:
    """Yield the rows of a text of numbers; lines with fewer than `least` numbers or with words are reported.

    All rows of one block have the same width; short rows of a mixed block are filled with NaN. Empty lines and lines
    that start with "#" are passed over.
    """
    rest = b""
    line = 1
    for block in _with_end(blocks):
        text = rest + block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        cut = text.rfind(b"\n") + 1
        text, rest = text[:cut], text[cut:]
        if text:
            count = text.count(b"\n")
            yield _fast(text, line, separator, least) or _slow(text, line, separator, least, report)
            line += count


def _with_end(blocks: Iterable[bytes]) -> Iterator[bytes]:
    yield from blocks
    yield b"\n"


def _fast(text: bytes, line: int, separator: bytes, least: int) -> Rows | None:
    """Return the rows of a text without any fault, or None."""
    lines = text.count(b"\n")
    first = text[: text.index(b"\n")]
    columns = first.count(separator) + 1
    if columns < least or text.count(separator) != (columns - 1) * lines or b"\n\n" in text:
        return None
    flat = text.replace(b"\n", b",") if separator == b"," else text.replace(b"\n", separator).replace(separator, b",")
    numbers = numbers_of(flat.removesuffix(b","))
    if numbers is None:
        return None
    if len(numbers) != columns * lines:
        return None
    return numbers.reshape(lines, columns), np.arange(line, line + lines)


def _slow(text: bytes, line: int, separator: bytes, least: int, report: Report) -> Rows:
    rows: list[list[float]] = []
    numbers: list[int] = []
    for number, content in enumerate(text.decode("latin-1").split("\n")[:-1], line):
        stripped = content.strip()
        if not stripped or stripped.startswith("#"):
            continue
        sign = separator.decode()
        fields = stripped.rstrip(sign).split(sign) if separator.strip() else stripped.split()
        try:
            values = [float(field) for field in fields]
        except ValueError:
            bad = next((field for field in fields if not _is_number(field)), "")
            report.skip(f"line {number}", f"{bad.strip()[:40]!r} is not a number", "write numbers only")
            continue
        if len(values) < least:
            report.skip(f"line {number}", f"has {len(values)} fields, needs {least}", "complete or remove the line")
            continue
        rows.append(values)
        numbers.append(number)
    width = max((len(row) for row in rows), default=least)
    table = np.full((len(rows), width), np.nan)
    for position, row in enumerate(rows):
        table[position, : len(row)] = row
    return table, np.array(numbers, np.int64)


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def whole_numbers(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which values are whole numbers that fit an identifier."""
    with np.errstate(invalid="ignore"):
        return np.asarray((np.abs(values) < 2**53) & (values == np.floor(values)), dtype=np.bool_)
