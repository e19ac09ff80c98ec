"""What people do to wrong tracks: pure functions from tracks to tracks that keep public ids stable.

An id never changes its object's past: a split leaves the first half its id, a merge keeps the id of the earlier track,
a swap exchanges two futures. New ids come from the caller, who knows which were ever used. Every function returns new
tracks, so that undoing is keeping the old ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from framelabel.core.errors import UsageError
from framelabel.core.frames import Span
from framelabel.core.geometry import paired_iou
from framelabel.core.tracks import Track

Rows = NDArray[np.int64]

_SAME_BOX_IOU = 0.95
"""Two boxes that overlap this much say the same."""


def split(track: Track, at: int, new_id: int) -> tuple[Track, Track]:
    """Cut a track before frame `at`; the first half keeps the id.

    Raises:
        UsageError: one half would be empty, or the new id is the old one.
    """
    _check_new(track, new_id)
    early = track.frame < at
    if not early.any() or early.all():
        msg = (
            f"track {track.id} cannot be split at frame {at}; "
            f"choose a frame after {track.frame[0]} and up to {track.frame[-1]}"
            if len(track)
            else f"track {track.id} is empty"
        )
        raise UsageError(msg)
    return track.select(early), replace(track.select(~early), id=new_id)


@dataclass(frozen=True, slots=True, eq=False)
class Conflict:
    """A frame where two tracks that are to be merged disagree."""

    frame: int
    iou: float
    """Overlap of their two boxes."""


@dataclass(frozen=True, slots=True, eq=False)
class Merge:
    """What a merge would do; look at `conflicts` before using `track`."""

    track: Track
    """Both tracks under the id of the one that starts earlier."""
    removed_id: int
    """The id that is no longer used."""
    conflicts: tuple[Conflict, ...]
    """Frames that both have, with boxes that differ; the better known box was kept."""


def merge(a: Track, b: Track) -> Merge:
    """Join two tracks of one object.

    The id and class of the track that starts earlier stay (the lower id on a tie). In a frame that both have, a
    keyframe wins over what is not one, then a present box over an absent one, then the less uncertain box, then the
    earlier track's.

    Raises:
        UsageError: it is the same track twice, or both are empty.
    """
    if a.id == b.id:
        msg = f"track {a.id} cannot be merged with itself"
        raise UsageError(msg)
    if not len(a) and not len(b):
        msg = f"tracks {a.id} and {b.id} are both empty"
        raise UsageError(msg)
    first, second = (a, b) if _start(a) <= _start(b) else (b, a)
    shared, mine, theirs = np.intersect1d(first.frame, second.frame, assume_unique=True, return_indices=True)
    overlap = paired_iou(first.xyxy[mine], second.xyxy[theirs])
    both = first.is_present[mine] & second.is_present[theirs]
    conflicts = tuple(
        Conflict(int(frame), float(value))
        for frame, value, matters in zip(shared, overlap, both, strict=True)
        if matters and value < _SAME_BOX_IOU
    )
    rank_mine = _merit(first, mine)
    rank_theirs = _merit(second, theirs)
    second_wins = np.array([t > m for m, t in zip(rank_mine, rank_theirs, strict=True)], np.bool_)
    keep_first, keep_second = np.ones(len(first), np.bool_), np.ones(len(second), np.bool_)
    keep_first[mine[second_wins]] = False
    keep_second[theirs[~second_wins]] = False
    return Merge(_joined(first, first.select(keep_first), second.select(keep_second)), second.id, conflicts)


def swap(a: Track, b: Track, start: int) -> tuple[Track, Track]:
    """Exchange the boxes of two tracks from frame `start` on; ids and classes stay with the earlier parts.

    Raises:
        UsageError: it is the same track twice, or neither has a box from that frame on.
    """
    if a.id == b.id:
        msg = f"track {a.id} cannot be swapped with itself"
        raise UsageError(msg)
    late_a, late_b = a.frame >= start, b.frame >= start
    if not late_a.any() and not late_b.any():
        msg = f"tracks {a.id} and {b.id} have no box from frame {start} on; choose an earlier frame"
        raise UsageError(msg)
    return _joined(a, a.select(~late_a), b.select(late_b)), _joined(b, b.select(~late_b), a.select(late_a))


def without_flicker(tracks: Sequence[Track], fps: float, *, shortest_s: float = 0.2) -> tuple[list[Track], list[int]]:
    """Return the tracks without those seen for a shorter time, and the ids removed; keyframes save a track.

    Raises:
        UsageError: `fps` is not positive.
    """
    if not fps > 0:
        msg = f"fps must be positive, got {fps}"
        raise UsageError(msg)
    stays = [bool(track.is_keyframe.any()) or int(track.is_present.sum()) >= shortest_s * fps for track in tracks]
    kept = [track for track, stay in zip(tracks, stays, strict=True) if stay]
    return kept, [track.id for track, stay in zip(tracks, stays, strict=True) if not stay]


def change_class(track: Track, class_id: int, span: Span | None, new_id: int) -> list[Track]:
    """Give a track another class, or, since a track has one class, the part of it inside `span`.

    Without a span, or where the span covers the track, the track keeps its id. Otherwise the part inside becomes a
    track with `new_id`, and what lies outside keeps the id (with a hole where the part was).

    Raises:
        UsageError: the track has no box in the span, or the new id is the old one.
    """
    if span is None:
        return [replace(track, class_id=class_id)]
    inside = (track.frame >= span.start) & (track.frame < span.stop)
    if not inside.any():
        msg = f"track {track.id} has no box in frames {span.start}:{span.stop}"
        raise UsageError(msg)
    if inside.all():
        return [replace(track, class_id=class_id)]
    _check_new(track, new_id)
    return [track.select(~inside), replace(track.select(inside), id=new_id, class_id=class_id)]


def _check_new(track: Track, new_id: int) -> None:
    if new_id == track.id or new_id < 0:
        msg = f"{new_id} is not a new id for a part of track {track.id}"
        raise UsageError(msg)


def _start(track: Track) -> tuple[int, int]:
    return (int(track.frame[0]) if len(track) else np.iinfo(np.int64).max, track.id)


def _merit(track: Track, rows: Rows) -> list[tuple[bool, bool, float]]:
    """Return what makes one box better known than another, comparable from left to right."""
    return [(bool(track.is_keyframe[row]), bool(track.is_present[row]), -float(track.uncertainty[row])) for row in rows]


def _joined(identity: Track, a: Track, b: Track) -> Track:
    """Return the rows of two tracks without shared frames, in order, as the track `identity`."""
    order = np.argsort(np.concatenate([a.frame, b.frame]), kind="stable")
    return Track(
        identity.id,
        identity.class_id,
        np.concatenate([a.frame, b.frame])[order],
        np.concatenate([a.xyxy, b.xyxy])[order],
        np.concatenate([a.is_keyframe, b.is_keyframe])[order],
        np.concatenate([a.uncertainty, b.uncertainty])[order],
        np.concatenate([a.visibility, b.visibility])[order],
        np.concatenate([a.score, b.score])[order],
    )
