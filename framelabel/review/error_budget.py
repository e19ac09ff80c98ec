"""Accept as much as can be promised to hold few errors, and say so only when a sample proves it.

The promise: with probability `confidence` over the draw of the audit sample, at most `max_error` of the accepted boxes
are wrong. Thresholds are tested from strict to lax and the first failure ends the sequence (fixed-sequence testing, as
in Angelopoulos et al., "Learn then Test", 2021), so looking at many thresholds costs nothing. Where the sequence starts
is decided before any answer is looked at, from stated probabilities that may come from a calibrator, but not from one
fitted on the same answers.

The unit of sampling is the track or clip, never the frame: boxes of one track are right or wrong together, and 2,000
frames of 40 tracks tell about 40 things. Units are drawn in proportion to their size, with replacement, and one box of
each is judged (or the whole unit), which makes every answer an independent draw from all boxes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from framelabel.review.intervals import binomial_p_value, bounded_p_value, interval, sample_needed, upper_bound

_STEPS = 100
"""Thresholds in a sequence; each lets in an equal share of the boxes."""


_SURE = 7.0
"""Exponent from which a first test rarely fails (chance of failure about exp(-7 + 3))."""


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """Everything that waits for a decision: one row per track (or clip, or single box)."""

    probability: NDArray[np.float64]
    """(N,) probability of being right, in [0, 1]; larger is accepted first. Need not be calibrated to be safe."""
    size: NDArray[np.float64]
    """(N,) boxes (or frames) of the unit."""
    class_id: NDArray[np.int32]
    """(N,)."""

    def __len__(self) -> int:
        return len(self.probability)

    @staticmethod
    def of(probability: ArrayLike, size: ArrayLike | None = None, class_id: ArrayLike | None = None) -> Units:
        """Make units; each is of size 1 and class 0 where not given."""
        values = np.asarray(probability, np.float64).reshape(-1)
        count = len(values)
        return Units(
            values,
            np.ones(count) if size is None else np.asarray(size, np.float64).reshape(-1),
            np.zeros(count, np.int32) if class_id is None else np.asarray(class_id, np.int32).reshape(-1),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Audit:
    """Units drawn at random in proportion to size, with replacement, and what people found in them."""

    unit: NDArray[np.int64]
    """(n,) rows of `Units`; a unit drawn twice occurs twice."""
    loss: NDArray[np.float64]
    """(n,) 1 where the box looked at is wrong; a share in [0, 1] where the whole unit was looked at."""
    above: float = 0.0
    """Only units with at least this probability were drawn from."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What can be promised about the accepted units."""

    threshold: float
    """Units with at least this probability are accepted; above 1 when nothing is."""
    accepted_share: float
    """Share of all boxes that is accepted."""
    max_error: float
    confidence: float
    holds: bool
    """False when the sample does not prove it; then nothing is accepted."""
    audited: int
    """Audited units among the accepted ones (or among all, when nothing is accepted)."""
    errors: float
    """Sum of their losses."""
    error_low: float
    error_high: float
    """Bounds of their error rate, each of which holds as surely as this test promises."""
    more_to_audit: int = 0
    """Units still to audit before a promise can be hoped for; 0 when it holds."""
    reason: str = ""
    """Why nothing is promised."""


def plausible(units: Units, max_error: float) -> float:
    """Return the probability from which on units are worth auditing: what lies below cannot be accepted anyway.

    That is the largest set whose stated error is at most a quarter above the budget, and at least a tenth of the boxes.
    """
    if len(units) == 0:
        return 0.0
    order = np.argsort(-units.probability, kind="stable")
    size = np.cumsum(units.size[order])
    wrong = np.cumsum(units.size[order] * (1.0 - units.probability[order]))
    fits = np.flatnonzero((wrong <= 1.25 * max_error * size) | (size <= 0.1 * size[-1]))
    return float(units.probability[order[fits[-1] if len(fits) else 0]])


def draw_audit(units: Units, count: int, seed: int, *, above: float = 0.0) -> NDArray[np.int64]:
    """Return `count` units to audit: drawn with replacement, in proportion to size, from those of `above` or more."""
    weight = np.where(units.probability >= above, units.size, 0.0)
    total = weight.sum()
    if len(units) == 0 or total <= 0:
        return np.zeros(0, np.int64)
    places = np.random.default_rng(seed).random(count) * total
    return np.asarray(np.searchsorted(np.cumsum(weight), places, side="right").clip(0, len(units) - 1))


def level_of_look(confidence: float, look: int) -> float:
    """Return the risk spent on the `look`-th test of one project (from 1); over all looks they sum to 1 - confidence.

    Four fifths go to the first, so that asking again after more answers stays honest at little cost.
    """
    return float((1.0 - confidence) * 0.8 * 0.2 ** (look - 1))


def promise(units: Units, audit: Audit, *, max_error: float, confidence: float, look: int = 1) -> Promise:
    """Return the largest acceptable set of units, by threshold, or why nothing can be promised.

    Args:
        units: everything that waits for a decision.
        audit: what people found in the units drawn.
        max_error: largest share of wrong boxes among the accepted ones.
        confidence: how surely.
        look: how many times the answers were tested, this time included (see `level_of_look`).
    """
    total = float(units.size.sum())
    if total <= 0:
        return Promise(
            2.0, 0.0, max_error, confidence, holds=False, audited=0, errors=0.0, error_low=0.0, error_high=1.0
        )
    order = np.argsort(-units.probability[audit.unit], kind="stable")
    stated, loss = units.probability[audit.unit][order], audit.loss[order]
    is_binary = bool(np.all((loss == 0) | (loss == 1)))
    errors = np.cumsum(loss)
    level = level_of_look(confidence, look)
    threshold, taken = 2.0, 0
    for candidate in _sequence(units, len(loss), audit.above, max_error).tolist():
        count = int(np.searchsorted(-stated, -candidate, side="right"))
        if count == 0:
            break
        if is_binary:
            p_value = binomial_p_value(round(float(errors[count - 1])), count, max_error)
        else:
            p_value = bounded_p_value(loss[:count], max_error)
        if p_value > level:
            break
        threshold, taken = float(candidate), count
    if taken:
        found = float(errors[taken - 1])
        low, high = interval(found, taken, 1.0 - 2.0 * level)
        share = float(units.size[units.probability >= threshold].sum()) / total
        return Promise(threshold, share, max_error, confidence, True, taken, found, low, high)
    found = float(errors[-1]) if len(errors) else 0.0
    low, high = interval(found, len(loss), 1.0 - 2.0 * level)
    more, reason = _missing(loss, max_error, 1.0 - level)
    return Promise(2.0, 0.0, max_error, confidence, False, len(loss), found, low, high, more, reason)


def promise_per_class(
    units: Units, audit: Audit, class_count: int, *, max_error: float, confidence: float, look: int = 1
) -> list[Promise]:
    """Return one promise per class that hold together: each is tested at an equal part of the risk of being wrong.

    Since every class keeps its budget, so does everything accepted together.
    """
    present = [number for number in range(class_count) if np.any(units.class_id == number)]
    each = 1.0 - (1.0 - confidence) / max(len(present), 1)
    promises = []
    for number in range(class_count):
        own = np.flatnonzero(units.class_id == number)
        position = np.full(len(units), -1, np.int64)
        position[own] = np.arange(len(own))
        drawn = position[audit.unit] >= 0
        part = Units(units.probability[own], units.size[own], units.class_id[own])
        inside = Audit(position[audit.unit[drawn]], audit.loss[drawn], audit.above)
        promises.append(promise(part, inside, max_error=max_error, confidence=each, look=look))
    return promises


def _sequence(units: Units, audited: int, above: float, max_error: float) -> NDArray[np.float64]:
    """Return the thresholds to test, strict to lax: equal steps of accepted boxes, from the best start on.

    Only what was known before the sample was drawn decides here. That keeps the test exact: among the audited units
    that a fixed threshold accepts, every one is an independent draw from all units it accepts.
    """
    inside = np.flatnonzero((units.probability >= above) & (units.size > 0))
    if len(inside) == 0:
        return np.zeros(0)
    order = inside[np.argsort(-units.probability[inside], kind="stable")]
    probability = units.probability[order]
    share = np.cumsum(units.size[order]) / units.size[order].sum()
    wrong = np.cumsum(units.size[order] * (1.0 - probability)) / units.size[order].sum()
    last = np.flatnonzero(np.append(np.diff(probability) < 0, True))
    ends = np.unique(
        last[np.searchsorted(share[last], np.arange(1, _STEPS + 1) / _STEPS - 1e-12).clip(0, len(last) - 1)]
    )
    # Chernoff's exponent: how surely a sample of these answers shows that few errors, were they half again as frequent
    # as stated; the strictest threshold that is sure enough leaves the most room to go on
    rate = 1.5 * wrong[ends] / share[ends]
    exponent = audited * share[ends] * _divergence(rate, max_error)
    if float(exponent.max()) < 1.0:
        # stated probabilities without hope (a raw score, perhaps): test as if half the budget were used
        exponent = audited * share[ends] * _divergence(np.minimum(rate, max_error / 2), max_error)
    sure = np.flatnonzero(exponent >= _SURE)
    return np.asarray(probability[ends[int(sure[0]) if len(sure) else int(np.argmax(exponent)) :]])


def _divergence(rate: NDArray[np.float64], limit: float) -> NDArray[np.float64]:
    """Return the relative entropy of error rates to the limit; 0 for rates above it."""
    below = np.clip(rate, 1e-9, limit)
    return np.asarray(below * np.log(below / limit) + (1 - below) * np.log((1 - below) / (1 - limit)))


def _missing(loss: NDArray[np.float64], max_error: float, confidence: float) -> tuple[int, str]:
    """Return how many more units to audit until a promise can be hoped for, and why there is none yet."""
    least = sample_needed(max_error, confidence)
    if len(loss) < least:
        return least - len(loss), f"{len(loss)} audited units cannot prove {max_error:.2%}; at least {least} are needed"
    best_share, best_rate = 0.0, math.inf
    for count in np.unique(np.linspace(max(len(loss) // 20, 1), len(loss), 20).round().astype(int)).tolist():
        rate = float(loss[:count].mean())
        if rate < max_error * 0.75:
            best_share, best_rate = count / len(loss), rate
        elif not math.isfinite(best_rate):
            best_rate = rate
    if best_share == 0.0:
        bound = upper_bound(float(loss[: max(len(loss) // 20, 1)].sum()), max(len(loss) // 20, 1), confidence)
        return 0, (
            f"even the surest units hold too many errors (up to {bound:.1%}); labels or model must get better first"
        )
    needed = math.ceil(sample_needed(max_error, confidence, best_rate) / best_share)
    more = max(needed - len(loss), math.ceil(0.25 * len(loss)))
    return more, f"{len(loss)} audited units do not prove {max_error:.2%} yet"
