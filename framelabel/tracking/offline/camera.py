"""How the camera moved, estimated from the detections alone: what all objects of a picture do together.

From picture to picture the boxes of tracklets shift. The weighted median of the shifts is what the picture as a whole
did, plus what few objects did by chance. A Wiener filter tells the two apart: the tracklets are dealt into two hands,
and what the medians of both hands share, per band of frequency, is the camera. Where objects share nothing (a static
camera, cars that come and go) the estimate vanishes by itself; a hand-held camera's shake is shared by all.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from framelabel.tracking.offline.chains import NONE, Chains

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

_BANDS = (1 / 8, 1 / 4, 1 / 2, 1.0)
"""Upper ends of the bands, in shares of the highest frequency."""
_FEWEST_FRAMES = 16
"""Pictures with tracklets of both hands, below which nothing is said."""


class Shifts:
    """What is known of the picture's shift from each frame of a clip to the next, gathered part by part."""

    def __init__(self, frames: int) -> None:
        """Know nothing of a clip of so many frames."""
        self._known = np.full((2, 3, frames), np.nan)
        """Horizontally and vertically; all tracklets, one hand, the other."""

    def add(self, xyxy: Floats, frame: Rows, chains: Chains) -> None:
        """Take in the shifts between the frames of one part.

        Args:
            xyxy: (N, 4) detections.
            frame: (N,) positions of their frames, ascending.
            chains: tracklets through them.
        """
        tail = np.flatnonzero(chains.after != NONE)
        tail = tail[frame[chains.after[tail]] - frame[tail] == 1]
        if not len(tail):
            return
        head = chains.after[tail]
        shift = (xyxy[head] - xyxy[tail]).reshape(-1, 2, 2).mean(axis=1)
        # detectors err in proportion to the size of the box
        weight = 1.0 / np.sqrt((xyxy[head, 2] - xyxy[head, 0]) * (xyxy[head, 3] - xyxy[head, 1]))
        is_odd = chains.label()[0][tail] % 2 == 1
        low, high = int(frame[0]), int(frame[-1]) + 1
        for axis in range(2):
            for hand, part in enumerate((np.ones(len(tail), np.bool_), is_odd, ~is_odd)):
                found = medians(frame[head[part]] - low, shift[part, axis], weight[part], high - low)
                new = ~np.isnan(found)
                self._known[axis, hand, low:high][new] = found[new]

    def path(self) -> Floats:
        """Return (frames, 2) pixels by which the picture has moved since the first frame, right and down."""
        return np.stack([np.cumsum(_shared(*hands)) for hands in self._known], axis=1)


def medians(frame: Rows, value: Floats, weight: Floats, frames: int) -> Floats:
    """Return (frames,) the weighted median of each frame, between two values by their weights; NaN without any."""
    order = np.lexsort((value, frame))
    frame, value, weight = frame[order], value[order], weight[order]
    count = np.bincount(frame, minlength=frames)
    total = np.bincount(frame, weight, minlength=frames)
    start = np.cumsum(count) - count
    # weight of the frame up to the middle of each value
    below = np.cumsum(weight) - weight / 2 - (np.cumsum(total) - total)[frame]
    rank = np.bincount(frame, below <= total[frame] / 2, minlength=frames).astype(np.int64)
    has = count > 0
    low = (start + np.clip(rank - 1, 0, count - 1))[has]
    high = (start + np.clip(rank, 0, count - 1))[has]
    step = below[high] - below[low]
    share = np.divide(total[has] / 2 - below[low], step, out=np.zeros(len(low)), where=step > 0)
    out = np.full(frames, np.nan)
    out[has] = value[low] + np.clip(share, 0.0, 1.0) * (value[high] - value[low])
    return out


def _shared(every: Floats, one: Floats, two: Floats) -> Floats:
    """Return the part of `every` that its two halves share, band by band; the mean is left to the objects."""
    both = ~np.isnan(one) & ~np.isnan(two)
    if both.sum() < _FEWEST_FRAMES:
        return np.zeros(len(every))
    a, b, c, whole = (
        np.fft.rfft(np.where(known, signal, 0.0))
        for signal, known in ((one, both), (two, both), (every, both), (every, ~np.isnan(every)))
    )
    kept = np.zeros_like(whole)
    edges = [1, *(max(2, round(band * len(whole))) for band in _BANDS)]
    for low, high in pairwise(edges):
        power = float(np.sum(np.abs(c[low:high]) ** 2))
        if power > 0 and high > low:
            agreed = float(np.sum(a[low:high] * np.conj(b[low:high])).real) / power
            # what two random signals of so many frequencies would agree by chance is not believed
            kept[low:high] = np.clip(agreed - 1.0 / np.sqrt(high - low), 0.0, 1.0) * whole[low:high]
    return np.asarray(np.fft.irfft(kept, len(every)), np.float64)
