"""Carry the human boxes of a project's tracks through the frames between and beyond, and say what to label next."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framelabel.core.annotations import Origin, Provenance
from framelabel.core.catalog import did_you_mean
from framelabel.core.config import setting
from framelabel.core.errors import UnknownNameError, UsageError
from framelabel.core.frames import Span
from framelabel.core.protocols import SILENT, Reporter
from framelabel.core.tracks import Track, Visibility
from framelabel.core.videos import Video
from framelabel.store.project import Project
from framelabel.tracking.propagation import suggestion
from framelabel.tracking.propagation.catalog import DEFAULT, PROPAGATORS
from framelabel.tracking.propagation.protocol import Propagator
from framelabel.workflows.carried_shapes import carried, keyframe_facts
from framelabel.workflows.propagation_evidence import TEXT_METHODS, gather
from framelabel.workflows.shot_cuts import cuts_of, known_cuts, shots_within
from framelabel.workflows.suggest import TARGET, of_tracks

KIND = "propagate"


@dataclass(frozen=True, slots=True)
class PropagateConfig:
    """What `framelabel propagate` is asked for."""

    project: Path = setting(help="project file", argument=True)
    tracks: tuple[str, ...] = setting((), help="track ids such as 3,7-12; all tracks with human boxes by default")
    method: str = setting(DEFAULT, help=f"how boxes are carried: {', '.join(PROPAGATORS)}")
    span: str = setting("", help="frames to fill, half-open; all by default", metavar="A:B")
    video: str = setting("", help="name of one video; all by default")
    suggest: bool = setting(False, help="carry nothing, only say which frames to label next")
    target: float = setting(TARGET, help="expected share of right boxes (IoU >= 0.7) at which the list of labels ends")


@dataclass(frozen=True, slots=True)
class VideoSummary:
    """What was done in one video."""

    name: str
    method: str
    track_count: int
    """Tracks with human boxes that were carried."""
    without_keyframes: int
    """Tracks that no person has touched; they were left as they are."""
    keyframe_count: int
    filled_count: int
    """Predicted boxes stored."""
    seconds: float
    queue: suggestion.Queue


@dataclass(frozen=True, slots=True)
class PropagateSummary:
    """What was done, by video."""

    videos: tuple[VideoSummary, ...]


class Carrier:
    """Carries the objects of one video; keep it while a person works on the video, so that each answer is quick.

    Pictures, networks and gaps once solved are kept; after one more human box only the two gaps around it are solved.
    """

    def __init__(self, project: Project, video: Video, method: str = DEFAULT, report: Reporter = SILENT) -> None:
        """Gather the evidence and learn from the human boxes that are there.

        Raises:
            UnknownNameError: no such method.
        """
        self._project = project
        self._video = video
        entry = PROPAGATORS.load(method)
        evidence = gather(project, video, method, report)
        self.frame_count = evidence.frame_count
        self._cuts = known_cuts(project, video) or []
        self._propagator: Propagator = entry(entry.Options(), evidence)
        self._provenance = Provenance(Origin.PROPAGATION, f"propagate {method}")
        acquaint = getattr(self._propagator, "acquaint", None)
        if acquaint is not None:
            acquaint([track for track in project.tracks(video.id) if track.is_keyframe.any()])

    def carry(self, track: Track, span: Span) -> Track:
        """Return the object in every frame of `span` where it is or may be; frames it has left are not listed.

        What lies beyond a cut of the film is another place: human boxes are carried within their shot only.

        Raises:
            UsageError: the track has no human box.
        """
        keyframes = track.select(track.is_keyframe)
        if len(keyframes) == 0:
            raise UsageError(f"track {track.id} has no human box; draw one first")
        if not self._cuts:
            return _trimmed(self._propagator.propagate(keyframes, span))
        parts = [keyframes.select(np.zeros(len(keyframes), np.bool_))]
        for shot in shots_within(Span(0, self.frame_count), self._cuts):
            low, high = max(shot.start, span.start), min(shot.stop, span.stop)
            mine = keyframes.select((keyframes.frame >= shot.start) & (keyframes.frame < shot.stop))
            if len(mine) and low < high:
                parts.append(_trimmed(self._propagator.propagate(mine, Span(low, high))))
        return _joined(parts)

    def around(self, track: Track, frame: int) -> tuple[Track, Span]:
        """Solve again the neighbourhood of a human box that was drawn, moved or removed at `frame`.

        Returns:
            The object in the span between the adjacent keyframes (to the clip's ends where there is none), and the
            span; human boxes are part of the track and unchanged.
        """
        keys = track.frame[track.is_keyframe]
        before, after = keys[keys < frame], keys[keys > frame]
        whole = Span(0, self.frame_count)
        shot = next((part for part in shots_within(whole, self._cuts) if frame in part), whole)
        start = max(int(before[-1]) if len(before) else 0, shot.start)
        stop = min(int(after[0]) + 1 if len(after) else self.frame_count, shot.stop)
        span = Span(start, max(stop, min(frame + 1, self.frame_count)))
        return self.carry(track, span), span

    def store(self, part: Track, span: Span) -> int:
        """Store a carried part as predicted boxes; human boxes stay. Returns how many boxes were stored."""
        details = carried(keyframe_facts(self._project, self._video.id, part.id), part)
        self._project.replace_track(self._video.id, part, span, self._provenance, details)
        return int((~part.is_keyframe).sum())


def run(config: PropagateConfig, report: Reporter = SILENT) -> PropagateSummary:
    """Carry the human boxes of a project and store what was found as predicted.

    Raises:
        UsageError: no human box anywhere, or a span or track list that makes no sense.
        UnknownNameError: no such method, video or track.
    """
    if config.method not in PROPAGATORS:
        PROPAGATORS.load(config.method)
    wanted = parse_tracks(config.tracks)
    with Project(config.project, write=True) as project:
        videos = [project.video(config.video)] if config.video else project.videos()
        known = {video.id: project.tracks(video.id) for video in videos}
        everything = {track.id for tracks in known.values() for track in tracks}
        for track_id in sorted(wanted - everything):
            hint = did_you_mean(str(track_id), [str(number) for number in everything])
            raise UnknownNameError(f"{config.project}: no track {track_id}.{hint}")
        if not any(track.is_keyframe.any() for tracks in known.values() for track in tracks):
            raise UsageError(
                f"{config.project}: no track has a human box to start from; draw one in `framelabel review`, "
                "or import labels that mark keyframes"
            )
        done = [
            _carry_video(project, video, known[video.id], wanted, config, report)
            for video in videos
            if any(track.is_keyframe.any() for track in known[video.id])
        ]
    return PropagateSummary(tuple(done))


def _carry_video(
    project: Project, video: Video, tracks: Sequence[Track], wanted: set[int], config: PropagateConfig, report: Reporter
) -> VideoSummary:
    started = time.perf_counter()
    chosen = [track for track in tracks if not wanted or track.id in wanted]
    objects = [track for track in chosen if track.is_keyframe.any()]
    if config.method not in TEXT_METHODS:
        cuts_of(project, video, report)
    carrier = Carrier(project, video, config.method, report)
    span = Span.parse(config.span, carrier.frame_count) if config.span else Span(0, carrier.frame_count)
    report.start(f"propagate {video.name}", len(objects))
    filled = 0
    for track in objects:
        filled += carrier.store(carrier.carry(track, span), span)
        report.advance(1, boxes=filled)
    current = project.tracks(video.id, None, [track.id for track in objects]) if objects else []
    return VideoSummary(
        video.name,
        config.method,
        len(objects),
        len(chosen) - len(objects),
        sum(int(track.is_keyframe.sum()) for track in objects),
        filled,
        time.perf_counter() - started,
        of_tracks(current, video.name, target=config.target).queue,
    )


def parse_tracks(texts: Sequence[str]) -> set[int]:
    """Read track ids such as "3", "3,7" and "7-12"; nothing means all.

    >>> sorted(parse_tracks(["3", "7-9,12"]))
    [3, 7, 8, 9, 12]
    """
    found: set[int] = set()
    for text in texts:
        for word in filter(None, (part.strip() for part in text.split(","))):
            first, dash, last = word.partition("-")
            try:
                found.update(range(int(first), int(last if dash else first) + 1))
            except ValueError:
                raise UsageError(f"--tracks '{word}': write ids such as 3,7-12") from None
    return found


def _joined(parts: Sequence[Track]) -> Track:
    """Return consecutive parts of one object as one track."""
    return replace(
        parts[0],
        frame=np.concatenate([part.frame for part in parts]),
        xyxy=np.concatenate([part.xyxy for part in parts]),
        is_keyframe=np.concatenate([part.is_keyframe for part in parts]),
        uncertainty=np.concatenate([part.uncertainty for part in parts]),
        visibility=np.concatenate([part.visibility for part in parts]),
        score=np.concatenate([part.score for part in parts]),
    )


def _trimmed(track: Track) -> Track:
    """Leave out frames where the object is absent, and lost ones before its first or after its last box."""
    keep: NDArray[np.bool_] = track.is_present | track.is_keyframe
    rows = np.flatnonzero(keep)
    if len(rows) == 0:
        return track.select(keep)
    inside = np.zeros(len(track), np.bool_)
    inside[rows[0] : rows[-1] + 1] = True
    absent = track.visibility == Visibility.ABSENT
    return track.select(inside & (~absent | track.is_keyframe))
