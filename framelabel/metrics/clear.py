"""CLEAR-MOT (Bernardin and Stiefelhagen, 2008) with the counts that MOTChallenge adds; agrees with TrackEval."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from framelabel.core.pairs import lone_pairs, match_frame
from framelabel.metrics.matching import EPSILON, Overlap

_KEEP_PARTNER = 1000.0
"""Added to the score of a pair that was matched in the frame before: an identity goes on as long as it can."""


@dataclass(frozen=True, slots=True)
class Clear:
    """Sums over sequences at one overlap threshold."""

    tp: int = 0
    fn: int = 0
    fp: int = 0
    id_switches: int = 0
    """Times a true track is matched to another predicted track than at its match before."""
    mostly_tracked: int = 0
    """True tracks matched in more than 80 % of their frames."""
    partly_tracked: int = 0
    mostly_lost: int = 0
    """True tracks matched in less than 20 % of their frames."""
    fragments: int = 0
    """Times a true track is lost and found again."""
    overlap: float = 0.0
    """Sum of the similarity of matches."""
    frames: int = 0

    def __add__(self, other: Clear) -> Clear:
        return Clear(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(Clear)))

    @property
    def mota(self) -> float:
        """Multi-object tracking accuracy: 1 - (misses + false boxes + switches) / true boxes; may be negative."""
        return (self.tp - self.fp - self.id_switches) / max(1, self.tp + self.fn)

    @property
    def motp(self) -> float:
        """Mean overlap of matches (higher is better, as MOTChallenge counts it)."""
        return self.overlap / max(1, self.tp)

    @property
    def recall(self) -> float:
        """Share of true boxes found."""
        return self.tp / max(1, self.tp + self.fn)

    @property
    def precision(self) -> float:
        """Share of predicted boxes that are right."""
        return self.tp / max(1, self.tp + self.fp)

    def figures(self) -> dict[str, float]:
        """Return every figure under TrackEval's name."""
        truth = max(1, self.tp + self.fn)
        tracks = max(1, self.mostly_tracked + self.partly_tracked + self.mostly_lost)
        log_switches = math.log10(self.id_switches) if self.id_switches > 0 else 0.0
        return {
            "MOTA": self.mota,
            "MOTP": self.motp,
            "MODA": (self.tp - self.fp) / truth,
            "CLR_Re": self.recall,
            "CLR_Pr": self.precision,
            "MTR": self.mostly_tracked / tracks,
            "PTR": self.partly_tracked / tracks,
            "MLR": self.mostly_lost / tracks,
            "sMOTA": (self.overlap - self.fp - self.id_switches) / truth,
            "CLR_F1": self.tp / max(1.0, self.tp + 0.5 * self.fn + 0.5 * self.fp),
            "FP_per_frame": self.fp / max(1, self.frames),
            "MOTAL": (self.tp - self.fp - log_switches) / truth,
            "MOTP_sum": self.overlap,
            "CLR_TP": self.tp,
            "CLR_FN": self.fn,
            "CLR_FP": self.fp,
            "IDSW": self.id_switches,
            "MT": self.mostly_tracked,
            "PT": self.partly_tracked,
            "ML": self.mostly_lost,
            "Frag": self.fragments,
            "CLR_Frames": self.frames,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """Which prediction stands for which truth, frame by frame, and what goes wrong on the way."""

    pair: NDArray[np.int64]
    """(K,) rows of the overlap's pairs, by true track, then by time."""
    is_switch: NDArray[np.bool_]
    """(K,) the true track was matched to another predicted track at its match before."""
    is_regained: NDArray[np.bool_]
    """(K,) the true track was lost before this match and is found again."""


def clear_matches(overlap: Overlap, *, threshold: float = 0.5) -> Matches:
    """Match one sequence as CLEAR does: from an overlap of `threshold` on, keeping a partner while possible."""
    # frames where one side is empty hold no match and, as in TrackEval, do not interrupt a track's run of matches
    active = np.intersect1d(overlap.truth_frame, overlap.prediction_frame)
    near = np.flatnonzero(overlap.similarity >= threshold - EPSILON)
    rank = np.searchsorted(active, overlap.pair_frame[near])
    matched = _matched(overlap, near, rank)
    near, rank = near[matched], rank[matched]
    order = np.lexsort((rank, overlap.truth_id[overlap.pair_truth[near]]))
    near, rank = near[order], rank[order]
    truth, prediction = overlap.truth_id[overlap.pair_truth[near]], overlap.prediction_id[overlap.pair_prediction[near]]
    goes_on = np.zeros(len(near), np.bool_)
    goes_on[1:] = truth[1:] == truth[:-1]
    switch, regained = goes_on.copy(), goes_on.copy()
    switch[1:] &= prediction[1:] != prediction[:-1]
    regained[1:] &= rank[1:] != rank[:-1] + 1
    return Matches(near, switch, regained)


def clear(overlap: Overlap, *, threshold: float = 0.5) -> Clear:
    """Score one sequence from its matches (see `clear_matches`)."""
    matches = clear_matches(overlap, threshold=threshold)
    hits = len(matches.pair)
    lengths = np.bincount(overlap.truth_id, minlength=overlap.truth_count)
    found = np.bincount(overlap.truth_id[overlap.pair_truth[matches.pair]], minlength=overlap.truth_count)
    mostly = int(np.count_nonzero(found / lengths > 0.8))
    partly = int(np.count_nonzero(found / lengths >= 0.2)) - mostly
    return Clear(
        tp=hits,
        fn=len(overlap.truth_id) - hits,
        fp=len(overlap.prediction_id) - hits,
        id_switches=int(np.count_nonzero(matches.is_switch)),
        mostly_tracked=mostly,
        partly_tracked=partly,
        mostly_lost=overlap.truth_count - mostly - partly,
        fragments=int(np.count_nonzero(matches.is_regained)),
        overlap=float(overlap.similarity[matches.pair].sum()),
        frames=overlap.frame_count,
    )


def _matched(overlap: Overlap, near: NDArray[np.int64], rank: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return the (K,) mask of the matches among the pairs `near`; only frames with rivals are solved one by one."""
    first, second, score = overlap.pair_truth[near], overlap.pair_prediction[near], overlap.similarity[near]
    truth, prediction = overlap.truth_id[first], overlap.prediction_id[second]
    chosen, frames = lone_pairs(rank, first, second)
    for pairs in frames:
        before = slice(*np.searchsorted(rank, [rank[pairs[0]] - 1, rank[pairs[0]]]))
        kept = np.flatnonzero(chosen[before]) + before.start
        partner = dict(zip(truth[kept].tolist(), prediction[kept].tolist(), strict=True))
        continues = [partner.get(one) == other for one, other in zip(truth[pairs], prediction[pairs], strict=True)]
        bonus = np.where(continues, _KEEP_PARTNER, 0.0)
        chosen[pairs[match_frame(first[pairs], second[pairs], score[pairs] + bonus)]] = True
    return chosen
