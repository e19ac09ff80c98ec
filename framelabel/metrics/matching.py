"""Which prediction overlaps which truth, over a whole sequence at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import NO_TRACK
from framelabel.core.geometry import area, paired_iou
from framelabel.core.pairs import candidates
from framelabel.metrics.observations import Observations

EPSILON = float(np.finfo(np.float64).eps)
"""TrackEval compares overlaps with thresholds less or plus this; agreeing to the last digit needs the same."""

Similarity = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]
"""(N, 4) and (N, 4) boxes -> (N,) similarity of row k with row k, in [0, 1]."""


@dataclass(frozen=True, slots=True, eq=False)
class Overlap:
    """A sequence's truth and prediction with every overlapping pair; what all tracking metrics start from."""

    frame_count: int
    """Frames of the sequence, also those without any box."""
    truth_frame: NDArray[np.int64]
    """(N,) frame number of every true box."""
    truth_id: NDArray[np.int64]
    """(N,) identity, renumbered 0, 1, ..."""
    prediction_frame: NDArray[np.int64]
    """(M,)."""
    prediction_id: NDArray[np.int64]
    """(M,)."""
    pair_truth: NDArray[np.int64]
    """(P,) row of the true box of each pair that overlaps at all, in order of frames."""
    pair_prediction: NDArray[np.int64]
    """(P,) row of the predicted box."""
    similarity: NDArray[np.float64]
    """(P,) in (0, 1]."""

    @property
    def truth_count(self) -> int:
        """Number of true identities."""
        return int(self.truth_id.max()) + 1 if len(self.truth_id) else 0

    @property
    def prediction_count(self) -> int:
        """Number of predicted identities."""
        return int(self.prediction_id.max()) + 1 if len(self.prediction_id) else 0

    @property
    def pair_frame(self) -> NDArray[np.int64]:
        """(P,) frame number of each pair."""
        return self.truth_frame[self.pair_truth]


def overlap(
    truth: Observations, prediction: Observations, frame_count: int, *, similarity: Similarity = paired_iou
) -> Overlap:
    """Pair truth and prediction frame by frame; pairs that do not overlap are left out.

    Args:
        truth: true boxes of one class.
        prediction: predicted boxes of that class.
        frame_count: frames of the sequence (a rate per frame needs those without boxes too).
        similarity: of paired boxes; intersection over union unless given.
    """
    rows_truth, rows_prediction, values = [], [], []
    for first, second in candidates(truth.frame, prediction.frame):
        value = similarity(truth.xyxy[first], prediction.xyxy[second])
        kept = value > 0
        rows_truth.append(first[kept])
        rows_prediction.append(second[kept])
        values.append(value[kept])
    return Overlap(
        frame_count,
        truth.frame,
        _renumbered(truth.track_id),
        prediction.frame,
        _renumbered(prediction.track_id),
        np.concatenate([np.zeros(0, np.int64), *rows_truth]),
        np.concatenate([np.zeros(0, np.int64), *rows_prediction]),
        np.concatenate([np.zeros(0), *values]),
    )


def ioa(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the (N,) shares of box k of `a` that lie inside box k of `b`."""
    width = np.minimum(a[:, 2], b[:, 2]) - np.maximum(a[:, 0], b[:, 0])
    height = np.minimum(a[:, 3], b[:, 3]) - np.maximum(a[:, 1], b[:, 1])
    inside = np.maximum(width, 0.0) * np.maximum(height, 0.0)
    whole = area(a)
    return np.asarray(np.divide(inside, whole, out=np.zeros_like(inside), where=whole > EPSILON), dtype=np.float64)


def _renumbered(track_id: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return identities as 0, 1, ...; a box without identity is a track of its own."""
    lonely = track_id == NO_TRACK
    known, number = np.unique(track_id[~lonely], return_inverse=True)
    numbers = np.empty(len(track_id), np.int64)
    numbers[~lonely] = number.reshape(-1)
    numbers[lonely] = len(known) + np.arange(int(np.count_nonzero(lonely)))
    return numbers
