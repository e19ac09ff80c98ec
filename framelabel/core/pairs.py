"""Pairs of rows of the same frame over whole sequences, and the best one-to-one matching among them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

_PAIRS_AT_ONCE = 2_000_000
"""Bounds memory in crowds: 2 million candidate pairs take about 200 MB while they are compared."""


def candidates(
    first: NDArray[np.int64], second: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield blocks of all row pairs of the same frame, ordered by frame, first row, second row.

    Args:
        first: (N,) frame numbers, non-decreasing.
        second: (M,) frame numbers, non-decreasing.
    """
    start = np.searchsorted(second, first, side="left")
    count = np.searchsorted(second, first, side="right") - start
    total = np.concatenate([[0], np.cumsum(count)])
    low = 0
    while low < len(first):
        high = max(int(np.searchsorted(total, total[low] + _PAIRS_AT_ONCE, side="right")) - 1, low + 1)
        repeats = count[low:high]
        rows = np.repeat(np.arange(low, high), repeats)
        within = np.arange(len(rows)) - np.repeat(total[low:high] - total[low], repeats)
        yield rows, start[rows] + within
        low = high


def match(
    frame: NDArray[np.int64], first: NDArray[np.int64], second: NDArray[np.int64], score: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Return the (P,) mask of the one-to-one matching with the largest total score, frame by frame.

    Args:
        frame: (P,) frame of each candidate pair, non-decreasing.
        first: (P,) row on one side; a row belongs to one frame.
        second: (P,) row on the other side.
        score: (P,) positive.
    """
    chosen, frames = lone_pairs(frame, first, second)
    for pairs in frames:
        chosen[pairs[match_frame(first[pairs], second[pairs], score[pairs])]] = True
    return chosen


def lone_pairs(
    frame: NDArray[np.int64], first: NDArray[np.int64], second: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], list[NDArray[np.int64]]]:
    """Split candidate pairs into those without a rival, which every best matching holds, and the rest by frame.

    Returns:
        The (P,) mask of pairs whose two rows occur in no other pair; for each frame with others, in order, their
        positions.
    """
    if len(frame) == 0:
        return np.zeros(0, np.bool_), []
    alone = (np.bincount(first)[first] == 1) & (np.bincount(second)[second] == 1)
    rest = np.flatnonzero(~alone)
    return alone, np.split(rest, np.flatnonzero(np.diff(frame[rest])) + 1) if len(rest) else []


def match_frame(first: NDArray[np.int64], second: NDArray[np.int64], score: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return the (K,) mask of the best one-to-one matching among the pairs of one frame (positive scores)."""
    rows, row = np.unique(first, return_inverse=True)
    columns, column = np.unique(second, return_inverse=True)
    table = np.zeros((len(rows), len(columns)))
    table[row, column] = score
    partner = np.full(len(rows), -1)
    matched_rows, matched_columns = linear_sum_assignment(table, maximize=True)
    partner[matched_rows] = matched_columns
    return np.asarray((partner[row] == column) & (score > 0), dtype=np.bool_)
