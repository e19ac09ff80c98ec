"""Geometry beyond the box. Every label has a box hull; a shape says more exactly what it covers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Polygon:
    """An area as rings: the first is the outline of a part, a ring inside another cuts a hole (even-odd)."""

    rings: tuple[NDArray[np.float64], ...]
    """Each (K, 2) x, y in pixels, not closed by repeating the first point."""


@dataclass(frozen=True, slots=True, eq=False)
class Polyline:
    """An open line such as a lane marking."""

    points: NDArray[np.float64]
    """(K, 2) x, y in pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Keypoints:
    """Named points of one object; the names belong to the class."""

    points: NDArray[np.float64]
    """(K, 2) x, y in pixels."""
    visibility: NDArray[np.int8]
    """(K,) 0 not labelled, 1 labelled but hidden, 2 visible (as COCO)."""


@dataclass(frozen=True, slots=True, eq=False)
class Mask:
    """A pixel mask, run-length coded as COCO does: column-major, runs of 0 and 1 in turn, starting with 0."""

    size: tuple[int, int]
    """(width, height) of the whole frame."""
    counts: NDArray[np.int64]
    """Run lengths; they sum to width * height."""


Shape = Polygon | Polyline | Keypoints | Mask


def hull(shape: Shape) -> NDArray[np.float64]:
    """Return the (4,) xyxy box around a shape, x2/y2 exclusive; zeros for an empty one."""
    if isinstance(shape, Mask):
        return _mask_hull(shape)
    if isinstance(shape, Polygon):
        points = np.concatenate(shape.rings) if shape.rings else np.zeros((0, 2))
    elif isinstance(shape, Keypoints):
        points = shape.points[shape.visibility > 0]
    else:
        points = shape.points
    if len(points) == 0:
        return np.zeros(4)
    return np.concatenate([points.min(axis=0), points.max(axis=0)])


def area(shape: Shape) -> float:
    """Return how many square pixels a shape covers; 0 for lines and points.

    Rings of a polygon that turn against the others count as holes.

    >>> area(Mask((2, 2), np.array([1, 3])))
    3.0
    >>> area(Polygon((np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 2.0], [0.0, 2.0]]),)))
    8.0
    """
    if isinstance(shape, Mask):
        return float(shape.counts[1::2].sum())
    if not isinstance(shape, Polygon):
        return 0.0
    total = 0.0
    for ring in shape.rings:
        ahead = np.roll(ring, -1, axis=0)
        total += float(ring[:, 0] @ ahead[:, 1] - ahead[:, 0] @ ring[:, 1]) / 2
    return abs(total)


def stretches(mask: Mask) -> NDArray[np.int64]:
    """Return the (N, 3) vertical stretches of a mask's pixels by column: x, first y, y after the last.

    >>> stretches(Mask((2, 3), np.array([1, 4, 1]))).tolist()
    [[0, 1, 3], [1, 0, 2]]
    """
    height = mask.size[1]
    ends = np.cumsum(mask.counts)
    starts, stops = ends[0::2][: len(ends) // 2], ends[1::2]
    filled = stops > starts
    starts, stops = starts[filled], stops[filled]
    first, last = starts // max(height, 1), (stops - 1) // max(height, 1)
    counts = last - first + 1
    run = np.repeat(np.arange(len(starts)), counts)
    column = first[run] + np.arange(len(run)) - np.repeat(np.cumsum(counts) - counts, counts)
    top = np.maximum(starts[run] - column * height, 0)
    bottom = np.minimum(stops[run] - column * height, height)
    return np.stack([column, top, bottom], axis=1).astype(np.int64)


def _mask_hull(mask: Mask) -> NDArray[np.float64]:
    found = stretches(mask)
    if len(found) == 0:
        return np.zeros(4)
    columns, tops, bottoms = found.T
    return np.array([columns.min(), tops.min(), columns.max() + 1, bottoms.max()], dtype=np.float64)


def shifted(shape: Shape, source: NDArray[np.float64], target: NDArray[np.float64]) -> Shape:
    """Carry a polygon, line or keypoints rigidly with its box from hull `source` to hull `target` (both (4,) xyxy).

    A mask has no exact image under scaling and is returned as it is.
    """
    if isinstance(shape, Mask):
        return shape
    extent = np.maximum(source[2:] - source[:2], 1e-9)
    scale = (target[2:] - target[:2]) / extent

    def move(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray((points - source[:2]) * scale + target[:2], dtype=np.float64)

    if isinstance(shape, Polygon):
        return Polygon(tuple(move(ring) for ring in shape.rings))
    if isinstance(shape, Polyline):
        return Polyline(move(shape.points))
    return Keypoints(move(shape.points), shape.visibility)
