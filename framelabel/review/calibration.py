"""Learn from an audited sample how far scores can be believed.

No single map is chosen. Each of several, from the raw score as it stands to a regression on all features, counts by
how well it foretells groups (tracks or clips) that it was not fitted on: pseudo-BMA+ of Yao et al., "Using stacking to
average Bayesian predictive distributions", 2018, with groups in place of single observations, so that boxes of one
track never vouch for each other. A sample too small to tell the maps apart leaves the weight spread among them, the
raw score included; a large one gives it to the best.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.review.calibrators import Calibrator, Isotonic, Logistic, RawScore, Temperature, losses

Floats = NDArray[np.float64]

METHODS = ("identity", "temperature", "platt", "beta", "isotonic", "features")
"""From few to many free parameters; identity is the raw score as it stands."""
LEAST_SAMPLE = 30
"""Audited items below which no method is fitted."""

_PENALTIES = (64.0, 8.0, 1.0)
"""Of the method "features": its candidates, which share its weight."""
_FOLDS = 5
_FEW_GROUPS = 20
"""Up to so many groups are left out one by one: none can be spared."""
_REDRAWS = 400
"""Redrawn samples whose weights are averaged."""
_NEGLIGIBLE = 0.01
"""Weight below which a map is left out."""
_SHOWN = 0.05
"""Weight from which a method is named."""


@dataclass(frozen=True, slots=True, eq=False)
class Blend:
    """The weighted mean of several maps' probabilities."""

    maps: tuple[Calibrator, ...]
    weight: Floats
    """(M,) summing to 1."""

    @property
    def method(self) -> str:
        """The methods that count, with their weights, such as "features 71%, isotonic 29%"."""
        total: dict[str, float] = {}
        for item, weight in zip(self.maps, self.weight.tolist(), strict=True):
            total[item.method] = total.get(item.method, 0.0) + weight
        shown = sorted((item for item in total.items() if item[1] >= _SHOWN), key=lambda item: -item[1])
        return ", ".join(f"{name} {weight:.0%}" for name, weight in shown)

    def __call__(self, features: Floats) -> Floats:
        """Return the (N,) probabilities of (N, F) features."""
        result = np.zeros(len(features))
        for item, weight in zip(self.maps, self.weight.tolist(), strict=True):
            result += weight * item(features)
        return result


@dataclass(frozen=True, slots=True)
class _Candidate:
    """One map that could be fitted."""

    method: str
    prior: float
    """Weight before any answer is looked at; each method starts with the same."""
    penalty: float = 1.0

    def fit(self, features: Floats, right: Floats) -> Calibrator:
        if self.method == "identity":
            return RawScore("identity")
        if self.method == "temperature":
            return Temperature.fit(features, right)
        if self.method == "isotonic":
            return Isotonic.fit(features, right)
        return Logistic.fit(features, right, self.method, penalty=self.penalty)


def fit(features: Floats, is_right: NDArray[np.bool_], group: NDArray[np.int64], method: str = "auto") -> Calibrator:
    """Fit a calibrator.

    Args:
        features: (N, F) known of each audited item; column 0 is the raw score in [0, 1].
        is_right: (N,) what people found.
        group: (N,) track or clip of each item; groups are never split between fitting and judging.
        method: one of METHODS, or "auto": all of them, weighted by what cross-validation says of each.

    Returns:
        An uncalibrated `RawScore` when there are fewer than LEAST_SAMPLE items, or only right or only wrong ones.
    """
    right = np.asarray(is_right, np.float64)
    if len(right) < LEAST_SAMPLE or right.min() == right.max():
        return RawScore()
    return _fit(method, features, right, group)


def out_of_fold(
    features: Floats, is_right: NDArray[np.bool_], group: NDArray[np.int64], method: str = "auto"
) -> Floats:
    """Return the (N,) probability of each item from a calibrator fitted on the other groups only."""
    right = np.asarray(is_right, np.float64)
    fold = _folds(group)
    result = np.full(len(right), float(right.mean()))
    for number in np.unique(fold):
        held = fold == number
        if _tells_something(right[~held]):
            result[held] = _fit(method, features[~held], right[~held], group[~held])(features[held])
    return result


def _fit(method: str, features: Floats, right: Floats, group: NDArray[np.int64]) -> Calibrator:
    candidates = _candidates(method)
    if len(candidates) == 1:
        return candidates[0].fit(features, right)
    weight = _weights(candidates, features, right, group)
    kept = np.flatnonzero(weight >= _NEGLIGIBLE)
    maps = tuple(candidates[place].fit(features, right) for place in kept.tolist())
    return Blend(maps, weight[kept] / weight[kept].sum())


def _candidates(method: str) -> list[_Candidate]:
    if method not in (*METHODS, "auto"):
        msg = f"unknown calibration method '{method}'; choose one of {', '.join(METHODS)}, auto"
        raise ValueError(msg)
    wanted = METHODS if method == "auto" else (method,)
    found = [_Candidate(name, 1.0) for name in wanted if name != "features"]
    if "features" in wanted:
        found += [_Candidate("features", 1.0 / len(_PENALTIES), penalty) for penalty in _PENALTIES]
    return found


def _weights(candidates: list[_Candidate], features: Floats, right: Floats, group: NDArray[np.int64]) -> Floats:
    """Return the (M,) weights: the mean over redrawn samples of what each sample would say of the candidates.

    Groups get random weights (the Bayesian bootstrap), so that one lucky group decides nothing for good.
    """
    fold = _folds(group)
    number = np.unique(group, return_inverse=True)[1].reshape(-1)
    count = int(number.max()) + 1
    lost = np.empty((count, len(candidates)))
    for place, candidate in enumerate(candidates):
        stated = np.full(len(right), float(right.mean()))
        for own in np.unique(fold):
            held = fold == own
            if _tells_something(right[~held]):
                stated[held] = candidate.fit(features[~held], right[~held])(features[held])
        lost[:, place] = np.bincount(number, losses(stated, right), minlength=count)
    drawn = count * np.random.default_rng(0).dirichlet(np.ones(count), _REDRAWS)
    evidence = np.log([candidate.prior for candidate in candidates]) - drawn @ lost
    chance = np.exp(evidence - evidence.max(axis=1, keepdims=True))
    return np.asarray((chance / chance.sum(axis=1, keepdims=True)).mean(axis=0))


def _tells_something(right: Floats) -> bool:
    """Return whether there are right ones and wrong ones."""
    return len(right) > 0 and bool(right.min() != right.max())


def _folds(group: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the (N,) fold of each item; groups are never split."""
    groups = np.unique(group)
    count = len(groups) if len(groups) <= _FEW_GROUPS else _FOLDS
    fold_of_group = np.random.default_rng(0).permutation(len(groups)) % max(count, 2)
    return np.asarray(fold_of_group[np.searchsorted(groups, group)])
