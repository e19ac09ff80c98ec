"""How the frames of a video are cut into pieces of work."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from framelabel.core.frames import FrameIndex

_LEAST, _MOST = 16, 256
"""Frames of a shard: enough to pay for seeking, few enough to come back while somebody watches."""


def shards(ordinals: NDArray[np.int64], index: FrameIndex, workers: int) -> Iterator[NDArray[np.int64]]:
    """Yield consecutive parts of `ordinals`, cut before sync frames where one is near, so that little is decoded twice.

    Args:
        ordinals: (N,) ascending frames to do.
        index: of their video.
        workers: how many look at the same time; short clips are cut finer so that all have something to do.

    >>> index = FrameIndex(Fraction(1), np.arange(40), np.arange(40) % 20 == 0, np.zeros(40, np.uint64))
    >>> [(int(part[0]), len(part)) for part in shards(np.arange(40), index, 2)]
    [(0, 20), (20, 20)]
    """
    wanted = int(np.clip(len(ordinals) // max(2 * workers, 1), _LEAST, _MOST))
    start = 0
    while start < len(ordinals):
        stop = min(start + wanted, len(ordinals))
        if stop < len(ordinals):
            sync = np.flatnonzero(index.is_sync[: int(ordinals[min(stop + wanted, len(ordinals)) - 1]) + 1])
            later = np.searchsorted(ordinals, sync[sync >= ordinals[stop]])
            if len(later) and later[0] - start <= 2 * wanted:
                stop = int(later[0])
        yield ordinals[start:stop]
        start = stop
