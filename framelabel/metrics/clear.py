"""CLEAR-MOT (Bernardin and Stiefelhagen, 2008) with the counts that MOTChallenge adds; agrees with TrackEval."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from framelabel.metrics.matching import EPSILON, Overlap, lone_pairs, match_frame

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


def clear(overlap: Overlap, *, threshold: float = 0.5) -> Clear:
    """Score one sequence; boxes match from an overlap of `threshold` on, and keep their partner while they can."""
    # frames where one side is empty hold no match and, as in TrackEval, do not interrupt a track's run of matches
    active = np.intersect1d(overlap.truth_frame, overlap.prediction_frame)
    near = np.flatnonzero(overlap.similarity >= threshold - EPSILON)
    rank = np.searchsorted(active, overlap.pair_frame[near])
    matched = _matched(overlap, near, rank)
    near, rank = near[matched], rank[matched]
    truth, prediction = overlap.truth_id[overlap.pair_truth[near]], overlap.prediction_id[overlap.pair_prediction[near]]
    hits = len(near)

    order = np.lexsort((rank, truth))
    truth, prediction, rank = truth[order], prediction[order], rank[order]
    same_track = truth[1:] == truth[:-1]
    switches = same_track & (prediction[1:] != prediction[:-1])
    breaks = same_track & (rank[1:] != rank[:-1] + 1)

    lengths = np.bincount(overlap.truth_id, minlength=overlap.truth_count)
    ratio = np.bincount(truth, minlength=overlap.truth_count) / lengths
    mostly = int(np.count_nonzero(ratio > 0.8))
    partly = int(np.count_nonzero(ratio >= 0.2)) - mostly
    return Clear(
        tp=hits,
        fn=len(overlap.truth_id) - hits,
        fp=len(overlap.prediction_id) - hits,
        id_switches=int(np.count_nonzero(switches)),
        mostly_tracked=mostly,
        partly_tracked=partly,
        mostly_lost=overlap.truth_count - mostly - partly,
        fragments=int(np.count_nonzero(breaks)),
        overlap=float(overlap.similarity[near].sum()),
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
