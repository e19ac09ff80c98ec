"""How far a box between the keys can be trusted, before anyone looks: expected IoU, calibrated.

Measured on the path itself: does the box still look like the human's, do the two walks, the flow and the interpolation
agree, how well do the keys predict one another. A logistic model turns this into the expected IoU; it was fitted to
public single-object sequences by the command beside its coefficients.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from framelabel.core.geometry import paired_iou
from framelabel.tracking.propagation.candidates import (
    CARRIED_FIRST,
    CARRIED_LAST,
    WALK_FIRST,
    WALK_LAST,
    Candidates,
)
from framelabel.tracking.propagation.fusion import ABSENT_NODE, Path
from framelabel.tracking.propagation.keys import Key, from_log, size_of, to_log
from framelabel.tracking.propagation.passes import Passes
from framelabel.tracking.propagation.sizes import left_out_error

Floats = NDArray[np.float64]

FEATURES = (
    "likeness",
    "likeness_nearby",
    "speed",
    "size_deviation",
    "key_likeness",
    "key_agreement",
    "flow_trust_nearby",
    "carried_overlap",
    "walk_overlap_least",
    "walk_overlap_mean",
    "walks_agree_nearby",
    "bridge",
    "left_out_overlap",
    "acceleration",
    "is_open",
)
_NEARBY = 3.0
"""Frames over which "nearby" averages, exponentially."""
_PRIOR_OVERLAP, _PRIOR_BOXES = 0.75, 2.0
"""What keys are taken to predict of one another before an object has shown its own."""

# python tests/benchmarks/effort_reliability.py --write
INTERCEPT = -1.6
COEFFICIENTS = np.zeros(len(FEATURES))
WRONG_INTERCEPT, WRONG_SLOPE = 3.0, 3.2
"""Log odds of IoU < 0.7 as a linear function of the log odds of 1 - expected IoU."""


def uncertainty(features: Floats) -> Floats:
    """Return (N,) 1 - expected IoU of rows of `FEATURES`, (N, F)."""
    return np.asarray(1 / (1 + np.exp(-(INTERCEPT + features @ COEFFICIENTS))), dtype=np.float64)


def wrong_chance(doubt: Floats) -> Floats:
    """Return P(IoU < 0.7) of boxes whose 1 - expected IoU is `doubt`."""
    odds = np.log(np.clip(doubt, 1e-4, 1 - 1e-4) / (1 - np.clip(doubt, 1e-4, 1 - 1e-4)))
    return np.asarray(1 / (1 + np.exp(-(WRONG_INTERCEPT + WRONG_SLOPE * odds))), dtype=np.float64)


def left_out_overlap(passes: Passes, keys: Sequence[Key]) -> float:
    """Return how well the keys predict one another: mean IoU of each inner key with what its neighbours' say."""
    found = [
        displaced_overlap(left_out_error(passes, before, key, after))
        for before, key, after in zip(keys, keys[1:], keys[2:], strict=False)
    ]
    return (sum(found) + _PRIOR_BOXES * _PRIOR_OVERLAP) / (len(found) + _PRIOR_BOXES)


def displaced_overlap(offset: Floats) -> float:
    """Return the IoU of a box with itself displaced by dx / w, dy / h, d log w, d log h."""
    unit = np.array([[-0.5, -0.5, 0.5, 0.5]])
    return float(paired_iou(unit, from_log(np.asarray(offset, dtype=np.float64)[None]))[0])


def features(passes: Passes, found: Candidates, path: Path, left_out: float) -> Floats:
    """Return the (N, F) values of `FEATURES` of the pictures strictly after the first key (and before the last)."""
    count = len(found.frames) - 1
    rows = np.arange(1, count if found.last is not None else count + 1)
    if len(rows) == 0:
        return np.zeros((0, len(FEATURES)))
    boxes = path.xyxy[rows]
    size = np.maximum(size_of(boxes), 1.0)
    likeness = np.array(
        [0.0 if path.choice[row] == ABSENT_NODE else found.likeness[row][path.choice[row]] for row in rows]
    )
    centre = (path.xyxy[:, :2] + path.xyxy[:, 2:]) / 2
    after = np.minimum(rows + 1, count)
    speed = np.hypot(*(centre[after] - centre[rows - 1]).T) / (after - rows + 1) / size
    bend = np.hypot(*(centre[after] - 2 * centre[rows] + centre[rows - 1]).T) / size
    first = _best_of(found, rows, WALK_FIRST)
    last = first if found.last is None else _best_of(found, rows, WALK_LAST)
    carried = paired_iou(boxes, _best_of(found, rows, CARRIED_FIRST))
    if found.last is not None:
        carried = np.maximum(carried, paired_iou(boxes, _best_of(found, rows, CARRIED_LAST)))
    walk_overlap = np.stack([paired_iou(boxes, first), paired_iou(boxes, last)])
    trust = np.minimum(path.flow_trust[rows - 1], path.flow_trust[np.minimum(rows, count - 1)])
    if found.last is None:
        line = np.tile(to_log(found.first.xyxy)[2:], (len(rows), 1))
        bridge = rows.astype(np.float64)
        agreement = _PRIOR_OVERLAP
    else:
        share = rows / count
        ends = to_log(np.stack([found.first.xyxy, found.last.xyxy]))[:, 2:]
        line = ends[0] + share[:, None] * (ends[1] - ends[0])
        bridge = share * (1 - share) * count
        agreement = _agreement(passes, found.first, found.last)
    ones = np.ones(len(rows))
    columns = [
        likeness,
        nearby(likeness),
        np.minimum(speed, 0.6),
        np.minimum(np.abs(to_log(boxes)[:, 2:] - line).mean(axis=1), 0.6),
        ones * found.key_likeness,
        ones * agreement,
        nearby(trust),
        carried,
        walk_overlap.min(axis=0),
        walk_overlap.mean(axis=0),
        nearby(paired_iou(first, last)),
        0.5 * np.log(bridge + 0.5),
        ones * left_out,
        np.minimum(bend, 0.6),
        ones * float(found.is_open),
    ]
    return np.stack(columns, axis=1)


def nearby(values: Floats) -> Floats:
    """Return the exponentially weighted mean around each value."""
    place = np.arange(len(values))
    reach = int(4 * _NEARBY)
    kernel = np.exp(-np.abs(np.arange(-reach, reach + 1)) / _NEARBY)
    total = np.convolve(np.ones(len(values)), kernel)[reach : reach + len(values)]
    return np.asarray(np.convolve(values, kernel)[reach + place] / total, dtype=np.float64)


def _best_of(found: Candidates, rows: NDArray[np.int64], source: int) -> Floats:
    """Return the (N, 4) first (best) candidate of one source in each row."""
    return np.stack([found.boxes[row][int(np.argmax(found.source[row] == source))] for row in rows])


def _agreement(passes: Passes, first: Key, last: Key) -> float:
    """Return how well each key's template, calibrated at home, finds the other key: mean IoU."""
    one = passes.residual(last, first).offset - passes.residual(first, first).offset
    other = passes.residual(first, last).offset - passes.residual(last, last).offset
    return (displaced_overlap(one) + displaced_overlap(other)) / 2
