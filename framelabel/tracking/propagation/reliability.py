"""How far a box between the keys can be trusted, before anyone looks: expected IoU, calibrated.

Measured on the path itself: does it follow a walk, does the box still look like the human's, how fast does it
move, how far are the human boxes. A logistic model turns this into the expected IoU; it was fitted to
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
from framelabel.tracking.propagation.keys import size_of

Floats = NDArray[np.float64]

FEATURES = ("walk_overlap", "bridge", "speed", "likeness_drop")
"""Overlap with the nearer of the two walks' best boxes; log of the distance to the keys, as the spread of a random walk
held at both; step in box sizes; how much less the box looks like the human's than is usual in this gap.

Chosen one by one for what they add on sequences left out of the fit. Agreement of the walks, of flow and of
interpolation with the path, what smoothing moved, size and its change, bends, sharpness, the network's own certainty,
errors at left-out human boxes and likeness to either key were measured too: alone some of them tell, beside these four
none does.
"""

# Fitted on the tuning sequences (python tests/benchmarks/effort_reliability.py). On sequences left out of the fit:
# AUC of IoU < 0.7 0.72, expected against measured IoU within 0.03 in every decile.
INTERCEPT = 0.6075
COEFFICIENTS = np.array([-2.9158, 0.3511, 0.6869, 0.2805])


def uncertainty(features: Floats) -> Floats:
    """Return (N,) 1 - expected IoU of rows of `FEATURES`, (N, F)."""
    return np.asarray(1 / (1 + np.exp(-(INTERCEPT + features @ COEFFICIENTS))), dtype=np.float64)


def features(found: Candidates, path: Path) -> Floats:
    """Return the (N, F) values of `FEATURES` of the pictures strictly after the first key (and before the last)."""
    count = len(found.frames) - 1
    rows = np.arange(1, count if found.last is not None else count + 1)
    if len(rows) == 0:
        return np.zeros((0, len(FEATURES)))
    boxes = path.xyxy[rows]
    overlap = paired_iou(boxes, _best_of(found, rows, WALK_FIRST))
    if found.last is None:
        bridge = rows.astype(np.float64)
    else:
        overlap = np.maximum(overlap, paired_iou(boxes, _best_of(found, rows, WALK_LAST)))
        bridge = rows * (count - rows) / count
    likeness = np.array([_likeness(found, path, int(row)) for row in rows])
    columns = [
        overlap,
        0.5 * np.log(bridge + 0.5),
        np.minimum(np.hypot(*path.step[rows - 1].T) / size_of(boxes), 1.0),
        np.quantile(likeness, 0.75) - likeness,
    ]
    return np.stack(columns, axis=1)


def _likeness(found: Candidates, path: Path, row: int) -> float:
    node = path.choice[row]
    return 0.0 if node == ABSENT_NODE else float(found.likeness[row][node])


def _best_of(found: Candidates, rows: NDArray[np.int64], source: int) -> Floats:
    """Return the (N, 4) first (best) candidate of one source in each row."""
    return np.stack([found.boxes[row][int(np.argmax(found.source[row] == source))] for row in rows])
