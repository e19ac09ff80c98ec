"""How far an error rate seen in a sample can be from the truth: exact intervals and tests."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta, binom

_BETS = 32
"""Bets in the mixture; more change nothing measurable."""


def upper_bound(errors: float, count: float, confidence: float) -> float:
    """Return the one-sided Clopper-Pearson bound: the true rate is at most this, with `confidence`.

    >>> round(upper_bound(0, 149, 0.95), 4)
    0.0199
    """
    if count <= 0 or errors >= count:
        return 1.0
    return float(beta.ppf(confidence, errors + 1, count - errors))


def interval(errors: float, count: float, confidence: float) -> tuple[float, float]:
    """Return the two-sided Clopper-Pearson interval of a rate; (0, 1) without a sample.

    A fractional `errors` (a sum of losses in [0, 1]) gives an interval that is wider than needed.
    """
    if count <= 0:
        return 0.0, 1.0
    tail = (1.0 - confidence) / 2
    low = float(beta.ppf(tail, errors, count - errors + 1)) if errors > 0 else 0.0
    high = float(beta.ppf(1.0 - tail, errors + 1, count - errors)) if errors < count else 1.0
    return low, high


def binomial_p_value(errors: int, count: int, limit: float) -> float:
    """Return the exact p-value against "the error rate exceeds `limit`"; 1 without a sample."""
    return float(binom.cdf(errors, count, limit)) if count > 0 else 1.0


def bounded_p_value(losses: NDArray[np.float64], limit: float) -> float:
    """Return a valid p-value against "the mean of losses in [0, 1] exceeds `limit`", at any sample size.

    Betting (Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting", 2024): under the null
    hypothesis the capital of every fixed bet is a supermartingale that starts at 1, and so is their mean; by Markov's
    inequality its inverse is a p-value.
    """
    if len(losses) == 0:
        return 1.0
    bets = np.linspace(0.0, 1.0, _BETS + 1)[1:] * 0.99 / (1.0 - limit)
    capital = np.log1p(-bets[:, None] * (losses[None, :] - limit)).sum(axis=1)
    largest = float(capital.max())
    log_mean = largest + math.log(float(np.exp(capital - largest).mean()))
    return min(1.0, math.exp(-log_mean)) if log_mean < 700 else 0.0


def sample_needed(limit: float, confidence: float, expected_error: float = 0.0) -> int:
    """Return the smallest sample that can prove an error rate of at most `limit` when it is really `expected_error`.

    Raises:
        ValueError: the expected rate is not below the limit; no sample can prove it.

    >>> sample_needed(0.02, 0.95)
    149
    """
    if expected_error >= limit:
        msg = f"an error rate of {expected_error:.3g} can never be proved to be at most {limit:.3g}"
        raise ValueError(msg)
    low, high = 0, 1
    while upper_bound(math.ceil(expected_error * high), high, confidence) > limit:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        if upper_bound(math.ceil(expected_error * middle), middle, confidence) > limit:
            low = middle
        else:
            high = middle
    return high
