"""Who takes part in `tracking.py`: our trackers and, where installed, other people's, each behind one function."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import NO_TRACK, Boxes
from framelabel.core.frames import FrameRef, VideoId
from framelabel.tracking.catalog import OFFLINE_TRACKERS, ONLINE_TRACKERS
from tests.benchmarks.tracking_sets import Sequence

Floats = NDArray[np.float64]
PEER_HIGH_SCORE = 0.5
"""Where a peer asks from which score a box is sure: 0.5, which the score maps of `tracking_sets` are centred on."""
SUPERVISION_DEFAULT = 0.25
"""Supervision's own answer to that question; speeds of the two ByteTracks are compared there."""


THEIRS, OURS_AT_THEIRS = "ByteTrack 0.25 (superv.)", "bytetrack 0.25 (framel.)"
_PUBLISHED = {"sort", "bytetrack", "ocsort"}
"""Our versions of published methods that count as peers, as norfair and other people's versions do."""


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """A tracker's boxes and the seconds it took."""

    frame: NDArray[np.int64]
    track: NDArray[np.int64]
    xyxy: Floats
    seconds: float

    @staticmethod
    def of(rows: Iterable[tuple[int, int, Floats]], seconds: float) -> Answer:
        """Gather (frame, id, box) rows."""
        listed = list(rows)
        return Answer(
            np.array([row[0] for row in listed], np.int64),
            np.array([row[1] for row in listed], np.int64),
            np.array([row[2] for row in listed], np.float64).reshape(-1, 4),
            seconds,
        )


@dataclass(frozen=True, slots=True)
class Contestant:
    """A name and how to run it."""

    name: str
    run: Callable[[Sequence], Answer]
    is_peer: bool
    """True for other people's code and for published methods: what the whole-clip tracker is measured against."""


def contestants(report: Callable[[str], None]) -> list[Contestant]:
    """Return who can take part here; says who cannot."""
    found = [Contestant("framelabel offline", offline, is_peer=False)]
    found += [
        Contestant(f"{name} (framelabel)", _online(name), is_peer=name in _PUBLISHED)
        for name in sorted(ONLINE_TRACKERS)
    ]
    found.append(Contestant(OURS_AT_THEIRS, _online("bytetrack", SUPERVISION_DEFAULT), is_peer=True))
    for module, makers in (
        (
            "supervision",
            {"ByteTrack (supervision)": _supervision(PEER_HIGH_SCORE), THEIRS: _supervision(SUPERVISION_DEFAULT)},
        ),
        (
            "trackers",
            {"SORT (trackers)": _trackers("SORTTracker"), "ByteTrack (trackers)": _trackers("ByteTrackTracker")},
        ),
        ("norfair", {"norfair": _norfair}),
    ):
        if importlib.util.find_spec(module) is None:
            report(f"skipped: {', '.join(makers)} ({module} is not installed)")
            continue
        if module == "supervision" and not hasattr(importlib.import_module(module), "ByteTrack"):
            report("skipped: ByteTrack (supervision) (this supervision has none; 0.27 does)")
            continue
        found += [Contestant(name, run, is_peer=True) for name, run in makers.items()]
    return found


def offline(sequence: Sequence) -> Answer:
    """Return the whole-clip tracker's answer, with its default options."""
    tracker = OFFLINE_TRACKERS.load("offline")(fps=sequence.fps, frame_size=sequence.size)
    begun = time.process_time()
    tracks = tracker.link(range(len(sequence.boxes)), sequence.boxes, sequence.fps)
    seconds = time.process_time() - begun
    if not tracks:
        return Answer.of((), seconds)
    return Answer(
        np.concatenate([track.frame for track in tracks]),
        np.concatenate([np.full(len(track), track.id) for track in tracks]),
        np.concatenate([track.xyxy for track in tracks]),
        seconds,
    )


def _online(name: str, high: float = PEER_HIGH_SCORE) -> Callable[[Sequence], Answer]:
    def run(sequence: Sequence) -> Answer:
        entry = ONLINE_TRACKERS.load(name)
        known = {"high_score": high, "new_score": high + 0.1, "least_score": high}
        chosen = {key: value for key, value in known.items() if hasattr(entry.Options(), key)}
        tracker = entry(entry.Options(**chosen), fps=sequence.fps, frame_size=sequence.size)
        refs = [FrameRef(VideoId(0), k, k) for k in range(len(sequence.boxes))]
        begun = time.process_time()
        out = [tracker.update(boxes, ref) for boxes, ref in zip(sequence.boxes, refs, strict=True)]
        seconds = time.process_time() - begun
        every = Boxes.concatenate(out)
        frame = np.repeat(np.arange(len(out)), [len(boxes) for boxes in out])
        known_rows = every.track_id != NO_TRACK
        return Answer(frame[known_rows], every.track_id[known_rows], every.xyxy[known_rows], seconds)

    return run


def _supervision(high: float) -> Callable[[Sequence], Answer]:
    def run(sequence: Sequence) -> Answer:
        import supervision

        tracker: Any = supervision.ByteTrack(track_activation_threshold=high, frame_rate=sequence.fps)
        return _through_supervision(sequence, tracker.update_with_detections)

    return run


def _trackers(name: str) -> Callable[[Sequence], Answer]:
    def run(sequence: Sequence) -> Answer:
        tracker: Any = getattr(importlib.import_module("trackers"), name)(frame_rate=sequence.fps)
        return _through_supervision(sequence, tracker.update)

    return run


def _through_supervision(sequence: Sequence, update: Callable[[Any], Any]) -> Answer:
    import supervision

    given = [
        supervision.Detections(
            xyxy=boxes.xyxy.copy(), confidence=boxes.score.copy(), class_id=np.zeros(len(boxes), np.int64)
        )
        for boxes in sequence.boxes
    ]
    begun = time.process_time()
    out = [update(detections) for detections in given]
    seconds = time.process_time() - begun
    rows = [
        (k, int(number), box)
        for k, answer in enumerate(out)
        if answer.tracker_id is not None
        for number, box in zip(answer.tracker_id, answer.xyxy, strict=True)
        if number >= 0
    ]
    return Answer.of(rows, seconds)


def _norfair(sequence: Sequence) -> Answer:
    import norfair

    tracker = norfair.Tracker(distance_function="iou", distance_threshold=0.7, initialization_delay=2)
    given = [
        [
            norfair.Detection(box.reshape(2, 2), scores=np.full(2, score))
            for box, score in zip(boxes.xyxy, boxes.score, strict=True)
            # norfair asserts on boxes without area
            if score >= PEER_HIGH_SCORE and box[2] > box[0] and box[3] > box[1]
        ]
        for boxes in sequence.boxes
    ]
    begun = time.process_time()
    # norfair hands out its live objects, so their boxes are read before the next frame
    rows = [
        (k, int(item.id), item.estimate.reshape(-1).copy())
        for k, detections in enumerate(given)
        for item in tracker.update(detections)
    ]
    return Answer.of(rows, time.process_time() - begun)
