"""LabelMe and X-AnyLabeling JSON: one file for each picture, shapes as points, the track in `group_id`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import orjson

from framelabel.core.boxes import NO_TRACK
from framelabel.core.labels import Flag, Labels
from framelabel.core.shapes import Keypoints, Polygon, Polyline, Shape, hull
from framelabel.formats import jsonstream
from framelabel.formats.builder import LabelsBuilder, make_video
from framelabel.formats.conventions import flag_attributes, split_attributes
from framelabel.formats.files import found, head_of, pieces, safe_relative
from framelabel.formats.holding import EVERY_FLAG, Fact, Holds, frame_sizes
from framelabel.formats.numbering import TrackNumbers, sequence
from framelabel.formats.pictures import label_stem
from framelabel.formats.protocol import Format, Piece
from framelabel.formats.report import LossReport, Report
from framelabel.formats.rings import single_rings

_FACTS = EVERY_FLAG | {
    Fact.TRACK,
    Fact.SCORE,
    Fact.POLYGON,
    Fact.POLYLINE,
    Fact.ATTRIBUTES,
    Fact.FRAME_NAME,
    Fact.FRAME_SIZE,
    Fact.MIXED_SIZES,
}


@dataclass(frozen=True)
class LabelMeOptions:
    """LabelMe has no choices."""


class LabelMe(Format[LabelMeOptions]):
    """Rectangles are written as two corners (LabelMe) and read as two or four (X-AnyLabeling)."""

    name: ClassVar[str] = "labelme"
    title: ClassVar[str] = "LabelMe / X-AnyLabeling"
    Options: ClassVar[type[LabelMeOptions]] = LabelMeOptions

    @classmethod
    def detect(cls, path: Path) -> bool:
        """Recognise `shapes` with `imagePath`."""
        for file in found(path, ".json", limit=1):
            keys = jsonstream.shape_of(head_of(file))
            return "shapes" in keys and bool({"imagePath", "version", "flags", "imageHeight"} & keys.keys())
        return False

    def holds(self) -> Holds:
        """Boxes, polygons and lines of single pictures, with scores, attributes and a track."""
        return Holds(_FACTS, videos=False)

    def fit(self, labels: Labels, loss: LossReport) -> Labels:
        """Also reduce polygons to one ring."""
        return super().fit(single_rings(labels, loss), loss)

    def parse(self, path: Path, report: Report) -> Labels:
        """Read every JSON file below a folder as one picture."""
        builder = LabelsBuilder(report)
        files = [path] if path.is_file() else found(path, ".json")
        root = path.parent if path.is_file() else path
        video = builder.video(make_video(path.stem)) if files else -1
        rows: list[tuple[int, str, Any]] = []
        for index, file in enumerate(files):
            report.file = str(file)
            content: Any = jsonstream.whole(pieces(file), str(file))
            if not isinstance(content, dict) or "shapes" not in content:
                report.skip("", "is not a LabelMe file: it has no shapes", "remove it from the folder")
                continue
            name = str(content.get("imagePath") or f"{file.stem}.jpg").replace("\\", "/").rpartition("/")[2]
            folder = file.parent.relative_to(root).as_posix()
            size = (_whole(content.get("imageWidth")), _whole(content.get("imageHeight")))
            frame = builder.frame(video, index, name if folder == "." else f"{folder}/{name}", size)
            with report.record("shapes"):
                rows.extend((frame, f"{file}: shapes[{at}]", s) for at, s in enumerate(sequence(content["shapes"])))
        groups = [shape.get("group_id") if isinstance(shape, dict) else None for _, _, shape in rows]
        tracks = TrackNumbers(report).of([0] * len(rows), [NO_TRACK if group is None else group for group in groups])
        for (frame, where, shape), track in zip(rows, tracks.tolist(), strict=True):
            with report.record(where):
                _read_shape(shape, frame, where, track, builder)
        return builder.build()

    def render(self, labels: Labels) -> Iterator[Piece]:
        """Write one file for each picture."""
        bounds = np.searchsorted(labels.frame, np.arange(len(labels.frames) + 1)).tolist()
        sizes = frame_sizes(labels).tolist()
        for row, name in enumerate(labels.frames.name):
            record: dict[str, Any] = {
                "version": "5.5.0",
                "flags": {},
                "shapes": [_shape_record(labels, at) for at in range(bounds[row], bounds[row + 1])],
                "imagePath": name.rpartition("/")[2],
                "imageData": None,
                "imageHeight": sizes[row][1] or None,
                "imageWidth": sizes[row][0] or None,
            }
            yield f"{safe_relative(label_stem(name))}.json", orjson.dumps(record, option=orjson.OPT_INDENT_2) + b"\n"

    def picture_paths(self, labels: Labels, path: Path) -> list[Path]:
        """Place pictures beside their files."""
        root = path.absolute()
        return [root / name.relative_to(root / "images") for name in super().picture_paths(labels, path)]


def _shape_record(labels: Labels, row: int) -> dict[str, Any]:
    shape = labels.shapes.get(row)
    x1, y1, x2, y2 = labels.xyxy[row].tolist()
    kind, points = "rectangle", [[x1, y1], [x2, y2]]
    if isinstance(shape, Polygon):
        kind, points = "polygon", shape.rings[0].tolist()
    elif isinstance(shape, Polyline):
        kind, points = "linestrip", shape.points.tolist()
    track, score = int(labels.track_id[row]), float(labels.score[row])
    flags = int(labels.flags[row])
    return {
        "label": labels.ontology.names[labels.class_id[row]],
        "score": None if np.isnan(score) else score,
        "points": points,
        "group_id": None if track == NO_TRACK else track,
        "description": "",
        "difficult": bool(flags & Flag.DIFFICULT),
        "shape_type": kind,
        "flags": flag_attributes(flags & ~int(Flag.DIFFICULT)),
        "attributes": dict(labels.attributes.get(row, {})),
    }


def _read_shape(record: Any, frame: int, where: str, track: int, builder: LabelsBuilder) -> None:
    label = str(record["label"])
    kind = str(record.get("shape_type") or "polygon")
    points = np.array(record["points"], np.float64).reshape(-1, 2)
    shape: Shape | None = None
    if kind in ("rectangle", "rotation") and len(points) >= 2:
        xyxy = np.concatenate([points.min(axis=0), points.max(axis=0)])
        if kind == "rotation":
            shape = Polygon((points,))
    elif kind == "circle" and len(points) == 2:
        radius = float(np.hypot(*(points[1] - points[0])))
        xyxy = np.concatenate([points[0] - radius, points[0] + radius])
        builder.report.change(where, "a circle is read as its box")
    elif kind == "polygon" and len(points) >= 3:
        shape = Polygon((points,))
    elif kind in ("linestrip", "line") and len(points) >= 2:
        shape = Polyline(points)
    elif kind in ("point", "points") and len(points):
        shape = Keypoints(points, np.full(len(points), 2, np.int8))
    else:
        builder.report.skip(where, f"shape_type {kind!r} with {len(points)} points is not supported")
        return
    if shape is not None:
        xyxy = hull(shape)
    raised, free = split_attributes(record.get("attributes"))
    named, others = split_attributes(record.get("flags"))
    flags = raised | named | (int(Flag.DIFFICULT) if record.get("difficult") is True else 0)
    score = record.get("score")
    builder.add(
        frame,
        xyxy,
        builder.class_id(label),
        where,
        track_id=track,
        score=float(score) if isinstance(score, (int, float)) and not isinstance(score, bool) else np.nan,
        flags=flags,
        shape=shape,
        attributes={**{key: value for key, value in others.items() if value is True}, **free},
    )


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value < 10_000_000 else 0
