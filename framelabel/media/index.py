"""The frame index from one decoding pass: presentation times made strictly increasing, sync flags, picture digests."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from framelabel.core.frames import FrameIndex


@dataclass(slots=True)
class PresentationClock:
    """Turns the stored times of pictures, taken in presentation order, into strictly increasing ones.

    A whole file passes through unchanged. A missing time continues at the nominal step, a repeated or slightly
    earlier one moves to just after its predecessor, and a jump back by more than a second (files joined byte by byte,
    clocks that wrap) continues the clock from there. The rule looks only at the picture before, so it gives the same
    result from any picture that is `is_anchor` on.

    >>> clock = PresentationClock(step=40, second=1000)
    >>> [clock.next(stored) for stored in (0, 40, 40, None, 120)]
    [0, 40, 41, 81, 120]
    """

    step: int
    """Nominal duration of one picture in time base units, at least 1."""
    second: int
    """Time base units in one second, at least 1."""
    last: int | None = None
    offset: int = 0
    repaired: int = 0
    """Times changed so far."""
    is_anchor: bool = False
    """Whether the latest time was used as stored, with no jump before it."""

    def next(self, stored: int | None) -> int:
        """Return the time of the next picture."""
        time = stored + self.offset if stored is not None else None
        if self.last is None:
            time = 0 if time is None else time
        elif time is None:
            time = self.last + self.step
        elif time <= self.last:
            if time < self.last - self.second:
                self.offset += self.last + self.step - time
                time = self.last + self.step
            else:
                time = self.last + 1
        self.is_anchor = stored is not None and time == stored
        self.repaired += time != stored
        self.last = time
        return time


@dataclass(slots=True)
class IndexBuilder:
    """Collects the identity of pictures as they are decoded: 17 bytes a picture, so hours fit in a few megabytes."""

    time_base: Fraction
    _pts: array[int] = field(default_factory=lambda: array("q"))
    _is_sync: array[int] = field(default_factory=lambda: array("b"))
    _digest: array[int] = field(default_factory=lambda: array("Q"))

    def __len__(self) -> int:
        return len(self._pts)

    def add(self, pts: int, *, is_sync: bool, digest: int) -> None:
        """Append the next picture."""
        self._pts.append(pts)
        self._is_sync.append(is_sync)
        self._digest.append(digest)

    def build(self) -> FrameIndex:
        """Return the index of all pictures added."""
        return FrameIndex(
            self.time_base,
            np.array(self._pts, dtype=np.int64),
            np.array(self._is_sync, dtype=np.bool_),
            np.array(self._digest, dtype=np.uint64),
        )
