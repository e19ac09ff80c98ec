"""Boxes that move or grow as nothing does: jumps and size discontinuities.

A step is compared with the track's own steps around it, after the common motion of all tracks (the camera) is taken
off; what counts as large adapts to how unsteady the track is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from framelabel.review.findings.finding import Finding, severity
from framelabel.review.findings.rows import LabelRows

_WINDOW = 7
"""Steps whose median says how the track moves just now."""
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
    for part in np.split(order, np.flatnonzero(np.diff(keys)) + 1):
        if len(part) >= 4:
            motion[part] = np.median(velocity[part], axis=0)
    return motion


def _outliers(
    rows: LabelRows, step: NDArray[np.float64], usable: NDArray[np.bool_], least: float
) -> list[tuple[int, float, float]]:
    """Return (row, excess over its threshold, deviation) of every step out of line; a spike counts once."""
    found: list[tuple[int, float, float]] = []
    for span in rows.spans():
        own = np.flatnonzero(usable[span]) + span.start
        if len(own) < 3:
            continue
        width = min(_WINDOW, len(own) - (1 - len(own) % 2))
        usual = median_filter(step[own], size=(width, 1), mode="nearest")
        deviation = np.hypot(*(step[own] - usual).T)
        limit = np.maximum(least, _DEVIATIONS * np.median(deviation))
        last = -10
        for place in np.flatnonzero(deviation > limit).tolist():
            excess, row = float(deviation[place] / limit) - 1.0, int(own[place])
            if place - last <= 2 and found:
                last = place
                if excess > found[-1][1]:
                    found[-1] = (found[-1][0], excess, float(deviation[place]))
                continue
            found.append((row, excess, float(deviation[place])))
            last = place
    return found


def _finding(rows: LabelRows, kind: str, row: int, excess: float, text: str) -> Finding:
    message = f"track {rows.track_id[row]} {text}"
    video, frame, track = int(rows.video[row]), int(rows.frame[row]), int(rows.track_id[row])
    return Finding(kind, video, frame, track, severity(excess, scale=1.5), message)
