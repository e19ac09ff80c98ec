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


def path(xyxy: Floats, frame: Rows, chains: Chains, frames: int) -> Floats:
    """Return (frames, 2) pixels by which the picture has moved since the first frame, horizontally and vertically.

    Args:
        xyxy: (N, 4) detections.
        frame: (N,) positions of their frames.
        chains: tracklets through them.
        frames: length of the clip.
    """
    tail = np.flatnonzero(chains.after != NONE)
    tail = tail[frame[chains.after[tail]] - frame[tail] == 1]
    head = chains.after[tail]
    shift = (xyxy[head] - xyxy[tail]).reshape(-1, 2, 2).mean(axis=1)
    # detectors err in proportion to the size of the box
    weight = 1.0 / np.sqrt((xyxy[head, 2] - xyxy[head, 0]) * (xyxy[head, 3] - xyxy[head, 1]))
    is_odd = chains.label()[0][tail] % 2 == 1
    out = np.zeros((frames, 2))
    for axis in range(2):
        every, one, two = (
            medians(frame[head[part]], shift[part, axis], weight[part], frames)
            for part in (np.ones(len(tail), np.bool_), is_odd, ~is_odd)
        )
        out[:, axis] = np.cumsum(_shared(every, one, two))
    return out


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
