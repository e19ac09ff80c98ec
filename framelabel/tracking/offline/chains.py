"""Paths through the detections as two arrays of neighbours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]

NONE = -1
"""No neighbour."""


class Chains:
    """N detections, each with at most one before it and one after it."""

    def __init__(self, count: int) -> None:
        self.before: Rows = np.full(count, NONE)
        """(N,) the detection linked before each, NONE for the first of a chain."""
        self.after: Rows = np.full(count, NONE)

    def link(self, tail: Rows, head: Rows) -> None:
        """Let each `head` follow its `tail`; both must be free on that side."""
        self.after[tail] = head
        self.before[head] = tail

    def heads(self) -> Rows:
        """Return the first detection of every chain."""
        return np.flatnonzero(self.before == NONE)

    def tails(self) -> Rows:
        """Return the last detection of every chain."""
        return np.flatnonzero(self.after == NONE)

    def first(self) -> Rows:
        """Return (N,) the first detection of each one's chain, by pointer doubling."""
        root = np.where(self.before == NONE, np.arange(len(self.before)), self.before)
        while True:
            higher = root[root]
            if np.array_equal(higher, root):
                return root
            root = higher

    def label(self) -> tuple[Rows, int]:
        """Return (N,) chain numbers from 0, in order of their first detections, and how many there are."""
        first = self.first()
        heads = self.heads()
        number = np.full(len(first), NONE)
        number[heads] = np.arange(len(heads))
        return number[first], len(heads)
