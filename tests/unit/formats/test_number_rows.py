"""Rows of text made of words and numbers: the same digits that Python writes, however numbers are looked up."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from framelabel.formats.number_rows import Part, number_rows_text
from framelabel.formats.numbers import number_lines


def _slowly(parts: list[Part], *, is_short: bool) -> bytes:
    count = next(len(part) for part in parts if not isinstance(part, bytes))
    rows = []
    for row in range(count):
        cells = [part.decode() if isinstance(part, bytes) else str(part[row].item()) for part in parts]
        rows += [cell.removesuffix(".0") if is_short else cell for cell in cells]
    return "".join(rows).encode()


DECIMALS = {
    "two places": np.array([0.0, 0.01, 0.1, 9.99, 10.0, 123.45, 9999.99, 7.0]),
    "negative": np.array([-0.01, -0.5, -1.0, -999.99, -12.25, 3.0, -7.1]),
    "beyond the tables": np.array([10000.0, 12345.67, -1000.0, 1.0, 2.5, 3.0, 4.0, 5.0]),
    "many places": np.array([1.005, 182.5400000000001, 2.0, 0.0125, 4.25, 5.5, 6.0, 7.0, 8.0]),
    "one whole number": np.array([912.0, 912.0, 912.0]),
    "one decimal": np.array([0.25, 0.25]),
}


@pytest.mark.parametrize("is_short", [False, True])
@pytest.mark.parametrize("values", DECIMALS.values(), ids=DECIMALS)
def test_decimals_are_written_by_their_shortest_digits(values: NDArray[np.float64], is_short: bool) -> None:
    """Every decimal reads back as itself and has the digits that Python gives it, also beside a percent sign."""
    parts: list[Part] = [b"100% ", values, b",", values[::-1].copy(), b"\n"]
    assert number_rows_text(parts, is_short=is_short) == _slowly(parts, is_short=is_short)


@pytest.mark.parametrize(
    "values",
    [[0, 9, 10, 9999], [10_000, 10_001, 9_999, 99_999_999, 0], [-1, -1], [True, False]],
    ids=["four digits", "eight digits", "one negative number", "yes and no"],
)
def test_whole_numbers_keep_every_digit(values: list[int]) -> None:
    """Zeros in the middle stay, leading ones do not appear; yes is 1 and no is 0."""
    column = np.array(values)
    expected = "".join(f"{int(value)};" for value in values).encode()
    assert number_rows_text([column, b";"]) == expected
    assert number_lines(column) == expected.replace(b";", b"\n")


def test_what_the_tables_do_not_hold_is_left_to_others() -> None:
    """Large or negative whole numbers, and decimals that mostly have many places, are refused, never cut."""
    assert number_rows_text([np.array([1, 100_000_000])]) is None
    assert number_lines(np.array([2**60 + 1, 2**60 + 1])) == b"1152921504606846977\n1152921504606846977\n"
    assert number_rows_text([np.array([1, -1])]) is None
    assert number_rows_text([np.array([0.123, 0.456])]) is None


def test_lines_of_every_size_read_back() -> None:
    """A hundred thousand random boxes come back to the last digit, whether their digits are few or many."""
    rng = np.random.default_rng(3)
    for scale, places in ((1e3, 2), (1e5, 2), (1e3, 12), (1.0, 17)):
        boxes = np.round(rng.normal(0, scale, (25_000, 4)), places)
        lines = number_lines(np.arange(25_000), boxes)
        back = np.array([line.split(b",") for line in lines.splitlines()], np.float64)
        assert np.array_equal(back, np.column_stack([np.arange(25_000), boxes]))
