"""Whole-clip association of footage of any length, in windows that overlap.

Each window is linked by itself. In the overlap of two windows both have seen the same detections from far enough inside
to agree, so a track of the one is the track of the other that shares most boxes with it (an optimal one-to-one choice).
The first window's rows stand up to the middle of the overlap, the second's from there on. What is held in memory is one
window and the tracks that reach into the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from framelabel.core.errors import UsageError
from framelabel.core.geometry import paired_iou
from framelabel.core.pairs import candidates
from framelabel.core.tracks import Track
from framelabel.tracking.offline import path_cover

LinkPart = Callable[[Sequence[int]], Sequence[Track]]
"""Frame ordinals, ascending -> the tracks through their detections."""

_SAME_IOU = 0.5
_END = np.iinfo(np.int64).max


def link(part: LinkPart, frames: Sequence[int], *, window: int, overlap: int) -> Iterator[Track]:
    """Yield the tracks through all frames, each as soon as it is known to have ended, with ids from 1.

    Args:
        part: links the detections of some frames.
        frames: ordinals, ascending.
        window: frames linked at a time, more than twice `overlap`; clips not much longer are linked at once.
        overlap: frames that two windows share; each side needs more than the longest gap that is bridged.

    Raises:
        UsageError: the window is too short for its overlap.
    """
    if overlap < 2 or window <= 2 * overlap:
        msg = f"a window of {window} frames is too short for an overlap of {overlap}; take more than twice as many"
        raise UsageError(msg)
    parts: dict[int, list[Track]] = {}
    previous: list[tuple[int, Track]] = []
    next_id, start, low = 1, 0, -1
    while start < len(frames):
        stop = len(frames) if len(frames) - start <= window + overlap else start + window
        is_last = stop == len(frames)
        high = _END if is_last else frames[stop - overlap // 2]
        found = part(frames[start:stop])
        known = _same([track for _, track in previous], found)
        current = []
        for row, track in enumerate(found):
            own = track.select((track.frame >= low) & (track.frame < high))
            number = previous[known[row]][0] if row in known else next_id
            if row not in known:
                if not len(track) or track.frame[-1] < low:
                    continue  # the window before, which saw more of it, did not take it for an object
                next_id += 1
            if len(own):
                parts.setdefault(number, []).append(own)
            current.append((number, track))
        start = len(frames) if is_last else stop - overlap
        begin = _END if is_last else frames[start]
        previous = [(number, late) for number, track in current if len(late := track.select(track.frame >= begin))]
        alive = {number for number, _ in previous}
        for number in sorted(parts.keys() - alive):
            yield _joined(number, parts.pop(number))
        low = high


def _same(before: Sequence[Track], after: Sequence[Track]) -> dict[int, int]:
    """Return, by row of `after`, the row of `before` that is the same object: most shared boxes in total."""
    if not before or not after:
        return {}
    (frame_a, box_a, row_a), (frame_b, box_b, row_b) = (_rows(tracks) for tracks in (before, after))
    pairs = [
        np.stack([row_a[a], row_b[b]], axis=1)[paired_iou(box_a[a], box_b[b]) >= _SAME_IOU]
        for a, b in candidates(frame_a, frame_b)
    ]
    if not pairs or not sum(map(len, pairs)):
        return {}
    pair, count = np.unique(np.concatenate(pairs), axis=0, return_counts=True)
    chosen = pair[path_cover.choose(pair[:, 0], pair[:, 1], count.astype(np.float64))]
    return {int(b): int(a) for a, b in chosen}


def _rows(tracks: Sequence[Track]) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """Return frames, boxes and positions in `tracks` of all rows, by frame."""
    frame = np.concatenate([track.frame for track in tracks])
    order = np.argsort(frame, kind="stable")
    owner = np.repeat(np.arange(len(tracks)), [len(track) for track in tracks])
    return frame[order], np.concatenate([track.xyxy for track in tracks])[order], owner[order]


def _joined(number: int, pieces: Sequence[Track]) -> Track:
    """Return consecutive pieces as one track, of the class that most rows have (the earlier one on a tie)."""
    rows: dict[int, int] = {}
    for piece in pieces:
        rows[piece.class_id] = rows.get(piece.class_id, 0) + len(piece)
    return Track(
        number,
        max(rows, key=lambda class_id: rows[class_id]),
        *(
            np.concatenate([getattr(piece, name) for piece in pieces])
            for name in ("frame", "xyxy", "is_keyframe", "uncertainty", "visibility", "score")
        ),
    )
