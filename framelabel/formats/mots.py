"""MOTS: one text file for each sequence, `frame object class height width run-lengths`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import NO_TRACK
from framelabel.core.config import setting
from framelabel.core.labels import Flag, Labels
from framelabel.core.shapes import Mask, Polygon, Shape, hull
from framelabel.formats.builder import LabelsBuilder, make_video
from framelabel.formats.conventions import MOTS_CLASSES
from framelabel.formats.field_lines import field_lines, first_fields
from framelabel.formats.files import found, text_of
from framelabel.formats.holding import Fact, FrameSet, Holds, frame_sizes
from framelabel.formats.protocol import Format, Piece
from framelabel.formats.report import LossReport, Report
from framelabel.formats.rle import encode_counts, mask_of, mask_of_pixels, pixels_of, polygon_mask
from framelabel.formats.track_ids import with_own_tracks

_IGNORE = 10
_PER_CLASS = 1000


@dataclass(frozen=True)
class MotsOptions:
    """Where the two MOTS challenges differ."""

    first_frame: int = setting(1, help="number of the first frame: 1 in MOTSChallenge, 0 in KITTI MOTS")


class Mots(Format[MotsOptions]):
    """An object id is class * 1000 + instance; masks of a frame do not overlap. A target in .txt is one sequence."""

    name: ClassVar[str] = "mots"
    title: ClassVar[str] = "MOTS"
    Options: ClassVar[type[MotsOptions]] = MotsOptions
    one_file_suffix: ClassVar[str] = ".txt"

    @classmethod
    def detect(cls, path: Path) -> bool:
        """Recognise lines of five whole numbers and a run-length text."""
        fields = first_fields(_sequences(path))
        return len(fields) == 6 and all(field.isdigit() for field in fields[:5]) and b"," not in fields[5]

    def holds(self) -> Holds:
        """Masks with identity; the size of pictures comes with every mask."""
        facts = frozenset({Fact.TRACK, Fact.MASK, Fact.IGNORED, Fact.FRAME_SIZE})
        return Holds(facts, FrameSet.LABELLED, names_files=True)

    def fit(self, labels: Labels, loss: LossReport) -> Labels:
        """Also fill polygons, leave out labels without mask, cut overlaps, and number objects by class."""
        labels = super().fit(with_own_tracks(_only_masks(labels, loss), loss), loss)
        is_ignore = np.array([name == MOTS_CLASSES[_IGNORE] for name in labels.ontology.names] or [False])
        flags = np.where(is_ignore[labels.class_id], np.uint16(Flag.IGNORED), np.uint16(0)).astype(np.uint16)
        loss.add(Fact.IGNORED.value, int((flags != labels.flags).sum()), "only class ignore is ignored")
        return _numbered(replace(labels, flags=flags), loss)

    def parse(self, path: Path, report: Report) -> Labels:
        """Read every sequence below a folder, or one file."""
        builder = LabelsBuilder(report)
        names = _names(path if path.is_dir() else path.parent)
        for file in [path] if path.is_file() else _sequences(path):
            report.file = str(file)
            video = builder.video(make_video(file.stem))
            for where, fields in field_lines(file, report, least=6, most=6, fix="frame object class height width rle"):
                with report.record(where):
                    class_number = int(fields[2])
                    name = names.get(class_number, f"class_{class_number}")
                    size = (int(fields[4]), int(fields[3]))
                    mask = mask_of({"size": [size[1], size[0]], "counts": fields[5]})
                    frame = builder.frame(video, int(fields[0]) - self.options.first_frame, "", size)
                    flags = int(Flag.IGNORED) if class_number == _IGNORE else 0
                    builder.add(
                        frame,
                        hull(mask),
                        builder.class_id(name),
                        where,
                        track_id=int(fields[1]),
                        flags=flags,
                        shape=mask,
                    )
        return builder.build()

    def render(self, labels: Labels) -> Iterator[Piece]:
        """Write one file for each video, and labels.txt where classes are not MOTS' own."""
        numbers = class_numbers(labels.ontology.names)
        own = {name: number for name, number in numbers.items() if number not in MOTS_CLASSES}
        for row, video in enumerate(labels.videos):
            lines = []
            for at in np.flatnonzero(labels.frames.video[labels.frame] == row).tolist():
                mask = labels.shapes[at]
                if isinstance(mask, Mask):
                    frame = int(labels.frames.index[labels.frame[at]]) + self.options.first_frame
                    number = numbers[labels.ontology.names[labels.class_id[at]]]
                    runs = encode_counts(mask.counts)
                    lines.append(f"{frame} {int(labels.track_id[at])} {number} {mask.size[1]} {mask.size[0]} {runs}\n")
            yield f"{video.name}.txt", "".join(lines).encode()
        if own:
            listed = "".join(f"{number} {' '.join(name.split())}\n" for name, number in own.items())
            yield "labels.txt", listed.encode()


def class_numbers(names: tuple[str, ...]) -> dict[str, int]:
    """Return the class number of each name: MOTS' own, others from 3 on, past 10."""
    known = {name: number for number, name in MOTS_CLASSES.items()} | {"person": 2, "Car": 1, "Pedestrian": 2}
    result: dict[str, int] = {}
    free = iter(number for number in range(3, 10_000) if number != _IGNORE)
    for name in names:
        result[name] = known[name] if name in known else next(free)
    return result


def _sequences(path: Path) -> list[Path]:
    """Return text files that are sequences, not the list of classes."""
    return [file for file in found(path, ".txt") if file.name != "labels.txt"]


def _names(root: Path) -> dict[int, str]:
    names = dict(MOTS_CLASSES)
    file = root / "labels.txt"
    for line in text_of(file).splitlines() if file.is_file() else ():
        number, _, name = line.partition(" ")
        if number.isdigit() and len(number) < 6 and name.strip():
            names[int(number)] = name.strip()
    return names


def _only_masks(labels: Labels, loss: LossReport) -> Labels:
    """Return labels with masks only; later ones give way where two overlap."""
    sizes = frame_sizes(labels)
    shapes: dict[int, Shape] = {}
    frame = -1
    taken: NDArray[np.bool_] = np.zeros((0, 0), np.bool_)
    cut = 0
    for row in sorted(labels.shapes):
        shape = labels.shapes[row]
        width, height = sizes[labels.frame[row]].tolist()
        if isinstance(shape, Polygon) and width and height:
            shape = polygon_mask(shape, (width, height))
            loss.add(Fact.POLYGON.value, 1, "written as a pixel mask")
        if not isinstance(shape, Mask):
            continue
        pixels = pixels_of(shape)
        if int(labels.frame[row]) != frame or taken.shape != pixels.shape:
            frame, taken = int(labels.frame[row]), np.zeros_like(pixels)
        if bool((taken & pixels).any()):
            cut += 1
            pixels = pixels & ~taken
            shape = mask_of_pixels(pixels)
        taken = taken | pixels
        if bool(pixels.any()):
            shapes[row] = shape
    loss.add("overlapping mask", cut, "pixels that an earlier mask has are taken away")
    kept = np.isin(np.arange(len(labels)), np.fromiter(shapes, np.int64, len(shapes)))
    loss.add("label without mask", int((~kept).sum()), "left out")
    return replace(labels, shapes=shapes).select(kept)


def _numbered(labels: Labels, loss: LossReport) -> Labels:
    """Return labels whose track ids are class * 1000 + instance, kept where they are so already."""
    if not len(labels):
        return labels
    numbers = class_numbers(labels.ontology.names)
    of_row = np.array([numbers[name] for name in labels.ontology.names], np.int64)[labels.class_id]
    wanted = of_row * _PER_CLASS + labels.track_id % _PER_CLASS
    if bool((labels.track_id // _PER_CLASS == of_row).all()):
        return labels
    video = labels.frames.video[labels.frame].astype(np.int64)
    pairs, group = np.unique(np.stack([video, labels.track_id], axis=1), axis=0, return_inverse=True)
    group = group.ravel()
    is_small = bool((labels.track_id < _PER_CLASS).all())
    track_id = wanted
    if not is_small:
        instance = np.zeros(len(pairs), np.int64)
        counts: dict[tuple[int, int], int] = {}
        for number in range(len(pairs)):
            first = int(np.flatnonzero(group == number)[0])
            key = (int(video[first]), int(of_row[first]))
            counts[key] = counts.get(key, 0) + 1
            instance[number] = counts[key]
        track_id = of_row * _PER_CLASS + instance[group]
    loss.add(Fact.TRACK.value, len(pairs), "becomes class * 1000 + instance")
    return replace(labels, track_id=np.where(labels.track_id == NO_TRACK, NO_TRACK, track_id))
