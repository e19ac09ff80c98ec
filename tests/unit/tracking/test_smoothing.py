"""Smoothing all tracks at once is the Rauch-Tung-Striebel smoother of each."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from framelabel.tracking.offline.motion import Motion
from framelabel.tracking.offline.smoothing import smooth, uncertainty

Floats = NDArray[np.float64]


def _rts(measured: Floats, is_seen: NDArray[np.bool_], noise: float, drift: float) -> Floats:
    """Return positions by the textbook filter and backward pass; the model whose velocity jumps between frames."""
    step, kick = np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([[0.0, 0.0], [0.0, drift]])
    mean, variance = np.zeros(2), np.eye(2) * 1e6
    means, variances, guesses, guess_variances = [], [], [], []
    for k, value in enumerate(measured):
        if k:
            mean, variance = step @ mean, step @ variance @ step.T + kick
        guesses.append(mean)
        guess_variances.append(variance)
        if is_seen[k]:
            gain = variance[:, 0] / (variance[0, 0] + noise)
            mean, variance = mean + gain * (value - mean[0]), variance - np.outer(gain, variance[0])
        means.append(mean)
        variances.append(variance)
    out = [means[-1]]
    for k in range(len(measured) - 2, -1, -1):
        back = variances[k] @ step.T @ np.linalg.inv(guess_variances[k + 1])
        out.append(means[k] + back @ (out[-1] - guesses[k + 1]))
    return np.asarray(np.array(out[::-1])[:, 0], np.float64)


def test_two_tracks_laid_end_to_end_equal_two_smoothers() -> None:
    """The banded solve gives what filter and backward pass give, gaps included, and tracks do not touch."""
    random = np.random.default_rng(2)
    lengths, noise, drift = (14, 9), 1.0, 0.25
    measured = np.concatenate([np.cumsum(random.normal(2, 1, n)) for n in lengths])
    is_seen = np.ones(23, np.bool_)
    is_seen[[4, 5, 18]] = False
    found = smooth(
        np.repeat(measured[:, None], 4, axis=1),
        np.where(is_seen, 0.7, -1.0),
        np.array([0, 14]),
        jitter=np.full((23, 4), np.sqrt(noise)),
        restlessness=np.full((23, 4), np.sqrt(drift)),
        rounds=0,
    )
    expected = np.concatenate([_rts(measured[a:b], is_seen[a:b], noise, drift) for a, b in ((0, 14), (14, 23))])
    assert np.allclose(found, expected[:, None], atol=1e-3)


def _smoothed(measured: Floats, score: float) -> Floats:
    """Return a path of one coordinate, of boxes that jitter by 1 and seldom change their velocity."""
    shape = (len(measured), 4)
    boxes = np.repeat(measured[:, None], 4, axis=1)
    quiet = smooth(
        boxes,
        np.full(len(measured), score),
        np.zeros(1, np.int64),
        jitter=np.ones(shape),
        restlessness=np.full(shape, 0.1),
    )
    return np.asarray(quiet[:, 0], np.float64)


def test_an_instant_turn_is_not_rounded_off() -> None:
    """At a turn that all later boxes confirm the path stays with the boxes; the Gaussian smoother cuts the corner."""
    truth = 4.0 * np.abs(np.arange(60) - 30.0)
    measured = truth + np.random.default_rng(3).normal(0, 1, 60)
    assert np.abs(_smoothed(measured, 0.9) - truth).max() < 2.5
    gauss = smooth(
        np.repeat(measured[:, None], 4, axis=1),
        np.full(60, 0.9),
        np.zeros(1, np.int64),
        jitter=np.ones((60, 4)),
        restlessness=np.full((60, 4), 0.1),
        rounds=0,
    )
    assert np.abs(gauss[:, 0] - truth).max() > 5.0


def test_a_stray_box_is_ignored_where_its_score_is_low() -> None:
    """One box far off the path moves it less, the less it is to be trusted, and never by much."""
    truth = 2.0 * np.arange(60, dtype=np.float64)
    measured = truth.copy()
    measured[30] += 12.0
    weak, strong = (np.abs(_smoothed(measured, score) - truth).max() for score in (0.1, 0.99))
    assert weak < 0.5
    assert weak < strong < 6.0


@pytest.mark.parametrize("lengths", [(1,), (2,), (1, 1, 3), (2, 1)], ids=str)
def test_short_tracks_stay_where_they_are(lengths: tuple[int, ...]) -> None:
    """One or two boxes hold no curvature to smooth."""
    boxes = np.random.default_rng(0).uniform(0, 99, (sum(lengths), 4))
    starts = np.cumsum([0, *lengths[:-1]])
    found = smooth(boxes, np.ones(len(boxes)), starts, jitter=np.ones_like(boxes), restlessness=np.ones_like(boxes))
    short = np.repeat(np.array(lengths) < 3, lengths)
    assert np.allclose(found[short], boxes[short], atol=1e-5)


def test_doubt_grows_towards_the_middle_of_a_gap_and_with_its_length() -> None:
    """Uncertainty is a share, least at detections, greatest far from them."""
    motion, sides = Motion.usual(25.0), np.full(4, 50.0)
    gap, before = np.array([0, 10, 10, 40]), np.array([0, 1, 5, 20])
    doubt = uncertainty(sides, sides * 2, gap, before, motion)
    assert np.all(np.diff(doubt) > 0)
    assert 0 < doubt[0] < doubt[-1] < 1
