"""How much people agree beyond chance, and how surely that is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from framelabel.review.consensus.votes import Votes

Floats = NDArray[np.float64]


def cohen_kappa(first: NDArray[np.int64], second: NDArray[np.int64]) -> float:
    """Return Cohen's kappa of two annotators' labels of the same items; NaN when chance explains everything."""
    count = int(max(first.max(initial=0), second.max(initial=0))) + 1
    table = np.zeros((count, count))
    np.add.at(table, (first, second), 1.0)
    total = table.sum()
    if total == 0:
        return float("nan")
    observed = float(np.trace(table)) / total
    expected = float(table.sum(axis=0) @ table.sum(axis=1)) / total**2
    return (observed - expected) / (1 - expected) if expected < 1 else float("nan")


def fleiss_kappa(counts: Floats) -> float:
    """Return Fleiss' kappa of (T, L) counts of votes, the same number per task; NaN when it is not defined."""
    each = counts.sum(axis=1)
    if len(each) == 0 or each[0] < 2 or not bool(np.all(each == each[0])):
        return float("nan")
    raters = each[0]
    within = ((counts**2).sum(axis=1) - raters) / (raters * (raters - 1))
    expected = float(((counts.sum(axis=0) / counts.sum()) ** 2).sum())
    return float((within.mean() - expected) / (1 - expected)) if expected < 1 else float("nan")


def krippendorff_alpha(votes: Votes, distance: str = "nominal") -> float:
    """Return Krippendorff's alpha; any number of annotators, answers may be missing; NaN when it is not defined.

    Args:
        votes: the answers; a task with a single one does not count.
        distance: "nominal" (same or not), "interval" (squared difference of label numbers) or "ordinal" (by rank).
    """
    return _alpha(votes.counts(), distance)


def with_interval(
    votes: Votes, statistic: Callable[[Floats], float], *, confidence: float = 0.95, draws: int = 1000
) -> tuple[float, float, float]:
    """Return a statistic of (T, L) counts with its bootstrap interval over tasks: (value, low, high)."""
    counts = votes.counts()
    counts = counts[counts.sum(axis=1) > 0]
    random = np.random.default_rng(0)
    value = statistic(counts)
    drawn = [
        statistic(counts[random.integers(0, len(counts), len(counts))]) for _ in range(draws if len(counts) else 0)
    ]
    known = np.array([one for one in drawn if np.isfinite(one)])
    if len(known) < 2:
        return value, float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - confidence) / 2, (1 + confidence) / 2])
    return value, float(low), float(high)


def alpha_of_counts(counts: Floats) -> float:
    """Return Krippendorff's nominal alpha of (T, L) counts of votes."""
    return _alpha(counts, "nominal")


def _alpha(counts: Floats, distance: str) -> float:
    pairable = counts[counts.sum(axis=1) >= 2]
    each = pairable.sum(axis=1)
    total = each.sum()
    if total == 0:
        return float("nan")
    # coincidences: every ordered pair of answers to one task, weighted so that each answer counts once
    coincidence = (pairable / (each - 1)[:, None]).T @ pairable - np.diag((pairable / (each - 1)[:, None]).sum(axis=0))
    frequency = coincidence.sum(axis=0)
    metric = _distances(frequency, distance)
    observed = float((coincidence * metric).sum())
    expected = float((np.outer(frequency, frequency) * metric).sum()) / (total - 1)
    return 1.0 - observed / expected if expected > 0 else float("nan")


def _distances(frequency: Floats, distance: str) -> Floats:
    numbers = np.arange(len(frequency), dtype=np.float64)
    if distance == "nominal":
        return 1.0 - np.eye(len(frequency))
    if distance == "interval":
        return np.asarray((numbers[:, None] - numbers[None, :]) ** 2)
    if distance == "ordinal":
        below = np.cumsum(frequency) - frequency / 2
        return np.asarray((below[:, None] - below[None, :]) ** 2)
    msg = f"unknown distance '{distance}'; choose nominal, interval or ordinal"
    raise ValueError(msg)
