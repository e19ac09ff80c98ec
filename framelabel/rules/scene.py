"""What rules look at: the tracks of one video with their times, classes and places."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from framelabel.core.frames import VideoId
from framelabel.core.ontology import AttributeValue, Ontology
from framelabel.core.tracks import Track
from framelabel.rules.zones import Line, Zone


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One video's tracks, ready for rules. Only confirmed tracks belong here: rules never see NO_TRACK boxes."""

    video_id: VideoId
    size: tuple[int, int]
    """(width, height) of the frame in pixels."""
    frames: NDArray[np.int64]
    """(F,) the frame ordinals that were looked at, ascending; an object absent from one of them was not seen there."""
    seconds: NDArray[np.float64]
    """(F,) their times."""
    tracks: tuple[Track, ...]
    ontology: Ontology
    zones: Mapping[str, Zone] = field(default_factory=dict)
    lines: Mapping[str, Line] = field(default_factory=dict)
    to_scene: NDArray[np.float64] | None = None
    """(F, 2, 3) affine map from each frame to the first one, where the camera moves; None for a fixed camera."""
    attributes: Mapping[int, Mapping[str, AttributeValue]] = field(default_factory=dict)
    """Attributes by track id."""

    def of_classes(self, names: Iterable[str]) -> list[Track]:
        """Return the tracks whose class is one of these names, by id."""
        wanted = {self.ontology.id_of(name) for name in names}
        return [track for track in self.tracks if track.class_id in wanted]

    def present(self, track: Track) -> Track:
        """Return a track's rows where it has a box, in frames that were looked at, in scene coordinates."""
        kept = track.select(track.is_present & np.isin(track.frame, self.frames))
        if self.to_scene is None or not len(kept):
            return kept
        rows = np.searchsorted(self.frames, kept.frame)
        corners = kept.xyxy.reshape(-1, 2, 2)
        moved = np.einsum("nij,nkj->nki", self.to_scene[rows, :, :2], corners) + self.to_scene[rows, None, :, 2]
        xyxy = np.concatenate([moved.min(axis=1), moved.max(axis=1)], axis=1)
        return Track.of(
            kept.id,
            kept.frame,
            xyxy,
            class_id=kept.class_id,
            is_keyframe=kept.is_keyframe,
            uncertainty=kept.uncertainty,
            visibility=kept.visibility,
            score=kept.score,
        )

    def looks_of(self, frames: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the (N,) rows of `self.frames` of frame ordinals that were looked at."""
        return np.searchsorted(self.frames, frames).astype(np.int64)

    def seconds_of(self, frames: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the (N,) times of frame ordinals that were looked at."""
        return np.asarray(self.seconds[self.looks_of(frames)], dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class BoxesByFrame:
    """Boxes of several tracks, found by frame: for rules that compare objects within one frame."""

    frame: NDArray[np.int64]
    """(N,) ascending."""
    xyxy: NDArray[np.float64]
    track_id: NDArray[np.int64]

    @staticmethod
    def of(tracks: Sequence[Track]) -> BoxesByFrame:
        """Gather the boxes of tracks."""
        if not tracks:
            return BoxesByFrame(np.zeros(0, np.int64), np.zeros((0, 4)), np.zeros(0, np.int64))
        frame = np.concatenate([track.frame for track in tracks])
        order = np.argsort(frame, kind="stable")
        xyxy = np.concatenate([track.xyxy for track in tracks])
        ids = np.concatenate([np.full(len(track), track.id, np.int64) for track in tracks])
        return BoxesByFrame(frame[order], xyxy[order], ids[order])

    def at(self, frame: int) -> slice:
        """Return the rows of one frame."""
        start, stop = np.searchsorted(self.frame, [frame, frame + 1])
        return slice(int(start), int(stop))
