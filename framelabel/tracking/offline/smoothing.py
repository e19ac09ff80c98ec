"""Smooth all tracks of a clip at once and fill their gaps.

The fixed-interval (Rauch-Tung-Striebel) smoother of a constant-velocity model with white acceleration noise gives the
same positions as the penalised least squares sum (x - y)^2 / m + sum (x[k-1] - 2 x[k] + x[k+1])^2 / q over all frames,
whose normal equations are banded. Both laws have heavy tails (Student's), by reweighting: an instant turn is one large
change of velocity that all later boxes confirm, a stray box is one large error that none confirms. All tracks are laid
end to end in one banded system, with no coupling between them, so that smoothing a clip is a few linear-time solves
per box side.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

from framelabel.tracking.offline.motion import Motion

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

_ROUNDS = 10
_FREEDOM = 4.0
"""Degrees of freedom of the law of changes of velocity, and of the law of errors of boxes that score 0."""
_LEAST_DOUBT = 0.02
_CUT_WORTH = 1e-3
_HOLD = 1e-9


def smooth(
    xyxy: Floats,
    score: Floats,
    starts: Rows,
    *,
    jitter: Floats,
    restlessness: Floats,
    cut: NDArray[np.bool_] | None = None,
    rounds: int = _ROUNDS,
) -> Floats:
    """Return the (N, 4) smoothed sides of tracks laid end to end, one row per frame.

    Args:
        xyxy: (N, 4) measured sides; any finite value in gaps.
        score: (N,) in [0, 1], -1 in gaps. What scores high is the less taken for an outlier. Each track's first and
            last row must be measured.
        starts: (T,) first row of each track, ascending.
        jitter: (N, 4) deviation of measurements, pixels.
        restlessness: (N, 4) deviation of the change of velocity from frame to frame, pixels.
        cut: (N, 4) sides that stand where the picture ends: they say next to nothing about motion and stay as they are.
        rounds: how often what turned out to be a turn or an outlier is weighed anew; 0 for Gaussian laws, which is the
            Rauch-Tung-Striebel smoother.
    """
    count = len(xyxy)
    if not count:
        return xyxy.copy()
    inner = np.ones(count)
    inner[starts] = 0.0
    inner[np.r_[starts[1:] - 1, count - 1]] = 0.0
    out = np.empty_like(xyxy)
    is_seen = (score >= 0).astype(np.float64)
    freedom = _FREEDOM / np.clip(1.0 - score, _LEAST_DOUBT, 1.0)
    is_cut = np.zeros(xyxy.shape, np.bool_) if cut is None else cut
    for side in range(4):
        measured = xyxy[:, side]
        noise, turn = np.square(jitter[:, side]), np.square(restlessness[:, side])
        worth = is_seen * np.where(is_cut[:, side], _CUT_WORTH, 1.0)
        believed, stiff = worth / noise, inner / turn
        for k in range(rounds + 1):
            path = _solve(measured, believed, stiff)
            if k < rounds:
                bend = np.zeros(count)
                bend[1:-1] = path[2:] - 2 * path[1:-1] + path[:-2]
                stiff = inner / turn * (_FREEDOM + 1) / (_FREEDOM + np.square(bend) / turn)
                miss = np.square(measured - path) / noise
                believed = worth / noise * (freedom + 1) / (freedom + miss)
        out[:, side] = np.where(is_cut[:, side], measured, path)
    return out


def _solve(measured: Floats, believed: Floats, stiff: Floats) -> Floats:
    """Return the path x with the least sum of believed (x - measured)^2 + stiff (second difference of x)^2."""
    # the penalty on row k's second difference adds (1, -2, 1) (1, -2, 1)^T over rows k-1, k, k+1; rows of different
    # tracks share no inner row, so that nothing couples them
    bands = np.zeros((3, len(measured)))
    bands[0, 2:] = stiff[1:-1]
    bands[1, 1:] = -2.0 * (stiff[1:] + stiff[:-1])
    bands[2] = 4.0 * stiff
    bands[2, :-1] += stiff[1:]
    bands[2, 1:] += stiff[:-1]
    # rows that next to nothing measures or bends stay where they are; by row, so that no track hangs on another
    hold = _HOLD * (believed + bands[2])
    bands[2] += believed + hold
    return np.asarray(solveh_banded(bands, (believed + hold) * measured, check_finite=False), np.float64)


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
