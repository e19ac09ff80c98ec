"""CVAT for images 1.1: one XML file, an <image> for each picture with its shapes; the track in an attribute."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from framelabel.core.boxes import NO_TRACK
from framelabel.core.errors import InvalidLabelsError
from framelabel.core.labels import Flag, Labels
from framelabel.core.shapes import Mask, Polygon, Polyline, hull
from framelabel.formats.builder import LabelsBuilder, make_video
from framelabel.formats.cvat_reading import element_attributes, shape_of
from framelabel.formats.cvat_text import IN_ATTRIBUTES, label_records, points_text
from framelabel.formats.cvat_video import read_meta
from framelabel.formats.files import found
from framelabel.formats.holding import Fact, Holds, frame_sizes
from framelabel.formats.numbering import TrackNumbers
from framelabel.formats.protocol import Format, Piece
from framelabel.formats.report import LossReport, Report
from framelabel.formats.rings import single_rings
from framelabel.formats.rle import pixels_of
from framelabel.formats.typed_attributes import fit_attributes, kinds_of, row_attributes, to_text
from framelabel.formats.xml_text import attribute, elements, root_tag, text

_FACTS = frozenset(
    {
        Fact.TRACK,
        Fact.OCCLUDED,
        Fact.TRUNCATED,
        Fact.CROWD,
        Fact.IGNORED,
        Fact.DIFFICULT,
        Fact.POLYGON,
        Fact.POLYLINE,
        Fact.MASK,
        Fact.ATTRIBUTES,
        Fact.FRAME_NAME,
        Fact.FRAME_SIZE,
        Fact.MIXED_SIZES,
        Fact.UNUSED_CLASS,
    }
)
_TRACK = "track_id"


@dataclass(frozen=True)
class CvatImagesOptions:
    """CVAT for images has no choices."""


class CvatImages(Format[CvatImagesOptions]):
    """CVAT itself loses tracks here (issue 4260); the attribute `track_id` carries them."""

    name: ClassVar[str] = "cvat_images"
    title: ClassVar[str] = "CVAT for images 1.1"
    Options: ClassVar[type[CvatImagesOptions]] = CvatImagesOptions

    @classmethod
    def detect(cls, path: Path) -> bool:
        """Recognise <annotations> with <image>, or a task in annotation mode."""
        for file in found(path, ".xml", limit=1):
            if root_tag(file) != "annotations":
                return False
            with file.open("rb") as opened:
                head = opened.read(1 << 18)
            return b"<image" in head or b"<mode>annotation</mode>" in head
        return False

    def holds(self) -> Holds:
        """Shapes of single pictures with attributes."""
        return Holds(_FACTS, videos=False)

    def fit(self, labels: Labels, loss: LossReport) -> Labels:
        """Also give attributes one type each and masks a frame to lie in."""
        labels = super().fit(single_rings(labels, loss), loss)
        return fit_attributes(labels, loss)

    def parse(self, path: Path, report: Report) -> Labels:
        """Read one file, or the files of a folder one after the other."""
        builder = LabelsBuilder(report)
        video = -1
        kinds: dict[tuple[str, str], str] = {}
        rows: list[tuple[int, Any]] = []
        for file in found(path, ".xml") if path.is_dir() else [path]:
            report.file = str(file)
            for element in elements(file, "meta", "image", "annotations"):
                if element.tag == "meta":
                    read_meta(element, builder, kinds)
                elif element.tag == "image":
                    if video < 0:
                        video = builder.video(make_video(path.stem))
                    self._image(element, video, builder, kinds, rows)
                elif element.getparent() is None and video < 0 and not builder.classes:
                    raise InvalidLabelsError(f"{file}: has neither <meta> nor <image>; not an export of CVAT")
        if rows:
            tracks = TrackNumbers(report).of([0] * len(rows), [track for _, track in rows])
            builder.set_tracks(np.array([row for row, _ in rows]), tracks)
        return builder.build()

    def render(self, labels: Labels) -> Iterator[Piece]:
        """Write one file."""
        kinds = kinds_of(labels, IN_ATTRIBUTES)
        extra = {_TRACK: "number"} if bool((labels.track_id != NO_TRACK).any()) else None
        yield (
            "",
            (
                '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n<version>1.1</version>\n<meta>\n<task>\n'
                f"<id>1</id>\n<name>framelabel</name>\n<size>{len(labels.frames)}</size>\n<mode>annotation</mode>\n"
                f"{label_records(labels, kinds, extra)}</task>\n</meta>\n"
            ).encode(),
        )
        bounds = np.searchsorted(labels.frame, np.arange(len(labels.frames) + 1)).tolist()
        sizes = frame_sizes(labels).tolist()
        for row, name in enumerate(labels.frames.name):
            width, height = sizes[row]
            parts = [f'<image id="{row}" name={attribute(name)} width="{width}" height="{height}">\n']
            parts.extend(_element(labels, at) for at in range(bounds[row], bounds[row + 1]))
            parts.append("</image>\n")
            yield "", "".join(parts).encode()
        yield "", b"</annotations>\n"

    def _image(
        self,
        image: Any,
        video: int,
        builder: LabelsBuilder,
        kinds: Mapping[tuple[str, str], str],
        rows: list[tuple[int, Any]],
    ) -> None:
        report = builder.report
        where = f"image {image.get('name')!r}, line {image.sourceline}"
        frame = -1
        with report.record(where):
            size = (int(float(image.get("width") or 0)), int(float(image.get("height") or 0)))
            frame = builder.frame(video, builder.last_of(video) + 1, str(image.get("name") or ""), size)
        if frame < 0:
            return
        for number, element in enumerate(image):
            with report.record(f"{where}, shape {number}"):
                if element.tag not in ("box", "polygon", "polyline", "points", "mask"):
                    report.skip(f"{where}, shape {number}", f"<{element.tag}> is not supported")
                    continue
                label = str(element.attrib["label"])
                flags, free = element_attributes(element, label, kinds)
                flags |= int(Flag.OCCLUDED) if element.get("occluded") == "1" else 0
                track = free.pop(_TRACK, None)
                shape = None if element.tag == "box" else shape_of(element)
                sides = ("xtl", "ytl", "xbr", "ybr")
                xyxy = [float(element.attrib[side]) for side in sides] if shape is None else hull(shape).tolist()
                added = builder.add(
                    frame,
                    xyxy,
                    builder.class_id(label),
                    f"{where}, shape {number}",
                    flags=flags,
                    shape=shape,
                    attributes=free,
                )
                if added and track is not None:
                    rows.append((builder.row_count - 1, track))


def _element(labels: Labels, row: int) -> str:
    shape = labels.shapes.get(row)
    flags = int(labels.flags[row])
    common = (
        f'label={attribute(labels.ontology.names[labels.class_id[row]])} source="file" '
        f'occluded="{int(bool(flags & Flag.OCCLUDED))}"'
    )
    x1, y1, x2, y2 = labels.xyxy[row].tolist()
    tag, place = "box", f'xtl="{x1}" ytl="{y1}" xbr="{x2}" ybr="{y2}"'
    if isinstance(shape, Polygon):
        tag, place = "polygon", f'points="{points_text(shape.rings[0])}"'
    elif isinstance(shape, Polyline):
        tag, place = "polyline", f'points="{points_text(shape.points)}"'
    elif isinstance(shape, Mask):
        tag, place = "mask", _mask_text(shape)
    values = row_attributes(labels, row, IN_ATTRIBUTES)
    if labels.track_id[row] != NO_TRACK:
        values[_TRACK] = int(labels.track_id[row])
    inner = "".join(
        f"<attribute name={attribute(name)}>{text(to_text(value))}</attribute>" for name, value in values.items()
    )
    return f'<{tag} {common} {place} z_order="0">{inner}</{tag}>\n'


def _mask_text(mask: Mask) -> str:
    """Return runs by row inside the mask's box, starting with uncovered pixels."""
    left, top, right, bottom = (int(side) for side in hull(mask))
    flat = pixels_of(mask)[top:bottom, left:right].ravel()
    edges = np.concatenate([[0], np.flatnonzero(np.diff(flat)) + 1, [len(flat)]])
    runs = np.diff(edges).tolist()
    if len(flat) and flat[0]:
        runs = [0, *runs]
    size = f'left="{left}" top="{top}" width="{right - left}" height="{bottom - top}"'
    return f'rle="{", ".join(map(str, runs))}" {size}'
