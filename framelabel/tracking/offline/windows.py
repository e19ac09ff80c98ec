"""Windows of a long clip that overlap, and the chains of the whole clip put together from theirs.

Every decision of a pass hangs on what lies near it in time. So in the middle of the part that two windows share, both
have made the links that the whole clip would have made, and the links of the one are taken up to there, those of the
other from there on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.core.errors import UsageError
from framelabel.tracking.offline.chains import NONE, Chains
from framelabel.tracking.offline.evidence import Evidence

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Window:
    """Positions on the time axis; `stop` and `high` are exclusive."""

    start: int
    stop: int
    """What is linked at a time."""
    low: int
    high: int
    """What is kept of it."""


def windows(positions: int, window: int, overlap: int) -> Iterator[Window]:
    """Yield the windows of a clip; one that is not much longer than a window is linked at once.

    Args:
        positions: length of the clip.
        window: positions linked at a time, more than twice `overlap`.
        overlap: positions that two windows share; each half needs more than the longest gap that is bridged.

    Raises:
        UsageError: the window is too short for its overlap.
    """
    if overlap < 2 or window <= 2 * overlap:
        msg = f"a window of {window} frames is too short for an overlap of {overlap}; take more than twice as many"
        raise UsageError(msg)
    start = low = 0
    while positions - start > window + overlap:
        stop = start + window
        yield Window(start, stop, low, stop - overlap // 2)
        start, low = stop - overlap, stop - overlap // 2
    yield Window(start, positions, low, positions)


class Joined:
    """Detections and links of a whole clip, taken from its windows in order."""

    def __init__(self) -> None:
        """Begin without any."""
        self._parts: list[Evidence] = []
        self._tails: list[Rows] = []
        self._heads: list[Rows] = []
        self._count = 0

    def add(self, evidence: Evidence, chains: Chains, window: Window) -> None:
        """Take over what is kept of a window: its detections there, and the links that leave them."""
        kept = evidence.between(window.low, window.high)
        self._parts.append(evidence.select(kept))
        tail = np.arange(kept.start, kept.stop)
        tail = tail[chains.after[kept] != NONE]
        # detections are sorted by frame, so that those behind the kept ones come next in the windows that follow
        shift = self._count - kept.start
        self._tails.append(tail + shift)
        self._heads.append(chains.after[tail] + shift)
        self._count += kept.stop - kept.start

    def whole(self) -> tuple[Evidence, Chains]:
        """Return all detections and the chains through them; where windows differ, the earlier one stands."""
        chains = Chains(self._count)
        for tail, head in zip(self._tails, self._heads, strict=True):
            is_free = chains.before[head] == NONE
            chains.link(tail[is_free], head[is_free])
        return Evidence.concatenate(self._parts), chains
