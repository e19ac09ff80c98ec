"""The smoother solves the problem it states."""

from __future__ import annotations

import numpy as np
import pytest

from framelabel.tracking.propagation.smoothing import smooth


@pytest.mark.parametrize("count", [1, 2, 3, 12])
def test_agrees_with_dense_least_squares(count: int) -> None:
    """The banded solution is the minimum of the stated sum, found by a dense solver, for every length of gap."""
    random = np.random.default_rng(count)
    noise, push = np.array([0.3]), np.array([0.2])
    observed = random.normal(0, 0.01, (count, 1))
    seen = np.ones(count, np.bool_)
    second = np.zeros((count, count + 2))
    for row in range(count):
        second[row, row : row + 3] = 1, -2, 1
    second = second[:, 1:-1]
    rows = np.concatenate([np.eye(count) / noise, second / push])
    right = np.concatenate([observed[:, 0] / noise, np.zeros(count)])
    expected = np.linalg.lstsq(rows, right, rcond=None)[0]
    # Residuals this small make the reweighting vanish.
    np.testing.assert_allclose(smooth(observed, seen, noise, push)[0][:, 0], expected, atol=1e-5)


def test_nothing_observed_is_the_straight_line() -> None:
    """Without observations the path is the base path."""
    value, weight = smooth(np.full((5, 4), 9.0), np.zeros(5, np.bool_), np.ones(4), np.ones(4))
    assert not value.any()
    assert not weight.any()


def test_an_outlier_is_ignored() -> None:
    """One wrong detection among many does not bend the path."""
    time = np.linspace(0, np.pi, 41)[1:-1]
    truth = np.sin(time)[:, None] * 0.5
    wrong = truth.copy()
    wrong[20] += 3.0
    noise, push = np.array([0.02]), np.array([0.01])
    value, weight = smooth(wrong, np.ones(39, np.bool_), noise, push)
    assert np.abs(value - truth).max() < 0.03
    assert weight[20] < 0.01
    assert weight[5] > 0.9


def test_missing_frames_are_bridged_smoothly() -> None:
    """A hole in the detections is crossed along the motion on both sides of it."""
    time = np.linspace(0, np.pi, 41)[1:-1]
    truth = np.sin(time)[:, None] * 0.5
    seen = np.ones(39, np.bool_)
    seen[15:25] = False
    value, _ = smooth(truth, seen, np.array([0.02]), np.array([0.01]))
    assert np.abs(value - truth).max() < 0.02
