"""HOTA and its parts (Luiten et al., "HOTA: A Higher Order Metric for Evaluating Multi-Object Tracking", 2020).

Agrees with TrackEval to rounding. All counts are sums, so sequences and classes combine by addition.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.core.pairs import match
from framelabel.metrics.matching import EPSILON, Overlap

ALPHAS: NDArray[np.float64] = np.arange(0.05, 0.99, 0.05)
"""(19,) localisation thresholds."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Hota:
    """Sums over sequences, per alpha; the figures are properties, (19,) each, in [0, 1]."""

    tp: Floats
    """(19,) matched boxes."""
    fn: Floats
    """(19,) true boxes without a match."""
    fp: Floats
    """(19,) predicted boxes without a match."""
    association: Floats
    """(19,) sum over matches of the Jaccard index of their two tracks."""
    association_recall: Floats
    """(19,) sum over matches of the matched share of the true track."""
    association_precision: Floats
    """(19,) sum over matches of the matched share of the predicted track."""
    overlap: Floats
    """(19,) sum of the similarity of matches."""

    def __add__(self, other: Hota) -> Hota:
        return Hota(
            self.tp + other.tp,
            self.fn + other.fn,
            self.fp + other.fp,
            self.association + other.association,
            self.association_recall + other.association_recall,
            self.association_precision + other.association_precision,
            self.overlap + other.overlap,
        )

    @staticmethod
    def zero() -> Hota:
        """Return the sums over nothing."""
        return Hota(*(np.zeros(len(ALPHAS)) for _ in range(7)))

    @property
    def det_a(self) -> Floats:
        """Detection accuracy."""
        return np.asarray(self.tp / np.maximum(1.0, self.tp + self.fn + self.fp))

    @property
    def det_re(self) -> Floats:
        """Detection recall."""
        return np.asarray(self.tp / np.maximum(1.0, self.tp + self.fn))

    @property
    def det_pr(self) -> Floats:
        """Detection precision."""
        return np.asarray(self.tp / np.maximum(1.0, self.tp + self.fp))

    @property
    def ass_a(self) -> Floats:
        """Association accuracy."""
        return np.asarray(self.association / np.maximum(1.0, self.tp))

    @property
    def ass_re(self) -> Floats:
        """Association recall."""
        return np.asarray(self.association_recall / np.maximum(1.0, self.tp))

    @property
    def ass_pr(self) -> Floats:
        """Association precision."""
        return np.asarray(self.association_precision / np.maximum(1.0, self.tp))

    @property
    def loc_a(self) -> Floats:
        """Localisation accuracy; 1 where nothing matched."""
        return np.asarray(np.maximum(1e-10, self.overlap) / np.maximum(1e-10, self.tp))

    @property
    def hota(self) -> Floats:
        """Geometric mean of detection and association accuracy."""
        return np.asarray(np.sqrt(self.det_a * self.ass_a))

    @property
    def rhota(self) -> Floats:
        """Geometric mean of detection recall and association accuracy (where false positives do not count)."""
        return np.asarray(np.sqrt(self.det_re * self.ass_a))

    def curves(self) -> dict[str, Floats]:
        """Return every figure over alpha under TrackEval's name."""
        return {
            "HOTA": self.hota,
            "DetA": self.det_a,
            "AssA": self.ass_a,
            "DetRe": self.det_re,
            "DetPr": self.det_pr,
            "AssRe": self.ass_re,
            "AssPr": self.ass_pr,
            "LocA": self.loc_a,
            "RHOTA": self.rhota,
            "HOTA_TP": self.tp,
            "HOTA_FN": self.fn,
            "HOTA_FP": self.fp,
        }

    def figures(self) -> dict[str, float]:
        """Return the means over alpha, and the figures at the lowest alpha, under TrackEval's names."""
        figures = {name: float(curve.mean()) for name, curve in self.curves().items()}
        figures["HOTA(0)"] = float(self.hota[0])
        figures["LocA(0)"] = float(self.loc_a[0])
        figures["HOTALocA(0)"] = figures["HOTA(0)"] * figures["LocA(0)"]
        return figures


def hota(overlap: Overlap) -> Hota:
    """Score one sequence: boxes are matched to favour tracks that agree over the whole sequence."""
    truth, prediction = overlap.pair_truth, overlap.pair_prediction
    similarity = overlap.similarity
    truth_length = np.bincount(overlap.truth_id, minlength=1).astype(np.float64)
    prediction_length = np.bincount(overlap.prediction_id, minlength=1).astype(np.float64)
    truth_sum = np.bincount(truth, similarity, minlength=len(overlap.truth_id))
    prediction_sum = np.bincount(prediction, similarity, minlength=len(overlap.prediction_id))
    jaccard = similarity / (truth_sum[truth] + prediction_sum[prediction] - similarity)

    # pairs of tracks are numbered sparsely: a dense tracks x tracks table would not fit for hours of footage
    key = overlap.truth_id[truth] * max(overlap.prediction_count, 1) + overlap.prediction_id[prediction]
    keys, pair_of_tracks = np.unique(key, return_inverse=True)
    together = np.bincount(pair_of_tracks, jaccard, minlength=len(keys))
    length_truth = truth_length[keys // max(overlap.prediction_count, 1)]
    length_prediction = prediction_length[keys % max(overlap.prediction_count, 1)]
    alignment = together / (length_truth + length_prediction - together)

    chosen = match(overlap.pair_frame, truth, prediction, alignment[pair_of_tracks] * similarity)
    matched, tracks = similarity[chosen], pair_of_tracks[chosen]
    columns = np.zeros((7, len(ALPHAS)))
    for step, alpha in enumerate(ALPHAS):
        close = matched >= alpha - EPSILON
        hits = float(np.count_nonzero(close))
        shared = np.bincount(tracks[close], minlength=len(keys)).astype(np.float64)
        columns[:, step] = (
            hits,
            len(overlap.truth_id) - hits,
            len(overlap.prediction_id) - hits,
            np.sum(shared * shared / np.maximum(1.0, length_truth + length_prediction - shared)),
            np.sum(shared * shared / np.maximum(1.0, length_truth)),
            np.sum(shared * shared / np.maximum(1.0, length_prediction)),
            matched[close].sum(),
        )
    return Hota(*columns)
