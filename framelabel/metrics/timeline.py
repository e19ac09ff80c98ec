"""Where in time a prediction goes wrong: errors per frame, and overlap per true track."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.metrics.clear import clear_matches
from framelabel.metrics.matching import Overlap


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """Counts per frame of one sequence, for the frames that hold a box on either side."""

    frame: NDArray[np.int64]
    """(F,) frame numbers, ascending."""
    missed: NDArray[np.int64]
    """(F,) true boxes without a match."""
    false: NDArray[np.int64]
    """(F,) predicted boxes without a match."""
    switches: NDArray[np.int64]
    """(F,) identity switches."""
    mean_overlap: NDArray[np.float64]
    """(F,) mean overlap of matches; NaN without one."""

    @property
    def errors(self) -> NDArray[np.int64]:
        """(F,) all errors of a frame."""
        return self.missed + self.false + self.switches

    def worst(self, count: int) -> NDArray[np.int64]:
        """Return up to `count` frame numbers with the most errors, worst first, earlier first among equals."""
        order = np.lexsort((self.frame, -self.errors))[:count]
        return self.frame[order[self.errors[order] > 0]]


@dataclass(frozen=True, slots=True, eq=False)
class TrackOverlap:
    """How well one true track is covered over time."""

    truth_id: int
    """Renumbered identity (see `Overlap.truth_id`)."""
    frame: NDArray[np.int64]
    """(N,) the frames of the true track."""
    overlap: NDArray[np.float64]
    """(N,) overlap with its match; 0 where it is missed."""
    prediction_id: NDArray[np.int64]
    """(N,) renumbered identity of the match; -1 where it is missed."""


def timeline(overlap: Overlap, *, threshold: float = 0.5) -> Timeline:
    """Count the errors of each frame, matched as CLEAR matches."""
    matches = clear_matches(overlap, threshold=threshold)
    frames = np.union1d(overlap.truth_frame, overlap.prediction_frame)
    size = len(frames)
    at = np.searchsorted(frames, overlap.pair_frame[matches.pair])
    hits = np.bincount(at, minlength=size)
    total = np.bincount(at, overlap.similarity[matches.pair], minlength=size)
    return Timeline(
        frames,
        np.bincount(np.searchsorted(frames, overlap.truth_frame), minlength=size) - hits,
        np.bincount(np.searchsorted(frames, overlap.prediction_frame), minlength=size) - hits,
        np.bincount(at[matches.is_switch], minlength=size),
        np.divide(total, hits, out=np.full(size, np.nan), where=hits > 0),
    )


def track_overlaps(overlap: Overlap, *, threshold: float = 0.5) -> list[TrackOverlap]:
    """Return the overlap over time of every true track, by identity."""
    matches = clear_matches(overlap, threshold=threshold)
    value = np.zeros(len(overlap.truth_id))
    partner = np.full(len(overlap.truth_id), -1, np.int64)
    rows = overlap.pair_truth[matches.pair]
    value[rows] = overlap.similarity[matches.pair]
    partner[rows] = overlap.prediction_id[overlap.pair_prediction[matches.pair]]
    order = np.argsort(overlap.truth_id, kind="stable")
    bounds = np.searchsorted(overlap.truth_id[order], np.arange(overlap.truth_count + 1))
    return [
        TrackOverlap(number, overlap.truth_frame[part], value[part], partner[part])
        for number, part in enumerate(np.split(order, bounds[1:-1]))
        if len(part)
    ]
