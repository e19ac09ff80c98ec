"""YouTube-VIS: one annotation for each track, with one entry for each frame and null where the object is absent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import orjson

from framelabel.core.labels import Labels
from framelabel.core.shapes import Mask, Polygon, Shape
from framelabel.formats import jsonstream
from framelabel.formats.builder import LabelsBuilder, make_video
from framelabel.formats.coco import coco_keys
from framelabel.formats.conventions import COCO_FIRST_ID, default_name
from framelabel.formats.files import pieces
from framelabel.formats.holding import Fact, FrameSet, Holds, Rate, frame_names
from framelabel.formats.keyed_tracks import tracks_of
from framelabel.formats.numbering import fraction_of, sequence
from framelabel.formats.numbers import xywh_restored, xyxy_to_xywh
from framelabel.formats.protocol import Format, Piece
from framelabel.formats.report import LossReport, Report
from framelabel.formats.rings import single_rings
from framelabel.formats.rle import area_of, mask_of, polygon_area, record_of
from framelabel.formats.track_ids import with_global_tracks, with_own_tracks

_FACTS = frozenset(
    {
        Fact.TRACK,
        Fact.MASK,
        Fact.POLYGON,
        Fact.BOX_BESIDE_SHAPE,
        Fact.FRAME_NAME,
        Fact.FRAME_SIZE,
        Fact.UNUSED_CLASS,
        Fact.SUPERCATEGORY,
    }
)


@dataclass(frozen=True)
class YouTubeVisOptions:
    """YouTube-VIS has no choices."""


class YouTubeVis(Format[YouTubeVisOptions]):
    """One JSON file with `file_names` for each video and parallel `bboxes`, `segmentations`, `areas` for each track."""

    name: ClassVar[str] = "youtubevis"
    title: ClassVar[str] = "YouTube-VIS"
    Options: ClassVar[type[YouTubeVisOptions]] = YouTubeVisOptions

    @classmethod
    def detect(cls, path: Path) -> bool:
        """Recognise `bboxes` lists, or videos with `file_names`."""
        keys = coco_keys(path)
        return "bboxes" in keys.get("annotations", frozenset()) or "file_names" in keys.get("videos", frozenset())

    def holds(self) -> Holds:
        """Tracks with masks; every frame of a video is listed."""
        return Holds(_FACTS, FrameSet.FULL, Rate.EXACT, coordinates=xywh_restored)

    def fit(self, labels: Labels, loss: LossReport) -> Labels:
        """Also make every label a track with an id that is unique over all videos."""
        labels = super().fit(single_rings(labels, loss), loss)
        return with_global_tracks(with_own_tracks(labels, loss), loss)

    def parse(self, path: Path, report: Report) -> Labels:
        """Read one file."""
        content: dict[str, list[Any]] = {"videos": [], "annotations": [], "categories": []}
        for key, values in jsonstream.stream(pieces(path), str(path)):
            if isinstance(values, list) and key in content:
                content[key].extend(values)
        builder = LabelsBuilder(report)
        classes: dict[Any, int] = {}
        for position, category in enumerate(content["categories"]):
            with report.record(f"categories[{position}]"):
                name, group = str(category["name"]), str(category.get("supercategory") or "")
                classes[category["id"]] = builder.class_id(name, group)
        videos = _videos(content["videos"], builder, report)
        for position, annotation in enumerate(content["annotations"]):
            with report.record(f"annotations[{position}]"):
                _read_track(annotation, f"annotations[{position}]", builder, videos, classes)
        return builder.build()

    def render(self, labels: Labels) -> Iterator[Piece]:
        """Write one file, track by track."""
        names = frame_names(labels, default_name)
        table = labels.frames
        videos = []
        for row, video in enumerate(labels.videos):
            mine = np.flatnonzero(table.video == row).tolist()
            record: dict[str, Any] = {
                "id": row + COCO_FIRST_ID,
                "name": video.name,
                "width": video.width,
                "height": video.height,
                "length": len(mine),
                "file_names": [names[at] for at in mine],
            }
            if video.fps:
                record |= {"fps": float(video.fps), "fps_exact": str(video.fps)}
            videos.append(record)
        categories = [
            {"id": row + COCO_FIRST_ID, "name": spec.name, "supercategory": spec.supercategory}
            for row, spec in enumerate(labels.ontology.classes)
        ]
        head = {"info": {"description": "Exported by framelabel"}, "videos": videos, "categories": categories}
        yield "", orjson.dumps(head)[:-1] + b',"annotations":['
        separator = b""
        for track in tracks_of(labels):
            yield "", separator + orjson.dumps(_record(labels, track.video, track.id, track.class_id, track.rows))
            separator = b",\n"
        yield "", b"]}\n"


def _record(labels: Labels, video: int, track_id: int, class_id: int, rows: np.ndarray[Any, Any]) -> dict[str, Any]:
    length = int((labels.frames.video == video).sum())
    boxes: list[Any] = [None] * length
    segments: list[Any] = [None] * length
    areas: list[Any] = [None] * length
    places = labels.frames.index[labels.frame[rows]].tolist()
    for row, place, box in zip(rows.tolist(), places, xyxy_to_xywh(labels.xyxy[rows]).tolist(), strict=True):
        shape = labels.shapes.get(row)
        boxes[place], segments[place], areas[place] = box, [], box[2] * box[3]
        if isinstance(shape, Mask):
            segments[place], areas[place] = record_of(shape), area_of(shape)
        elif isinstance(shape, Polygon):
            segments[place] = [ring.ravel().tolist() for ring in shape.rings]
            areas[place] = polygon_area(shape.rings)
    return {
        "id": track_id,
        "video_id": video + COCO_FIRST_ID,
        "category_id": class_id + COCO_FIRST_ID,
        "iscrowd": 0,
        "bboxes": boxes,
        "segmentations": segments,
        "areas": areas,
    }


def _videos(records: list[Any], builder: LabelsBuilder, report: Report) -> dict[Any, tuple[int, int]]:
    """Return (video row, frame count) by the file's video id."""
    result: dict[Any, tuple[int, int]] = {}
    is_default = True
    for position, record in enumerate(records):
        with report.record(f"videos[{position}]"):
            names = [str(name) for name in record.get("file_names") or []]
            length = len(names) or min(int(record.get("length") or 0), 10_000_000)
            size = (int(record.get("width") or 0), int(record.get("height") or 0))
            stem = str(record.get("name") or (names[0].rpartition("/")[0] if names else "") or record["id"])
            rate = fraction_of(record.get("fps_exact") or record.get("fps"))
            row = builder.video(make_video(stem, size, length, rate))
            for index in range(length):
                name = names[index] if names else ""
                is_default = is_default and name in ("", default_name(stem, index))
                builder.frame(row, index, name)
            result[record["id"]] = (row, length)
    if is_default:
        builder.forget_names()
    return result


def _read_track(
    record: Any, where: str, builder: LabelsBuilder, videos: dict[Any, tuple[int, int]], classes: dict[Any, int]
) -> None:
    video, length = videos[record["video_id"]]
    class_id = classes[record["category_id"]]
    track_id = int(record["id"])
    boxes = sequence(record.get("bboxes") or [None] * length)
    segments = sequence(record.get("segmentations") or [None] * length)
    for index, box in enumerate(boxes[:length]):
        segment = segments[index] if index < len(segments) else None
        if box is None and not segment:
            continue
        with builder.report.record(f"{where}, frame {index}"):
            shape = _shape(segment)
            xyxy = _corners(box, shape)
            builder.add(
                builder.frame(video, index), xyxy, class_id, f"{where}, frame {index}", track_id=track_id, shape=shape
            )
    if len(boxes) > length:
        builder.report.skip(where, f"has {len(boxes)} entries, its video {length} frames", "cut the lists")


def _shape(segment: Any) -> Shape | None:
    if isinstance(segment, dict):
        return mask_of(segment)
    if segment:
        return Polygon(tuple(np.array(ring, np.float64).reshape(-1, 2) for ring in sequence(segment)))
    return None


def _corners(box: Any, shape: Shape | None) -> list[float]:
    if box is None and shape is not None:
        from framelabel.core.shapes import hull

        return [float(side) for side in hull(shape)]
    x, y, width, height = (float(side) for side in box)
    return [x, y, x + width, y + height]
