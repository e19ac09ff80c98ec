"""Dense tracks as keys and back, for formats that store keyframes (CVAT, Label Studio)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from framelabel.core.labels import Flag, Labels
from framelabel.formats.keyframes import between_keys, choose_keyframes, interpolate
from framelabel.formats.report import LossReport
from framelabel.formats.track_ids import group_of_tracks

_STATES = np.uint16(Flag.KEYFRAME | Flag.PREDICTED)


def fit_keys(labels: Labels, tolerance: float, loss: LossReport, *, carries: NDArray[np.uint16] | int) -> Labels:
    """Return labels as they come back from keys: keys flagged KEYFRAME, rows between moved onto lines, PREDICTED.

    Args:
        labels: every row has a track (see `with_own_tracks`).
        tolerance: pixels that a side may move.
        loss: gets what moved.
        carries: flags that a key passes on to the rows until the next key; a change of them forces a key.
    """
    if not len(labels):
        return labels
    order = np.lexsort((labels.frame, group_of_tracks(labels)))
    place = labels.frame[order]
    group = group_of_tracks(labels)[order]
    is_start = np.ones(len(order), np.bool_)
    is_start[1:] = (np.diff(group) != 0) | (np.diff(place) != 1)
    forced = (labels.flags[order] & np.uint16(Flag.KEYFRAME)) != 0
    carried = labels.flags[order] & np.uint16(carries)
    forced[1:] |= np.diff(carried.astype(np.int64)) != 0
    for values in (labels.attributes, labels.shapes):
        if values:
            rows = [values.get(row) for row in order.tolist()]
            forced[1:] |= np.array([one != two for one, two in zip(rows[1:], rows[:-1], strict=True)], np.bool_)
    frame = labels.frames.index[place]
    keys = choose_keyframes(frame, labels.xyxy[order], is_start, forced, tolerance)
    boxes = interpolate(frame, labels.xyxy[order], keys)
    xyxy = np.empty_like(boxes)
    xyxy[order] = boxes
    is_key = np.empty(len(keys), np.bool_)
    is_key[order] = keys
    plain = labels.flags & ~_STATES
    flags = np.where(is_key, plain | np.uint16(Flag.KEYFRAME), plain | np.uint16(Flag.PREDICTED)).astype(np.uint16)
    moved = np.any(xyxy != labels.xyxy, axis=1)
    loss.add("box between keyframes", int(moved.sum()), f"moved by at most {tolerance:g} px onto the line between keys")
    became = (flags & _STATES) != (labels.flags & _STATES)
    loss.add("origin of a box", int(became.sum()), "the file knows only keyframes and boxes between them")
    return replace(labels, xyxy=xyxy, flags=flags)


@dataclass(frozen=True, slots=True)
class Track:
    """The rows of one track in one video."""

    video: int
    id: int
    class_id: int
    rows: NDArray[np.int64]
    """Rows of the labels, by frame."""
    ends: NDArray[np.bool_]
    """True where the next frame of the video has no row of this track."""


def tracks_of(labels: Labels) -> Iterator[Track]:
    """Yield the tracks of labels by video and id."""
    if not len(labels):
        return
    group = group_of_tracks(labels)
    order = np.lexsort((labels.frame, group))
    bounds = np.flatnonzero(np.diff(group[order])) + 1
    frame = labels.frame[order]
    ends = np.ones(len(order), np.bool_)
    ends[:-1] = (np.diff(frame) != 1) | (np.diff(group[order]) != 0)
    edges = [0, *bounds.tolist(), len(order)]
    for start, stop in itertools.pairwise(edges):
        rows = order[start:stop]
        first = int(rows[0])
        video = int(labels.frames.video[labels.frame[first]])
        yield Track(video, int(labels.track_id[first]), int(labels.class_id[first]), rows, ends[start:stop])


@dataclass(frozen=True, slots=True, eq=False)
class Dense:
    """Rows of tracks between and at their keys."""

    frame: NDArray[np.int64]
    xyxy: NDArray[np.float64]
    key: NDArray[np.int64]
    """(N,) the key (position in the list given) that each row comes from: itself, or the one before."""
    is_key: NDArray[np.bool_]

    def without(self, outside: NDArray[np.bool_]) -> Dense:
        """Return the rows but for keys that say the object has left; (K,) `outside` is true for these."""
        kept = ~(self.is_key & outside[self.key])
        return Dense(self.frame[kept], self.xyxy[kept], self.key[kept], self.is_key[kept])


def expand(
    frame: NDArray[np.int64],
    xyxy: NDArray[np.float64],
    goes_on: NDArray[np.bool_],
    frames: NDArray[np.int64],
    is_line: NDArray[np.bool_] | None = None,
) -> Dense:
    """Return the rows of a track given by keys, or of several tracks one after the other.

    Args:
        frame: (K,) ordinals of keys, increasing within a track.
        xyxy: (K, 4) their boxes.
        goes_on: (K,) whether the object is visible between this key and the next.
        frames: (F,) ordinals that the video lists, increasing.
        is_line: (K,) whether key k moves on a line to the next, else it stays; None: all do.
    """
    first = np.searchsorted(frames, frame[:-1] + 1)
    count = np.where(goes_on[:-1], np.searchsorted(frames, frame[1:]) - first, 0)
    key = np.repeat(np.arange(len(count)), count)
    inner = frames[np.repeat(first - np.cumsum(count) + count, count) + np.arange(len(key))]
    boxes = between_keys(inner, (frame[key], xyxy[key]), (frame[key + 1], xyxy[key + 1]))
    if is_line is not None:
        boxes = np.where(is_line[key][:, None], boxes, xyxy[key])
    all_frames = np.concatenate([frame, inner])
    keys = np.concatenate([np.arange(len(frame)), key])
    order = np.argsort(keys, kind="stable")
    is_key = np.arange(len(all_frames)) < len(frame)
    return Dense(all_frames[order], np.concatenate([xyxy, boxes])[order], keys[order], is_key[order])
