"""Kalman filter of many objects at once, each coordinate a constant-velocity model of its own.

SORT, ByteTrack, OC-SORT and BoT-SORT all start from diagonal covariances, diagonal noise and a motion that couples a
coordinate with its own velocity only, so their 7x7 or 8x8 filters fall apart, exactly, into one 2x2 filter per
coordinate (Kalman 1960; the block form is checked against the full matrices in the tests). All tracks and coordinates
then advance in a dozen array operations.

Moments are (N, 5, D): position, velocity, variance of position, covariance of both, variance of velocity.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

POSITION, VELOCITY, POSITION_VARIANCE, COVARIANCE, VELOCITY_VARIANCE = range(5)


def start(position: Floats, position_std: Floats, velocity_std: Floats) -> Floats:
    """Return the (N, 5, D) moments of objects first seen at `position` (N, D), at rest, with these deviations."""
    moments = np.zeros((len(position), 5, position.shape[1]))
    moments[:, POSITION] = position
    moments[:, POSITION_VARIANCE] = np.square(position_std)
    moments[:, VELOCITY_VARIANCE] = np.square(velocity_std)
    return moments


def predict(moments: Floats, position_noise: Floats | float, velocity_noise: Floats | float, steps: int = 1) -> Floats:
    """Return the moments `steps` frames later; the noises are variances per frame that broadcast to (N, D)."""
    later = moments.copy()
    velocity, variance = moments[:, VELOCITY], moments[:, VELOCITY_VARIANCE]
    if steps == 1:
        later[:, POSITION] += velocity
        later[:, POSITION_VARIANCE] += 2.0 * moments[:, COVARIANCE] + variance + position_noise
        later[:, COVARIANCE] += variance
        later[:, VELOCITY_VARIANCE] += velocity_noise
        return later
    later[:, POSITION] += steps * velocity
    later[:, POSITION_VARIANCE] += steps * (2.0 * moments[:, COVARIANCE] + steps * variance + position_noise)
    later[:, COVARIANCE] += steps * variance
    later[:, VELOCITY_VARIANCE] += steps * np.asarray(velocity_noise)
    return later


def update(moments: Floats, measured: Floats, noise: Floats | float) -> Floats:
    """Return the moments after seeing `measured` (N, D) with this measurement variance (broadcast to (N, D))."""
    position_variance, covariance = moments[:, POSITION_VARIANCE], moments[:, COVARIANCE]
    total = position_variance + noise
    gain, velocity_gain = position_variance / total, covariance / total
    residual = measured - moments[:, POSITION]
    seen = np.empty_like(moments)
    seen[:, POSITION] = moments[:, POSITION] + gain * residual
    seen[:, VELOCITY] = moments[:, VELOCITY] + velocity_gain * residual
    rest = 1.0 - gain
    seen[:, POSITION_VARIANCE] = rest * position_variance
    seen[:, COVARIANCE] = rest * covariance
    seen[:, VELOCITY_VARIANCE] = moments[:, VELOCITY_VARIANCE] - velocity_gain * covariance
    return seen
