"""Maps from a score, and what else is known of a track, to the probability that a label is right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression, minimize_scalar

Floats = NDArray[np.float64]

_EDGE = 1e-4
"""Probabilities stay this far from 0 and 1: no sample proves certainty."""
_TIE = 1e-5
_BLOCK = 65_536
_TERTILES = (1 / 3, 2 / 3)


class Calibrator(Protocol):
    """A fitted map from features to probability."""

    @property
    def method(self) -> str:
        """The name of its method."""

    def __call__(self, features: Floats) -> Floats:
        """Return the (N,) probabilities of (N, F) features; column 0 is the raw score in [0, 1]."""


@dataclass(frozen=True, slots=True, eq=False)
class Isotonic:
    """A step function that never falls (pool adjacent violators), linear between the middles of its steps."""

    score: Floats
    """(K,) ascending."""
    probability: Floats
    """(K,) non-decreasing."""
    method: str = "isotonic"

    def __call__(self, features: Floats) -> Floats:
        """Return the (N,) probabilities of (N, F) features."""
        level = np.interp(features[:, 0], self.score, self.probability)
        # a hair of the score orders what lies on one step, so that a threshold can pass through it
        return np.asarray(np.clip(level + _TIE * (features[:, 0] - 1.0), _TIE, 1 - _EDGE))

    @staticmethod
    def fit(features: Floats, is_right: Floats) -> Isotonic:
        """Fit on (N, F) features, of which only the score counts; each step is shrunk a little towards the mean."""
        order = np.argsort(features[:, 0], kind="stable")
        score, right = features[order, 0], is_right[order]
        level = np.asarray(isotonic_regression(right).x)
        starts = np.flatnonzero(np.diff(level, prepend=-1.0) != 0)
        count = np.diff(np.append(starts, len(level)))
        mean = float(right.mean())
        value = (level[starts] * count + mean) / (count + 1)
        centre = np.add.reduceat(score, starts) / count
        return Isotonic(centre, np.clip(np.maximum.accumulate(value), _EDGE, 1 - _EDGE))


@dataclass(frozen=True, slots=True, eq=False)
class Logistic:
    """Logistic regression on standardised columns made of the score, and of the other features where it uses them.

    On the log-odds of the score it is Platt's scaling; on log(s) and log(1 - s) beta calibration (Kull et al., 2017),
    which also mends scores that are skewed; "features" adds to the latter the other columns, all of them and the score
    bent at the sample's tertiles (linear splines), since few are linear in the log-odds.
    """

    weight: Floats
    """(F,)."""
    bias: float
    centre: Floats
    spread: Floats
    method: str = "features"
    """"platt", "beta" or "features"."""
    knots: Floats | None = None
    """(2, F) where each feature bends; None for methods that bend none."""

    def __call__(self, features: Floats) -> Floats:
        """Return the (N,) probabilities of (N, F) features."""
        scaled = self.weight / self.spread
        bias = self.bias - float(self.centre @ scaled)
        # block by block: a million items with all their bends would take half a gigabyte
        blocks = (features[first : first + _BLOCK] for first in range(0, len(features), _BLOCK))
        odds = [_design(block, self.method, self.knots) @ scaled + bias for block in blocks]
        return np.asarray(_squeeze(_sigmoid(np.concatenate(odds or [np.zeros(0)]))))

    @staticmethod
    def fit(features: Floats, is_right: Floats, method: str = "features", *, penalty: float = 1.0) -> Logistic:
        """Fit by Newton's method with an L2 penalty (a normal prior on each weight).

        Args:
            features: (N, F).
            is_right: (N,) 0 or 1.
            method: "platt", "beta" or "features".
            penalty: of the weights of other columns than the score's, whose penalty is 1.
        """
        knots = np.quantile(features, _TERTILES, axis=0) if method == "features" else None
        design = _design(features, method, knots)
        centre, spread = design.mean(axis=0), np.maximum(design.std(axis=0), 1e-6)
        matrix = np.hstack([(design - centre) / spread, np.ones((len(design), 1))])
        own = 1 if method == "platt" else 2
        others = design.shape[1] - own
        ridge = np.diag(np.concatenate([np.ones(own), np.full(others, penalty), [1e-3]]))
        weight = np.zeros(matrix.shape[1])
        for _ in range(50):
            chance = _sigmoid(matrix @ weight)
            gradient = matrix.T @ (is_right - chance) - ridge @ weight
            curvature = (matrix * (chance * (1 - chance))[:, None]).T @ matrix + ridge
            step = np.linalg.solve(curvature, gradient)
            weight = weight + step / max(1.0, float(np.abs(step).max()) / 3.0)
            if float(np.abs(step).max()) < 1e-8:
                break
        return Logistic(weight[:-1], float(weight[-1]), centre, spread, method, knots)


@dataclass(frozen=True, slots=True)
class Temperature:
    """The log-odds of the score divided by one number (Guo et al., 2017)."""

    temperature: float
    method: str = "temperature"

    def __call__(self, features: Floats) -> Floats:
        """Return the (N,) probabilities of (N, F) features."""
        return np.asarray(_squeeze(_sigmoid(_log_odds(features[:, 0]) / self.temperature)))

    @staticmethod
    def fit(features: Floats, is_right: Floats) -> Temperature:
        """Fit by the likelihood, among temperatures from 0.1 to 10."""

        def loss(exponent: float) -> float:
            return log_loss(Temperature(10.0**exponent)(features), is_right)

        found = minimize_scalar(loss, bounds=(-1.0, 1.0), method="bounded", options={"xatol": 1e-3})
        return Temperature(float(10.0**found.x))


@dataclass(frozen=True, slots=True)
class RawScore:
    """The raw score as it stands."""

    method: str = "uncalibrated"
    """"identity" where a sample shows that no map does better; "uncalibrated" while nothing is known."""

    def __call__(self, features: Floats) -> Floats:
        """Return the (N,) probabilities of (N, F) features."""
        return np.asarray(_squeeze(np.clip(features[:, 0], 0.0, 1.0)))


def losses(probability: Floats, is_right: Floats) -> Floats:
    """Return the (N,) negative log likelihood of each item."""
    chance = np.clip(probability, _EDGE, 1 - _EDGE)
    return np.asarray(-(is_right * np.log(chance) + (1 - is_right) * np.log1p(-chance)))


def log_loss(probability: Floats, is_right: Floats) -> float:
    """Return the mean negative log likelihood."""
    return float(losses(probability, is_right).mean())


def _design(features: Floats, method: str, knots: Floats | None) -> Floats:
    """Return the columns that a logistic regression sees, those of the score first."""
    score = np.clip(features[:, :1], 1e-6, 1 - 1e-6)
    if method == "platt":
        return _log_odds(score)
    both = [np.log(score), np.log1p(-score)]
    if knots is None:
        return np.hstack(both)
    return np.hstack([*both, features[:, 1:], *(np.maximum(features - knot, 0.0) for knot in knots)])


def _log_odds(score: Floats) -> Floats:
    inside = np.clip(score, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def _squeeze(probability: Floats) -> Floats:
    """Keep away from 0 and 1 without making any two probabilities equal."""
    return np.asarray(_EDGE + (1 - 2 * _EDGE) * probability)


def _sigmoid(value: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(value, -30, 30))))
