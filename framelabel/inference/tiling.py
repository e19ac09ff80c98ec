"""Overlapping tiles for objects that are small in a large picture, and one box for an object that a seam cuts."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from framelabel.core.geometry import area, paired_iou

Floats = NDArray[np.float64]

_SAME_OBJECT_IOU = 0.5
_SEAM_PX = 3.0
_LEAST_SHARED_PX = 4.0


@dataclass(frozen=True, slots=True)
class TileOptions:
    """How a picture is cut before detection."""

    size: int = 640
    """Side of a tile in picture pixels."""
    overlap: float = 0.2
    """Share of a tile that the next one repeats; at least the size of the objects sought."""
    whole: bool = True
    """Also look at the whole picture, for objects larger than a tile."""


@dataclass(frozen=True, slots=True, eq=False)
class Merged:
    """Boxes of a picture after its tiles are put together."""

    xyxy: Floats
    """(N, 4) picture pixels."""
    score: Floats
    """(N,) best of the members."""
    class_id: NDArray[np.int32]
    """(N,)."""
    members: list[NDArray[np.int64]]
    """For each box the rows it was made from, the representative first."""


def tile_windows(size: tuple[int, int], options: TileOptions) -> Floats:
    """Return (T, 4) xyxy windows that cover a picture of `size` (width, height), evenly spread; whole pixels.

    A picture no larger than a tile gives one window. The whole picture, where wanted, comes last.

    >>> tile_windows((1000, 640), TileOptions(size=640, whole=False)).tolist()
    [[0.0, 0.0, 640.0, 640.0], [360.0, 0.0, 1000.0, 640.0]]
    """
    width, height = size
    windows = [
        [left, top, min(left + options.size, width), min(top + options.size, height)]
        for top in _starts(height, options)
        for left in _starts(width, options)
    ]
    if options.whole and len(windows) > 1:
        windows.append([0, 0, width, height])
    return np.array(windows, np.float64)


def _starts(length: int, options: TileOptions) -> list[int]:
    if length <= options.size:
        return [0]
    step = max(1.0, options.size * (1.0 - options.overlap))
    count = math.ceil((length - options.size) / step) + 1
    return [round(position) for position in np.linspace(0, length - options.size, count)]


def merge_across_seams(
    xyxy: Floats,
    score: Floats,
    class_id: NDArray[np.int32],
    *,
    window_of: NDArray[np.int64],
    windows: Floats,
    size: tuple[int, int],
) -> Merged:
    """Join boxes of one class from different windows that are the same object.

    Two windows see the same object when their boxes, cut to the region that both windows saw, overlap by at least half.
    Only pairs with a box that ends at a seam are joined; whole duplicates are left to suppression. A joined object
    takes the box of its best member that no seam cuts, or the hull of the parts where every member is cut.

    Args:
        xyxy: (N, 4) picture pixels.
        score: (N,).
        class_id: (N,).
        window_of: (N,) row of `windows` that each box comes from.
        windows: (T, 4).
        size: (width, height) of the picture.
    """
    count = len(xyxy)
    is_cut = _touches_seam(xyxy, windows[window_of], size)
    first, second = np.nonzero(
        (class_id[:, None] == class_id[None, :])
        & (window_of[:, None] < window_of[None, :])
        & (is_cut[:, None] | is_cut[None, :])
    )
    shared = _overlap(windows[window_of[first]], windows[window_of[second]])
    seen_first, seen_second = _overlap(xyxy[first], shared), _overlap(xyxy[second], shared)
    enough = (area(seen_first) >= _LEAST_SHARED_PX) & (area(seen_second) >= _LEAST_SHARED_PX)
    same = enough & (paired_iou(seen_first, seen_second) >= _SAME_OBJECT_IOU)
    links = coo_array((np.ones(int(same.sum())), (first[same], second[same])), shape=(count, count))
    groups, label = connected_components(links, directed=False)
    boxes, scores, classes, members = np.zeros((groups, 4)), np.zeros(groups), np.zeros(groups, np.int32), []
    for group in range(groups):
        rows = np.flatnonzero(label == group)
        rows = rows[np.lexsort((-score[rows], is_cut[rows]))]
        whole = not is_cut[rows[0]]
        parts = xyxy[rows]
        boxes[group] = parts[0] if whole else np.concatenate([parts[:, :2].min(axis=0), parts[:, 2:].max(axis=0)])
        scores[group] = score[rows].max()
        classes[group] = class_id[rows[0]]
        members.append(rows[:1] if whole else rows)
    return Merged(boxes, scores, classes, members)


def _touches_seam(xyxy: Floats, window: Floats, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Tell which boxes end at an edge of their window that is not an edge of the picture."""
    width, height = size
    near_start = (xyxy[:, :2] <= window[:, :2] + _SEAM_PX) & (window[:, :2] > 0)
    near_end = (xyxy[:, 2:] >= window[:, 2:] - _SEAM_PX) & (window[:, 2:] < [width, height])
    return np.asarray((near_start | near_end).any(axis=1), dtype=np.bool_)


def _overlap(a: Floats, b: Floats) -> Floats:
    """Return the (N, 4) common boxes of two (N, 4) sets; turned inside out where there is none."""
    return np.concatenate([np.maximum(a[:, :2], b[:, :2]), np.minimum(a[:, 2:], b[:, 2:])], axis=1)
