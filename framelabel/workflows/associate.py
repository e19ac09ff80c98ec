"""Second half of labelling: link stored detections into tracks and store them, all or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framelabel.core.annotations import Annotation, Origin, Provenance
from framelabel.core.boxes import NO_TRACK, Boxes
from framelabel.core.catalog import Catalog
from framelabel.core.config import build
from framelabel.core.frames import FrameIndex, FrameRef
from framelabel.core.ontology import Ontology
from framelabel.core.protocols import SILENT, Reporter
from framelabel.core.recognition import NOTHING
from framelabel.core.tracks import Track
from framelabel.core.videos import Video
from framelabel.plugins.grading import Grade
from framelabel.store import detections, label_runs
from framelabel.store.project import Project
from framelabel.store.runs import Run
from framelabel.store.tracks import Details
from framelabel.tracking.catalog import OFFLINE_TRACKERS, ONLINE_TRACKERS, UNLINKED
from framelabel.workflows import pixel_evidence
from framelabel.workflows.recognise import Readings, occluded_marked, recognise, recognised_tags, with_recognition
from framelabel.workflows.track_details import detailed, tags_of

_TRACKERS: Catalog[Any] = Catalog("tracker", {**OFFLINE_TRACKERS, **ONLINE_TRACKERS, **UNLINKED})
WINDOW, OVERLAP = 20_000, 2_000
"""Frames whose detections are linked at a time, and frames that two such windows share, at least."""
UNLINKED_NAME = next(iter(UNLINKED))
"""The tracker's name that links nothing."""


@dataclass(frozen=True, slots=True)
class TrackerChoice:
    """Which tracker links the detections, with its checked options."""

    name: str
    options: Any
    is_offline: bool

    @staticmethod
    def of(name: str, options: Mapping[str, Any], where: str) -> TrackerChoice:
        """Check a tracker's name and options.

        Raises:
            UnknownNameError: neither catalog knows the name.
            UsageError: an option that the tracker does not have, or of the wrong type.
            MissingModelError: the re-identification model that the options name is not there.
        """
        entry = _TRACKERS.load(name)
        chosen = build(entry.Options, options, where)
        pixel_evidence.facts(chosen)
        return TrackerChoice(name, chosen, name not in ONLINE_TRACKERS)

    def facts(self) -> dict[str, Any]:
        """Return what decides the result, for the run's key."""
        return {
            "tracker": self.name,
            "tracker_version": _TRACKERS.load(self.name).VERSION,
            "tracker_options": asdict(self.options),
            **pixel_evidence.facts(self.options),
        }

    def link(
        self,
        frames: Sequence[int],
        read: Callable[[Sequence[int]], Iterable[Boxes]],
        video: Video,
        index: FrameIndex,
        report: Reporter = SILENT,
        cuts: Sequence[int] = (),
    ) -> list[Track]:
        """Return the tracks through the boxes of these frame ordinals.

        Args:
            frames: ordinals, ascending.
            read: gives the boxes of each of some of them; long footage is read and linked window by window.
            video: the footage, which is read where options ask for it.
            index: its frames.
            report: hears how far that is.
            cuts: ordinals of frames with which a new shot begins, ascending; no track runs over one.
        """
        fps = float(video.fps) or 25.0

        def fresh() -> Any:
            return _TRACKERS.load(self.name)(self.options, fps=fps, frame_size=video.size)

        if not self.is_offline:
            return [
                track
                for shot in shots(frames, cuts)
                for track in _followed(fresh(), shot, read(shot), [index.ref(video.id, frame) for frame in shot])
            ]
        tracker = fresh()
        told = pixel_evidence.look(self.options, video, index, frames, read, report).told()
        if self.name in OFFLINE_TRACKERS and len(cuts):
            told["cuts"] = cuts
        found: list[Track] = (
            tracker.link_windows(frames, read, fps, window=WINDOW, overlap=OVERLAP, **told)
            if len(frames) > WINDOW + OVERLAP and hasattr(tracker, "link_windows")
            else tracker.link(frames, list(read(frames)), fps, **told)
        )
        return found


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a plugin's classes say beyond their names."""

    ontology: Ontology
    """The project's classes; of frame attributes those that the plugin declares."""
    grades: Mapping[int, tuple[Grade, ...]]
    """Project class id -> attributes that follow from an object's area."""

    readings: Readings
    """What is read off the pixels of tracked objects."""

    def facts(self) -> dict[str, Any]:
        """Return what decides the result, for the run's key; nothing where there is nothing."""
        grades = {str(number): [asdict(grade) for grade in found] for number, found in self.grades.items()}
        return {**({"grades": grades} if grades else {}), **self.readings.facts()}


def associate(
    project: Project,
    video: Video,
    detect_run: Run,
    choice: TrackerChoice,
    meaning: Meaning,
    provenance: Mapping[str, Any],
    report: Reporter,
    cuts: Sequence[int] = (),
) -> tuple[int, bool]:
    """Link a finished detection run and store its tracks; return (number of tracks, whether anything was done).

    What the plugin wants to be recognised on its objects is read off the footage in a second pass.

    Shapes go with the boxes that they belong to, and what a classifier says of whole frames becomes their tags.

    Tracks of an earlier run of the same plugin on this video are replaced where no person has touched them; they stay
    in the history.

    No track runs over a cut, a frame ordinal with which a new shot begins.
    """
    config = {**provenance, **choice.facts(), **meaning.facts(), "detect_run": detect_run.id}
    if len(cuts):
        config["cuts"] = list(cuts)
    run = project.begin_run("label", video.id, config, detect_run.frames)
    if run.is_finished:
        return int(run.facts.get("tracks", 0)), False
    report.start(f"link {video.name}", None)
    frames = detect_run.frames.tolist()
    index = project.frame_index(video.id)
    found = _linked(project, video, detect_run, choice, index, report, cuts)
    first_id = project.next_track_id(video.id)
    numbered = _renumbered(found, first_id)
    source = Provenance(Origin.TRACKER, f"{provenance['plugin']} {provenance['model_digest']}".strip(), run.id)
    details: Details = {}
    tags: list[Annotation] = []
    has_details = project.read(detections.has_details, detect_run.id)
    if has_details or meaning.grades:
        findings = list(project.findings(detect_run, frames))
        numbered, details = detailed(numbered, frames, findings, meaning.grades, video.size)
        seen = Provenance(Origin.MODEL, source.author, run.id)
        tags = tags_of(video, frames, findings, meaning.ontology, seen)
    free_id = first_id + len(numbered)
    known = recognise(meaning.readings, video, index, project.ontology, frames, numbered, free_id, report)
    if known is not NOTHING:
        numbered = [*occluded_marked(numbered, known.flags), *known.tracks]
        details = with_recognition(details, numbered, known)
        tags += recognised_tags(video, known, Provenance(Origin.MODEL, source.author, run.id))
    facts = {"device": detect_run.facts.get("device", ""), "tracks": len(numbered), "tags": len(tags)}
    project.write(label_runs.finish_association, run, numbered, details, tags, source, facts, known.flags)
    report.advance(len(frames), tracks=len(numbered))
    return len(numbered), True


def _linked(
    project: Project,
    video: Video,
    detect_run: Run,
    choice: TrackerChoice,
    index: FrameIndex,
    report: Reporter,
    cuts: Sequence[int],
) -> list[Track]:
    """Return the tracks through a run's detections."""
    frames: list[int] = detect_run.frames.tolist()
    return choice.link(frames, lambda some: project.detections(detect_run, some), video, index, report, cuts)


def shots(frames: Sequence[int], cuts: Sequence[int]) -> list[Sequence[int]]:
    """Return ascending frame ordinals shot by shot.

    >>> shots([0, 2, 4, 6], [3, 5])
    [[0, 2], [4], [6]]
    """
    edges = [0, *np.searchsorted(frames, cuts).tolist(), len(frames)]
    return [frames[low:high] for low, high in pairwise(edges) if high > low]


def _followed(tracker: Any, frames: Sequence[int], boxes: Iterable[Boxes], refs: Sequence[FrameRef]) -> list[Track]:
    """Gather an online tracker's answers into tracks, by id."""
    frame_column, parts = [], []
    tracked = (tracker.update(part, ref) for part, ref in zip(boxes, refs, strict=True))
    for frame, answer in zip(frames, tracked, strict=True):
        known = answer.select(answer.track_id != NO_TRACK)
        frame_column.append(np.full(len(known), frame, np.int64))
        parts.append(known)
    if not parts:
        return []
    ordinals, everything = np.concatenate(frame_column), Boxes.concatenate(parts)
    order = np.lexsort((ordinals, everything.track_id))
    starts = np.flatnonzero(np.diff(everything.track_id[order], prepend=-2))
    return [_track(ordinals[rows], everything.select(rows)) for rows in np.split(order, starts[1:]) if len(rows)]


def _track(frame: NDArray[np.int64], boxes: Boxes) -> Track:
    votes = np.bincount(boxes.class_id, weights=boxes.score)
    return Track.of(
        int(boxes.track_id[0]),
        frame,
        boxes.xyxy,
        class_id=int(np.argmax(votes)),
        score=boxes.score,
        uncertainty=1.0 - boxes.score,
    )


def _renumbered(found: Sequence[Track], first_id: int) -> list[Track]:
    """Give public ids in order of first appearance, from `first_id` on."""
    ordered = sorted((track for track in found if len(track)), key=lambda track: (int(track.frame[0]), track.id))
    return [track.numbered(first_id + number) for number, track in enumerate(ordered)]
