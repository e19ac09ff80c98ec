"""Which chains become tracks: objects rather than flicker, and each object once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framelabel.core.geometry import paired_iou

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


def doubles(frame: Rows, xyxy: Floats, label: Rows, worth: Floats, *, iou: float, share: float) -> NDArray[np.bool_]:
    """Return (T,) true for tracks that run beside a worthier one.

    A track is a double where, in at least `share` of its frames, a worthier track that is not itself a double has a
    box that overlaps by at least `iou`.

    Args:
        frame: (N,) frame of each row.
        xyxy: (N, 4) boxes of all tracks.
        label: (N,) track of each row, 0 to T - 1.
        worth: (T,) decides which of two stays; ties go to the lower number.
        iou: least overlap in a frame.
        share: least share of frames.
    """
    a, b = _pairs_in_frames(frame, xyxy)
    near = paired_iou(xyxy[a], xyxy[b]) >= iou
    left, right = label[a[near]], label[b[near]]
    is_double = np.zeros(len(worth), np.bool_)
    if not len(left):
        return is_double
    rank = np.empty(len(worth), np.int64)
    rank[np.argsort(-worth, kind="stable")] = np.arange(len(worth))
    weak = np.where(rank[left] > rank[right], left, right)
    strong = left + right - weak
    pair, shared = np.unique(weak * len(worth) + strong, return_counts=True)
    length = np.bincount(label, minlength=len(worth))
    weak, strong = pair // len(worth), pair % len(worth)
    enough = shared >= share * length[weak]
    order = np.argsort(rank[weak[enough]], kind="stable")
    for low, high in zip(weak[enough][order], strong[enough][order], strict=True):
        if not is_double[high]:
            is_double[low] = True
    return is_double


def _pairs_in_frames(frame: Rows, xyxy: Floats) -> tuple[Rows, Rows]:
    """Return all pairs of rows of one frame whose boxes touch horizontally, by a sweep over left sides."""
    left = xyxy[:, 0]
    order = np.lexsort((left, frame))
    span = float(xyxy[:, 2].max() - left.min()) + 1.0 if len(xyxy) else 1.0
    offset = frame[order] * span - (left.min() if len(xyxy) else 0.0)
    stop = np.searchsorted(left[order] + offset, xyxy[order, 2] + offset)
    counts = np.maximum(stop - np.arange(len(order)) - 1, 0)
    a = np.repeat(np.arange(len(order)), counts)
    b = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + a + 1
    return order[a], order[b]
