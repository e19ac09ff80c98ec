"""How good the labels get for how much of people's time: the curve from which an operating point is chosen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from framelabel.review.error_budget import Audit, Units
from framelabel.review.intervals import interval

_POINTS = 101


@dataclass(frozen=True, slots=True, eq=False)
class QualityCurve:
    """Expected quality over the share of boxes sent to people, least sure first, for one number of votes."""

    votes: int
    share: NDArray[np.float64]
    """(P,) share of boxes sent to people, ascending from 0 to 1."""
    quality: NDArray[np.float64]
    """(P,) expected share of right boxes afterwards."""
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    """(P,) band from the audit sample and the uncertainty of the annotators' skill."""
    hours: NDArray[np.float64]
    """(P,) people's time."""

    def operating_point(self, quality: float) -> int | None:
        """Return the first point whose lower limit reaches a quality; None when none does."""
        reached = np.flatnonzero(self.low >= quality)
        return int(reached[0]) if len(reached) else None

    def as_dict(self) -> dict[str, Any]:
        """Return the curve as JSON-able values."""
        columns = {
            "share": self.share,
            "quality": self.quality,
            "low": self.low,
            "high": self.high,
            "hours": self.hours,
        }
        return {"votes": self.votes, **{name: column.round(6).tolist() for name, column in columns.items()}}


def majority_accuracy(skill: float, votes: int) -> float:
    """Return how often an odd number of independent annotators of equal skill is right together.

    >>> round(majority_accuracy(0.9, 3), 3)
    0.972
    """
    return float(binom.sf(votes // 2, votes, skill))


def quality_curve(
    units: Units,
    audits: Sequence[Audit],
    *,
    skill: tuple[float, float, float],
    seconds_per_box: float,
    votes: Sequence[int] = (1, 3, 5),
    confidence: float = 0.95,
) -> list[QualityCurve]:
    """Return one curve per number of votes.

    Args:
        units: everything to decide; calibrated probabilities.
        audits: answers to judge the probabilities by, each drawn from all units above its own bound; none gives a band
            that knows nothing.
        skill: accuracy of one annotator as (value, low, high).
        seconds_per_box: people's time per box and vote.
        votes: numbers of votes, odd.
        confidence: of the band.
    """
    order = np.argsort(-units.probability, kind="stable")
    size = np.cumsum(units.size[order])
    total = float(size[-1]) if len(size) else 0.0
    share = np.linspace(0.0, 1.0, _POINTS)
    if total == 0:
        return []
    wrong = np.concatenate([[0.0], np.cumsum(units.size[order] * (1 - units.probability[order]))])
    kept_boxes = np.concatenate([[0.0], size])
    kept_wrong = np.interp((1 - share) * total, kept_boxes, wrong) / total
    low_wrong, high_wrong = _band(units, audits, size, share, confidence)
    curves = []
    for count in votes:
        right, right_low, right_high = (majority_accuracy(value, count) for value in skill)
        quality = 1 - kept_wrong - share * (1 - right)
        low = 1 - high_wrong - share * (1 - right_low)
        high = 1 - low_wrong - share * (1 - right_high)
        hours = share * total * count * seconds_per_box / 3600
        curves.append(QualityCurve(count, share, quality, np.minimum(low, quality), np.maximum(high, quality), hours))
    return curves


def _band(
    units: Units,
    audits: Sequence[Audit],
    size: NDArray[np.float64],
    share: NDArray[np.float64],
    confidence: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lower and upper share of all boxes that are wrong among those kept, point by point.

    Units above the highest bound of any audit were drawn from by every audit, those below by fewer: both parts get
    their own exact interval, at half the risk each.
    """
    ranked = np.sort(units.probability)[::-1]
    known = [audit for audit in audits if len(audit.loss)]
    bounds = sorted({audit.above for audit in known}, reverse=True)
    low, high = np.zeros_like(share), 1 - share
    if not known:
        return low, high
    each = 1 - (1 - confidence) / len(bounds)
    stated = [units.probability[audit.unit] for audit in known]
    inside = [float(size[np.count_nonzero(ranked >= bound) - 1]) if bound <= ranked[0] else 0.0 for bound in bounds]
    for number, sent in enumerate(share.tolist()):
        kept = (1 - sent) * size[-1]
        place = int(np.searchsorted(size, kept, side="right")) - 1
        threshold = float(ranked[max(place, 0)]) if kept > 0 else np.inf
        totals = [0.0, 0.0]
        before, upper = 0.0, np.inf
        for bound, edge in zip(bounds, inside, strict=True):
            part = max(min(kept, edge) - before, 0.0)
            errors = count = 0.0
            for audit, values in zip(known, stated, strict=True):
                if audit.above <= bound:
                    counted = (values >= max(bound, threshold)) & (values < upper)
                    errors += float(audit.loss[counted].sum())
                    count += int(np.count_nonzero(counted))
            rates = interval(errors, count, each)
            totals = [total + rate * part for total, rate in zip(totals, rates, strict=True)]
            before, upper = before + part, bound
        rest = max(kept - before, 0.0)
        low[number], high[number] = totals[0] / size[-1], (totals[1] + rest) / size[-1]
    return low, high


def chosen_point(curves: Sequence[QualityCurve], quality: float) -> dict[str, Any] | None:
    """Return the cheapest point, over all numbers of votes, whose lower limit reaches a quality; None for none."""
    best: dict[str, Any] | None = None
    for curve in curves:
        at = curve.operating_point(quality)
        if at is not None and (best is None or curve.hours[at] < best["hours"]):
            best = {
                "votes": curve.votes,
                "share": float(curve.share[at]),
                "quality": float(curve.quality[at]),
                "low": float(curve.low[at]),
                "hours": float(curve.hours[at]),
            }
    return best if best is None or math.isfinite(best["hours"]) else None
