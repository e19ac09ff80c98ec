"""What golden tasks tell about an annotator: accuracy with its interval, confusions, and whether they tire."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.review.intervals import interval

_TIRING = 20
"""Golden answers from which on a trend is judged."""


@dataclass(frozen=True, slots=True, eq=False)
class Skill:
    """One annotator, measured on golden tasks."""

    annotator: str
    right: int
    count: int
    low: float
    high: float
    """95 % interval of the accuracy."""
    confusion: NDArray[np.int64]
    """(L, L) rows: the known answer; columns: what they said."""
    seconds_median: float
    """Time per answer; NaN when none was taken."""
    trend: float
    """Change of accuracy from the first to the last golden task (slope of a straight line); NaN for too few."""
    trend_p_value: float
    """How likely a fall at least as steep is by chance."""
    labels: tuple[str, ...] = ()
    """(L,) names of the rows and columns of `confusion`; none where labels are only numbers."""

    @property
    def accuracy(self) -> float:
        """Share of right answers; 0 without any."""
        return self.right / max(self.count, 1)


def measure(
    annotator: str,
    known: Sequence[int],
    given: Sequence[int],
    seconds: Sequence[float],
    label_count: int,
    *,
    confidence: float = 0.95,
) -> Skill:
    """Measure one annotator.

    Args:
        annotator: their name.
        known: the right label of each golden task they answered, in order of answering.
        given: what they said.
        seconds: how long each took; 0 where it was not taken.
        label_count: number of labels.
        confidence: of the interval.
    """
    truth, said = np.asarray(known, np.int64), np.asarray(given, np.int64)
    confusion = np.zeros((label_count, label_count), np.int64)
    np.add.at(confusion, (truth, said), 1)
    is_right = (truth == said).astype(np.float64)
    right, count = int(is_right.sum()), len(truth)
    low, high = interval(right, count, confidence)
    taken = np.asarray([value for value in seconds if value > 0])
    trend, p_value = _trend(is_right)
    median = float(np.median(taken)) if len(taken) else math.nan
    return Skill(annotator, right, count, low, high, confusion, median, trend, p_value)


def _trend(is_right: NDArray[np.float64]) -> tuple[float, float]:
    """Return the fitted change of accuracy over the answers, and a permutation p-value of a fall this steep."""
    count = len(is_right)
    if count < _TIRING:
        return math.nan, math.nan
    time = np.linspace(-0.5, 0.5, count)
    slope = float(time @ is_right / (time @ time))
    random = np.random.default_rng(0)
    chance = np.array([time @ random.permutation(is_right) for _ in range(2000)]) / (time @ time)
    return slope, float((1 + np.count_nonzero(chance <= slope)) / (1 + len(chance)))
