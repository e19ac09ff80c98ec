"""Ultralytics YOLO: data.yaml, images/<split> and labels/<split>; detect, segment, obb, pose as fractions."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import yaml
from numpy.typing import NDArray

from framelabel.core.config import setting
from framelabel.core.labels import Labels
from framelabel.core.shapes import Keypoints, Polygon, Shape, hull
from framelabel.formats.builder import LabelsBuilder, make_video
from framelabel.formats.field_lines import first_fields
from framelabel.formats.files import found, head_of, safe_relative, text_of
from framelabel.formats.holding import Fact, Holds, frame_sizes
from framelabel.formats.numbers import Floats
from framelabel.formats.pictures import find_picture, label_stem, picture_size
from framelabel.formats.protocol import Format, Piece
from framelabel.formats.report import LossReport, Report
from framelabel.formats.rings import single_rings
from framelabel.formats.yolo_lines import Line, decoded, encoded, parse_line

_SIZES = "picture_sizes.csv"
"""Written beside data.yaml: name, width, height. Trainers ignore it; fractions cannot be read back without it."""
_SPLITS = ("train", "val", "test")
_NO_VALIDATION = """\
# There is no split val here, so val is {split}: a training scores itself on its own pictures.
# Export with shares (--split train=0.8,val=0.2) to measure on others.
"""
_TASKS = ("detect", "segment", "obb", "pose")


@dataclass(frozen=True)
class YoloOptions:
    """Which of YOLO's label kinds is written, and where."""

    task: str = setting("detect", help="what a line holds", choices=_TASKS)
    split: str = setting("train", help="folder below images and labels", choices=_SPLITS)
    size: str = setting("", help="picture size when pictures are not there", metavar="WIDTHxHEIGHT")


class Yolo(Format[YoloOptions]):
    """A folder. Boxes are clipped to the picture, as the trainer drops pictures with values above 1."""

    name: ClassVar[str] = "yolo"
    title: ClassVar[str] = "Ultralytics YOLO"
    Options: ClassVar[type[YoloOptions]] = YoloOptions

    def __init__(self, options: YoloOptions | None = None, beside: frozenset[str] = frozenset()) -> None:
        super().__init__(options)
        self._splits = beside | {self.options.split}
        """Splits that the target has once the labels are written."""

    @classmethod
    def detect(cls, path: Path) -> bool:
        """Recognise data.yaml with names, obj.names, or label lines of a class number and fractions."""
        if path.is_file():
            return path.suffix in (".yaml", ".yml") and b"names:" in head_of(path) and b"train:" in head_of(path)
        if any(b"names:" in head_of(file) for file in path.glob("*.yaml")) or (path / "obj.names").is_file():
            return True
        try:
            values = [float(field) for field in first_fields(_label_files(path)[:20])]
        except ValueError:
            return False
        return len(values) >= 5 and values[0].is_integer() and all(-0.5 <= value <= 1.5 for value in values[1:])

    def holds(self) -> Holds:
        """Classes and places only."""
        shapes = {"segment": Fact.POLYGON, "obb": Fact.POLYGON, "pose": Fact.KEYPOINTS}
        facts = {Fact.FRAME_NAME, Fact.FRAME_SIZE, Fact.MIXED_SIZES, Fact.UNUSED_CLASS}
        if self.options.task in shapes:
            facts.add(shapes[self.options.task])
        if self.options.task == "pose":
            facts.add(Fact.BOX_BESIDE_SHAPE)
        return Holds(frozenset(facts), videos=False)

    def fit(self, labels: Labels, loss: LossReport) -> Labels:
        """Also clip to pictures, leave out pictures of unknown size, and give every label the task's geometry."""
        labels = super().fit(single_rings(labels, loss), loss)
        names = tuple(f"{label_stem(name)}{Path(name).suffix or '.jpg'}" for name in labels.frames.name)
        labels = replace(labels, frames=replace(labels.frames, name=names))
        sizes = frame_sizes(labels)[labels.frame].astype(np.float64)
        known = np.all(sizes > 0, axis=1)
        loss.add("label in a picture of unknown size", int((~known).sum()), "left out; fractions need the size")
        labels = labels.select(known)
        return self._with_geometry(labels, sizes[known], loss)

    def _with_geometry(self, labels: Labels, sizes: Floats, loss: LossReport) -> Labels:
        limit = np.concatenate([sizes, sizes], axis=1)
        xyxy = np.clip(labels.xyxy, 0, limit)
        loss.add("part outside the picture", int(np.any(xyxy != labels.xyxy, axis=1).sum()), "clipped")
        kept = (xyxy[:, 2] > xyxy[:, 0]) & (xyxy[:, 3] > xyxy[:, 1])
        loss.add("empty box", int((~kept).sum()), "nothing of it is inside the picture; left out")
        labels = replace(labels, xyxy=xyxy).select(kept)
        sizes = sizes[kept]
        shapes: dict[int, Shape] = {}
        task = self.options.task
        if task in ("segment", "obb"):
            loss.add("box", len(labels) - len(labels.shapes), "written as a rectangle of four points")
            for row in range(len(labels)):
                shapes[row] = _polygon(labels.shapes.get(row), labels.xyxy[row], sizes[row], is_obb=task == "obb")
        elif task == "pose":
            count = max((len(s.points) for s in labels.shapes.values() if isinstance(s, Keypoints)), default=0)
            for row, shape in labels.shapes.items():
                if isinstance(shape, Keypoints):
                    shapes[row] = _padded(shape, count)
        rows = [Line(0, labels.xyxy[row], shapes.get(row)) for row in range(len(labels))]
        read = [decoded(encoded(line, size), size) for line, size in zip(rows, sizes, strict=True)]
        boxes = np.array([line.xyxy for line in read]).reshape(-1, 4)
        loss.add("coordinate digits", int(np.any(boxes != labels.xyxy, axis=1).sum()), "as fractions of the picture")
        exact = {row: line.shape for row, line in enumerate(read) if line.shape is not None}
        return replace(labels, xyxy=boxes, shapes=exact)

    def picture_paths(self, labels: Labels, path: Path) -> list[Path]:
        """Place pictures under images/<split>."""
        fitted = self.fit(labels, LossReport(self.name))
        place = {name: path.absolute() / "images" / self.options.split / name for name in fitted.frames.name}
        names = super().picture_paths(labels, path)
        root = path.absolute() / "images"
        return [place.get(name.relative_to(root).as_posix(), root / self.options.split / name.name) for name in names]

    def parse(self, path: Path, report: Report) -> Labels:
        """Read every label file below a folder, or the folder that a data.yaml names."""
        root = path.parent if path.is_file() else path
        facts = _data_yaml(path, report)
        builder = LabelsBuilder(report)
        for name in facts.names:
            builder.class_id(name)
        files = _label_files(root)
        pictures = _pictures(root, files)
        sizes = _sizes(root, report)
        default = _size_option(self.options.size)
        video = builder.video(make_video(root.name)) if pictures else -1
        class_names = dict(enumerate(facts.names))
        for index, (name, label, picture) in enumerate(pictures):
            shown = sizes.get(label_stem(name), (name, default))
            size = picture_size(picture) if picture is not None else shown[1]
            size = size if size[0] > 0 else shown[1]
            frame = builder.frame(video, index, name if picture is not None else shown[0], size)
            if label is None:
                continue
            report.file = str(label)
            self._read(label, frame, size, builder, class_names, facts.keypoints)
        return builder.build()

    def write(self, labels: Labels, path: Path | str) -> LossReport:
        """Write one split; data.yaml also names those that an earlier export put into the same folder."""
        beside = frozenset(split for split in _SPLITS if (Path(path) / "labels" / split).is_dir())
        return Format.write(Yolo(self.options, beside), labels, path)

    def render(self, labels: Labels) -> Iterator[Piece]:
        """Write data.yaml, the sizes, and one text file for each picture, empty where there is no label."""
        split = self.options.split
        # no `path`: Ultralytics takes a relative one from the working directory, and data.yaml's folder without
        content: dict[str, Any] = {
            "train": "images/train",
            "val": f"images/{'val' if 'val' in self._splits else split}",  # it refuses a set without this folder
            "test": "images/test" if "test" in self._splits else None,
        }
        points = max((len(s.points) for s in labels.shapes.values() if isinstance(s, Keypoints)), default=0)
        if self.options.task == "pose":
            content |= {"kpt_shape": [points, 3], "flip_idx": list(range(points))}
        content["names"] = dict(enumerate(labels.ontology.names))
        note = "" if "val" in self._splits else _NO_VALIDATION.format(split=split)
        yield "data.yaml", (note + yaml.safe_dump(content, sort_keys=False, allow_unicode=True)).encode()
        sizes = frame_sizes(labels)
        table = io.StringIO()
        writer = csv.writer(table, lineterminator="\n")
        rows = zip(labels.frames.name, sizes.tolist(), strict=True)
        writer.writerows([f"{split}/{name}", *size] for name, size in rows)
        yield f"{split}_{_SIZES}", table.getvalue().encode()
        bounds = np.searchsorted(labels.frame, np.arange(len(labels.frames) + 1)).tolist()
        for row, name in enumerate(labels.frames.name):
            size = sizes[row].astype(np.float64)
            lines = []
            for at in range(bounds[row], bounds[row + 1]):
                shape = labels.shapes.get(at)
                if self.options.task == "pose" and shape is None:
                    shape = Keypoints(np.zeros((points, 2)), np.zeros(points, np.int8))
                lines.append(encoded(Line(int(labels.class_id[at]), labels.xyxy[at], shape), size) + "\n")
            yield f"labels/{split}/{safe_relative(label_stem(name))}.txt", "".join(lines).encode()

    def _read(
        self,
        label: Path,
        frame: int,
        size: tuple[int, int],
        builder: LabelsBuilder,
        names: dict[int, str],
        keypoints: tuple[int, int] | None,
    ) -> None:
        report = builder.report
        for number, text in enumerate(text_of(label).split("\n"), 1):
            if not text.strip():
                continue
            where = f"line {number}"
            if size[0] <= 0 or size[1] <= 0:
                report.skip(where, "the picture's size is not known", "put the pictures beside, or give size=WxH")
                return
            with report.record(where):
                line = parse_line(text, np.array(size, np.float64), keypoints)
                if line.class_id not in names:
                    names[line.class_id] = f"class_{line.class_id}"
                    if builder.classes and len(names) > 1:
                        report.warn(where, f"class {line.class_id} has no name in data.yaml", "add it to names")
                builder.add(frame, line.xyxy, builder.class_id(names[line.class_id]), where, shape=line.shape)


@dataclass(frozen=True, slots=True)
class _DataYaml:
    names: tuple[str, ...] = ()
    keypoints: tuple[int, int] | None = None


def _data_yaml(path: Path, report: Report) -> _DataYaml:
    """Return class names and keypoint shape of data.yaml or obj.names."""
    if path.is_dir() and (path / "obj.names").is_file():
        return _DataYaml(tuple(line.strip() for line in text_of(path / "obj.names").splitlines() if line.strip()))
    files = [path] if path.is_file() else sorted(path.glob("*.yaml")) + sorted(path.glob("*.yml"))
    for file in files:
        try:
            content = yaml.safe_load(text_of(file))
        except (yaml.YAMLError, RecursionError, ValueError) as error:
            report.warn(file.name, f"not valid YAML: {' '.join(str(error).split())[:120]}", "classes get numbers")
            continue
        if not isinstance(content, dict) or "names" not in content:
            continue
        names = content["names"]
        if isinstance(names, dict) and all(isinstance(key, int) and 0 <= key < 100_000 for key in names):
            listed = [str(names.get(number, f"class_{number}")) for number in range(max(names, default=-1) + 1)]
        else:
            listed = [str(name) for name in names] if isinstance(names, list) else []
        unique = [name if name not in listed[:at] else f"{name}_{at}" for at, name in enumerate(listed)]
        shape = content.get("kpt_shape")
        if isinstance(shape, list) and len(shape) == 2 and all(isinstance(side, int) for side in shape):
            return _DataYaml(tuple(unique), (shape[0], shape[1]))
        return _DataYaml(tuple(unique))
    return _DataYaml()


def _label_files(root: Path) -> list[Path]:
    folder = root / "labels" if (root / "labels").is_dir() else root
    skipped = {"train.txt", "val.txt", "valid.txt", "test.txt", "classes.txt", "source.txt", "readme.txt"}
    return [file for file in found(folder, ".txt") if file.name.lower() not in skipped]


def _pictures(root: Path, labels: list[Path]) -> list[tuple[str, Path | None, Path | None]]:
    """Return (name, label file, picture file) of every picture, by stem; the split folder is not part of the name.

    Pictures without a label file are background, when their folder is images/.
    """
    base = root / "labels" if (root / "labels").is_dir() else root
    result: dict[str, tuple[str, Path | None, Path | None]] = {}
    for label in labels:
        relative = label.relative_to(base).with_suffix("")
        parts = list(relative.parts)
        if parts and parts[0] == "obj_train_data":
            parts = parts[1:]
        folder = root / "images" / relative.parent if base.name == "labels" else label.parent
        picture = find_picture(folder, relative.name)
        if picture is None and base.name != "labels":
            swapped = [part if part != "labels" else "images" for part in label.parent.parts]
            picture = find_picture(Path(*swapped), relative.name)
        name = "/".join(parts) + (picture.suffix if picture is not None else ".jpg")
        result[label_stem(name)] = (name, label, picture)
    images = root / "images"
    for suffix in (".jpg", ".jpeg", ".png", ".bmp", ".webp") if images.is_dir() else ():
        for image in found(images, suffix):
            name = image.relative_to(images).as_posix()
            result.setdefault(label_stem(name), (name, None, image))
    stripped: dict[str, tuple[str, Path | None, Path | None]] = {}
    for stem in sorted(result):
        name, file, seen = result[stem]
        split, slash, rest = name.partition("/")
        short = rest if slash and split in _SPLITS and label_stem(rest) not in stripped else name
        stripped[label_stem(short)] = (short, file, seen)
    return [stripped[stem] for stem in sorted(stripped)]


def _sizes(root: Path, report: Report) -> dict[str, tuple[str, tuple[int, int]]]:
    """Return (name, size) by stem, as an earlier export wrote them."""
    result: dict[str, tuple[str, tuple[int, int]]] = {}
    for split in _SPLITS:
        file = root / f"{split}_{_SIZES}"
        if not file.is_file():
            continue
        try:
            rows = list(csv.reader(io.StringIO(text_of(file).replace("\0", ""), newline="")))
        except csv.Error as error:
            report.warn(file.name, f"is not a table of name,width,height: {error}", "put the pictures beside")
            continue
        for number, row in enumerate(rows, 1):
            if len(row) == 3 and row[1].isdigit() and row[2].isdigit() and len(row[1] + row[2]) < 14:
                name = row[0].removeprefix(f"{split}/")
                result[label_stem(name)] = (name, (int(row[1]), int(row[2])))
            else:
                report.warn(f"{file.name}: line {number}", "is not name,width,height")
    return result


def _size_option(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    return (int(width), int(height)) if width.isdigit() and height.isdigit() else (0, 0)


def _polygon(shape: Shape | None, box: NDArray[np.float64], size: Floats, *, is_obb: bool) -> Polygon:
    """Return the shape clipped to the picture, or the box as four corners (always four for oriented boxes)."""
    if isinstance(shape, Polygon) and (not is_obb or len(shape.rings[0]) == 4):
        return Polygon((np.clip(shape.rings[0], 0, size),))
    x1, y1, x2, y2 = box if shape is None else np.clip(hull(shape), 0, np.concatenate([size, size]))
    return Polygon((np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]]),))


def _padded(shape: Keypoints, count: int) -> Keypoints:
    missing = count - len(shape.points)
    points = np.concatenate([shape.points, np.zeros((missing, 2))])
    return Keypoints(points, np.concatenate([shape.visibility, np.zeros(missing, np.int8)]))
