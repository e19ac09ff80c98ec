"""How far stated confidence can be believed: reliability diagram and expected calibration error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """A reliability diagram: predictions grouped by confidence; empty bins are left out."""

    count: NDArray[np.int64]
    """(B,) predictions in each bin, never 0."""
    confidence: NDArray[np.float64]
    """(B,) their mean confidence, ascending."""
    accuracy: NDArray[np.float64]
    """(B,) the share of them that is right."""

    @property
    def ece(self) -> float:
        """Expected calibration error: mean distance of confidence and accuracy, weighted by count; 0 when empty."""
        total = int(self.count.sum())
        return float(self.count @ np.abs(self.confidence - self.accuracy) / total) if total else 0.0

    @property
    def largest_gap(self) -> float:
        """Maximum calibration error: the largest distance of any bin; 0 when empty."""
        return float(np.abs(self.confidence - self.accuracy).max(initial=0.0))


def reliability(confidence: ArrayLike, is_right: ArrayLike, *, bins: int = 15, equal_mass: bool = False) -> Reliability:
    """Group predictions by confidence (Guo et al., "On Calibration of Modern Neural Networks", 2017).

    Args:
        confidence: (N,) in [0, 1].
        is_right: (N,) whether each prediction holds.
        bins: number of bins.
        equal_mass: bins of equal count (steadier for small samples) instead of equal width.

    >>> reliability([0.9, 0.9, 0.9, 0.9], [1, 1, 1, 0], bins=10).ece.__round__(3)
    0.15
    """
    stated = np.asarray(confidence, np.float64).reshape(-1)
    right = np.asarray(is_right, np.float64).reshape(-1)
    place = _bins(stated, bins, equal_mass=equal_mass)
    count = np.bincount(place, minlength=bins)
    filled = count > 0
    return Reliability(
        count[filled],
        (np.bincount(place, stated, minlength=bins)[filled] / count[filled]),
        (np.bincount(place, right, minlength=bins)[filled] / count[filled]),
    )


def ece_by_chance(
    confidence: ArrayLike,
    is_right: ArrayLike,
    group: ArrayLike | None = None,
    *,
    bins: int = 15,
    equal_mass: bool = False,
    draws: int = 200,
) -> float:
    """Return the expected calibration error that probabilities without fault would show in as small a sample.

    What each group is off by keeps its size and gets a random sign (the wild bootstrap; Liu, 1988), so that only chance
    is left of it.

    Args:
        confidence: (N,) in [0, 1].
        is_right: (N,) whether each prediction holds.
        group: (N,) predictions of one group are right or wrong together; each is its own when not given.
        bins: as of `reliability`.
        equal_mass: as of `reliability`.
        draws: samples whose mean is returned.
    """
    stated = np.asarray(confidence, np.float64).reshape(-1)
    off = np.asarray(is_right, np.float64).reshape(-1) - stated
    if len(stated) == 0:
        return 0.0
    number = np.arange(len(stated)) if group is None else np.unique(group, return_inverse=True)[1].reshape(-1)
    count = int(number.max()) + 1
    cell = number * bins + _bins(stated, bins, equal_mass=equal_mass)
    total = np.bincount(cell, off, minlength=count * bins).reshape(count, bins)
    sign = np.random.default_rng(0).integers(0, 2, (draws, count)) * 2.0 - 1.0
    return float(np.abs(sign @ total).sum(axis=1).mean() / len(stated))


def _bins(stated: NDArray[np.float64], bins: int, *, equal_mass: bool) -> NDArray[np.int64]:
    """Return the (N,) bin of each prediction."""
    if equal_mass:
        place = np.empty(len(stated), np.int64)
        place[np.argsort(stated, kind="stable")] = np.arange(len(stated)) * bins // max(len(stated), 1)
        return place
    return np.clip(np.ceil(stated * bins).astype(np.int64) - 1, 0, bins - 1)
