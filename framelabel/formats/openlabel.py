"""ASAM OpenLABEL JSON: objects over frames, boxes as centre and size. One file for each video."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import orjson

from framelabel.core.labels import Labels
from framelabel.core.ontology import AttributeValue
from framelabel.core.shapes import Polygon, Shape, hull
from framelabel.formats import jsonstream
from framelabel.formats.builder import LabelsBuilder, make_video
from framelabel.formats.conventions import flag_attributes, split_attributes
from framelabel.formats.files import found, head_of, pieces
from framelabel.formats.holding import EVERY_FLAG, Fact, FrameSet, Holds, Rate
from framelabel.formats.keyed_tracks import tracks_of
from framelabel.formats.numbering import TrackNumbers, fraction_of
from framelabel.formats.numbers import rounded
from framelabel.formats.protocol import Format, Piece
from framelabel.formats.report import LossReport, Report
from framelabel.formats.rings import single_rings
from framelabel.formats.track_ids import with_own_tracks

_FACTS = EVERY_FLAG | {Fact.TRACK, Fact.SCORE, Fact.VISIBLE, Fact.POLYGON, Fact.ATTRIBUTES, Fact.FRAME_SIZE}
_DIGITS = 9


@dataclass(frozen=True)
class OpenLabelOptions:
    """OpenLABEL has no choices."""


class OpenLabel(Format[OpenLabelOptions]):
    """Objects are named by track id; facts of one frame are num, boolean and text entries of its box or polygon."""

    name: ClassVar[str] = "openlabel"
    title: ClassVar[str] = "OpenLABEL"
    Options: ClassVar[type[OpenLabelOptions]] = OpenLabelOptions
    one_file_suffix: ClassVar[str] = ".json"

    @classmethod
    def detect(cls, path: Path) -> bool:
        """Recognise the key `openlabel`."""
        return any("openlabel" in jsonstream.shape_of(head_of(file)) for file in found(path, ".json", limit=1))

    def holds(self) -> Holds:
        """Tracks with all their facts; every frame of a video is listed."""
        return Holds(
            _FACTS, FrameSet.FULL, Rate.EXACT, names_files=True, coordinates=lambda xyxy: rounded(xyxy, _DIGITS)
        )

    def fit(self, labels: Labels, loss: LossReport) -> Labels:
        """Also make every label a track, and polygons one ring."""
        return with_own_tracks(super().fit(single_rings(labels, loss), loss), loss)

    def parse(self, path: Path, report: Report) -> Labels:
        """Read every file as one video."""
        builder = LabelsBuilder(report)
        for file in found(path, ".json") if path.is_dir() else [path]:
            report.file = str(file)
            content = jsonstream.whole(pieces(file), str(file))
            root = content.get("openlabel") if isinstance(content, dict) else None
            if not isinstance(root, dict):
                report.skip("", "has no object `openlabel`", "remove it from the folder")
                continue
            with report.record(""):
                _read_video(root, file.stem, builder)
        return builder.build()

    def render(self, labels: Labels) -> Iterator[Piece]:
        """Write one file for each video."""
        for row, video in enumerate(labels.videos):
            objects: dict[str, Any] = {}
            frames: dict[str, Any] = {str(index): {"objects": {}} for index in range(video.frame_count)}
            for track in tracks_of(labels):
                if track.video != row:
                    continue
                name = labels.ontology.names[track.class_id]
                objects[str(track.id)] = {"name": f"{name}-{track.id}", "type": name}
                for at in track.rows.tolist():
                    index = int(labels.frames.index[labels.frame[at]])
                    frames[str(index)]["objects"][str(track.id)] = {"object_data": _object_data(labels, at)}
            stream: dict[str, Any] = {"type": "camera", "uri": video.name}
            properties: dict[str, Any] = {"width_px": video.width, "height_px": video.height}
            if video.fps:
                properties["fps"] = str(video.fps)
            stream["stream_properties"] = properties
            intervals = [{"frame_start": 0, "frame_end": video.frame_count - 1}] if video.frame_count else []
            content = {
                "openlabel": {
                    "metadata": {"schema_version": "1.0.0", "annotator": "framelabel"},
                    "streams": {"camera": stream},
                    "frame_intervals": intervals,
                    "objects": objects,
                    "frames": frames,
                }
            }
            yield f"{video.name}.json", orjson.dumps(content) + b"\n"


def _object_data(labels: Labels, row: int) -> dict[str, Any]:
    values: dict[str, AttributeValue] = {
        **labels.attributes.get(row, {}),
        **flag_attributes(int(labels.flags[row])),
    }
    for name, column in (("score", labels.score), ("visibility", labels.visible)):
        if not np.isnan(column[row]):
            values[name] = float(column[row])
    inner: dict[str, list[dict[str, Any]]] = {}
    for name, value in values.items():
        kind = "boolean" if isinstance(value, bool) else "text" if isinstance(value, str) else "num"
        inner.setdefault(kind, []).append({"name": name, "val": value})
    shape = labels.shapes.get(row)
    if isinstance(shape, Polygon):
        points = shape.rings[0].ravel().tolist()
        entry: dict[str, Any] = {"name": "shape", "val": points, "mode": "MODE_POLY2D_ABSOLUTE", "closed": True}
        kind = "poly2d"
    else:
        x1, y1, x2, y2 = labels.xyxy[row].tolist()
        entry = {"name": "shape", "val": [(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1]}
        kind = "bbox"
    if inner:
        entry["attributes"] = inner
    return {kind: [entry]}


def _read_video(root: dict[str, Any], stem: str, builder: LabelsBuilder) -> None:
    properties: dict[str, Any] = {}
    streams = root.get("streams")
    for stream in streams.values() if isinstance(streams, dict) else ():
        if isinstance(stream, dict) and isinstance(stream.get("stream_properties"), dict):
            properties = stream["stream_properties"]
            break
    size = (_whole(properties.get("width_px")), _whole(properties.get("height_px")))
    video = builder.video(make_video(stem, size, 0, fraction_of(properties.get("fps"))))
    kinds: dict[str, str] = {}
    for key, thing in root.get("objects", {}).items():
        kinds[key] = str(thing["type"])
    ids = list(kinds)
    tracks = dict(zip(ids, TrackNumbers(builder.report).of([video] * len(ids), ids).tolist(), strict=True))
    for index, content in root.get("frames", {}).items():
        with builder.report.record(f"frame {index}"):
            frame = builder.frame(video, int(index))
            for key, thing in content.get("objects", {}).items():
                where = f"frame {index}, object {key}"
                with builder.report.record(where):
                    _read_object(thing["object_data"], frame, where, (tracks[key], kinds[key]), builder)


def _read_object(data: Any, frame: int, where: str, identity: tuple[int, str], builder: LabelsBuilder) -> None:
    shape: Shape | None = None
    if data.get("bbox"):
        entry = data["bbox"][0]
        cx, cy, width, height = (float(side) for side in entry["val"])
        xyxy = rounded(np.array([cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2]), _DIGITS)
    else:
        entry = data["poly2d"][0]
        shape = Polygon((np.array(entry["val"], np.float64).reshape(-1, 2),))
        xyxy = hull(shape)
    given: dict[str, Any] = {}
    inner = entry.get("attributes")
    for items in inner.values() if isinstance(inner, Mapping) else ():
        for item in items:
            given[str(item["name"])] = item["val"]
    score, visible = given.pop("score", np.nan), given.pop("visibility", np.nan)
    flags, free = split_attributes(given)
    builder.add(
        frame,
        xyxy,
        builder.class_id(identity[1]),
        where,
        track_id=identity[0],
        score=float(score),
        visible=float(visible),
        flags=flags,
        shape=shape,
        attributes=free,
    )


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value < 10_000_000 else 0
