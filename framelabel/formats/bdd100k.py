"""BDD100K / Scalabel: one list of frames per data set or video, boxes with inclusive corners, ids as text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import orjson

from framelabel.core.boxes import NO_TRACK
from framelabel.core.config import setting
from framelabel.core.labels import Flag, Labels
from framelabel.core.shapes import Keypoints, Mask, Polygon, Polyline
from framelabel.formats import jsonstream
from framelabel.formats.bdd_mapping import apply_mapping, load_mapping
from framelabel.formats.bdd_plain import PlainLabels
from framelabel.formats.bdd_reading import ScalabelReader
from framelabel.formats.coco import is_clips
from framelabel.formats.conventions import (
    BDD_DETECTION,
    BDD_DRIVABLE,
    BDD_IGNORED,
    BDD_LANES,
    BDD_OLD_NAMES,
    BDD_POSE,
    BDD_TRACKING,
    SCALABEL_INCLUSIVE,
    bdd_name,
    flag_attributes,
)
from framelabel.formats.files import found, head_of, pieces, safe_relative, safe_stem
from framelabel.formats.holding import EVERYTHING, Fact, Holds, frame_names, frame_sizes
from framelabel.formats.numbers import Floats, addend, cell_texts, filled, json_texts
from framelabel.formats.protocol import Format, Piece
from framelabel.formats.report import LossReport, Report
from framelabel.formats.rle import polygon_mask, record_of

_CLASSES: dict[str, tuple[str, ...]] = {
    "det": (*BDD_DETECTION, *BDD_IGNORED),
    "box_track": (*BDD_TRACKING, *BDD_IGNORED),
    "ins_seg": (*BDD_TRACKING, *BDD_IGNORED),
    "seg_track": (*BDD_TRACKING, *BDD_IGNORED),
    "lane": BDD_LANES,
    "drivable": BDD_DRIVABLE,
    "pose": BDD_POSE,
}
_TASKS = ("auto", *_CLASSES, "scalabel")
_FOLDERS = {
    "det": "det_20", "box_track": "box_track_20", "ins_seg": "ins_seg", "seg_track": "seg_track_20", "lane": "lane",
    "drivable": "drivable", "pose": "pose_21", "scalabel": "scalabel",
}  # fmt: skip
_BLOCK = 2_000


@dataclass(frozen=True)
class Bdd100kOptions:
    """How BDD100K files are written; reading needs no choice."""

    task: str = setting(
        "auto",
        help="BDD100K task whose classes and layout are written; auto: box_track with track ids, det without, "
        "scalabel (any class) when no class is BDD100K's",
        choices=_TASKS,
    )
    split: str = setting("train", help="folder of the official layout", choices=("train", "val", "test"))
    mapping: str = setting("", help="YAML of class names; default: the bundled COCO to BDD100K", metavar="FILE")


class Bdd100k(Format[Bdd100kOptions]):
    """A target ending in .json is one file; a folder gets the official layout (one file per video when tracking)."""

    name: ClassVar[str] = "bdd100k"
    title: ClassVar[str] = "BDD100K / Scalabel"
    Options: ClassVar[type[Bdd100kOptions]] = Bdd100kOptions

    @classmethod
    def detect(cls, path: Path) -> bool:
        """Recognise frames: objects with `name` and `labels`, or `name` and `videoName`."""
        for file in found(path, ".json", limit=1):
            keys = jsonstream.shape_of(head_of(file))
            inside = keys.get("[]", keys.get("frames", frozenset()))
            return "name" in inside and bool(inside & {"labels", "videoName", "frameIndex", "url"})
        return False

    def holds(self) -> Holds:
        """Everything but the picture rate and class descriptions; boxes come back through x2 - 1."""
        facts = EVERYTHING - {Fact.JOINTS, Fact.CLASS_ATTRIBUTES, Fact.SUPERCATEGORY, Fact.UNUSED_CLASS}
        return Holds(facts, coordinates=_restored)

    def task_of(self, labels: Labels) -> str:
        """Return the task that `auto` means for these labels."""
        if self.options.task != "auto":
            return self.options.task
        names = set(labels.ontology.names)
        if names and names <= set(BDD_LANES):
            return "lane"
        mapping = load_mapping(self.options.mapping)
        if names.isdisjoint({*_CLASSES["det"], *mapping.classes}):
            return "scalabel"
        return "box_track" if bool((labels.track_id != NO_TRACK).any()) else "det"

    def fit(self, labels: Labels, loss: LossReport) -> Labels:
        """Also map classes to the task's, and leave out what its evaluation would choke on."""
        task = self.task_of(labels)
        if task in _CLASSES:
            labels = apply_mapping(labels, _CLASSES[task], load_mapping(self.options.mapping), loss)
        if task in ("box_track", "seg_track"):
            tracked = labels.track_id != NO_TRACK
            loss.add("label without track", int((~tracked).sum()), f"{task} needs identities; --task det keeps them")
            labels = labels if bool(tracked.all()) else labels.select(tracked)
        if task in ("ins_seg", "seg_track"):
            labels = _only_masks(labels, loss)
        return super().fit(labels, loss)

    def parse(self, path: Path, report: Report) -> Labels:
        """Read a file, or all *.json files of a folder as one data set."""
        reader = ScalabelReader(report, path.stem)
        files = found(path, ".json") if path.is_dir() else [path]
        plain = PlainLabels()
        for file in files:
            report.file = str(file)
            for key, values in jsonstream.stream(pieces(file), str(file), {"[]": plain.take, "frames": plain.take}):
                reader.take(key, values)
        return reader.labels()

    def check(self, labels: Labels, report: Report) -> None:
        """Warn of classes that the toolkit asserts on, and of more pictures sizes than its configs know."""
        known = {*_CLASSES["det"], *BDD_OLD_NAMES, *BDD_LANES, *BDD_DRIVABLE}
        counts = np.bincount(labels.class_id, minlength=len(labels.ontology))
        for name, count in zip(labels.ontology.names, counts.tolist(), strict=True):
            if name not in known:
                problem = f"{count} labels of '{name}', which no BDD100K task has; its toolkit stops there"
                report.warn("category", problem, "convert with --to bdd100k, or name categories in the file's config")
            elif name in BDD_DETECTION[8:] and bool((labels.track_id != NO_TRACK).any()):
                report.warn("category", f"{count} labels of '{name}', which box_track does not have", "leave them out")
        sizes = {video.size for video in labels.videos}
        if sizes - {(1280, 720), (0, 0)}:
            report.warn("size", f"pictures of {sorted(sizes)}; the configs assume 1280x720", "pass your own --config")

    def write(self, labels: Labels, path: Path | str) -> LossReport:
        """Write one file when `path` ends in .json, else the official folder layout."""
        place = Path(path)
        if place.suffix.lower() == ".json":
            return _OneFile(self.options).write_file(labels, place)
        return super().write(labels, place)

    def picture_paths(self, labels: Labels, path: Path) -> list[Path]:
        """Place pictures as the official layout does: by video for tracking, in one folder otherwise."""
        root = path.absolute().parent if path.suffix else path.absolute()
        names = [safe_relative(name) for name in frame_names(labels, bdd_name)]
        if self.task_of(labels) not in ("box_track", "seg_track"):
            return [root / "images" / "100k" / self.options.split / name for name in names]
        videos = [safe_stem(labels.videos[row].name) for row in labels.frames.video.tolist()]
        base = root / "images" / "track" / self.options.split
        return [base / video / name for video, name in zip(videos, names, strict=True)]

    def render(self, labels: Labels) -> Iterator[Piece]:
        """Write the official layout: one file per video for tracking, one per split otherwise."""
        task = self.task_of(labels)
        folder = f"labels/{_FOLDERS[task]}"
        split = self.options.split
        if task in ("box_track", "seg_track"):
            folder += "/rles" if task == "seg_track" else ""
            names = frame_names(labels, bdd_name)
            for row, video in enumerate(labels.videos):
                name = f"{folder}/{split}/{safe_stem(video.name)}.json"
                yield from ((name, piece) for piece in _file(labels, names, row, None))
            return
        name = f"{folder}/{task if task != 'scalabel' else 'labels'}_{split}.json"
        classes = labels.ontology.names if task == "scalabel" else None
        yield from ((name, piece) for piece in _file(labels, frame_names(labels, bdd_name), None, classes))


class _OneFile(Bdd100k):
    """All frames in one file."""

    def write_file(self, labels: Labels, path: Path) -> LossReport:
        """Write to `path` itself."""
        return Format.write(self, labels, path)

    def render(self, labels: Labels) -> Iterator[Piece]:
        classes = labels.ontology.names if self.task_of(labels) == "scalabel" else None
        return (("", piece) for piece in _file(labels, frame_names(labels, bdd_name), None, classes))


def _restored(xyxy: Floats) -> Floats:
    stored = xyxy[:, 2:] - SCALABEL_INCLUSIVE
    return np.concatenate([xyxy[:, :2], stored + SCALABEL_INCLUSIVE], axis=1)


def _only_masks(labels: Labels, loss: LossReport) -> Labels:
    """Return labels with pixel masks only: polygons are filled, boxes left out."""
    sizes = frame_sizes(labels)
    shapes = dict(labels.shapes)
    for row, shape in labels.shapes.items():
        width, height = sizes[labels.frame[row]].tolist()
        if isinstance(shape, Polygon) and width and height:
            shapes[row] = polygon_mask(shape, (width, height))
            loss.add("polygon", 1, "written as a pixel mask")
    kept = np.array([isinstance(shapes.get(row), Mask) for row in range(len(labels))], np.bool_)
    loss.add("label without mask", int((~kept).sum()), "left out of a segmentation task")
    return replace(labels, shapes=shapes).select(kept)


def _file(
    labels: Labels, names: tuple[str, ...], video: int | None, classes: tuple[str, ...] | None
) -> Iterator[bytes]:
    """Yield one file's text: a list of frames, or with `classes` an object with a config that names them."""
    yield b"[\n" if classes is None else b'{"frames":[\n'
    separator = b""
    for block in _frames(labels, names, video):
        yield separator + block
        separator = b",\n"
    if classes is None:
        yield b"\n]\n"
        return
    categories = [{"name": name, "subcategories": None, "isThing": None, "color": None} for name in classes]
    config = {"imageSize": None, "attributes": None, "categories": categories, "poseSigmas": None}
    yield b'\n],"groups":null,"config":' + orjson.dumps(config) + b"}\n"


def _frames(labels: Labels, names: tuple[str, ...], video: int | None) -> Iterator[bytes]:
    """Yield frames with their labels as text, separated by commas."""
    table = labels.frames
    chosen = np.arange(len(table)) if video is None else np.flatnonzero(table.video == video)
    sizes = frame_sizes(labels)
    with_clips = is_clips(labels)
    bounds = np.searchsorted(labels.frame, np.arange(len(table) + 1))
    rates = [clip.fps.as_integer_ratio() for clip in labels.videos]
    for start in range(0, len(chosen), _BLOCK):
        rows = chosen[start : start + _BLOCK]
        first, last = int(bounds[rows[0]]), int(bounds[rows[-1] + 1])
        texts = _labels(labels, first, last)
        spans = zip((bounds[rows] - first).tolist(), (bounds[rows + 1] - first).tolist(), strict=True)
        facts = zip(
            rows.tolist(), table.video[rows].tolist(), table.index[rows].tolist(), sizes[rows].tolist(), strict=True
        )
        block = []
        for (begin, end), (row, clip, index, (width, height)) in zip(spans, facts, strict=True):
            head = {
                "name": names[row],
                "url": None,
                "videoName": labels.videos[clip].name if with_clips else None,
                "attributes": dict(labels.frame_attributes.get(row, {})),
                "timestamp": round(1000 * index * rates[clip][1] / rates[clip][0]) if rates[clip][0] else None,
                "frameIndex": index if with_clips else None,
                "size": {"width": width, "height": height} if width and height else None,
            }
            block.append(b'%b,"labels":[%b]}' % (orjson.dumps(head)[:-1], b",".join(texts[begin:end])))
        yield b",".join(block)


def _labels(labels: Labels, first: int, last: int) -> list[bytes]:
    """Return the label records of rows [first, last), with explicit nulls as the toolkit's pydantic 2 demands."""
    rows = slice(first, last)
    if first == last:
        return []
    xyxy = labels.xyxy[rows].copy()
    for side in (2, 3):
        xyxy[:, side] = addend(np.full(len(xyxy), SCALABEL_INCLUSIVE), xyxy[:, side])
    names = json_texts(labels.ontology.names)
    flags = labels.flags[rows]
    keys = (flags & np.uint16(Flag.KEYFRAME)) != 0
    is_scored = ~np.isnan(labels.score[rows])
    scores = cell_texts(labels.score[rows][:, None])[0] if bool(is_scored.any()) else [b"null"] * len(xyxy)
    text = filled(
        b'{"id":"%d","category":%b,"score":%b,"attributes":{},"manualShape":%b,'
        b'"box2d":{"x1":%b,"y1":%b,"x2":%b,"y2":%b},"box3d":null,"poly2d":null,"rle":null,"graph":null}\0',
        labels.track_id[rows].tolist(),
        [names[row] for row in labels.class_id[rows].tolist()],
        scores,
        [b"true" if key else b"false" for key in keys.tolist()],
        *cell_texts(xyxy),
    )
    result = text[:-1].split(b"\0")
    rich = set((np.flatnonzero(flags & np.uint16(0xFFFF & ~int(Flag.KEYFRAME))) + first).tolist())
    rich.update((np.flatnonzero(~np.isnan(labels.visible[rows])) + first).tolist())
    for rare in (labels.attributes, labels.shapes):
        rich.update(rare.keys() & range(first, last) if len(rare) < last - first else
                    [row for row in range(first, last) if row in rare])  # fmt: skip
    for row in rich:
        result[row - first] = _rich(labels, row, result[row - first])
    return result


def _rich(labels: Labels, row: int, plain: bytes) -> bytes:
    """Return a label's text with its flags, attributes and exact shape added."""
    record = orjson.loads(plain)
    raised = flag_attributes(int(labels.flags[row]) & ~int(Flag.KEYFRAME))
    if not np.isnan(labels.visible[row]):
        raised["visibility"] = float(labels.visible[row])
    record["attributes"] = {**labels.attributes.get(row, {}), **raised}
    if row in labels.shapes:
        _add_shape(record, labels.shapes[row])
    return orjson.dumps(record)


def _add_shape(record: dict[str, Any], shape: Polygon | Polyline | Keypoints | Mask) -> None:
    if isinstance(shape, Mask):
        record["rle"] = record_of(shape)
    elif isinstance(shape, Polygon):
        record["poly2d"] = [
            {"vertices": ring.tolist(), "types": "L" * len(ring), "closed": True} for ring in shape.rings
        ]
    elif isinstance(shape, Polyline):
        record["poly2d"] = [{"vertices": shape.points.tolist(), "types": "L" * len(shape.points), "closed": False}]
    else:
        seen = {2: "V", 1: "N"}
        nodes = [
            {"location": point, "category": f"joint_{number}", "visibility": seen.get(state), "id": str(number)}
            for number, (point, state) in enumerate(zip(shape.points.tolist(), shape.visibility.tolist(), strict=True))
        ]
        record["graph"] = {"nodes": nodes, "edges": [], "type": f"Pose2D-{len(nodes)}Joints_Pred"}
