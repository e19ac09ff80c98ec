"""Carry human boxes along a run's detections; where these are poor, along the better interpolation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.core.frames import Span
from framelabel.core.tracks import Track, Visibility
from framelabel.tracking.propagation.association import ClipDetections
from framelabel.tracking.propagation.clip_paths import ClipPaths, Stretch
from framelabel.tracking.propagation.evidence import Evidence
from framelabel.tracking.propagation.following import follow
from framelabel.tracking.propagation.gaps import FEATURES
from framelabel.tracking.propagation.trust import Trials

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FOLLOWED_FIRST, FOLLOWED_SLOPE, FOLLOWED_LIMIT = 0.29, 0.004, 0.6
"""1 - IoU of a followed box: next to its keyframe, added per frame from it, and at most; least squares over KITTI with
PointRCNN, MOT15 with Faster R-CNN and MOT17 with DPM, 40 frames from the first box of each run, each set counted
equally."""
HIDDEN_BEHIND = 0.3
"""Overlap with another object's detection at which a box without one of its own counts as occluded."""


class Detections:
    """Paths through the detections of a run, an interpolation where they do not help, chosen by evidence."""

    @dataclass(frozen=True, slots=True)
    class Options:
        """Everything else is measured."""

        least_score: float = 0.0
        """Detections below this score are left out."""

    def __init__(self, options: Options, evidence: Evidence) -> None:
        """Join and link the evidence's detections; they are not looked at again."""
        self.options = options
        self._frame_size = evidence.frame_size
        kept = (
            (frame, boxes.select(boxes.score >= options.least_score)) for frame, boxes in evidence.detections.items()
        )
        self._clip = ClipDetections.of(kept)
        self._paths: ClipPaths | None = None
        self._trials: dict[int, Trials] = {}

    def acquaint(self, tracks: Sequence[Track]) -> None:
        """Learn from the human boxes of all objects: how the detector errs, and which method can be trusted here.

        Without it each object is judged by its own boxes and by the first object that was asked about.
        """
        self._paths = ClipPaths(self._clip, [track.select(track.is_keyframe) for track in tracks])
        self._trials = {track.id: self._trials_of(track.select(track.is_keyframe)) for track in tracks}

    def propagate(self, keyframes: Track, span: Span) -> Track:
        """Return the object in every frame of `span`; see `Propagator.propagate`."""
        frame = np.arange(span.start, span.stop, dtype=np.int64)
        xyxy, uncertainty = np.zeros((len(frame), 4)), np.zeros(len(frame))
        visibility, score = np.full(len(frame), Visibility.ABSENT, np.int8), np.zeros(len(frame))

        def put(at: Ints, boxes: Floats, doubt: Floats, state: NDArray[np.int8], support: Floats) -> None:
            inside = (at >= span.start) & (at < span.stop)
            rows = at[inside] - span.start
            xyxy[rows], uncertainty[rows] = boxes[inside], doubt[inside]
            visibility[rows], score[rows] = state[inside], support[inside]

        for part in _visits(keyframes):
            for stretch in self._stretches(part):
                at = np.arange(stretch.gap.start + 1, stretch.gap.stop)
                put(at, stretch.xyxy, 1 - stretch.overlap, _state(stretch), stretch.gap.support)
            for row, step in ((0, -1), (-1, 1)):
                edge = int(part.frame[row])
                stop = _next_absence(keyframes, edge, step, span)
                ahead = follow(
                    self._clip, edge, part.xyxy[row], max((stop - edge) * step - 1, 0), step, self._frame_size
                )
                distance = np.arange(1, len(ahead.xyxy) + 1)
                doubt = np.minimum(FOLLOWED_FIRST + FOLLOWED_SLOPE * distance, FOLLOWED_LIMIT)
                doubt = np.where(ahead.visibility == Visibility.LOST, 1.0, doubt)
                put(edge + step * distance, ahead.xyxy, doubt, ahead.visibility, ahead.support)
        put(
            keyframes.frame,
            keyframes.xyxy,
            np.zeros(len(keyframes)),
            keyframes.visibility,
            np.ones(len(keyframes)),
        )
        return Track.of(
            keyframes.id,
            frame,
            xyxy,
            class_id=keyframes.class_id,
            is_keyframe=np.isin(frame, keyframes.frame),
            uncertainty=np.clip(uncertainty, 0.0, 1.0),
            visibility=visibility,
            score=score,
        )

    def _stretches(self, part: Track) -> list[Stretch]:
        if self._paths is None:
            self._paths = ClipPaths(self._clip, [part])
        others = Trials.none()
        for track_id, trials in self._trials.items():
            if track_id != part.id:
                others = others.joined(trials)
        return self._paths.stretches(part.frame, part.xyxy, others)

    def _trials_of(self, keyframes: Track) -> Trials:
        found = Trials.none()
        if self._paths is not None:
            for part in _visits(keyframes):
                found = found.joined(self._paths.trials(part.frame, part.xyxy))
        return found


def _visits(keyframes: Track) -> list[Track]:
    """Return the keyframes between two absences, as one track each."""
    present = keyframes.is_present
    starts = np.flatnonzero(present & ~np.concatenate([[False], present[:-1]]))
    stops = np.flatnonzero(present & ~np.concatenate([present[1:], [False]])) + 1
    return [keyframes.select(np.arange(start, stop)) for start, stop in zip(starts, stops, strict=True)]


def _next_absence(keyframes: Track, edge: int, step: int, span: Span) -> int:
    """Return the first frame in direction `step` that is not to be filled: a keyframe that says absent, or the end."""
    absent = keyframes.frame[~keyframes.is_present]
    beyond = absent[(absent - edge) * step > 0]
    limit = span.stop if step > 0 else span.start - 1
    if len(beyond) == 0:
        return limit
    nearest = int(beyond.min() if step > 0 else beyond.max())
    return min(nearest, limit) if step > 0 else max(nearest, limit)


def _state(stretch: Stretch) -> NDArray[np.int8]:
    """Return (M,) VISIBLE, or OCCLUDED where another object's detection covers a box that has none of its own."""
    near = stretch.gap.features[stretch.method, :, FEATURES.index("support")]
    crowd = stretch.gap.features[stretch.method, :, FEATURES.index("crowding")]
    hidden = (near == 0) & (crowd >= HIDDEN_BEHIND)
    return np.where(hidden, Visibility.OCCLUDED, Visibility.VISIBLE).astype(np.int8)
