"""Between linking and storing: read off the pixels of tracked objects what the plugin asks for, in a second pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framelabel.core.annotations import Annotation, Provenance
from framelabel.core.boxes import Boxes
from framelabel.core.frames import FrameIndex
from framelabel.core.labels import Flag
from framelabel.core.ontology import Ontology
from framelabel.core.protocols import Reporter
from framelabel.core.recognition import NOTHING, Recognition
from framelabel.core.tracks import Track, Visibility
from framelabel.core.videos import Video
from framelabel.inference.recognisers.catalog import RECOGNISERS
from framelabel.inference.recognisers.protocol import Recogniser
from framelabel.media import open_reader
from framelabel.store.tracks import Detail

_NO_PIXELS = np.zeros((0, 0, 3), np.uint8)


@dataclass(frozen=True, slots=True)
class Readings:
    """Which recognisers a plugin wants; none for most."""

    choices: tuple[tuple[str, Any], ...] = ()
    """Kind and checked options of each."""

    def facts(self) -> dict[str, Any]:
        """Return what decides the result, for the run's key; nothing where there is nothing."""
        if not self.choices:
            return {}
        return {"recognise": [{"kind": kind, **asdict(options)} for kind, options in self.choices]}

    def made(self, ontology: Ontology, size: tuple[int, int]) -> list[Recogniser]:
        """Return new recognisers for one clip.

        Raises:
            MissingExtraError: one needs a library that is not installed.
        """
        return [RECOGNISERS.load(kind)(options, ontology=ontology, size=size) for kind, options in self.choices]


def recognise(
    readings: Readings,
    video: Video,
    index: FrameIndex,
    ontology: Ontology,
    frames: Sequence[int],
    tracks: Sequence[Track],
    first_id: int,
    report: Reporter,
) -> Recognition:
    """Return what the recognisers say about a video's tracks and frames.

    Args:
        readings: which recognisers.
        video: the footage.
        index: its frames.
        ontology: the project's classes, which the tracks' class ids count in.
        frames: ordinals that were looked at, ascending.
        tracks: as linked; rows that only fill a gap are shown to no recogniser.
        first_id: the first track id that new objects may have.
        report: hears how far the pass is.

    Raises:
        UnreadableVideoError: the footage cannot be read again.
        MissingExtraError: a recogniser's library is not installed.
    """
    if not readings.choices:
        return NOTHING
    recognisers = readings.made(ontology, video.size)
    report.start(f"recognise {video.name}", len(frames))
    boxes = boxes_by_frame(tracks)
    needs_pixels = any(recogniser.needs_pixels for recogniser in recognisers)
    for frame, image in _pictures(video, index, frames) if needs_pixels else ((f, _NO_PIXELS) for f in frames):
        for recogniser in recognisers:
            recogniser.look(image, frame, boxes.get(frame, Boxes.empty()))
        report.advance()
    found: list[Recognition] = []
    for recogniser in recognisers:
        found.append(recogniser.conclude(first_id))
        first_id += len(found[-1].tracks)
    return Recognition.joined(found)


def boxes_by_frame(tracks: Sequence[Track]) -> dict[int, Boxes]:
    """Return the boxes of tracks by frame ordinal, where they were seen."""
    seen = [track.select(track.is_present & (track.score > 0)) for track in tracks]
    if not any(map(len, seen)):
        return {}
    frame = np.concatenate([track.frame for track in seen])
    together = Boxes(
        np.concatenate([track.xyxy for track in seen]),
        np.concatenate([track.score for track in seen]),
        np.repeat([track.class_id for track in seen], [len(track) for track in seen]).astype(np.int32),
        np.repeat([track.id for track in seen], [len(track) for track in seen]).astype(np.int64),
    )
    order = np.argsort(frame, kind="stable")
    starts = np.flatnonzero(np.diff(frame[order], prepend=-1))
    return {int(frame[rows[0]]): together.select(rows) for rows in np.split(order, starts[1:])}


def _pictures(video: Video, index: FrameIndex, frames: Sequence[int]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    with closing(open_reader(video.path, video_id=video.id, index=index, reader=video.reader)) as reader:
        for frame in reader.read(frames):
            yield frame.ref.index, frame.image


def occluded_marked(tracks: Sequence[Track], flags: Mapping[tuple[int, int], Flag]) -> list[Track]:
    """Return tracks whose rows flagged as occluded have that visibility too."""
    marked = []
    for track in tracks:
        hidden = [bool(flags.get((track.id, frame), Flag.NONE) & Flag.OCCLUDED) for frame in track.frame.tolist()]
        rows = np.array(hidden, np.bool_) & (track.visibility == Visibility.VISIBLE)
        visibility = np.where(rows, Visibility.OCCLUDED, track.visibility).astype(np.int8)
        marked.append(replace(track, visibility=visibility) if rows.any() else track)
    return marked


def with_recognition(
    details: Mapping[int, Mapping[int, Detail]], tracks: Sequence[Track], known: Recognition
) -> dict[int, dict[int, Detail]]:
    """Return details of the tracks' rows with the attributes and shapes that were recognised added."""
    merged = {track_id: dict(rows) for track_id, rows in details.items()}
    places = {(track.id, frame) for track in tracks if track.id in known.of_tracks for frame in track.frame.tolist()}
    for track_id, frame in {*places, *known.attributes, *known.shapes}:
        attributes, shape = merged.setdefault(track_id, {}).get(frame, ({}, None))
        added = {**known.of_tracks.get(track_id, {}), **known.attributes.get((track_id, frame), {})}
        merged[track_id][frame] = {**attributes, **added}, known.shapes.get((track_id, frame), shape)
    return merged


def recognised_tags(video: Video, known: Recognition, source: Provenance) -> list[Annotation]:
    """Return the recognised tags of whole frames as annotations."""
    nowhere = (0.0, 0.0, 0.0, 0.0)
    return [
        Annotation(video.id, frame, -1, nowhere, source, attributes=values)
        for frame, values in sorted(known.tags.items())
        if values
    ]
