"""Which tracks may be pieces of one object: proposals to merge, each with the probability that it is right.

The law is the one that whole-clip association links by (`offline.motion.log_ratio`): place, speed and size of both ends
are judged jointly against two unrelated objects. What a person sees as a score also weighs the rivals: two candidates
that are equally good for one end share its probability, and the end may have no continuation at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.core.errors import UsageError
from framelabel.core.tracks import Track
from framelabel.tracking.offline.chains import Chains
from framelabel.tracking.offline.motion import Motion, ends, log_ratio, measure

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

_PRIOR_WEIGHT = 50.0
"""Samples that the assumed motion counts for, beside what is measured on the tracks."""
_BAR, _GAP_PRICE, _GAP_UNIT_S = 2.5, 1.5, 0.2
"""Log odds against a continuation before anything is known, and what silence adds to them per e-fold."""
_FREEDOM, _REACH = 3.0, 2.0
_BLOCK = 200_000
"""Pairs judged at a time."""


@dataclass(frozen=True, slots=True)
class Stitch:
    """A proposal to merge two tracks."""

    early_id: int
    late_id: int
    gap: int
    """Frames from the last box of one to the first of the other."""
    score: float
    """In (0, 1): how likely they are one object, by place, speed and size on both sides, given their rivals."""


def stitches(tracks: Sequence[Track], fps: float, *, longest_gap_s: float = 3.0, least: float = 0.5) -> list[Stitch]:
    """Return which tracks may be pieces of one object, the likeliest first; a track may be named more than once.

    Args:
        tracks: of one video; absent rows play no part, and only tracks of one class are joined.
        fps: frame ordinals per second.
        longest_gap_s: seconds that may lie between the two.
        least: least score.

    Raises:
        UsageError: `fps` is not positive.
    """
    if not fps > 0:
        msg = f"fps must be positive, got {fps}"
        raise UsageError(msg)
    pieces = [seen for track in tracks if len(seen := track.select(track.is_present))]
    if len(pieces) < 2:
        return []
    tail, head, gap, worth = _judged(pieces, fps, round(longest_gap_s * fps))
    score = _posterior(tail, head, worth)
    order = np.lexsort((head, tail, -score))
    return [
        Stitch(pieces[tail[k]].id, pieces[head[k]].id, int(gap[k]), float(score[k]))
        for k in order.tolist()
        if score[k] >= least
    ]


def _judged(pieces: Sequence[Track], fps: float, longest: int) -> tuple[Rows, Rows, Rows, Floats]:
    """Return the pairs that may be joined: early piece, late piece, frames between, log odds."""
    xyxy, frame = (np.concatenate([getattr(piece, name) for piece in pieces]) for name in ("xyxy", "frame"))
    size = np.sqrt(np.maximum((xyxy[:, 2] - xyxy[:, 0]) * (xyxy[:, 3] - xyxy[:, 1]), 1e-9))
    class_id = np.array([piece.class_id for piece in pieces])
    stop = np.cumsum([len(piece) for piece in pieces])
    first, last = np.r_[0, stop[:-1]], stop - 1
    chains, row = Chains(len(frame)), np.arange(len(frame))
    chains.link(np.setdiff1d(row, last), np.setdiff1d(row, first))
    motion = measure(xyxy, size, frame, chains, prior=Motion.usual(fps), fps=fps, weight=_PRIOR_WEIGHT)
    tail_ends = ends(xyxy, size, frame, neighbour=chains.before, at=last, motion=motion)
    head_ends = ends(xyxy, size, frame, neighbour=chains.after, at=first, motion=motion)
    by_begin = np.argsort(frame[first], kind="stable")
    begin = frame[first][by_begin]
    low = np.searchsorted(begin, frame[last] + 1)
    count = np.searchsorted(begin, frame[last] + longest, side="right") - low
    edge = np.r_[0, np.cumsum(count)]
    parts: list[tuple[Rows, Rows, Rows, Floats]] = []
    start = 0
    while start < len(pieces):
        end = max(start + 1, int(np.searchsorted(edge, edge[start] + _BLOCK, side="right")) - 1)
        a = np.repeat(np.arange(start, end), count[start:end])
        b = by_begin[
            np.arange(edge[end] - edge[start])
            - np.repeat(edge[start:end] - edge[start] - low[start:end], count[start:end])
        ]
        start = end
        alike = class_id[a] == class_id[b]
        a, b = a[alike], b[alike]
        gap = frame[first[b]] - frame[last[a]]
        unit = np.sqrt(size[last[a]] * size[first[b]])
        ratio = log_ratio(tail_ends, head_ends, a, b, dt=gap, size=unit, motion=motion, freedom=_FREEDOM, reach=_REACH)
        worth = ratio - _BAR - _GAP_PRICE * np.log1p((gap - 1) / (_GAP_UNIT_S * fps))
        live = worth > -10.0  # what is left out could not weigh in any sum
        parts.append((a[live], b[live], gap[live], worth[live]))
    tail, head, gap, worth = (np.concatenate(column) for column in zip(*parts, strict=True))
    return tail, head, gap, worth


def _posterior(tail: Rows, head: Rows, worth: Floats) -> Floats:
    """Return the probability of each pair among all that share an end with it, and "no continuation" at log odds 0."""
    odds = np.exp(np.minimum(worth, 50.0))
    if not len(odds):
        return odds
    by_tail, by_head = np.bincount(tail, odds)[tail], np.bincount(head, odds)[head]
    return np.asarray(odds / (1.0 + by_tail + by_head - odds), np.float64)
