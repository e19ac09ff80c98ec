"""Who decides: which units are accepted, checked quickly, reviewed in full, or dropped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from framelabel.review.error_budget import Promise, Units

UNJUDGED, WRONG, RIGHT = -1, 0, 1
"""What people said of a whole unit."""


class Band(IntEnum):
    """What happens to a unit."""

    ACCEPT = 0
    """Goes into the data set as it is, under the promise."""
    QUICK = 1
    """Somebody says yes or no."""
    FULL = 2
    """Somebody draws it right."""
    DROP = 3
    """So unlikely to be anything that nobody is asked."""


@dataclass(frozen=True, slots=True, eq=False)
class Routing:
    """The decision for every unit."""

    band: NDArray[np.int8]
    """(N,) a `Band`."""
    share: NDArray[np.float64]
    """(4,) share of all boxes by band."""
    expected_error: NDArray[np.float64]
    """(4,) stated share of wrong boxes by band; NaN for an empty band."""


def route(
    units: Units,
    promises: Sequence[Promise],
    *,
    stated: NDArray[np.float64] | None = None,
    judged: NDArray[np.int8] | None = None,
    drop_below: float = 0.02,
    quick_from: float = 0.5,
) -> Routing:
    """Decide for every unit.

    Args:
        units: everything that waits for a decision.
        promises: one for all units, or one per class; their thresholds are of the units' probabilities.
        stated: (N,) better probabilities, for the other bands and the expected errors: fitted on all answers, while
            acceptance may only rest on what was known before the proof was drawn.
        judged: (N,) what people said of whole units: RIGHT ones are accepted and WRONG ones mended whatever is stated,
            which only lowers the error of what is accepted; UNJUDGED for the others.
        drop_below: units less probable than this are dropped.
        quick_from: units at least this probable are checked with a yes or no.
    """
    thresholds = np.array([promise.threshold for promise in promises])
    threshold = thresholds[units.class_id] if len(promises) > 1 else np.full(len(units), thresholds[0])
    chance = units.probability if stated is None else stated
    band = np.full(len(units), int(Band.FULL), np.int8)
    band[chance >= quick_from] = int(Band.QUICK)
    band[chance < drop_below] = int(Band.DROP)
    band[units.probability >= threshold] = int(Band.ACCEPT)
    if judged is not None:
        band[judged == RIGHT] = int(Band.ACCEPT)
        band[judged == WRONG] = int(Band.FULL)
        chance = np.where(judged == UNJUDGED, chance, judged == RIGHT)
    size = np.bincount(band, units.size, minlength=len(Band))
    wrong = np.bincount(band, units.size * (1 - chance), minlength=len(Band))
    total = max(float(size.sum()), 1e-12)
    return Routing(band, size / total, np.divide(wrong, size, out=np.full(len(Band), np.nan), where=size > 0))


def benefit(units: Units) -> NDArray[np.float64]:
    """Return the (N,) expected number of wrong boxes that reviewing each unit mends: what the queue is ordered by."""
    return np.asarray(units.size * (1.0 - units.probability))
