"""From chains of detections to a row for every frame of a track: gaps filled, boxes smoothed, doubt stated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from framelabel.core.tracks import Visibility
from framelabel.tracking.offline.borders import Borders
from framelabel.tracking.offline.evidence import Evidence
from framelabel.tracking.offline.motion import Motion
from framelabel.tracking.offline.smoothing import smooth, uncertainty
from framelabel.tracking.offline.time_axis import TimeAxis

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

_LEAST_JITTER = 0.005
"""Box sizes; no detector is taken to be better."""
_BATCH = 200_000
"""Rows filled and smoothed at a time; bounds memory, changes no result."""


@dataclass(frozen=True, slots=True, eq=False)
class TrackRows:
    """The rows of all tracks, track by track, in ascending frames."""

    track: Rows
    frame: Rows
    xyxy: Floats
    score: Floats
    uncertainty: Floats
    visibility: NDArray[np.int8]

    def select(self, rows: NDArray[np.bool_] | Rows) -> TrackRows:
        """Return these rows only."""
        return TrackRows(
            self.track[rows],
            self.frame[rows],
            self.xyxy[rows],
            self.score[rows],
            self.uncertainty[rows],
            self.visibility[rows],
        )

    @staticmethod
    def concatenate(parts: Sequence[TrackRows]) -> TrackRows:
        """Return the rows of consecutive tracks."""
        names = ("track", "frame", "xyxy", "score", "uncertainty", "visibility")
        return TrackRows(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def seen_by(self, camera: Floats, borders: Borders) -> TrackRows:
        """Return the rows as a camera saw them that moved along a (frames, 2) path, without what left the picture."""
        xyxy = borders.within(self.xyxy + np.tile(camera[self.frame], 2))
        return replace(self, xyxy=xyxy).select(np.all(xyxy[:, 2:] > xyxy[:, :2], axis=1))

    def on(self, axis: TimeAxis) -> TrackRows:
        """Return the rows at frames that were looked at; `frame` becomes the row of the axis."""
        found = np.minimum(np.searchsorted(axis.position, self.frame), len(axis.position) - 1)
        rows = np.flatnonzero(axis.position[found] == self.frame)
        return replace(self.select(rows), frame=found[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Filling:
    """How gaps are filled and boxes are smoothed."""

    motion: Motion
    size: float
    """Typical box size, pixels: where the detector's noise is that of the clip."""
    longest: float
    """Frames of the longest gap that is filled."""
    smoothing: float
    """Strength; 1 follows the clip's noise, 0 keeps detected boxes."""

    def rows(self, steady: Evidence, track: Rows, camera: Floats, borders: Borders) -> TrackRows:
        """Give every track a row for each of its frames, except in gaps that are too long to be filled.

        Args:
            steady: detections as a steady camera would have seen them, track by track, in ascending frames.
            track: (N,) track of each, ascending from 0.
            camera: (frames, 2) the camera's path.
            borders: of the picture.
        """
        cut = borders.cut(steady.xyxy + np.tile(camera[steady.frame], 2))
        return TrackRows.concatenate(
            [
                self._batch(steady.select(part), track[part], cut[part]).seen_by(camera, borders)
                for part in _batches(steady.frame, track)
            ]
        )

    def _batch(self, evidence: Evidence, track: Rows, cut: NDArray[np.bool_]) -> TrackRows:
        first, local = int(track[0]), track - track[0]
        start = np.searchsorted(local, np.arange(int(local[-1]) + 1))
        stop = np.r_[start[1:], len(local)] - 1
        begin, length = evidence.frame[start], evidence.frame[stop] - evidence.frame[start] + 1
        offset = np.cumsum(length) - length
        position = offset[local] + evidence.frame - begin[local]
        total = int(length.sum())
        owner = np.repeat(np.arange(len(start)), length)
        frame = np.arange(total) - offset[owner] + begin[owner]
        source = np.zeros(total, np.int64)
        source[position] = np.arange(len(position))
        is_seen = np.zeros(total, np.bool_)
        is_seen[position] = True
        last = np.maximum.accumulate(np.where(is_seen, np.arange(total), 0))
        following = np.minimum.accumulate(np.where(is_seen, np.arange(total), total)[::-1])[::-1]
        gap, before = following - last, np.arange(total) - last
        share = np.divide(before, gap, out=np.zeros(total), where=gap > 0)[:, None]
        xyxy = (1 - share) * evidence.xyxy[source[last]] + share * evidence.xyxy[source[following]]
        if self.smoothing > 0:
            size = evidence.size[source[last]][:, None]
            # what a detector errs by grows more slowly than the box
            jitter = np.maximum(self.motion.jitter, _LEAST_JITTER) * np.sqrt(size * self.size)
            turn = self.motion.restlessness * size / np.sqrt(self.smoothing)
            known = np.where(is_seen, evidence.score[source], -1.0)
            is_cut = cut[source] & is_seen[:, None]
            xyxy = smooth(xyxy, known, offset, jitter=jitter, restlessness=turn, cut=is_cut)
        keep = is_seen | (gap <= self.longest)
        keep &= np.all(xyxy[:, 2:] > xyxy[:, :2], axis=1)
        width, height = np.maximum(xyxy[:, 2:] - xyxy[:, :2], 1e-6).T
        doubt = uncertainty(width, height, gap, before, self.motion)
        score = np.where(is_seen, evidence.score[source], 0.0)
        state = np.where(is_seen, Visibility.VISIBLE, Visibility.OCCLUDED).astype(np.int8)
        return TrackRows(owner + first, frame, xyxy, score, doubt, state).select(keep)


def _batches(frame: Rows, track: Rows) -> Iterator[slice]:
    """Yield the rows of whole tracks whose frames, gaps included, come to about a batch."""
    start = np.flatnonzero(np.r_[True, track[1:] != track[:-1]])
    stop = np.r_[start[1:], len(track)]
    batch = (np.cumsum(frame[stop - 1] - frame[start] + 1) - 1) // _BATCH
    edges = np.flatnonzero(np.r_[True, batch[1:] != batch[:-1]])
    for low, high in zip(edges, np.r_[edges[1:], len(start)], strict=True):
        yield slice(int(start[low]), int(stop[high - 1]))
