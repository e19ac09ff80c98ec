"""Datumaro JSON: categories by position, items with annotations, the track in `attributes.track_id`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import orjson

from framelabel.core.boxes import NO_TRACK
from framelabel.core.labels import Labels
from framelabel.core.shapes import Keypoints, Mask, Polygon, Polyline, Shape, hull
from framelabel.formats import jsonstream
from framelabel.formats.builder import LabelsBuilder, make_video
from framelabel.formats.conventions import default_name, flag_attributes, split_attributes
from framelabel.formats.files import found, head_of, pieces
from framelabel.formats.holding import EVERYTHING, Fact, Holds, Rate, frame_names, frame_sizes
from framelabel.formats.numbering import TrackNumbers, fraction_of, sequence
from framelabel.formats.numbers import xywh_restored, xyxy_to_xywh
from framelabel.formats.pictures import label_stem
from framelabel.formats.protocol import Format, Piece
from framelabel.formats.report import LossReport, Report
from framelabel.formats.rings import single_rings
from framelabel.formats.rle import mask_of, record_of

_BLOCK = 2_000
_NUMBERS = (("score", "score"), ("visibility", "visible"))


@dataclass(frozen=True)
class DatumaroOptions:
    """Datumaro has no choices."""


class Datumaro(Format[DatumaroOptions]):
    """Items carry `attr.frame` and `attr.video` where frames belong to clips."""

    name: ClassVar[str] = "datumaro"
    title: ClassVar[str] = "Datumaro JSON"
    Options: ClassVar[type[DatumaroOptions]] = DatumaroOptions

    @classmethod
    def detect(cls, path: Path) -> bool:
        """Recognise `categories` with `label` beside `items`, or the format version."""
        for file in found(path, ".json", limit=1):
            keys = jsonstream.shape_of(head_of(file))
            return "dm_format_version" in keys or ("items" in keys and "categories" in keys)
        return False

    def holds(self) -> Holds:
        """Everything but class descriptions, holes in polygons, and boxes beside shapes."""
        return Holds(
            EVERYTHING - {Fact.JOINTS, Fact.SUPERCATEGORY, Fact.CLASS_ATTRIBUTES, Fact.BOX_BESIDE_SHAPE},
            rate=Rate.EXACT,
            coordinates=xywh_restored,
        )

    def fit(self, labels: Labels, loss: LossReport) -> Labels:
        """Also reduce polygons to one ring."""
        return super().fit(single_rings(labels, loss), loss)

    def parse(self, path: Path, report: Report) -> Labels:
        """Read one file, or every annotation file of a folder."""
        builder = LabelsBuilder(report)
        state = _State(builder)
        for file in found(path, ".json") if path.is_dir() else [path]:
            report.file = str(file)
            items: list[list[Any]] = []
            for key, values in jsonstream.stream(pieces(file), str(file)):
                if key == "items" and isinstance(values, list) and state.has_categories:
                    state.take(values)
                elif key == "items" and isinstance(values, list):
                    items.append(values)
                elif isinstance(values, dict):
                    state.categories(values)
            if not state.has_categories:
                report.skip("categories", "label categories are missing or no list", "classes get numbers")
            for values in items:
                state.take(values)
        return state.labels()

    def render(self, labels: Labels) -> Iterator[Piece]:
        """Write one file; categories come first, so that it can be read in one pass."""
        names = frame_names(labels, default_name)
        sizes = frame_sizes(labels).tolist()
        clips = [
            {"name": v.name, "fps": str(v.fps), "length": v.frame_count, "size": [v.width, v.height]}
            for v in labels.videos
        ]
        with_clips = not (len(labels.videos) == 1 and labels.frames.name and not labels.videos[0].fps)
        head = {
            "dm_format_version": "1.0",
            "media_type": 2,
            "infos": {"videos": clips if with_clips else []},
            "categories": {
                "label": {
                    "labels": [{"name": name, "parent": "", "attributes": []} for name in labels.ontology.names],
                    "label_groups": [],
                    "attributes": ["occluded"],
                },
                "points": {"items": []},
            },
        }
        yield "", orjson.dumps(head)[:-1] + b',"items":['
        bounds = np.searchsorted(labels.frame, np.arange(len(labels.frames) + 1)).tolist()
        for start in range(0, len(names), _BLOCK):
            stop = min(start + _BLOCK, len(names))
            annotations = _annotations(labels, bounds[start], bounds[stop])
            block = []
            for row in range(start, stop):
                attr: dict[str, Any] = dict(labels.frame_attributes.get(row, {}))
                if with_clips:
                    attr["frame"] = int(labels.frames.index[row])
                    attr["video"] = labels.videos[labels.frames.video[row]].name
                image: dict[str, Any] = {"path": names[row]}
                if sizes[row][0]:
                    image["size"] = sizes[row][::-1]
                inner = annotations[bounds[row] - bounds[start] : bounds[row + 1] - bounds[start]]
                block.append({"id": label_stem(names[row]), "annotations": inner, "attr": attr, "image": image})
            yield "", (b",\n" if start else b"") + orjson.dumps(block)[1:-1]
        yield "", b"]}\n"


def _annotations(labels: Labels, first: int, last: int) -> list[dict[str, Any]]:
    boxes = xyxy_to_xywh(labels.xyxy[first:last]).tolist()
    result = []
    for row, box in enumerate(boxes, first):
        attributes: dict[str, Any] = {**labels.attributes.get(row, {}), **flag_attributes(int(labels.flags[row]))}
        if labels.track_id[row] != NO_TRACK:
            attributes["track_id"] = int(labels.track_id[row])
        for key, column in _NUMBERS:
            value = float(getattr(labels, column)[row])
            if not np.isnan(value):
                attributes[key] = value
        record: dict[str, Any] = {
            "id": row + 1,
            "type": "bbox",
            "attributes": attributes,
            "group": 0,
            "label_id": int(labels.class_id[row]),
            "z_order": 0,
        }
        shape = labels.shapes.get(row)
        if isinstance(shape, Mask):
            record |= {"type": "mask", "rle": record_of(shape)}
        elif isinstance(shape, Polygon):
            record |= {"type": "polygon", "points": shape.rings[0].ravel().tolist()}
        elif isinstance(shape, Polyline):
            record |= {"type": "polyline", "points": shape.points.ravel().tolist()}
        elif isinstance(shape, Keypoints):
            record |= {
                "type": "points",
                "points": shape.points.ravel().tolist(),
                "visibility": shape.visibility.tolist(),
            }
        else:
            record["bbox"] = box
        result.append(record)
    return result


class _State:
    """What is known while items stream by."""

    def __init__(self, builder: LabelsBuilder) -> None:
        self.builder = builder
        self.has_categories = False
        self._names: dict[int, int] = {}
        self._videos: dict[str, int] = {}
        self._stills = -1
        self._tracks: dict[int, tuple[int, Any]] = {}
        self._is_default = True
        self._seen = 0

    def categories(self, content: dict[str, Any]) -> None:
        """Take everything of a file but its items."""
        label = content.get("categories") or {}
        listed = (label.get("label") or {}).get("labels") if isinstance(label, dict) else None
        if isinstance(listed, list):
            self.has_categories = True
            for number, entry in enumerate(listed):
                with self.builder.report.record(f"categories.label.labels[{number}]"):
                    self._names[number] = self.builder.class_id(str(entry["name"]))
        infos = content.get("infos")
        for video in (infos.get("videos") or []) if isinstance(infos, dict) else []:
            with self.builder.report.record("infos.videos"):
                width, height = (int(side) for side in video["size"])
                clip = make_video(str(video["name"]), (width, height), int(video["length"]), fraction_of(video["fps"]))
                self._videos[clip.name] = self.builder.video(clip)

    def take(self, items: list[Any]) -> None:
        """Read a block of items."""
        for item in items:
            where = f"items[{self._seen}]"
            self._seen += 1
            with self.builder.report.record(where):
                frame, video = self._frame(item)
                for number, annotation in enumerate(sequence(item.get("annotations") or [])):
                    with self.builder.report.record(f"{where}.annotations[{number}]"):
                        self._annotation(annotation, f"{where}.annotations[{number}]", frame, video)

    def labels(self) -> Labels:
        """Return everything read."""
        if self._is_default and self._stills < 0:
            self.builder.forget_names()
        self._resolve_tracks()
        return self.builder.build()

    def _frame(self, item: Any) -> tuple[int, int]:
        image = item.get("image") if isinstance(item.get("image"), dict) else {}
        media = item.get("video_frame") if isinstance(item.get("video_frame"), dict) else {}
        size = image.get("size") or [0, 0]
        name = str(image.get("path") or item["id"])
        attr = dict(item.get("attr") or {})
        clip = attr.pop("video", None) or media.get("video_path")
        index = attr.pop("frame", media.get("frame_index"))
        if clip is not None and index is not None:
            key = str(clip)
            if key not in self._videos:
                self._videos[key] = self.builder.video(make_video(key))
            video, index = self._videos[key], int(index)
            self._is_default = self._is_default and name == default_name(key, index)
        else:
            if self._stills < 0:
                self._stills = self.builder.video(make_video(Path(self.builder.report.file).stem))
            video, index = self._stills, self.builder.last_of(self._stills) + 1
        if self.builder.has_frame(video, index):
            msg = f"frame {index} occurs twice"
            raise ValueError(msg)
        frame = self.builder.frame(video, index, name, (int(size[1]), int(size[0])))
        _, tags = split_attributes(attr)
        if tags:
            self.builder.frame_attributes[frame] = tags
        return frame, video

    def _annotation(self, record: Any, where: str, frame: int, video: int) -> None:
        kind = record["type"]
        shape: Shape | None = None
        if kind == "bbox":
            x, y, width, height = (float(side) for side in record["bbox"])
            xyxy = [x, y, x + width, y + height]
        elif kind in ("polygon", "polyline", "points", "mask"):
            shape = _shape(kind, record)
            xyxy = hull(shape).tolist()
        else:
            self.builder.report.skip(where, f"type {kind!r} is not supported")
            return
        number = int(record["label_id"])
        if number not in self._names:
            self._names[number] = self.builder.class_id(f"class_{number}")
        flags, free = split_attributes(record.get("attributes"))
        track = free.pop("track_id", record.get("object_id"))
        numbers = {}
        for key, column in _NUMBERS:
            value = free.get(key)
            if isinstance(value, float):
                numbers[column] = float(free.pop(key))
        row = self.builder.row_count
        added = self.builder.add(
            frame,
            xyxy,
            self._names[number],
            where,
            score=numbers.get("score", np.nan),
            visible=numbers.get("visible", np.nan),
            flags=flags,
            shape=shape,
            attributes=free,
            track_id=track if isinstance(track, int) and not isinstance(track, bool) and track >= 0 else NO_TRACK,
        )
        if added and isinstance(track, str):
            self._tracks[row] = (video, track)

    def _resolve_tracks(self) -> None:
        """Number track ids that are texts."""
        if self._tracks:
            videos, values = zip(*self._tracks.values(), strict=True)
            numbers = TrackNumbers(self.builder.report).of(videos, values)
            self.builder.set_tracks(np.fromiter(self._tracks, np.int64), numbers)


def _shape(kind: str, record: dict[str, Any]) -> Shape:
    if kind == "mask":
        return mask_of(record["rle"])
    points = np.array(record["points"], np.float64).reshape(-1, 2)
    if kind == "polygon":
        return Polygon((points,))
    if kind == "polyline":
        return Polyline(points)
    seen = record.get("visibility") or [2] * len(points)
    return Keypoints(points, np.array(seen, np.int8).reshape(len(points)))
