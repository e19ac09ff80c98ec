"""Pixel masks as polygons: exactly along the pixels' edges, so that filling them gives the mask back."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from framelabel.core.shapes import Mask, Polygon, Shape, hull

_AHEAD = ((1, 0), (0, 1), (-1, 0), (0, -1))
"""Steps along an edge: right, down, left, up. With the mask on the right hand, a turn to the right is the next one."""


def outline(mask: Mask) -> Polygon:
    """Return the polygon of a mask: outlines clockwise as seen in a picture, holes the other way, straight runs merged.

    Pixels that touch at a corner only belong to different rings. The largest ring comes first.

    >>> outline(Mask((2, 2), np.array([0, 1, 3]))).rings[0].tolist()
    [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
    """
    left, top, right, bottom = (int(side) for side in hull(mask))
    if right <= left or bottom <= top:
        return Polygon(())
    width, height = mask.size
    values = np.arange(len(mask.counts)) % 2 == 1
    whole = np.repeat(values, mask.counts).reshape(width, height).T
    inside = np.zeros((bottom - top + 2, right - left + 2), np.bool_)
    inside[1:-1, 1:-1] = whole[top:bottom, left:right]
    rings = _rings(_edges(inside))
    rings.sort(key=lambda ring: -_area(ring))
    return Polygon(tuple(ring + np.array([left - 1, top - 1]) for ring in rings))


def outlined(shapes: Mapping[int, Shape]) -> dict[int, Shape]:
    """Return shapes by row with every mask as its polygon."""
    return {row: outline(shape) if isinstance(shape, Mask) else shape for row, shape in shapes.items()}


def _edges(inside: NDArray[np.bool_]) -> list[set[tuple[int, int]]]:
    """Return the corners (x, y) from which an edge with the mask on its right goes right, down, left and up."""
    below = inside[1:] & ~inside[:-1]
    above = inside[:-1] & ~inside[1:]
    to_left = inside[:, :-1] & ~inside[:, 1:]
    to_right = inside[:, 1:] & ~inside[:, :-1]
    starts = []
    for flags, (dx, dy) in ((below, (0, 1)), (to_left, (1, 0)), (above, (1, 1)), (to_right, (1, 1))):
        rows, columns = np.nonzero(flags)
        starts.append(set(zip((columns + dx).tolist(), (rows + dy).tolist(), strict=True)))
    return starts


def _rings(edges: list[set[tuple[int, int]]]) -> list[NDArray[np.float64]]:
    """Follow edges round every ring; where two rings meet at a corner, the turn to the right stays on this one.

    Every ring has an edge that goes right, so those not yet passed are where rings are still to be found.
    """
    rings = []
    waiting = set(edges[0])
    while waiting:
        begin = min(waiting)
        at, heading = begin, 0
        corners: list[tuple[int, int]] = []
        while not corners or (at, heading) != (begin, 0):
            if heading == 0:
                waiting.discard(at)
            at = at[0] + _AHEAD[heading][0], at[1] + _AHEAD[heading][1]
            ahead = next(turn % 4 for turn in (heading + 1, heading, heading + 3) if at in edges[turn % 4])
            if ahead != heading:
                corners.append(at)
            heading = ahead
        rings.append(np.array(corners[-1:] + corners[:-1], np.float64))
    return rings


def _area(ring: NDArray[np.float64]) -> float:
    ahead = np.roll(ring, -1, axis=0)
    return abs(float(ring[:, 0] @ ahead[:, 1] - ahead[:, 0] @ ring[:, 1])) / 2
