"""How far the given detections can carry any tracker: `python tests/benchmarks/tracking.py --oracle`.

The truth is asked for what a tracker has to find out. Boxes are matched to the truth frame by frame (overlap 0.5, best
total), and a box so matched is told whose it is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framelabel.core.geometry import paired_iou
from framelabel.core.pairs import candidates, match
from framelabel.metrics.challenges import best_matches
from framelabel.metrics.observations import Observations
from framelabel.metrics.tracking import TrackingScore
from tests.benchmarks.tracking_contestants import Answer, offline
from tests.benchmarks.tracking_sets import Sequence

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

HALF_RIGHT = 0.25
"""Overlap from which a box that is nobody's is one that missed."""
FILL_S = 2.0
"""Longest gap that is filled with straight lines, as the offline tracker fills it."""
ROWS = (
    "framelabel offline",
    "its boxes, identities from the truth",
    "its boxes, without tracks that are nobody's",
    "its boxes, tracks cut to their first and last right box",
    "its boxes, both",
    "its boxes, those half right (overlap 0.25 to 0.5) put right",
    "its boxes and missed detections of objects that it has",
    "its boxes and detections of objects that it has not",
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
    has_owner, within = _right_part(mine, is_right)
    known, unknown = _missed(mine, owner, given, whose)
    return [
        (mine.frame, mine.track, mine.xyxy),
        (mine.frame, told, mine.xyxy),
        *((mine.frame[rows], mine.track[rows], mine.xyxy[rows]) for rows in (has_owner, within | ~has_owner, within)),
        (mine.frame, mine.track, _put_right(sequence, mine, owner)),
        _joined(mine, known),
        _joined(mine, unknown),
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


def _right_part(mine: Answer, is_right: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return (N,) which boxes belong to tracks with a right box, and which lie between such a track's right boxes."""
    count = int(mine.track.max(initial=0)) + 1
    first, last = np.full(count, np.iinfo(np.int64).max), np.full(count, -1)
    np.minimum.at(first, mine.track[is_right], mine.frame[is_right])
    np.maximum.at(last, mine.track[is_right], mine.frame[is_right])
    first, last = first[mine.track], last[mine.track]
    return last >= 0, (mine.frame >= first) & (mine.frame <= last)


def _missed(mine: Answer, owner: Rows, given: Answer, whose: Rows) -> tuple[Answer, Answer]:
    """Return the detections of objects that have no right box in their frame, under the identity they should have.

    Those of objects that a track has elsewhere, under that track where it is free there; then those of all others.
    """
    is_right = owner >= 0
    seen = set(zip(mine.frame[is_right].tolist(), owner[is_right].tolist(), strict=True))
    taken = set(zip(mine.frame.tolist(), mine.track.tolist(), strict=True))
    holder = {
        number: int(np.bincount(mine.track[owner == number]).argmax()) for number in np.unique(owner[is_right]).tolist()
    }
    fresh = int(mine.track.max(initial=0)) + 1
    rows: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
    for row in np.flatnonzero(whose >= 0).tolist():
        frame, number = int(given.frame[row]), int(whose[row])
        if (frame, number) in seen:
            continue
        if number not in holder:
            rows[1].append((row, fresh + number))
        elif (frame, holder[number]) not in taken:
            rows[0].append((row, holder[number]))
    known, unknown = (
        Answer.of(((int(given.frame[row]), track, given.xyxy[row]) for row, track in part), 0.0) for part in rows
    )
    return known, unknown


def _joined(one: Answer, two: Answer) -> tuple[Rows, Rows, Floats]:
    return (
        np.concatenate([one.frame, two.frame]),
        np.concatenate([one.track, two.track]),
        np.concatenate([one.xyxy, two.xyxy]),
    )


def _put_right(sequence: Sequence, mine: Answer, owner: Rows) -> Floats:
    """Return the boxes, those that are nobody's moved onto the truth that they half meet where no other box is."""
    truth = sequence.truth
    has = set(zip(mine.frame[owner >= 0].tolist(), owner[owner >= 0].tolist(), strict=True))
    pairs = zip(truth.frame.tolist(), truth.track_id.tolist(), strict=True)
    free = np.array([row for row, pair in enumerate(pairs) if pair not in has], np.int64)
    wrong = np.flatnonzero(owner < 0)
    wrong = wrong[np.argsort(mine.frame[wrong], kind="stable")]
    out = mine.xyxy.copy()
    for rows, targets in candidates(mine.frame[wrong], truth.frame[free]):
        box, aim = wrong[rows], free[targets]
        overlap = paired_iou(mine.xyxy[box], truth.xyxy[aim])
        near = np.flatnonzero(overlap >= HALF_RIGHT)
        near = near[match(mine.frame[box[near]], box[near], aim[near], overlap[near])]
        out[box[near]] = truth.xyxy[aim[near]]
    return out


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
