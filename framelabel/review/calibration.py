"""Turn scores and what is known of a track into the probability that a label is right.

Fitted on an audited sample, chosen among methods by cross-validation over whole groups (tracks or clips), so that
boxes of one track never vouch for each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

Floats = NDArray[np.float64]

_EDGE = 1e-4
"""Probabilities stay this far from 0 and 1: no sample proves certainty."""
_TIE = 1e-5
_FOLDS = 5
_PENALTIES = (64.0, 8.0, 1.0)
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
        """Fit by the likelihood on a grid of temperatures from 0.1 to 10."""
        grid = np.geomspace(0.1, 10.0, 121)
        losses = [log_loss(Temperature(float(value))(features), is_right) for value in grid]
        return Temperature(float(grid[int(np.argmin(losses))]))


@dataclass(frozen=True, slots=True, eq=False)
class Uncalibrated:
    """The raw score as it stands; used, and said to be used, while nothing is known."""

    method: str = "uncalibrated"

    def __call__(self, features: Floats) -> Floats:
        """Return the (N,) probabilities of (N, F) features."""
        return np.asarray(_squeeze(np.clip(features[:, 0], 0.0, 1.0)))


METHODS = ("temperature", "platt", "beta", "isotonic", "features")
"""From few to many free parameters."""
LEAST_SAMPLE = 30
"""Audited items below which no method is fitted."""


def fit(features: Floats, is_right: NDArray[np.bool_], group: NDArray[np.int64], method: str = "auto") -> Calibrator:
    """Fit a calibrator.

    Args:
        features: (N, F) known of each audited item; column 0 is the raw score in [0, 1].
        is_right: (N,) what people found.
        group: (N,) track or clip of each item; groups are never split between fitting and judging.
        method: one of METHODS, or "auto": "features", unless another has a clearly lower cross-validated log loss.

    Returns:
        `Uncalibrated` when there are fewer than LEAST_SAMPLE items, or only right or only wrong ones.
    """
    right = np.asarray(is_right, np.float64)
    if len(right) < LEAST_SAMPLE or right.min() == right.max():
        return Uncalibrated()
    if method != "auto":
        return _fit(method, features, right, group)
    plain = [name for name in METHODS if name != "features"]
    losses = {name: log_loss(out_of_fold(features, is_right, group, name), right) for name in plain}
    penalty, losses["features"] = _best_penalty(features, right, group)
    # a quarter of a standard error: "features" holds the simpler shapes and shrinks towards them by itself, so another
    # method must be clearly better, or chance would choose it now and then
    tolerance = 0.25 * float(np.std(right)) / np.sqrt(len(right))
    best = min(METHODS, key=losses.__getitem__)
    if losses["features"] <= losses[best] + tolerance:
        return Logistic.fit(features, right, penalty=penalty)
    return _fit(best, features, right, group)


def out_of_fold(
    features: Floats, is_right: NDArray[np.bool_], group: NDArray[np.int64], method: str = "auto"
) -> Floats:
    """Return the (N,) probability of each item from a calibrator fitted on the other groups only."""
    right = np.asarray(is_right, np.float64)
    fold = _folds(group)
    result = np.full(len(right), float(right.mean()))
    for number in np.unique(fold):
        held = fold == number
        known = right[~held]
        if len(known) and known.min() != known.max():
            chosen = fit(features[~held], is_right[~held], group[~held]) if method == "auto" else None
            result[held] = (chosen or _fit(method, features[~held], known, group[~held]))(features[held])
    return result


def log_loss(probability: Floats, is_right: Floats) -> float:
    """Return the mean negative log likelihood."""
    chance = np.clip(probability, _EDGE, 1 - _EDGE)
    return float(-np.mean(is_right * np.log(chance) + (1 - is_right) * np.log1p(-chance)))


def _folds(group: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the (N,) fold of each item; groups are never split."""
    groups = np.unique(group)
    fold_of_group = np.random.default_rng(0).permutation(len(groups)) % min(_FOLDS, max(len(groups), 2))
    return np.asarray(fold_of_group[np.searchsorted(groups, group)])


def _fit(method: str, features: Floats, right: Floats, group: NDArray[np.int64]) -> Calibrator:
    if method == "temperature":
        return Temperature.fit(features, right)
    if method == "isotonic":
        return Isotonic.fit(features, right)
    if method in ("platt", "beta"):
        return Logistic.fit(features, right, method)
    if method == "features":
        return Logistic.fit(features, right, penalty=_best_penalty(features, right, group)[0])
    msg = f"unknown calibration method '{method}'; choose one of {', '.join(METHODS)}, auto"
    raise ValueError(msg)


def _best_penalty(features: Floats, right: Floats, group: NDArray[np.int64]) -> tuple[float, float]:
    """Return the penalty with the least cross-validated loss, and it: small samples cannot afford many features."""
    fold = _folds(group)
    losses = []
    for penalty in _PENALTIES:
        stated = np.full(len(right), float(right.mean()))
        for number in np.unique(fold):
            held = fold == number
            if not bool(held.all()):
                stated[held] = Logistic.fit(features[~held], right[~held], penalty=penalty)(features[held])
        losses.append(log_loss(stated, right))
    return min(zip(_PENALTIES, losses, strict=True), key=lambda pair: pair[1])


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
