"""Smooth paths through noisy, partly missing observations between two fixed ends.

The object is a mass pushed by white noise (Wiener velocity), an observation is the truth plus noise with outliers.
The most likely path minimises, per coordinate, the squared residuals over their variance plus the squared second
differences over theirs; outliers are met by reweighting (Cauchy). The matrix is banded, so the cost is linear.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpbsv

Floats = NDArray[np.float64]

OUTLIER = 2.5
"""Residual, in standard deviations (root mean square over coordinates), at which an observation counts half."""
ROUNDS = 3
"""Reweighting rounds; more change less than a hundredth of a standard deviation."""


def smooth(observed: Floats, is_observed: NDArray[np.bool_], noise: Floats, push: Floats) -> tuple[Floats, Floats]:
    """Return the most likely (M, C) values of M frames between two ends whose value is 0.

    Args:
        observed: (M, C) values; rows that are not observed do not matter.
        is_observed: (M,).
        noise: (C,) standard deviation of an observation.
        push: (C,) standard deviation of the second difference from frame to frame.

    Returns:
        (M, C) path, and (M,) weight in [0, 1] that each observation was given.
    """
    count, channels = observed.shape
    value = np.zeros((count, channels))
    weight = is_observed.astype(np.float64)
    if not is_observed.any():
        return value, weight
    target = np.where(is_observed[:, None], observed, 0.0)
    curvature = np.zeros((3, count))
    curvature[0, 2:] = 1.0
    curvature[1, 1:] = -4.0
    curvature[2] = 6.0
    curvature[2, 0] -= 1.0
    curvature[2, -1] -= 1.0
    bands = curvature[3 - min(count, 3) :]
    base = weight
    for turn in range(ROUNDS):
        for channel in range(channels):
            matrix = bands * (noise[channel] / push[channel]) ** 2
            matrix[-1] += weight + 1e-9
            _, value[:, channel], _ = dpbsv(matrix, weight * target[:, channel])
        if turn < ROUNDS - 1:
            residual = np.mean(((value - target) / noise) ** 2, axis=1)
            weight = base / (1 + residual / OUTLIER**2)
    return value, weight
