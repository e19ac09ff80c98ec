"""ByteTrack: associate every detection box, the weak ones in a second pass.

Zhang et al., "ByteTrack: Multi-Object Tracking by Associating Every Detection Box", ECCV 2022, with the published
thresholds. Added here: classes never mix, frames may be skipped, ids belong to the instance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import NO_TRACK, Boxes
from framelabel.core.config import setting
from framelabel.core.frames import FrameRef
from framelabel.core.geometry import iou
from framelabel.tracking import kalman
from framelabel.tracking.box_motion import AspectMotion, SizeMotion
from framelabel.tracking.live_tracks import CONFIRMED, LOST, TENTATIVE, FrameOrder, LiveTracks, usable
from framelabel.tracking.matching import match_above

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

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
    VERSION = 1
    """Part of a run's name; a higher one with every change of what the same boxes give."""
    _law: ClassVar[type[AspectMotion | SizeMotion]] = AspectMotion

    def __init__(self, options: ByteTrackOptions | None = None, *, fps: float, frame_size: tuple[int, int]) -> None:
        self._options = options or ByteTrackOptions()
        self._patience = max(1, round(self._options.lost_after_s * fps))
        self._frame_size = frame_size
        self._tracks = LiveTracks()
        self._order = FrameOrder()
        self._is_first = True
        self._rows: Rows = np.zeros(0, np.int64)
        """Rows of this frame's boxes that take part."""

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
        self._rows = rows
        xyxy, score, class_id = boxes.xyxy[rows], boxes.score[rows], boxes.class_id[rows]
        is_high = score >= options.high_score
        matched = np.full(len(tracks), -1)
        """(N,) box of each track, by position in `rows`."""
        free_high = is_high.nonzero()[0]
        if len(tracks) and len(rows):
            overlap = iou(self._law.corners(tracks.moments[:, 0]), xyxy)
            overlap[tracks.class_id[:, None] != class_id[None, :]] = 0.0
            fused = overlap * score
            pool = (tracks.state != TENTATIVE).nonzero()[0]
            free_high = match_above(matched, self._first_similarity(fused, overlap), pool, free_high, options.first_iou)
            pool = ((tracks.state == CONFIRMED) & (matched < 0)).nonzero()[0]
            match_above(matched, overlap, pool, (~is_high).nonzero()[0], options.second_iou)
            pool = (tracks.state == TENTATIVE).nonzero()[0]
            free_high = match_above(matched, fused, pool, free_high, options.tentative_iou)
        found = (matched >= 0).nonzero()[0]
        self._see(found, xyxy[matched[found]], ref.index)
        out = np.full(len(boxes), NO_TRACK, np.int64)
        out[rows[matched[found]]] = tracks.id[found]
        self._forget(matched < 0, ref.index)
        fresh = free_high[score[free_high] >= options.new_score]
        if len(fresh):
            state = CONFIRMED if self._is_first else TENTATIVE
            tracks.add(self._law.start(xyxy[fresh]), class_id[fresh], ref.index, state)
            out[rows[fresh]] = tracks.id[len(tracks) - len(fresh) :]
        self._is_first = False
        return boxes.with_tracks(out)

    def _predict(self, steps: int) -> None:
        """Advance all tracks; a track out of sight keeps its height."""
        tracks = self._tracks
        if not len(tracks):
            return
        tracks.moments[tracks.state != CONFIRMED, kalman.VELOCITY, self._law.frozen] = 0.0
        position, velocity = self._law.drift(tracks.moments[:, kalman.POSITION])
        tracks.moments = kalman.predict(tracks.moments, position, velocity, steps)

    def _see(self, found: Rows, xyxy: Floats, frame: int) -> None:
        """Correct the tracks that have a box now, and confirm them."""
        if not len(found):
            return
        tracks = self._tracks
        moments = tracks.moments[found]
        noise = self._law.measurement(moments[:, kalman.POSITION])
        tracks.moments[found] = kalman.update(moments, self._law.measure(xyxy), noise)
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
        lost, live = is_lost.nonzero()[0], (tracks.state == CONFIRMED).nonzero()[0]
        if len(lost) and len(live):
            corners = self._law.corners(tracks.moments[:, 0])
            for a, b in np.argwhere(iou(corners[lost], corners[live]) > _DUPLICATE_IOU):
                older_lost = tracks.last[lost[a]] - tracks.first[lost[a]] > tracks.last[live[b]] - tracks.first[live[b]]
                keep[live[b] if older_lost else lost[a]] = False
        if not keep.all():
            tracks.keep(keep)

    def _first_similarity(self, fused: Floats, overlap: Floats) -> Floats:  # noqa: ARG002 - BoT-SORT uses both
        """Return what the first pass maximises."""
        return fused
