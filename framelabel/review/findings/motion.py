"""Boxes that move or grow as nothing does: jumps and size discontinuities.

A step is compared with the track's own steps around it, after the common motion of all tracks (the camera) is taken
off; what counts as large adapts to how unsteady the track is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import NO_TRACK
from framelabel.review.findings.finding import Finding, severity
from framelabel.review.findings.rows import LabelRows

_WINDOW = 7
"""Steps whose median says how the track moves just now."""
_AT_ONCE = 200_000
"""Steps whose windows are held in memory together."""
_JUMP = 0.4
"""Smallest suspicious deviation of a step, in box sizes (square root of the area)."""
_GROWTH = 0.35
"""Smallest suspicious deviation of a step of log width or height."""
_DEVIATIONS = 8.0
"""A step must also deviate this many times the track's usual deviation."""


def jumps(rows: LabelRows) -> list[Finding]:
    """Find boxes that leap away from where their track was going."""
    centre = (rows.xyxy[:, :2] + rows.xyxy[:, 2:]) / 2
    size = np.sqrt(np.maximum(np.prod(rows.xyxy[:, 2:] - rows.xyxy[:, :2], axis=1), 1.0))
    step = np.zeros_like(centre)
    usable = _usable(rows)
    step[1:] = centre[1:] - centre[:-1]
    elapsed = _elapsed(rows)
    velocity = step / elapsed[:, None]
    velocity -= _camera(rows, velocity, usable)
    scale = np.minimum(size, np.concatenate([size[:1], size[:-1]]))[:, None]
    found = []
    for row, excess, deviation in _outliers(rows, velocity * elapsed[:, None] / scale, usable, _JUMP):
        where = (
            f"moves {deviation:.1f} box sizes off its course between frames {rows.frame[row - 1]} and {rows.frame[row]}"
        )
        found.append(_finding(rows, "jump", row, excess, where))
    return found


def size_changes(rows: LabelRows) -> list[Finding]:
    """Find boxes that change width or height at once; those at the frame's edge may."""
    extent = np.log(np.maximum(rows.xyxy[:, 2:] - rows.xyxy[:, :2], 1e-3))
    step = np.zeros_like(extent)
    step[1:] = extent[1:] - extent[:-1]
    inside = ~rows.at_border
    usable = _usable(rows)
    usable[1:] &= inside[1:] & inside[:-1]
    found = []
    for row, excess, _ in _outliers(rows, step, usable, _GROWTH):
        before, after = (rows.xyxy[at, 2:] - rows.xyxy[at, :2] for at in (row - 1, row))
        text = f"size changes from {before[0]:.0f}x{before[1]:.0f} to {after[0]:.0f}x{after[1]:.0f} at once"
        found.append(_finding(rows, "size", row, excess, text))
    return found


def _usable(rows: LabelRows) -> NDArray[np.bool_]:
    """Return where the step from the row before means something: same track, both boxes valid, at most a short gap."""
    usable = rows.follows.copy()
    usable[1:] &= rows.is_valid[1:] & rows.is_valid[:-1]
    return usable & (_elapsed(rows) <= 3)


def _elapsed(rows: LabelRows) -> NDArray[np.float64]:
    elapsed = np.ones(len(rows))
    elapsed[1:] = np.maximum(rows.position[1:] - rows.position[:-1], 1)
    return elapsed


def _camera(rows: LabelRows, velocity: NDArray[np.float64], usable: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the (N, 2) median motion of all tracks in each row's frame; zero where fewer than four tell it."""
    motion = np.zeros_like(velocity)
    order = np.flatnonzero(usable)
    order = order[np.argsort(rows.frame_key[order], kind="stable")]
    keys = rows.frame_key[order]
    start = np.flatnonzero(np.diff(keys, prepend=-1) != 0)
    count = np.diff(np.append(start, len(keys)))
    common = np.stack([_medians(velocity[order, axis], start, count) for axis in (0, 1)], axis=1)
    motion[order] = np.repeat(np.where(count[:, None] >= 4, common, 0.0), count, axis=0)
    return motion


def _medians(values: NDArray[np.float64], start: NDArray[np.int64], count: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the median of each run of values; run k is `values[start[k] : start[k] + count[k]]`, never empty."""
    ordered = values[np.lexsort((values, np.repeat(np.arange(len(start)), count)))]
    return np.asarray((ordered[start + (count - 1) // 2] + ordered[start + count // 2]) / 2)


def _outliers(
    rows: LabelRows, step: NDArray[np.float64], usable: NDArray[np.bool_], least: float
) -> list[tuple[int, float, float]]:
    """Return (row, excess over its threshold, deviation) of every step out of line; a spike counts once."""
    own = np.flatnonzero(usable & (rows.track_id != NO_TRACK))
    start = np.flatnonzero(np.diff(rows.group[own], prepend=-1) != 0)
    count = np.diff(np.append(start, len(own)))
    if len(own) == 0:
        return []
    deviation = np.hypot(*(step[own] - _usual(step[own], start, count)).T)
    limit = np.repeat(np.maximum(least, _DEVIATIONS * _medians(deviation, start, count)), count)
    suspicious = (deviation > limit) & np.repeat(count >= 3, count)
    found: list[tuple[int, float, float]] = []
    last_place, last_group = -10, -1
    for place in np.flatnonzero(suspicious).tolist():
        excess, row = float(deviation[place] / limit[place]) - 1.0, int(own[place])
        group = int(rows.group[row])
        if group == last_group and place - last_place <= 2:
            if excess > found[-1][1]:
                found[-1] = (found[-1][0], excess, float(deviation[place]))
        else:
            found.append((row, excess, float(deviation[place])))
        last_place, last_group = place, group
    return found


def _usual(step: NDArray[np.float64], start: NDArray[np.int64], count: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the (N, 2) running median of each track's steps; at its ends the last step stands for those beyond.

    Tracks of fewer steps than the window have a shorter one, of an odd number of steps.
    """
    low, high = np.repeat(start, count), np.repeat(start + count - 1, count)
    width = np.repeat(np.minimum(_WINDOW, count - (1 - count % 2)), count)
    usual = np.empty_like(step)
    for reach in range((_WINDOW + 1) // 2):
        places = np.flatnonzero(width == 2 * reach + 1)
        for part in np.array_split(places, len(places) // _AT_ONCE + 1):
            window = part[:, None] + np.arange(-reach, reach + 1)
            window = np.clip(window, low[part, None], high[part, None])
            usual[part] = np.partition(step[window], reach, axis=1)[:, reach]
    return usual


def _finding(rows: LabelRows, kind: str, row: int, excess: float, text: str) -> Finding:
    message = f"track {rows.track_id[row]} {text}"
    video, frame, track = int(rows.video[row]), int(rows.frame[row]), int(rows.track_id[row])
    return Finding(kind, video, frame, track, severity(excess, scale=1.5), message)
