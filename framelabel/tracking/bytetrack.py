"""ByteTrack: associate every detection box, the weak ones in a second pass.

Zhang et al., "ByteTrack: Multi-Object Tracking by Associating Every Detection Box", ECCV 2022, with the published
thresholds. Added here: classes never mix, frames may be skipped, ids belong to the instance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from framelabel.core.boxes import NO_TRACK, Boxes
from framelabel.core.config import setting
from framelabel.core.frames import FrameRef
from framelabel.core.geometry import iou
from framelabel.tracking import kalman
from framelabel.tracking.live_tracks import CONFIRMED, LOST, TENTATIVE, FrameOrder, LiveTracks, usable

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

_POSITION_WEIGHT = 1.0 / 20.0
_VELOCITY_WEIGHT = 1.0 / 160.0
_POSITION_FACTOR = np.array([_POSITION_WEIGHT, _POSITION_WEIGHT, 0.0, _POSITION_WEIGHT])
_VELOCITY_FACTOR = np.array([_VELOCITY_WEIGHT, _VELOCITY_WEIGHT, 0.0, _VELOCITY_WEIGHT])
_POSITION_NOISE, _VELOCITY_NOISE = _POSITION_FACTOR**2, _VELOCITY_FACTOR**2
_ASPECT = np.array([0.0, 0.0, 1.0, 0.0])
_DUPLICATE_IOU = 0.85


@dataclass(frozen=True, slots=True)
class ByteTrackOptions:
    """Settings; the defaults are the published ones."""

    high_score: float = setting(0.6, help="boxes from this score on take part in the first pass")
    low_score: float = setting(0.1, help="boxes above this score take part in the second pass")
    new_score: float = setting(0.7, help="boxes from this score on may start a track")
    first_iou: float = setting(0.2, help="least overlap times score of a first-pass match")
    second_iou: float = setting(0.5, help="least overlap of a second-pass match")
    tentative_iou: float = setting(0.3, help="least overlap times score that confirms a track seen once")
    lost_after_s: float = setting(1.0, help="seconds that a track survives without a box")


class ByteTrack:
    """One video's tracker; see `framelabel.core.protocols.OnlineTracker`."""

    Options = ByteTrackOptions

    def __init__(self, options: ByteTrackOptions | None = None, *, fps: float, frame_size: tuple[int, int]) -> None:
        self._options = options or ByteTrackOptions()
        self._patience = max(1, round(self._options.lost_after_s * fps))
        self._frame_size = frame_size
        self._tracks = LiveTracks()
        self._order = FrameOrder()
        self._is_first = True

    def update(self, boxes: Boxes, ref: FrameRef) -> Boxes:
        """Return the same rows with `track_id` filled; NO_TRACK where no track is confirmed.

        Raises:
            UsageError: frames out of order or of another video.
        """
        tracks, options = self._tracks, self._options
        self._predict(self._order.steps(ref))
        rows = usable(boxes)
        score = boxes.score[rows]
        rows = rows[score > options.low_score]
        xyxy, score, class_id = boxes.xyxy[rows], boxes.score[rows], boxes.class_id[rows]
        is_high = score >= options.high_score
        matched = np.full(len(tracks), -1)
        """(N,) box of each track, by position in `rows`."""
        free_high = np.flatnonzero(is_high)
        if len(tracks) and len(rows):
            overlap = iou(_corners(tracks.moments[:, 0]), xyxy)
            overlap[tracks.class_id[:, None] != class_id[None, :]] = 0.0
            fused = overlap * score
            pool = np.flatnonzero(tracks.state != TENTATIVE)
            free_high = _match(matched, fused, pool, free_high, options.first_iou)
            pool = np.flatnonzero((tracks.state == CONFIRMED) & (matched < 0))
            _match(matched, overlap, pool, np.flatnonzero(~is_high), options.second_iou)
            pool = np.flatnonzero(tracks.state == TENTATIVE)
            free_high = _match(matched, fused, pool, free_high, options.tentative_iou)
        found = np.flatnonzero(matched >= 0)
        self._see(found, xyxy[matched[found]], ref.index)
        out = np.full(len(boxes), NO_TRACK, np.int64)
        out[rows[matched[found]]] = tracks.id[found]
        self._forget(matched < 0, ref.index)
        fresh = free_high[score[free_high] >= options.new_score]
        if len(fresh):
            state = CONFIRMED if self._is_first else TENTATIVE
            tracks.add(_start(xyxy[fresh]), class_id[fresh], ref.index, state)
            out[rows[fresh]] = tracks.id[len(tracks) - len(fresh) :]
        self._is_first = False
        return boxes.with_tracks(out)

    def _predict(self, steps: int) -> None:
        """Advance all tracks; a track out of sight keeps its height."""
        tracks = self._tracks
        if not len(tracks):
            return
        tracks.moments[tracks.state != CONFIRMED, kalman.VELOCITY, 3] = 0.0
        scale = np.square(tracks.moments[:, kalman.POSITION, 3:])
        tracks.moments = kalman.predict(
            tracks.moments, scale * _POSITION_NOISE + 1e-4 * _ASPECT, scale * _VELOCITY_NOISE + 1e-10 * _ASPECT, steps
        )

    def _see(self, found: Rows, xyxy: Floats, frame: int) -> None:
        """Correct the tracks that have a box now, and confirm them."""
        if not len(found):
            return
        tracks = self._tracks
        moments = tracks.moments[found]
        noise = np.square(moments[:, kalman.POSITION, 3:]) * _POSITION_NOISE + 1e-2 * _ASPECT
        tracks.moments[found] = kalman.update(moments, _measure(xyxy), noise)
        tracks.last[found] = frame
        tracks.confirm(found)

    def _forget(self, is_missed: NDArray[np.bool_], frame: int) -> None:
        """Drop tentative tracks that were not confirmed, tracks lost for too long, and doubles of live tracks."""
        tracks = self._tracks
        if not is_missed.any():
            return
        tracks.state[is_missed & (tracks.state == CONFIRMED)] = LOST
        is_lost = tracks.state == LOST
        keep = ~(is_missed & (tracks.state == TENTATIVE)) & ~(is_lost & (frame - tracks.last > self._patience))
        lost, live = np.flatnonzero(is_lost), np.flatnonzero(tracks.state == CONFIRMED)
        if len(lost) and len(live):
            corners = _corners(tracks.moments[:, 0])
            for a, b in np.argwhere(iou(corners[lost], corners[live]) > _DUPLICATE_IOU):
                older_lost = tracks.last[lost[a]] - tracks.first[lost[a]] > tracks.last[live[b]] - tracks.first[live[b]]
                keep[live[b] if older_lost else lost[a]] = False
        if not keep.all():
            tracks.keep(keep)


def _match(matched: Rows, similarity: Floats, pool: Rows, free: Rows, least: float) -> Rows:
    """Match the tracks of `pool` with the boxes `free` (writing into `matched`); return the boxes still free.

    What is maximised is the similarity above `least`, so that no good match is given up to fit in two bad ones.
    """
    if not len(pool) or not len(free):
        return free
    gain = similarity[np.ix_(pool, free)] - least
    np.maximum(gain, 0.0, out=gain)
    if not gain.any():
        return free
    row, column = linear_sum_assignment(gain, maximize=True)
    good = gain[row, column] > 0.0
    row, column = row[good], column[good]
    matched[pool[row]] = free[column]
    rest = np.ones(len(free), np.bool_)
    rest[column] = False
    return free[rest]


def _measure(xyxy: Floats) -> Floats:
    """Return centre x, centre y, width / height, height."""
    out = np.empty_like(xyxy)
    np.add(xyxy[:, :2], xyxy[:, 2:], out=out[:, :2])
    out[:, :2] *= 0.5
    np.subtract(xyxy[:, 3], xyxy[:, 1], out=out[:, 3])
    out[:, 2] = (xyxy[:, 2] - xyxy[:, 0]) / out[:, 3]
    return out


def _corners(state: Floats) -> Floats:
    """Return xyxy of centre x, centre y, width / height, height."""
    half = state[:, 3:] * 0.5
    half = np.concatenate([half * state[:, 2:3], half], axis=1)
    return np.concatenate([state[:, :2] - half, state[:, :2] + half], axis=1)


def _start(xyxy: Floats) -> Floats:
    """Return the motion of objects first seen in these boxes."""
    measured = _measure(xyxy)
    height = measured[:, 3:]
    return kalman.start(
        measured, 2 * height * _POSITION_FACTOR + 1e-2 * _ASPECT, 10 * height * _VELOCITY_FACTOR + 1e-5 * _ASPECT
    )
