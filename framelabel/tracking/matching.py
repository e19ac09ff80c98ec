"""One-to-one matching of tracks with boxes, as the online trackers' papers do it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


def match_above(matched: Rows, similarity: Floats, pool: Rows, free: Rows, least: float) -> Rows:
    """Match the tracks `pool` with the boxes `free` (writing into `matched`); return the boxes still free.

    What is maximised is the similarity above `least`, so that no good match is given up to fit in two bad ones
    (`lap.lapjv` with a cost limit, as ByteTrack and BoT-SORT use it).
    """
    if not len(pool) or not len(free):
        return free
    gain = similarity[pool[:, None], free] - least
    np.maximum(gain, 0.0, out=gain)
    if not gain.any():
        return free
    row, column = linear_sum_assignment(gain, maximize=True)
    good = gain[row, column] > 0.0
    row, column = row[good], column[good]
    matched[pool[row]] = free[column]
    rest = np.ones(len(free), np.bool_)
    rest[column] = False
    return free[rest]


def match_total(matched: Rows, worth: Floats, overlap: Floats, pool: Rows, free: Rows, least: float) -> Rows:
    """Match for the greatest total worth, then take back pairs that overlap less than `least`; return what is free.

    This is the order of SORT and OC-SORT: the gate comes after the assignment.
    """
    if not len(pool) or not len(free):
        return free
    row, column = linear_sum_assignment(worth[pool[:, None], free], maximize=True)
    good = overlap[pool[row], free[column]] >= least
    row, column = row[good], column[good]
    matched[pool[row]] = free[column]
    rest = np.ones(len(free), np.bool_)
    rest[column] = False
    return free[rest]
