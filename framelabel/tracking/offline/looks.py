"""How alike two tracklets look, as evidence of the same currency as their motion: a log likelihood ratio.

What an embedding's similarity is worth differs between models and between footages (uniforms, night, small people). It
is measured on the clip: tracklets cut in two halves show how alike one object stays, tracklets that are in one picture
at a time show how alike two objects are. A model that cannot tell objects apart says nothing by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.tracking.appearance import Looks, normalised
from framelabel.tracking.offline.chains import NONE, Chains
from framelabel.tracking.offline.evidence import Evidence

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

_FEWEST_EACH = 2
"""Embeddings that each half of a tracklet needs to count."""
_FEWEST_PAIRS = 4
"""Pairs of either kind, below which nothing is known."""
_MOST_PAIRS = 4000
_LEAST_SPREAD = 0.04
_MOST_WORTH = 6.0
"""Appearance never outweighs more than this: two people may wear the same coat."""


@dataclass(frozen=True, slots=True, eq=False)
class LookLaw:
    """Similarities of one object with itself and of two objects, as normal laws; None where too little was seen."""

    same: tuple[float, float] | None
    """Mean and deviation."""
    other: tuple[float, float] | None

    def log_ratio(self, similarity: Floats) -> Floats:
        """Return (K,) log of how much likelier these similarities are for one object than for two; NaN gives 0."""
        if self.same is None or self.other is None or self.same[0] <= self.other[0]:
            return np.zeros(len(similarity))
        # beyond the two means the wider law would win by its tail, which says nothing
        inside = np.clip(similarity, self.other[0], self.same[0])
        worth = _log_normal(inside, *self.same) - _log_normal(inside, *self.other)
        return np.asarray(np.clip(np.nan_to_num(worth), -_MOST_WORTH, _MOST_WORTH), np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Gallery:
    """The embeddings of a clip, by detection of its `Evidence`, and what they are worth."""

    looks: Looks
    """`row` counts in the evidence."""
    law: LookLaw

    @staticmethod
    def of(looks: Looks, evidence: Evidence, chains: Chains) -> Gallery:
        """Take over embeddings by row of the boxes given, and measure their worth on tracklets."""
        mine = _by_evidence(looks, evidence)
        return Gallery(mine, _measured(mine, evidence, chains))

    def at(self, looks: Looks, evidence: Evidence) -> Gallery:
        """Take over the embeddings of other detections of the clip; their worth is known already."""
        return Gallery(_by_evidence(looks, evidence), self.law)

    def worth(self, chains: Chains, tail: Rows, head: Rows) -> Floats:
        """Return (K,) log likelihood ratios of joining the chains of detections `tail` and `head`."""
        label, count = chains.label()
        mean = self._means(label[self.looks.row], count)
        return self.law.log_ratio(_similarity(mean, label[tail], label[head]))

    def _means(self, group: Rows, count: int) -> Floats:
        return _means(self.looks.vector, group, count)


def _by_evidence(looks: Looks, evidence: Evidence) -> Looks:
    """Return the embeddings that say something, by row of the evidence."""
    by_source = np.full(int(max(evidence.source.max(initial=0), looks.row.max(initial=0))) + 1, NONE)
    by_source[evidence.source] = np.arange(len(evidence))
    row = by_source[looks.row]
    known = (row != NONE) & np.any(looks.vector != 0, axis=1)
    return Looks(row[known], looks.vector[known])


def _measured(looks: Looks, evidence: Evidence, chains: Chains) -> LookLaw:
    """Return the law of similarities on these tracklets."""
    label, count = chains.label()
    group = label[looks.row]
    order = np.lexsort((evidence.frame[looks.row], group))
    group = group[order]
    total = np.bincount(group, minlength=count)
    rank = np.arange(len(group)) - (np.cumsum(total) - total)[group]
    late = rank >= total[group] / 2
    halves = _means(looks.vector[order], 2 * group + late, 2 * count)
    whole = np.flatnonzero(total >= 2 * _FEWEST_EACH)
    same = _similarity(halves, 2 * whole, 2 * whole + 1)
    # neighbours in the list of embeddings that are in one picture but not in one tracklet
    at = np.argsort(looks.row, kind="stable")
    first, second = looks.row[at[:-1]], looks.row[at[1:]]
    apart = (evidence.frame[first] == evidence.frame[second]) & (label[first] != label[second])
    pair = np.unique(np.stack([label[first[apart]], label[second[apart]]], axis=1), axis=0)
    pair = pair[np.all(total[pair] >= _FEWEST_EACH, axis=1)]
    pair = pair[:: max(1, len(pair) // _MOST_PAIRS)]
    other = _similarity(halves, 2 * pair[:, 0], 2 * pair[:, 1])
    return LookLaw(_law(same), _law(other))


def _law(similarity: Floats) -> tuple[float, float] | None:
    known = similarity[~np.isnan(similarity)]
    if len(known) < _FEWEST_PAIRS:
        return None
    middle = float(np.median(known))
    spread = 1.4826 * float(np.median(np.abs(known - middle)))
    return middle, max(_LEAST_SPREAD, spread)


def _means(vector: NDArray[np.float32], group: Rows, count: int) -> Floats:
    """Return (count, D) mean directions; zero rows where a group is empty."""
    total = np.zeros((count, vector.shape[1]))
    np.add.at(total, group, vector)
    return normalised(total)


def _similarity(mean: Floats, a: Rows, b: Rows) -> Floats:
    """Return (K,) cosines; NaN where either is unknown."""
    known = np.any(mean != 0, axis=1)
    return np.where(known[a] & known[b], np.einsum("kd,kd->k", mean[a], mean[b]), np.nan)


def _log_normal(x: Floats, mean: float, spread: float) -> Floats:
    return np.asarray(-0.5 * np.square((x - mean) / spread) - np.log(spread), np.float64)
