"""One set of tracks from several people's tracks of the same span.

Boxes are merged frame by frame, so a track starts and ends where most people have it; identities are then carried from
frame to frame by the annotators' own ids: a merged box belongs to the merged track that most of its annotators' ids
were in before. One person's identity swap is outvoted at the frame where it happens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import Boxes
from framelabel.core.geometry import iou
from framelabel.core.pairs import match_frame
from framelabel.core.tracks import Track
from framelabel.review.consensus.boxes import BoxConsensus, box_skill, merge_boxes

_ROUNDS = 5
_MEMORY = 3
"""Frames for which a place alone can carry an identity."""


@dataclass(frozen=True, slots=True, eq=False)
class TrackConsensus:
    """Merged tracks and what they say about the annotators."""

    tracks: list[Track]
    """By first frame; ids from 1; `score` is the share of weight that drew each box."""
    skill: NDArray[np.float64]
    """(A,) agreement of each annotator with the consensus, in [0, 1]: overlap over both sides' boxes (Dice)."""
    parents: dict[int, list[set[int]]]
    """Merged id -> for each annotator the ids of their tracks in it."""


def merge_tracks(
    given: Sequence[Sequence[Track]],
    skill: NDArray[np.float64] | None = None,
    *,
    frames: NDArray[np.int64] | None = None,
) -> TrackConsensus:
    """Merge the tracks of several annotators.

    Args:
        given: each annotator's tracks over the same frames.
        skill: (A,) known skill (from golden tasks); estimated from agreement when not given.
        frames: the frames to merge; all that any track names when not given.
    """
    per_annotator = [_by_frame(tracks) for tracks in given]
    named = sorted(set().union(*per_annotator)) if per_annotator else []
    wanted = named if frames is None else [int(frame) for frame in frames]
    boxes = [[known.get(frame, Boxes.empty()) for known in per_annotator] for frame in wanted]
    trust = np.ones(len(given)) if skill is None else np.asarray(skill, np.float64)
    merged: list[BoxConsensus] = []
    for _ in range(_ROUNDS if skill is None else 1):
        weight = trust_of(trust)
        merged = [merge_boxes(part, weight) for part in boxes]
        sums = sum((box_skill(part, one) for part, one in zip(boxes, merged, strict=True)), np.zeros((len(given), 3)))
        agreement = 2 * sums[:, 0] / np.maximum(sums[:, 1] + sums[:, 2], 1.0)
        if skill is None:
            trust = np.maximum(agreement, 0.01)
    linker = _Linker(len(given), trust_of(trust))
    for frame, part, one in zip(wanted, boxes, merged, strict=True):
        linker.add(frame, part, one)
    return TrackConsensus(linker.tracks(), agreement if wanted else trust, linker.parents())


def trust_of(skill: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return voting weights: the odds of each skill, so that one good annotator outweighs several careless ones.

    Among three or more, somebody who would hold a majority alone is held just below it, so that even the best one's
    slips need a second opinion; unless their odds are beyond twice those of all others together: then the others have
    little to say.
    """
    share = np.clip(skill, 0.01, 0.98)
    weight = share / (1.0 - share)
    if len(weight) >= 3:
        best = int(np.argmax(weight))
        rest = float(weight.sum() - weight[best])
        if weight[best] <= 2.0 * rest:
            weight[best] = min(float(weight[best]), 0.96 * rest)
    return np.asarray(weight)


class _Linker:
    """Carries identities through merged boxes, frame by frame."""

    def __init__(self, annotators: int, weight: NDArray[np.float64]) -> None:
        self._weight = weight
        self._annotators = annotators
        self._track_of: dict[tuple[int, int], int] = {}
        """(annotator, their track id) -> merged track that it was in last."""
        self._frames: list[list[int]] = []
        self._boxes: list[list[NDArray[np.float64]]] = []
        self._scores: list[list[float]] = []
        self._kinds: list[list[int]] = []
        self._parents: list[list[set[int]]] = []

    def add(self, frame: int, given: Sequence[Boxes], merged: BoxConsensus) -> None:
        """Give the merged boxes of one frame their tracks."""
        ids = np.full(merged.member.shape, -1, np.int64)
        for number in range(self._annotators):
            drawn = merged.member[:, number] >= 0
            ids[drawn, number] = given[number].track_id[merged.member[drawn, number]]
        votes: dict[tuple[int, int], float] = {}
        for row, number in np.argwhere(ids >= 0).tolist():
            track = self._track_of.get((number, int(ids[row, number])))
            if track is not None:
                votes[row, track] = votes.get((row, track), 0.0) + float(self._weight[number])
        self._add_places(frame, merged, votes)
        chosen = self._assigned(votes)
        for row in range(len(merged.boxes)):
            track = chosen.get(row)
            if track is None:
                track = self._new_track()
            self._frames[track].append(frame)
            self._boxes[track].append(merged.boxes.xyxy[row])
            self._scores[track].append(float(merged.boxes.score[row]))
            self._kinds[track].append(int(merged.boxes.class_id[row]))
            for number in np.flatnonzero(ids[row] >= 0).tolist():
                self._track_of[number, int(ids[row, number])] = track
                self._parents[track][number].add(int(ids[row, number]))

    def _add_places(self, frame: int, merged: BoxConsensus, votes: dict[tuple[int, int], float]) -> None:
        """Let the place break ties, and carry an identity where all ids changed at once."""
        recent = [number for number, seen in enumerate(self._frames) if frame - seen[-1] <= _MEMORY]
        if not recent or not len(merged.boxes):
            return
        table = iou(merged.boxes.xyxy, np.array([self._boxes[number][-1] for number in recent]))
        for row, column in np.argwhere(table >= 0.3).tolist():
            key = (row, recent[column])
            votes[key] = votes.get(key, 0.0) + 0.4 * float(self._weight.min()) * float(table[row, column])

    def _assigned(self, votes: dict[tuple[int, int], float]) -> dict[int, int]:
        if not votes:
            return {}
        rows, tracks = np.array(list(votes)).T
        chosen = match_frame(rows, tracks, np.array(list(votes.values())))
        return dict(zip(rows[chosen].tolist(), tracks[chosen].tolist(), strict=True))

    def _new_track(self) -> int:
        for column in (self._frames, self._boxes, self._scores, self._kinds):
            column.append([])
        self._parents.append([set() for _ in range(self._annotators)])
        return len(self._frames) - 1

    def tracks(self) -> list[Track]:
        """Return the merged tracks, ids from 1."""
        return [
            Track.of(
                number + 1,
                np.array(self._frames[number], np.int64),
                np.array(self._boxes[number]),
                class_id=int(np.bincount(self._kinds[number], self._scores[number]).argmax()),
                score=np.array(self._scores[number]),
            )
            for number in range(len(self._frames))
        ]

    def parents(self) -> dict[int, list[set[int]]]:
        """Return which tracks of whom went into each merged one."""
        return {number + 1: members for number, members in enumerate(self._parents)}


def _by_frame(tracks: Sequence[Track]) -> dict[int, Boxes]:
    """Return the boxes of every frame that tracks name; absent objects have none."""
    if not tracks:
        return {}
    present = [track.select(track.is_present) for track in tracks]
    frame = np.concatenate([track.frame for track in present])
    order = np.argsort(frame, kind="stable")
    columns = Boxes(
        np.concatenate([track.xyxy for track in present])[order],
        np.concatenate([track.score for track in present])[order],
        np.concatenate([np.full(len(track), track.class_id, np.int32) for track in present])[order],
        np.concatenate([np.full(len(track), track.id, np.int64) for track in present])[order],
    )
    frames, starts = np.unique(frame[order], return_index=True)
    bounds = np.append(starts, len(order))
    return {int(name): columns.select(np.arange(bounds[place], bounds[place + 1])) for place, name in enumerate(frames)}
