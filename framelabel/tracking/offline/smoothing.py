"""Smooth all tracks of a clip at once and fill their gaps.

The fixed-interval (Rauch-Tung-Striebel) smoother of a constant-velocity model with white acceleration noise gives the
same positions as the penalised least squares sum (x - y)^2 / m + sum (x[k-1] - 2 x[k] + x[k+1])^2 / q over all frames,
whose normal equations are banded. All tracks are laid end to end in one banded system, with no coupling between them,
so that smoothing a clip is one linear-time solve per box side.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

from framelabel.tracking.offline.motion import Motion

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


def smooth(xyxy: Floats, weight: Floats, starts: Rows, stiffness: Floats) -> Floats:
    """Return the (N, 4) smoothed sides of tracks laid end to end, one row per frame.

    Args:
        xyxy: (N, 4) measured sides; any finite value where `weight` is 0.
        weight: (N,) inverse variance of each row relative to a normal one; 0 in gaps. Each track's first and last row
            must have weight.
        starts: (T,) first row of each track, ascending.
        stiffness: (4,) measurement variance over acceleration variance, per side.
    """
    count = len(xyxy)
    if not count:
        return xyxy.copy()
    inner = np.ones(count)
    inner[starts] = 0.0
    inner[np.r_[starts[1:] - 1, count - 1]] = 0.0
    # the penalty on row k's second difference adds (1, -2, 1) (1, -2, 1)^T over rows k-1, k, k+1
    diagonal = 4.0 * inner
    diagonal[:-1] += inner[1:]
    diagonal[1:] += inner[:-1]
    off = np.zeros(count)
    off[1:] = -2.0 * (inner[1:] + inner[:-1])
    # rows of different tracks share no inner row, so that nothing couples them
    far = np.zeros(count)
    far[2:] = inner[1:-1]
    out = np.empty_like(xyxy)
    for side in range(4):
        bands = stiffness[side] * np.stack([far, off, diagonal])
        bands[2] += weight + 1e-9
        out[:, side] = solveh_banded(bands, xyxy[:, side] * weight + 1e-9 * xyxy[:, side], check_finite=False)
    return out


def uncertainty(width: Floats, height: Floats, gap: Rows, before: Rows, motion: Motion) -> Floats:
    """Return (N,) 1 - expected IoU of each row under the clip's motion model.

    Args:
        width: (N,) pixels.
        height: (N,) pixels.
        gap: (N,) frames between the detections around each row; 0 at a detection.
        before: (N,) frames since the detection before it.
        motion: deviations of this clip.
    """
    # between two known ends the doubt grows as that of a bridge: like free motion over the harmonic time
    free = np.where(gap > 0, before * (gap - before) / np.maximum(gap, 1), 0.0)
    gained = motion.spread(free[:, None])[2]
    deviation = np.sqrt(motion.measurement**2 + gained) * np.sqrt(width * height)[:, None]
    miss = np.sqrt(2 / np.pi) * deviation
    lost = (miss[:, 0] + miss[:, 2]) / width + (miss[:, 1] + miss[:, 3]) / height
    return np.asarray(1.0 - np.exp(-lost), np.float64)
