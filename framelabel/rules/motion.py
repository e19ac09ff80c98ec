"""How fast an object moves, robustly, at any frame rate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framelabel.core.tracks import Track

_WINDOW_S = 0.5


def speed(track: Track, seconds: NDArray[np.float64], window_s: float = _WINDOW_S) -> NDArray[np.float64]:
    """Return (N,) speeds of the box centre in pixels a second, measured over a window around each row.

    The window reaches to the nearest observations that are at least half of `window_s` away, so jitter of single
    boxes averages out; a track of one row stands still.
    """
    if len(track) < 2:
        return np.zeros(len(track))
    centre = (track.xyxy[:, :2] + track.xyxy[:, 2:]) / 2
    before = np.maximum(np.searchsorted(seconds, seconds - window_s / 2, side="right") - 1, 0)
    after = np.minimum(np.searchsorted(seconds, seconds + window_s / 2, side="left"), len(track) - 1)
    elapsed = np.maximum(seconds[after] - seconds[before], 1e-9)
    return np.asarray(np.linalg.norm(centre[after] - centre[before], axis=1) / elapsed, dtype=np.float64)
