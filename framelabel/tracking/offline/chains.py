"""Paths through the detections as two arrays of neighbours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]

NONE = -1
"""No neighbour."""
_DOUBLINGS = 5


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

    def part(self, rows: slice) -> Chains:
        """Return the chains through consecutive detections, numbered from 0; links out of them are cut."""
        inside = Chains(rows.stop - rows.start)
        tail = np.arange(rows.start, rows.stop)
        head = self.after[tail]
        kept = (head != NONE) & (head < rows.stop)
        inside.link(tail[kept] - rows.start, head[kept] - rows.start)
        return inside

    @staticmethod
    def concatenate(parts: Sequence[Chains]) -> Chains:
        """Return chains through the detections of all parts, one after the other."""
        joined = Chains(sum(len(part.after) for part in parts))
        start = 0
        for part in parts:
            tail = np.flatnonzero(part.after != NONE)
            joined.link(tail + start, part.after[tail] + start)
            start += len(part.after)
        return joined

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

    def near(self, value: Floats, neighbour: Rows) -> tuple[Floats, Rows]:
        """Return (N,) sums of `value` over each detection and those behind it, 32 at most, and how many these are.

        Args:
            value: (N,).
            neighbour: `before` or `after`: the way that "behind" lies.
        """
        total, count, jump = value.copy(), np.ones(len(value), np.int64), neighbour
        for _ in range(_DOUBLINGS):
            going = np.flatnonzero(jump != NONE)
            there = jump[going]
            total[going], count[going] = total[going] + total[there], count[going] + count[there]
            farther = np.full(len(value), NONE)
            farther[going] = jump[there]
            jump = farther
        return total, count
