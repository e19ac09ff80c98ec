"""OC-SORT: SORT that trusts observations more than its filter.

Cao et al., "Observation-Centric SORT: Rethinking SORT for Robust Multi-Object Tracking", CVPR 2023, with the published
settings: direction consistency in the association (OCM), a second association with last observations (OCR), and a
filter that is run again over a virtual path when a lost track is found (ORU).
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
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class OcSortOptions:
    """Settings; the defaults are the published ones."""

    least_score: float = setting(0.6, help="boxes below this score take no part")
    least_iou: float = setting(0.3, help="least overlap of a match")
    patience: int = setting(30, help="frames that a track survives without a box")
    least_hits: int = setting(3, help="boxes in a row before a track gets its id")
    reach: int = setting(3, help="frames over which the direction of motion is taken")
    inertia: float = setting(0.2, help="weight of the direction in the association")


class OcSort:
    """One video's tracker; see `framelabel.core.protocols.OnlineTracker`."""

    Options = OcSortOptions
    VERSION = 1
    """Part of a run's name; a higher one with every change of what the same boxes give."""

    def __init__(self, options: OcSortOptions | None = None, *, fps: float, frame_size: tuple[int, int]) -> None:
        """Keep the options; neither rate nor size play a part in OC-SORT."""
        del fps, frame_size
        self._options = options or OcSortOptions()
        self._tracks = LiveTracks()
        self._order = FrameOrder()
        self._frame_count = 0
        self._seen: Floats = np.full((0, self._options.reach + 1, 4), np.nan)
        """(N, reach + 1, 4) boxes of the latest calls, newest first; NaN where a track was not seen."""
        self._latest: Floats = np.zeros((0, 4))
        """(N, 4) the latest box of each track, however old."""
        self._at_latest: Floats = np.zeros((0, 5, 4))
        """(N, 5, 4) motion right after that box."""
        self._direction: Floats = np.zeros((0, 2))
        """(N, 2) unit vectors of motion; zero where unknown."""
        self._age: Rows = np.zeros(0, np.int64)
        """(N,) calls since the latest box."""

    def update(self, boxes: Boxes, ref: FrameRef) -> Boxes:
        """Return the same rows with `track_id` filled; NO_TRACK where no track is confirmed.

        Raises:
            UsageError: frames out of order or of another video.
        """
        tracks, options = self._tracks, self._options
        steps = self._order.steps(ref)
        self._frame_count += 1
        tracks.moments = AreaMotion.predict(tracks.moments, steps)
        self._seen = np.concatenate([np.full((len(tracks), 1, 4), np.nan), self._seen[:, :-1]], axis=1)
        self._age += 1
        rows = usable(boxes)
        rows = rows[boxes.score[rows] >= options.least_score]
        xyxy, score, class_id = boxes.xyxy[rows], boxes.score[rows], boxes.class_id[rows]
        matched, free = np.full(len(tracks), -1), np.arange(len(rows))
        if len(tracks) and len(rows):
            is_other = tracks.class_id[:, None] != class_id[None, :]
            overlap = iou(AreaMotion.corners(tracks.moments[:, kalman.POSITION]), xyxy)
            overlap[is_other] = 0.0
            worth = overlap + self._consistency(xyxy) * score * options.inertia
            free = match_total(matched, worth, overlap, np.arange(len(tracks)), free, options.least_iou)
            rest = np.flatnonzero(matched < 0)
            overlap = iou(self._latest, xyxy)
            overlap[is_other] = 0.0
            free = match_total(matched, overlap, overlap, rest, free, options.least_iou)
        found = np.flatnonzero(matched >= 0)
        self._see(found, xyxy[matched[found]], steps)
        tracks.hits[found] = np.where(self._age[found] == 1, tracks.hits[found] + 1, 1)
        tracks.last[found], self._age[found] = ref.index, 0
        is_early = self._frame_count <= options.least_hits
        sure = found[(tracks.hits[found] >= options.least_hits) | is_early]
        tracks.confirm(sure)
        out = np.full(len(boxes), NO_TRACK, np.int64)
        out[rows[matched[sure]]] = tracks.id[sure]
        self._keep(ref.index - tracks.last <= options.patience)
        self._add(xyxy[free], class_id[free], ref.index, CONFIRMED if is_early else TENTATIVE)
        out[rows[free]] = tracks.id[len(tracks) - len(free) :]
        return boxes.with_tracks(out)

    def _consistency(self, xyxy: Floats) -> Floats:
        """Return (N, M) how well going on to each box keeps a track's direction, from -0.5 (back) to 0.5 (straight)."""
        heading = _unit(_centre(xyxy)[None] - _centre(self._earlier())[:, None])
        cosine = np.clip((heading * self._direction[:, None]).sum(axis=2), -1.0, 1.0)
        known = np.any(self._direction != 0, axis=1)
        return np.where(known[:, None], (np.pi / 2 - np.arccos(cosine)) / np.pi, 0.0)

    def _earlier(self) -> Floats:
        """Return (N, 4) each track's box `reach` calls ago, or the nearest later one, or its latest."""
        out = self._latest.copy()
        for back in range(1, self._options.reach + 1):
            here = self._seen[:, back]
            known = ~np.isnan(here[:, 0])
            out[known] = here[known]
        return out

    def _see(self, found: Rows, xyxy: Floats, steps: int) -> None:
        """Correct the tracks that have a box now; those that were lost are first led along a straight path to it."""
        self._direction[found] = _unit(_centre(xyxy) - _centre(self._earlier()[found]))
        for position in np.flatnonzero(self._age[found] > 1):
            row, gap = found[position], int(self._age[found[position]])
            moments = self._at_latest[row : row + 1]
            for step in range(1, gap):
                share = step / gap
                virtual = (1 - share) * self._latest[row] + share * xyxy[position]
                moments = AreaMotion.update(AreaMotion.predict(moments, steps), virtual[None])
            self._tracks.moments[row] = AreaMotion.predict(moments, steps)[0]
        self._tracks.moments[found] = AreaMotion.update(self._tracks.moments[found], xyxy)
        self._seen[found, 0] = xyxy
        self._latest[found] = xyxy
        self._at_latest[found] = self._tracks.moments[found]

    def _keep(self, mask: NDArray[np.bool_]) -> None:
        """Forget the tracks outside `mask`."""
        self._tracks.keep(mask)
        self._seen, self._latest, self._at_latest = self._seen[mask], self._latest[mask], self._at_latest[mask]
        self._direction, self._age = self._direction[mask], self._age[mask]

    def _add(self, xyxy: Floats, class_id: NDArray[np.int32], frame: int, state: int) -> None:
        """Start tracks at these boxes."""
        moments = AreaMotion.start(xyxy)
        self._tracks.add(moments, class_id, frame, state)
        seen = np.full((len(xyxy), self._options.reach + 1, 4), np.nan)
        seen[:, 0] = xyxy
        self._seen = np.concatenate([self._seen, seen])
        self._latest = np.concatenate([self._latest, xyxy])
        self._at_latest = np.concatenate([self._at_latest, moments])
        self._direction = np.concatenate([self._direction, np.zeros((len(xyxy), 2))])
        self._age = np.concatenate([self._age, np.zeros(len(xyxy), np.int64)])


def _centre(xyxy: Floats) -> Floats:
    """Return the (..., 2) centres of boxes."""
    return np.asarray((xyxy[..., :2] + xyxy[..., 2:]) * 0.5, np.float64)


def _unit(vector: Floats) -> Floats:
    """Return vectors of length 1; zero vectors stay zero."""
    length = np.sqrt(np.square(vector).sum(axis=-1, keepdims=True))
    return np.asarray(np.divide(vector, length, out=np.zeros_like(vector), where=length > 1e-9), np.float64)
