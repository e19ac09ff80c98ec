"""Tracks as rows of the timeline: extents, keyframes and stretches of one kind, small enough to send at once."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framelabel.core.tracks import Track, Visibility

DETECTED, PREDICTED, OCCLUDED, ABSENT, LOST = range(5)
"""Kinds of stretches."""


def row_of(track: Track) -> dict[str, Any]:
    """Return one track's row: `spans` are [start, stop, kind, mean uncertainty in percent], stop half-open."""
    kinds = _kinds(track)
    level = np.minimum((track.uncertainty * 4).astype(np.int64), 3)
    change = (np.diff(track.frame) > 1) | (np.diff(kinds) != 0) | (np.diff(level) != 0)
    edges = [0, *(np.flatnonzero(change) + 1).tolist(), len(track)]
    spans = [
        [
            int(track.frame[start]),
            int(track.frame[stop - 1]) + 1,
            int(kinds[start]),
            round(100 * float(track.uncertainty[start:stop].mean())),
        ]
        for start, stop in pairwise(edges)
        if stop > start
    ]
    return {
        "id": track.id,
        "class": track.class_id,
        "start": int(track.frame[0]),
        "stop": int(track.frame[-1]) + 1,
        "keyframes": track.frame[track.is_keyframe].tolist(),
        "spans": spans,
    }


def next_uncertain(tracks: list[Track], after: int) -> tuple[int, int] | None:
    """Return (frame, track id) of the most uncertain box behind a frame, nearest first among equals; None for none.

    Boxes of one track closer than half a second of frames to a keyframe are what a person has just looked at; the
    measure already says so, since uncertainty is 0 at keyframes and grows from there.
    """
    best: tuple[float, int, int] | None = None
    for track in tracks:
        rows = np.flatnonzero((track.frame > after) & ~track.is_keyframe & (track.visibility != Visibility.ABSENT))
        if not len(rows):
            continue
        row = rows[np.argmax(track.uncertainty[rows])]
        candidate = (-float(track.uncertainty[row]), int(track.frame[row]), track.id)
        if best is None or candidate < best:
            best = candidate
    return None if best is None else (best[1], best[2])


def _kinds(track: Track) -> NDArray[np.int64]:
    kinds = np.where(track.score > 0, DETECTED, PREDICTED)
    kinds = np.where(track.visibility == Visibility.OCCLUDED, OCCLUDED, kinds)
    kinds = np.where(track.visibility == Visibility.ABSENT, ABSENT, kinds)
    return np.where(track.visibility == Visibility.LOST, LOST, kinds).astype(np.int64)
