"""COCO instances: pictures with boxes, polygons, masks, keypoints; with `videos`, `frame_id`, `track_id` for clips."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from framelabel.core.errors import InvalidLabelsError
from framelabel.core.events import Event
from framelabel.core.labels import Labels
from framelabel.core.shapes import Keypoints, Polygon
from framelabel.formats import jsonstream
from framelabel.formats.coco_plain import SHORTCUTS
from framelabel.formats.coco_reading import read_blocks
from framelabel.formats.coco_writing import Dialect, render
from framelabel.formats.conventions import COCO_FIRST_ID, COCO_KEYPOINTS
from framelabel.formats.events import event_of, in_head, record_of
from framelabel.formats.files import head_of, pieces
from framelabel.formats.holding import EVERYTHING, Fact, Holds, Rate, frame_sizes
from framelabel.formats.numbers import xywh_restored
from framelabel.formats.protocol import Format, Piece
from framelabel.formats.report import LossReport, Report
from framelabel.formats.rle import polygon_area, polygon_mask

COCO_FACTS = EVERYTHING - {Fact.POLYLINE, Fact.CLASS_ATTRIBUTES}


@dataclass(frozen=True)
class CocoOptions:
    """COCO has no choices: what labels hold decides what is written."""


class Coco(Format[CocoOptions]):
    """One JSON file. Pictures without a clip have no `videos`; clips have `frame_id` (from 0) and `track_id`."""

    name: ClassVar[str] = "coco"
    title: ClassVar[str] = "COCO instances"
    Options: ClassVar[type[CocoOptions]] = CocoOptions
    has_events: ClassVar[bool] = True

    @classmethod
    def detect(cls, path: Path) -> bool:
        """Recognise an object with `annotations` and `images` or `categories`."""
        keys = coco_keys(path)
        inside = keys.get("annotations", frozenset())
        is_coco = "images" in keys or "categories" in keys or {"image_id", "bbox"} <= inside
        return is_coco and ("annotations" in keys or "images" in keys)

    def holds(self) -> Holds:
        """Everything but open lines; holes in polygons become masks."""
        return Holds(COCO_FACTS, rate=Rate.EXACT, coordinates=xywh_restored)

    def fit(self, labels: Labels, loss: LossReport) -> Labels:
        """Also turn polygons with holes into masks (COCO's rings are united, never cut out), and name all joints."""
        return _with_joint_names(super().fit(_without_holes(labels, loss), loss))

    def parse(self, path: Path, report: Report) -> Labels:
        """Read one file, or the only one of a folder.

        Raises:
            InvalidLabelsError: a folder with several or no *.json.
        """
        file = the_file(path)
        if file.is_dir():
            raise InvalidLabelsError(f"{path}: has {len(list(path.glob('*.json')))} *.json files; name the one to read")
        report.file = str(file)
        labels = read_blocks(jsonstream.stream(pieces(file), str(file), SHORTCUTS), report, file.stem)
        return with_coco_events(labels, file, report) if "events" in coco_keys(file) else labels

    def render(self, labels: Labels) -> Iterator[Piece]:
        """Write one file."""
        dialect = Dialect(has_videos=is_clips(labels))
        return (("", piece) for piece in in_head(render(labels, dialect), coco_events(labels)))


def coco_events(labels: Labels) -> list[dict[str, Any]]:
    """Return the records of the list `events`; their `video_id` is that of the list `videos`."""
    return [
        {"id": number, "video_id": event.video_id + COCO_FIRST_ID, **record_of(event)}
        for number, event in enumerate(labels.events, start=COCO_FIRST_ID)
    ]


def with_coco_events(labels: Labels, file: Path, report: Report) -> Labels:
    """Return labels with the events that a file lists; those that cannot be read are reported."""
    found: list[Any] = []
    ids: dict[Any, int] = {}
    for key, elements in jsonstream.stream(pieces(file), str(file)):
        if key == "events" and isinstance(elements, list):
            found += elements
        elif key == "videos" and isinstance(elements, list):
            for video in elements:
                ids[video.get("id") if isinstance(video, dict) else None] = len(ids)
        elif key in ("images", "annotations") and found:
            break  # framelabel writes them first; another tool's file is read to its end
    known: list[Event] = []
    for number, record in enumerate(found):
        with report.record(f"events[{number}]"):
            known.append(event_of(record, ids[record["video_id"]] if ids else 0))
    return replace(labels, events=tuple(known))


def is_clips(labels: Labels) -> bool:
    """Return whether frames belong to clips; a single set of named pictures in order does not."""
    if len(labels.videos) != 1 or not labels.frames.name or labels.videos[0].fps:
        return True
    return not np.array_equal(labels.frames.index, np.arange(len(labels.frames)))


def coco_keys(path: Path) -> dict[str, frozenset[str]]:
    """Return the top-level keys of a JSON file with the keys of their first elements; empty for anything else."""
    path = the_file(path)
    if not path.is_file() or path.suffix.lower() not in (".json", ""):
        return {}
    return jsonstream.shape_of(head_of(path))


def the_file(path: Path) -> Path:
    """Return the only *.json of a folder; `path` itself for anything else."""
    inside = sorted(path.glob("*.json")) if path.is_dir() else []
    return inside[0] if len(inside) == 1 else path


def _with_joint_names(labels: Labels) -> Labels:
    """Return labels whose joints all have the name that COCO demands: the given one, a person's, or a number."""
    counts: dict[int, int] = {}
    for row, shape in labels.shapes.items():
        if isinstance(shape, Keypoints):
            class_id = int(labels.class_id[row])
            counts[class_id] = max(counts.get(class_id, 0), len(shape.points))
    classes = list(labels.ontology.classes)
    for class_id, count in counts.items():
        given = classes[class_id].keypoints
        if len(given) < count:
            names = COCO_KEYPOINTS if count == len(COCO_KEYPOINTS) and not given else given
            names += tuple(f"point_{number}" for number in range(len(names) + 1, count + 1))
            classes[class_id] = replace(classes[class_id], keypoints=names)
    return replace(labels, ontology=replace(labels.ontology, classes=tuple(classes)))


def _without_holes(labels: Labels, loss: LossReport) -> Labels:
    changed = {}
    sizes = frame_sizes(labels) if labels.shapes else None
    for row, shape in labels.shapes.items():
        if isinstance(shape, Polygon) and len(shape.rings) > 1 and sizes is not None:
            united = sum(polygon_area([ring]) for ring in shape.rings)
            width, height = sizes[labels.frame[row]].tolist()
            if width and height and polygon_area(shape.rings) < united:
                changed[row] = polygon_mask(shape, (width, height))
    loss.add("polygon with holes", len(changed), "written as a pixel mask")
    return replace(labels, shapes={**labels.shapes, **changed}) if changed else labels
