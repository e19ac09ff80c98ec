"""The fewest keyframes whose linear interpolation reproduces dense tracks, for many tracks at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SLACK = 1e-9
"""Pixels; rounding of the interpolation itself is no deviation."""


def choose_keyframes(
    frame: NDArray[np.int64],
    xyxy: NDArray[np.float64],
    is_start: NDArray[np.bool_],
    forced: NDArray[np.bool_],
    tolerance: float,
) -> NDArray[np.bool_]:
    """Return which rows must be keys so that every row lies within `tolerance` of the line between its keys.

    Between two forced keys the number of keys is the least possible among the rows themselves: a breadth-first search
    over "row i reaches row j in one straight piece", where the pieces from i are found by narrowing the cone of
    slopes that pass all rows between (Imai and Iri, 1988). All tracks advance together, so the cost is numpy's.

    Args:
        frame: (N,) frame ordinals, increasing within a span.
        xyxy: (N, 4) pixels.
        is_start: (N,) true at the first row of every span (an unbroken run of frames of one track).
        forced: (N,) rows that are keys whatever their neighbours (drawn by a person, or a change that lines cannot
            carry). First and last rows of spans always are.
        tolerance: pixels on each side of the box.
    """
    count = len(frame)
    keys = forced.copy()
    if not count:
        return keys
    keys |= is_start
    keys[:-1] |= is_start[1:]
    keys[-1] = True
    places = np.flatnonzero(keys)
    last = np.append(places[1:], count - 1)
    opens = (last - places > 1) & ~is_start[np.minimum(last, count - 1)]
    starts, goals = places[opens], last[opens]
    if not len(starts):
        return keys
    segment = np.zeros(count, np.int64)
    segment[places] = 1
    segment = np.cumsum(segment) - 1
    goal = last[segment]
    is_done = np.zeros(len(places), np.bool_)
    parent = np.full(count, -1, np.int64)
    frontier = starts
    while len(frontier):
        reached = _reach(frontier, goal, segment, is_done, parent, (frame, xyxy), tolerance + _SLACK)
        frontier = reached[~is_done[segment[reached]]]
    is_first = np.zeros(count, np.bool_)
    is_first[starts] = True
    current = parent[goals]
    while True:
        current = current[~is_first[current]]
        if not len(current):
            return keys
        keys[current] = True
        current = parent[current]


def _reach(
    origin: NDArray[np.int64],
    goal: NDArray[np.int64],
    segment: NDArray[np.int64],
    is_done: NDArray[np.bool_],
    parent: NDArray[np.int64],
    track: tuple[NDArray[np.int64], NDArray[np.float64]],
    tolerance: float,
) -> NDArray[np.int64]:
    """Mark what one straight piece from any of `origin` reaches first; return those rows."""
    frame, xyxy = track
    low = np.full((len(origin), 4), -np.inf)
    high = np.full((len(origin), 4), np.inf)
    found: list[NDArray[np.int64]] = []
    step = 0
    while len(origin):
        step += 1
        alive = (origin + step <= goal[origin]) & ~is_done[segment[origin]]
        if not bool(alive.all()):
            origin, low, high = origin[alive], low[alive], high[alive]
            if not len(origin):
                break
        target = origin + step
        time = (frame[target] - frame[origin]).astype(np.float64)[:, None]
        move = xyxy[target] - xyxy[origin]
        slope = move / time
        straight = np.all((slope >= low) & (slope <= high), axis=1)
        new = target[straight]
        fresh = parent[new] < 0
        new = new[fresh]
        parent[new] = new - step
        at_goal = new == goal[new - 1]
        is_done[segment[new[at_goal] - 1]] = True
        found.append(new[~at_goal])
        np.maximum(low, (move - tolerance) / time, out=low)
        np.minimum(high, (move + tolerance) / time, out=high)
        alive = np.all(low <= high, axis=1)
        origin, low, high = origin[alive], low[alive], high[alive]
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def interpolate(frame: NDArray[np.int64], xyxy: NDArray[np.float64], is_key: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return boxes with the rows that are no keys placed on the line between the keys around them.

    The first and last row of every span must be keys.
    """
    keys = np.flatnonzero(is_key)
    between = np.flatnonzero(~is_key)
    if not len(between):
        return xyxy.copy()
    after = np.searchsorted(keys, between)
    a, b = keys[after - 1], keys[after]
    result = xyxy.copy()
    result[between] = between_keys(frame[between], (frame[a], xyxy[a]), (frame[b], xyxy[b]))
    return result


def between_keys(
    frame: NDArray[np.int64],
    a: tuple[NDArray[np.int64], NDArray[np.float64]],
    b: tuple[NDArray[np.int64], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Return (N, 4) boxes at `frame` on the lines from keys `a` to keys `b` (each (N,) frames and (N, 4) boxes)."""
    share = ((frame - a[0]) / (b[0] - a[0]))[:, None]
    return np.asarray(a[1] + (b[1] - a[1]) * share, dtype=np.float64)
