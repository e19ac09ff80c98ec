"""SORT: a Kalman filter, overlap, the Hungarian method.

Bewley et al., "Simple Online and Realtime Tracking", ICIP 2016, with the published settings. Added here: classes never
mix, frames may be skipped, ids belong to the instance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import NO_TRACK, Boxes
from framelabel.core.config import setting
from framelabel.core.frames import FrameRef
from framelabel.core.geometry import iou
from framelabel.tracking import kalman
from framelabel.tracking.area_motion import AreaMotion
from framelabel.tracking.live_tracks import CONFIRMED, TENTATIVE, FrameOrder, LiveTracks, usable
from framelabel.tracking.matching import match_total

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SortOptions:
    """Settings; the defaults are the published ones."""

    least_score: float = setting(0.0, help="boxes below this score take no part")
    least_iou: float = setting(0.3, help="least overlap of a match")
    patience: int = setting(1, help="frames that a track survives without a box")
    least_hits: int = setting(3, help="boxes in a row before a track gets its id")


class Sort:
    """One video's tracker; see `framelabel.core.protocols.OnlineTracker`."""

    Options = SortOptions
    VERSION = 1
    """Part of a run's name; a higher one with every change of what the same boxes give."""

    def __init__(self, options: SortOptions | None = None, *, fps: float, frame_size: tuple[int, int]) -> None:
        """Keep the options; neither rate nor size play a part in SORT."""
        del fps, frame_size
        self._options = options or SortOptions()
        self._tracks = LiveTracks()
        self._order = FrameOrder()
        self._first_frame = -1

    def update(self, boxes: Boxes, ref: FrameRef) -> Boxes:
        """Return the same rows with `track_id` filled; NO_TRACK where no track is confirmed.

        Raises:
            UsageError: frames out of order or of another video.
        """
        tracks, options = self._tracks, self._options
        steps = self._order.steps(ref)
        if self._first_frame < 0:
            self._first_frame = ref.index
        tracks.moments = AreaMotion.predict(tracks.moments, steps)
        rows = usable(boxes)
        rows = rows[boxes.score[rows] >= options.least_score]
        xyxy, class_id = boxes.xyxy[rows], boxes.class_id[rows]
        matched, free = np.full(len(tracks), -1), np.arange(len(rows))
        if len(tracks) and len(rows):
            overlap = iou(AreaMotion.corners(tracks.moments[:, kalman.POSITION]), xyxy)
            overlap[tracks.class_id[:, None] != class_id[None, :]] = 0.0
            free = match_total(matched, overlap, overlap, np.arange(len(tracks)), free, options.least_iou)
        found = np.flatnonzero(matched >= 0)
        tracks.moments[found] = AreaMotion.update(tracks.moments[found], xyxy[matched[found]])
        tracks.hits[found] = np.where(ref.index - tracks.last[found] <= steps, tracks.hits[found] + 1, 1)
        tracks.last[found] = ref.index
        # in the first frames nothing can have been seen often enough yet, so everything counts
        is_early = ref.index - self._first_frame < options.least_hits
        tracks.confirm(found[(tracks.hits[found] >= options.least_hits) | is_early])
        out = np.full(len(boxes), NO_TRACK, np.int64)
        sure = found[(tracks.hits[found] >= options.least_hits) | is_early]
        out[rows[matched[sure]]] = tracks.id[sure]
        tracks.keep(ref.index - tracks.last <= options.patience * steps)
        state = CONFIRMED if is_early else TENTATIVE
        tracks.add(AreaMotion.start(xyxy[free]), class_id[free], ref.index, state)
        out[rows[free]] = tracks.id[len(tracks) - len(free) :]
        return boxes.with_tracks(out)
