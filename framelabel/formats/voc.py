"""Pascal VOC: one XML file for each picture in Annotations, split lists in ImageSets/Main."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from framelabel.core.config import setting
from framelabel.core.labels import Flag, Labels
from framelabel.formats.builder import LabelsBuilder, make_video
from framelabel.formats.conventions import VOC_ORIGIN
from framelabel.formats.files import found, safe_relative
from framelabel.formats.holding import Fact, Holds, frame_sizes
from framelabel.formats.numbers import Floats, addend
from framelabel.formats.pictures import label_stem
from framelabel.formats.protocol import Format, Piece
from framelabel.formats.report import LossReport, Report
from framelabel.formats.xml_text import content, root_tag, text, tree

_FLAGS = ((Flag.TRUNCATED, "truncated"), (Flag.DIFFICULT, "difficult"), (Flag.OCCLUDED, "occluded"))


@dataclass(frozen=True)
class VocOptions:
    """Where VOC's practice is split."""

    origin: int = setting(1, help="number of the first pixel: 1 as the specification says, 0 as CVAT and Datumaro do")
    split: str = setting("train", help="list in ImageSets/Main that gets the pictures")


class Voc(Format[VocOptions]):
    """With origin 1, xmin is ours + 1 and xmax (inclusive) is ours; with origin 0 both are ours."""

    name: ClassVar[str] = "voc"
    title: ClassVar[str] = "Pascal VOC"
    Options: ClassVar[type[VocOptions]] = VocOptions

    @classmethod
    def detect(cls, path: Path) -> bool:
        """Recognise <annotation>."""
        return any(root_tag(file) == "annotation" for file in found(path, ".xml", limit=1))

    def holds(self) -> Holds:
        """Boxes of single pictures with truncated, difficult, occluded."""
        facts = {Fact.TRUNCATED, Fact.DIFFICULT, Fact.OCCLUDED, Fact.FRAME_NAME, Fact.FRAME_SIZE, Fact.MIXED_SIZES}
        return Holds(frozenset(facts), videos=False, coordinates=self._restored)

    def fit(self, labels: Labels, loss: LossReport) -> Labels:
        """Also say which pixel base is written, when asked for other than the specification's."""
        labels = super().fit(labels, loss)
        if self.options.origin != VOC_ORIGIN:
            loss.add("pixel base", len(labels), f"first pixel is {self.options.origin}; read back with the same origin")
        return labels

    def parse(self, path: Path, report: Report) -> Labels:
        """Read every XML file below a folder as one picture."""
        builder = LabelsBuilder(report)
        files = [path] if path.is_file() else found(path, ".xml")
        root = next((path / name for name in ("Annotations", "annotations") if (path / name).is_dir()), path)
        video = builder.video(make_video(path.stem)) if files else -1
        for file in files:
            report.file = str(file)
            annotation = tree(file)
            if annotation.tag != "annotation":
                report.skip("", f"is <{annotation.tag}>, not <annotation>")
                continue
            name = content(annotation, "filename") or f"{file.stem}.jpg"
            folder = file.parent.relative_to(root).as_posix() if root in (file.parent, *file.parent.parents) else "."
            shown = name if folder == "." or name.startswith(f"{folder}/") else f"{folder}/{name}"
            size = (_whole(content(annotation, "size/width")), _whole(content(annotation, "size/height")))
            frame = builder.frame(video, builder.last_of(video) + 1, shown, size)
            for number, item in enumerate(annotation.iterfind("object"), 1):
                where = f"line {item.sourceline}, object {number}"
                with report.record(where):
                    self._object(item, frame, where, builder)
        return builder.build()

    def render(self, labels: Labels) -> Iterator[Piece]:
        """Write Annotations/*.xml and the split list."""
        bounds = np.searchsorted(labels.frame, np.arange(len(labels.frames) + 1)).tolist()
        sizes = frame_sizes(labels).tolist()
        stored = self._stored(labels.xyxy)
        names = labels.ontology.names
        for row, name in enumerate(labels.frames.name):
            width, height = sizes[row]
            parts = [
                (
                    f"<annotation>\n\t<folder>JPEGImages</folder>\n\t<filename>{text(name)}</filename>\n\t<size>\n"
                    f"\t\t<width>{width}</width>\n\t\t<height>{height}</height>\n\t\t<depth>3</depth>\n\t</size>\n"
                    "\t<segmented>0</segmented>\n"
                )
            ]
            for at in range(bounds[row], bounds[row + 1]):
                flags = int(labels.flags[at])
                states = "".join(f"\t\t<{tag}>{int(bool(flags & flag))}</{tag}>\n" for flag, tag in _FLAGS)
                box = "".join(
                    f"\t\t\t<{side}>{_number(value)}</{side}>\n"
                    for side, value in zip(("xmin", "ymin", "xmax", "ymax"), stored[at].tolist(), strict=True)
                )
                parts.append(
                    f"\t<object>\n\t\t<name>{text(names[labels.class_id[at]])}</name>\n\t\t<pose>Unspecified</pose>\n"
                    f"{states}\t\t<bndbox>\n{box}\t\t</bndbox>\n\t</object>\n"
                )
            parts.append("</annotation>\n")
            yield f"Annotations/{safe_relative(label_stem(name))}.xml", "".join(parts).encode()
        listed = "".join(f"{label_stem(name)}\n" for name in labels.frames.name)
        yield f"ImageSets/Main/{self.options.split}.txt", listed.encode()

    def picture_paths(self, labels: Labels, path: Path) -> list[Path]:
        """Place pictures in JPEGImages."""
        root = path.absolute()
        return [root / "JPEGImages" / name.relative_to(root / "images") for name in super().picture_paths(labels, path)]

    def _object(self, item: Any, frame: int, where: str, builder: LabelsBuilder) -> None:
        name = content(item, "name")
        if not name:
            raise KeyError("name")
        sides = [content(item, f"bndbox/{side}") for side in ("xmin", "ymin", "xmax", "ymax")]
        if "" in sides:
            raise KeyError("bndbox")
        box = [float(side) for side in sides]
        origin = float(self.options.origin)
        box[0], box[1] = box[0] - origin, box[1] - origin
        flags = 0
        for flag, tag in _FLAGS:
            flags |= int(flag) if content(item, tag) in ("1", "true", "True") else 0
        builder.add(frame, box, builder.class_id(name), where, flags=flags)

    def _stored(self, xyxy: Floats) -> Floats:
        if not self.options.origin or not len(xyxy):
            return xyxy
        base = np.full(len(xyxy), -float(self.options.origin))
        return np.stack([addend(base, xyxy[:, 0]), addend(base, xyxy[:, 1]), xyxy[:, 2], xyxy[:, 3]], axis=1)

    def _restored(self, xyxy: Floats) -> Floats:
        origin = float(self.options.origin)
        return np.concatenate([(xyxy[:, :2] + origin) - origin, xyxy[:, 2:]], axis=1)


def _number(value: float) -> str:
    return repr(value).removesuffix(".0")


def _whole(value: str) -> int:
    try:
        number = float(value)
    except ValueError:
        return 0
    return int(number) if 0 <= number < 10_000_000 else 0
