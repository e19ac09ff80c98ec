"""The frames of a span on an even axis, whatever share of the pictures was looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from framelabel.core.errors import UsageError

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class TimeAxis:
    """F frames at positions 0, 1, 2, ... one usual step apart; a longer silence skips positions."""

    ordinal: Rows
    """(F,) frame ordinals, ascending."""
    position: Rows
    """(F,) place of each on the axis, strictly increasing from 0."""
    step: float
    """Ordinals from one position to the next, usually."""

    @staticmethod
    def of(frames: Sequence[int]) -> TimeAxis:
        """Lay out frame ordinals given in any order; every 5th picture gives the same axis as all pictures.

        Raises:
            UsageError: a frame comes twice.
        """
        ordinal, counts = np.unique(np.array(frames, np.int64), return_counts=True)
        if counts.size and counts.max() > 1:
            msg = f"frame {ordinal[counts > 1][0]} comes {counts.max()} times; join its boxes first"
            raise UsageError(msg)
        between = np.diff(ordinal)
        step = float(np.median(between)) if len(between) else 1.0
        moves = np.maximum(1, np.rint(between / step - 1e-9)).astype(np.int64)
        return TimeAxis(ordinal, np.concatenate([[0], np.cumsum(moves)])[: len(ordinal)], step)

    def parted(self, cuts: Sequence[int], pause: int) -> TimeAxis:
        """Return the axis with `pause` more positions before each frame ordinal with which a new shot begins."""
        shot = np.searchsorted(np.unique(np.array(cuts, np.int64)), self.ordinal, side="right")
        # what comes before the first frame parts nothing
        return replace(self, position=self.position + pause * (shot - shot[:1]))

    def positions_of(self, frames: Rows) -> Rows:
        """Return the positions of frame ordinals that are on the axis."""
        return np.asarray(self.position[np.searchsorted(self.ordinal, frames)], np.int64)

    def spread(self, frames: Sequence[int], value: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (positions, D) values at all positions, straight lines between those of the frames given.

        Raises:
            UsageError: not one row per frame.
        """
        if len(value) != len(frames):
            msg = f"{len(frames)} frames but {len(value)} rows for them; give one row per frame"
            raise UsageError(msg)
        order = np.argsort(np.array(frames, np.int64), kind="stable")
        every = np.arange(int(self.position[-1]) + 1)
        return np.stack([np.interp(every, self.position, column) for column in value[order].T], axis=1)
