"""How far the given detections can carry any tracker: `python tests/benchmarks/tracking.py --oracle`.

The truth is asked for what a tracker has to find out. Boxes are matched to the truth frame by frame (overlap 0.5, best
total), and a box so matched is told whose it is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framelabel.metrics.challenges import best_matches
from framelabel.metrics.observations import Observations
from framelabel.metrics.tracking import TrackingScore
from tests.benchmarks.tracking_contestants import Answer, offline
from tests.benchmarks.tracking_sets import Sequence

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

FILL_S = 2.0
"""Longest gap that is filled with straight lines, as the offline tracker fills it."""
ROWS = (
    "framelabel offline",
    "its boxes, identities from the truth",
    "its boxes, only the right ones, its identities",
    "its boxes, only the right ones, identities from the truth",
    "the detections, only the right ones, identities from the truth",
    "the same, gaps filled",
)
"""From what there is to what nobody can beat with these detections."""


def oracle(sequences: list[Sequence]) -> dict[str, TrackingScore]:
    """Return the scores of a set by row of `ROWS`."""
    total = {name: TrackingScore() for name in ROWS}
    for sequence in sequences:
        for name, rows in zip(ROWS, _answers(sequence), strict=True):
            total[name] += sequence.score(*rows)
    return total


def _answers(sequence: Sequence) -> list[tuple[Rows, Rows, Floats]]:
    mine = offline(sequence)
    owner = _owner(sequence, mine.frame, mine.xyxy)
    is_right = owner >= 0
    # what is nobody's keeps an identity of its own
    told = np.where(is_right, owner, owner.max(initial=0) + 1 + mine.track)
    given = _detections(sequence)
    whose = _owner(sequence, given.frame, given.xyxy)
    hit = whose >= 0
    return [
        (mine.frame, mine.track, mine.xyxy),
        (mine.frame, told, mine.xyxy),
        (mine.frame[is_right], mine.track[is_right], mine.xyxy[is_right]),
        (mine.frame[is_right], owner[is_right], mine.xyxy[is_right]),
        (given.frame[hit], whose[hit], given.xyxy[hit]),
        _filled(given.frame[hit], whose[hit], given.xyxy[hit], FILL_S * sequence.fps),
    ]


def _detections(sequence: Sequence) -> Answer:
    count = [len(boxes) for boxes in sequence.boxes]
    frame = np.repeat(np.arange(len(count)), count)
    return Answer(frame, frame, np.concatenate([boxes.xyxy for boxes in sequence.boxes]), 0.0)


def _owner(sequence: Sequence, frame: Rows, xyxy: Floats) -> Rows:
    """Return (N,) the true identity of each box, -1 where it is nobody's."""
    found = Observations.of(frame, np.arange(len(frame)), xyxy)
    truth, row = best_matches(sequence.truth, found)
    owner = np.full(len(frame), -1)
    owner[found.track_id[row]] = sequence.truth.track_id[truth]
    return owner


def _filled(frame: Rows, track: Rows, xyxy: Floats, longest: float) -> tuple[Rows, Rows, Floats]:
    """Return the rows of all tracks with those of gaps up to `longest` frames."""
    parts: list[tuple[Rows, Rows, Floats]] = [(frame[:0], track[:0], xyxy[:0])]
    for number in np.unique(track):
        rows = np.flatnonzero(track == number)
        known = frame[rows]
        every = np.arange(known[0], known[-1] + 1)
        before = np.searchsorted(known, every, side="right") - 1
        after = np.searchsorted(known, every)
        every = every[known[after] - known[before] <= longest]
        boxes = np.stack([np.interp(every, known, side) for side in xyxy[rows].T], axis=1)
        parts.append((every, np.full(len(every), number), boxes))
    frames, tracks, sides = zip(*parts, strict=True)
    return np.concatenate(frames), np.concatenate(tracks), np.concatenate(sides)
