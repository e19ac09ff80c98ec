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
    if equal_mass:
        place = np.empty(len(stated), np.int64)
        place[np.argsort(stated, kind="stable")] = np.arange(len(stated)) * bins // max(len(stated), 1)
    else:
        place = np.clip(np.ceil(stated * bins).astype(np.int64) - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    filled = count > 0
    return Reliability(
        count[filled],
        (np.bincount(place, stated, minlength=bins)[filled] / count[filled]),
        (np.bincount(place, right, minlength=bins)[filled] / count[filled]),
    )
