"""Non-maximum suppression: one box for one object."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framelabel.core.geometry import iou

Floats = NDArray[np.float64]

MAX_CANDIDATES = 3000
"""Only the best so many boxes of a picture compete; the overlap matrix stays below 72 MB."""


def suppress(
    xyxy: Floats,
    score: Floats,
    class_id: NDArray[np.int32],
    iou_limit: float,
    *,
    cross_class_iou: float = 1.0,
) -> NDArray[np.int64]:
    """Return the rows to keep, best score first (equal scores keep their order).

    A box falls to a better one of its class that overlaps it by more than `iou_limit`, or to a better one of any class
    that overlaps it by more than `cross_class_iou` (1: never).
    """
    order = np.argsort(-score, kind="stable")[:MAX_CANDIDATES]
    if len(order) < 2:
        return order
    boxes, classes = xyxy[order], class_id[order]
    overlap = iou(boxes, boxes)
    limit = np.where(classes[:, None] == classes[None, :], iou_limit, cross_class_iou)
    beats = np.triu(overlap > limit, k=1)
    contested = np.flatnonzero(beats.any(axis=1))
    alive = np.ones(len(order), np.bool_)
    for row in contested:
        if alive[row]:
            alive &= ~beats[row]
    return order[alive]
