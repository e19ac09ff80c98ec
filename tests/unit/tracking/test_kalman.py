"""The block filter is the full-matrix Kalman filter of the trackers' papers, exactly."""

from __future__ import annotations

import numpy as np
import pytest

from framelabel.tracking import kalman


@pytest.mark.parametrize("steps", [1, 3], ids=["every-frame", "every-third-frame"])
def test_blocks_equal_the_full_matrix_filter(steps: int) -> None:
    """Predicting and correcting per coordinate gives what the textbook 8x8 matrices give."""
    random = np.random.default_rng(7)
    position, position_std, velocity_std = random.normal(size=(3, 4)), random.uniform(1, 2, 4), random.uniform(1, 2, 4)
    noise, velocity_noise, measurement = random.uniform(0.1, 1, 4), random.uniform(0.1, 1, 4), random.uniform(0.5, 1, 4)
    moments = kalman.start(position, position_std, velocity_std)
    means = [np.concatenate([row, np.zeros(4)]) for row in position]
    covariances = [np.diag(np.concatenate([position_std, velocity_std]) ** 2)] * 3
    transition, observe = np.eye(8), np.eye(4, 8)
    transition[:4, 4:] = steps * np.eye(4)
    process = steps * np.diag(np.concatenate([noise, velocity_noise]))
    for _ in range(4):
        measured = random.normal(size=(3, 4))
        moments = kalman.update(kalman.predict(moments, noise, velocity_noise, steps), measured, measurement)
        for row in range(3):
            mean = transition @ means[row]
            covariance = transition @ covariances[row] @ transition.T + process
            gain = covariance @ observe.T @ np.linalg.inv(observe @ covariance @ observe.T + np.diag(measurement))
            means[row] = mean + gain @ (measured[row] - observe @ mean)
            covariances[row] = covariance - gain @ observe @ covariance
    for row in range(3):
        assert np.allclose(moments[row, :2].reshape(-1), means[row])
        assert np.allclose(moments[row, kalman.POSITION_VARIANCE], np.diag(covariances[row])[:4])
        assert np.allclose(moments[row, kalman.COVARIANCE], np.diag(covariances[row][:4, 4:]))
        assert np.allclose(moments[row, kalman.VELOCITY_VARIANCE], np.diag(covariances[row])[4:])
