"""How far a box between the keys can be trusted, before anyone looks: expected IoU, calibrated.

Measured on the path itself: does the box still look like the human's, do the two walks, the flow and the interpolation
agree, how well do the keys predict one another. A logistic model turns this into the expected IoU; it was fitted to
public single-object sequences by the command beside its coefficients.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framelabel.core.geometry import paired_iou
from framelabel.tracking.propagation.candidates import (
    WALK_FIRST,
    WALK_LAST,
    Candidates,
)
from framelabel.tracking.propagation.fusion import ABSENT_NODE, Path
from framelabel.tracking.propagation.keys import Key, from_log, size_of, to_log
from framelabel.tracking.propagation.passes import Passes

Floats = NDArray[np.float64]

FEATURES = ("walk_overlap", "size_deviation", "bend", "key_agreement", "likeness_drop", "bridge")
"""Overlap with the nearer of the two walks' best boxes; log size against the line between the keys; change of step in
box sizes; how well each key's template finds the other key; how much less the box looks like the human's than is usual
in this gap; log of the distance to the keys, as the spread of a random walk held at both."""
_TYPICAL_AGREEMENT = 0.75
"""How well keys find one another, where there is only one."""

# Fitted on the tuning sequences (python tests/benchmarks/effort_reliability.py). On sequences left out of the fit:
# AUC of IoU < 0.7 0.77, expected against measured IoU within 0.03 in every decile.
INTERCEPT = 0.17
COEFFICIENTS = np.array([-1.93, 1.59, 0.84, -0.61, 0.65, 0.28])
WRONG_INTERCEPT, WRONG_SLOPE = 1.92, 2.69
"""Log odds of IoU < 0.7 as a linear function of the log odds of 1 - expected IoU."""


def uncertainty(features: Floats) -> Floats:
    """Return (N,) 1 - expected IoU of rows of `FEATURES`, (N, F)."""
    return np.asarray(1 / (1 + np.exp(-(INTERCEPT + features @ COEFFICIENTS))), dtype=np.float64)


def wrong_chance(doubt: Floats) -> Floats:
    """Return P(IoU < 0.7) of boxes whose 1 - expected IoU is `doubt`."""
    odds = np.log(np.clip(doubt, 1e-4, 1 - 1e-4) / (1 - np.clip(doubt, 1e-4, 1 - 1e-4)))
    return np.asarray(1 / (1 + np.exp(-(WRONG_INTERCEPT + WRONG_SLOPE * odds))), dtype=np.float64)


def displaced_overlap(offset: Floats) -> float:
    """Return the IoU of a box with itself displaced by dx / w, dy / h, d log w, d log h."""
    unit = np.array([[-0.5, -0.5, 0.5, 0.5]])
    return float(paired_iou(unit, from_log(np.asarray(offset, dtype=np.float64)[None]))[0])


def features(passes: Passes, found: Candidates, path: Path) -> Floats:
    """Return the (N, F) values of `FEATURES` of the pictures strictly after the first key (and before the last)."""
    count = len(found.frames) - 1
    rows = np.arange(1, count if found.last is not None else count + 1)
    if len(rows) == 0:
        return np.zeros((0, len(FEATURES)))
    boxes = path.xyxy[rows]
    centre = (path.xyxy[:, :2] + path.xyxy[:, 2:]) / 2
    after = np.minimum(rows + 1, count)
    bend = np.hypot(*(centre[after] - 2 * centre[rows] + centre[rows - 1]).T) / size_of(boxes)
    overlap = paired_iou(boxes, _best_of(found, rows, WALK_FIRST))
    if found.last is None:
        line = np.tile(to_log(found.first.xyxy)[2:], (len(rows), 1))
        agreement = _TYPICAL_AGREEMENT
        bridge = rows.astype(np.float64)
    else:
        overlap = np.maximum(overlap, paired_iou(boxes, _best_of(found, rows, WALK_LAST)))
        ends = to_log(np.stack([found.first.xyxy, found.last.xyxy]))[:, 2:]
        share = rows / count
        line = ends[0] + share[:, None] * (ends[1] - ends[0])
        bridge = share * (1 - share) * count
        agreement = _agreement(passes, found.first, found.last)
    deviation = np.abs(to_log(boxes)[:, 2:] - line).mean(axis=1)
    likeness = np.array([_likeness(found, path, int(row)) for row in rows])
    columns = [
        overlap,
        np.minimum(deviation, 0.6),
        np.minimum(bend, 0.6),
        np.full(len(rows), agreement),
        np.quantile(likeness, 0.75) - likeness,
        0.5 * np.log(bridge + 0.5),
    ]
    return np.stack(columns, axis=1)


def _likeness(found: Candidates, path: Path, row: int) -> float:
    node = path.choice[row]
    return 0.0 if node == ABSENT_NODE else float(found.likeness[row][node])


def _best_of(found: Candidates, rows: NDArray[np.int64], source: int) -> Floats:
    """Return the (N, 4) first (best) candidate of one source in each row."""
    return np.stack([found.boxes[row][int(np.argmax(found.source[row] == source))] for row in rows])


def _agreement(passes: Passes, first: Key, last: Key) -> float:
    """Return how well each key's template, calibrated at home, finds the other key: mean IoU."""
    one = passes.residual(last, first).offset - passes.residual(first, first).offset
    other = passes.residual(first, last).offset - passes.residual(last, last).offset
    return (displaced_overlap(one) + displaced_overlap(other)) / 2
