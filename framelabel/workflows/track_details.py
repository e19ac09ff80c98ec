"""What a model says beyond boxes, brought back to the tracks that its boxes became, and to the frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from framelabel.core.annotations import Annotation, Provenance
from framelabel.core.assignment import assign
from framelabel.core.findings import Findings
from framelabel.core.geometry import iou
from framelabel.core.ontology import AttributeValue, Ontology
from framelabel.core.tracks import Track
from framelabel.core.videos import Video
from framelabel.plugins.grading import Grade, graded
from framelabel.store.tracks import Detail

_SAME_IOU = 0.5
"""Least overlap of a track's box with the detection it came from, which smoothing may have moved it off."""


def detailed(
    tracks: Sequence[Track],
    frames: Sequence[int],
    findings: Iterable[Findings],
    grades: Mapping[int, tuple[Grade, ...]],
    size: tuple[int, int],
) -> tuple[list[Track], dict[int, dict[int, Detail]]]:
    """Give every tracked box the shape of its detection, and the attributes that follow from its area.

    A box that gets a shape becomes the detection's own box again, so that both say the same.

    Args:
        tracks: linked from the boxes of `findings`.
        frames: frame ordinals, ascending.
        findings: of each of these frames.
        grades: class id -> attributes that go by area.
        size: (width, height) of the picture.
    """
    rows = _rows_by_frame(tracks)
    boxes = [track.xyxy.copy() for track in tracks]
    details: dict[int, dict[int, Detail]] = {}
    for frame, found in zip(frames, findings, strict=True):
        here = rows.get(frame, [])
        if not here or not (found.shapes or grades):
            continue
        partner = _partners(np.array([tracks[number].xyxy[row] for number, row in here]), found)
        for position, (number, row) in enumerate(here):
            track, source = tracks[number], partner.get(position, -1)
            shape = found.shapes.get(source)
            if shape is not None:
                boxes[number][row] = found.boxes.xyxy[source]
            wanted = grades.get(track.class_id, ())
            attributes = graded(wanted, shape, boxes[number][row], size)
            if shape is not None or attributes:
                details.setdefault(track.id, {})[frame] = attributes, shape
    return [replace(track, xyxy=xyxy) for track, xyxy in zip(tracks, boxes, strict=True)], details


def tags_of(
    video: Video, frames: Sequence[int], findings: Iterable[Findings], ontology: Ontology, source: Provenance
) -> list[Annotation]:
    """Return a classifier's answers as whole-frame tags, one annotation each, with its score.

    A class that is a value of a declared frame attribute becomes that attribute's value, of several the surest; any
    other class becomes an attribute of its own that is true.

    Args:
        video: whose frames these are.
        frames: frame ordinals.
        findings: of each of these frames, classes numbered as in `ontology`.
        ontology: classes and declared frame attributes.
        source: who says so.
    """
    declared = {str(value): spec.name for spec in ontology.frame_attributes for value in spec.values}
    tags = []
    for frame, found in zip(frames, findings, strict=True):
        said: dict[str, tuple[float, AttributeValue]] = {}
        for class_id, score in sorted(found.tags.items(), key=lambda item: -item[1]):
            name = ontology.names[class_id]
            said.setdefault(declared.get(name, name), (score, name if name in declared else True))
        tags += [
            Annotation(video.id, frame, -1, (0.0, 0.0, 0.0, 0.0), source, score=score, attributes={name: value})
            for name, (score, value) in said.items()
        ]
    return tags


def _rows_by_frame(tracks: Sequence[Track]) -> dict[int, list[tuple[int, int]]]:
    """Return frame -> (track, row) of every box that was seen there; rows that fill a gap show nothing."""
    rows: dict[int, list[tuple[int, int]]] = {}
    for number, track in enumerate(tracks):
        for row in np.flatnonzero(track.score > 0).tolist():
            rows.setdefault(int(track.frame[row]), []).append((number, row))
    return rows


def _partners(xyxy: NDArray[np.float64], found: Findings) -> dict[int, int]:
    """Return row of `xyxy` -> row of the detection that it came from."""
    pairs = assign(1.0 - iou(xyxy, found.boxes.xyxy), 1.0 - _SAME_IOU)
    return {int(row): int(source) for row, source in pairs}
