"""Agreement against the textbooks' own examples."""

from __future__ import annotations

import numpy as np
import pytest

from framelabel.review.agreement import (
    alpha_of_counts,
    cohen_kappa,
    fleiss_kappa,
    krippendorff_alpha,
    with_interval,
)
from framelabel.review.consensus.votes import Votes

# Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), section D: 12 units, 4 observers, missing values
_UNITS = """
1 1 . 1
2 2 3 2
3 3 3 3
3 3 3 3
2 2 2 2
1 2 3 4
4 4 4 4
1 1 2 1
2 2 2 2
. 5 5 5
. . 1 1
. . 3 .
"""
# Fleiss (1971): 14 raters put 10 subjects into 5 categories, as tabulated on the statistic's encyclopedia page
_FLEISS = [
    [0, 0, 0, 0, 14],
    [0, 2, 6, 4, 2],
    [0, 0, 3, 5, 6],
    [0, 3, 9, 2, 0],
    [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0],
    [3, 2, 6, 3, 0],
    [2, 5, 3, 2, 2],
    [6, 5, 2, 1, 0],
    [0, 2, 2, 3, 7],
]


def _votes() -> Votes:
    rows = [
        (unit, observer, int(value) - 1)
        for unit, line in enumerate(_UNITS.split("\n")[1:-1])
        for observer, value in enumerate(line.split())
        if value != "."
    ]
    units, observers, values = np.array(rows).T
    return Votes.of(units, observers, values)


@pytest.mark.parametrize(
    ("distance", "expected"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)], ids=str
)
def test_alpha_is_krippendorffs(distance: str, expected: float) -> None:
    """The published alpha of the published data, missing values included."""
    assert krippendorff_alpha(_votes(), distance) == pytest.approx(expected, abs=5e-4)


def test_fleiss_kappa_of_the_textbook_example() -> None:
    """0.210, as published."""
    assert fleiss_kappa(np.array(_FLEISS, np.float64)) == pytest.approx(0.210, abs=5e-4)


@pytest.mark.parametrize(
    ("table", "expected"), [([[20, 5], [10, 15]], 0.4), ([[45, 15], [25, 15]], 0.1304), ([[25, 35], [5, 35]], 0.2593)]
)
def test_cohen_kappa_of_textbook_tables(table: list[list[int]], expected: float) -> None:
    """Three two-by-two tables with known kappas."""
    pairs = [(row, column) for row in (0, 1) for column in (0, 1) for _ in range(table[row][column])]
    first, second = np.array(pairs).T
    assert cohen_kappa(first, second) == pytest.approx(expected, abs=5e-5)


def test_interval_covers_and_narrows() -> None:
    """The bootstrap interval holds the value, and is narrower with more tasks."""
    random = np.random.default_rng(0)

    def width(tasks: int) -> float:
        truth = np.repeat(random.integers(0, 2, tasks), 3)
        said = np.where(random.random(3 * tasks) < 0.85, truth, 1 - truth)
        votes = Votes.of(np.repeat(np.arange(tasks), 3), np.tile(np.arange(3), tasks), said)
        value, low, high = with_interval(votes, alpha_of_counts, draws=300)
        assert low <= value <= high
        return high - low

    assert width(400) < 0.6 * width(50)


def test_nothing_to_compare_is_not_a_number() -> None:
    """Single answers and empty projects have no agreement, and raise nothing."""
    assert np.isnan(krippendorff_alpha(Votes.of([0, 1], [0, 1], [0, 0])))
    assert np.isnan(krippendorff_alpha(Votes.of([], [], [])))
    assert np.isnan(fleiss_kappa(np.zeros((0, 2))))
    assert np.isnan(cohen_kappa(np.zeros(0, np.int64), np.zeros(0, np.int64)))
