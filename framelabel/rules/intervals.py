"""From a yes/no per frame to intervals of time: hysteresis and debounce in seconds, whatever the frame rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Interval:
    """Rows `[start, stop)` of a series over which a condition held."""

    start: int
    stop: int


def intervals(
    holds: NDArray[np.bool_],
    seconds: NDArray[np.float64],
    *,
    looks: NDArray[np.int64] | None = None,
    for_s: float = 0.0,
    bridge_s: float = 0.0,
) -> list[Interval]:
    """Return the intervals in which a condition held long enough.

    Args:
        holds: (N,) the condition at each observation.
        seconds: (N,) the time of each observation, increasing.
        looks: (N,) number of the look at the scene that gave each observation: a look without one (a lost track)
            interrupts as a no does. None: every look gave one.
        for_s: shortest interval that counts, from its first to its last observation.
        bridge_s: interruptions up to this long, from the last yes before to the first yes after, are bridged.

    >>> yes = np.array([True, True, False, True, False, False, False, True])
    >>> intervals(yes, np.arange(8) / 2, for_s=1.0, bridge_s=1.0)
    [Interval(start=0, stop=4)]
    """
    rows = np.flatnonzero(holds)
    if not len(rows):
        return []
    interrupted = np.diff(rows if looks is None else looks[rows]) > 1
    too_long = np.diff(seconds[rows]) > bridge_s + 1e-9
    cuts = np.flatnonzero(interrupted & too_long) + 1
    found = [Interval(int(part[0]), int(part[-1]) + 1) for part in np.split(rows, cuts)]
    return [item for item in found if seconds[item.stop - 1] - seconds[item.start] >= for_s - 1e-9]
