"""Non-maximum suppression: one box for one object."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framelabel.core.geometry import iou

Floats = NDArray[np.float64]

MAX_CANDIDATES = 10_000
"""Only the best so many boxes of a picture compete."""
_BLOCK = 256
"""Boxes settled at a time: against those already kept, then among themselves. Time and memory grow with kept boxes."""


def suppress(
    xyxy: Floats,
    score: Floats,
    class_id: NDArray[np.int32],
    iou_limit: float,
    *,
    cross_class_iou: float = 1.0,
    most: int = 0,
) -> NDArray[np.int64]:
    """Return the rows to keep, best score first (equal scores keep their order).

    A box falls to a better one of its class that overlaps it by more than `iou_limit`, or to a better one of any class
    that overlaps it by more than `cross_class_iou` (1: never). Only the best `most` are returned (0: all).
    """
    order = np.argsort(-score, kind="stable")[:MAX_CANDIDATES]
    boxes, classes = xyxy[order], class_id[order]
    kept = np.zeros(0, np.int64)
    for start in range(0, len(order), _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, len(order)))

        def beats(better: NDArray[np.int64], rows: NDArray[np.int64] = rows) -> NDArray[np.bool_]:
            limit = np.where(classes[better, None] == classes[None, rows], iou_limit, cross_class_iou)
            return np.asarray(iou(boxes[better], boxes[rows]) > limit, dtype=np.bool_)

        rows = rows[~beats(kept).any(axis=0)]
        within = np.triu(beats(rows, rows), k=1)
        alive = np.ones(len(rows), np.bool_)
        for row in np.flatnonzero(within.any(axis=1)):
            if alive[row]:
                alive &= ~within[row]
        kept = np.concatenate([kept, rows[alive]])
        if most and len(kept) >= most:
            break
    return order[kept[: most or None]]
