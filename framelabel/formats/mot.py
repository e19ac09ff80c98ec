"""MOTChallenge: `<sequence>/gt/gt.txt`, `det/det.txt` or results `<sequence>.txt`, with seqinfo.ini."""

from __future__ import annotations

import configparser
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import NO_TRACK
from framelabel.core.config import setting
from framelabel.core.errors import InvalidLabelsError, UnsupportedLabelsError
from framelabel.core.labels import Flag, Labels
from framelabel.core.ontology import ClassSpec
from framelabel.core.videos import Video
from framelabel.formats.builder import LabelsBuilder, make_video
from framelabel.formats.conventions import FRAMES_FROM_ONE, MOT_CLASSES
from framelabel.formats.files import found, head_of, inside, pieces, safe_stem, text_of
from framelabel.formats.holding import Fact, FrameSet, Holds, Rate
from framelabel.formats.numbering import fraction_of
from framelabel.formats.numbers import Floats, number_lines, xywh_restored, xyxy_to_xywh
from framelabel.formats.protocol import Format, Piece
from framelabel.formats.report import LossReport, Report
from framelabel.formats.tables import Rows, number_rows, whole_numbers

_BLOCK = 8_000


@dataclass(frozen=True)
class MotOptions:
    """Choices that files of this format leave open."""

    kind: str = setting("gt", help="which of the three files is written (and preferred when reading)",
                        choices=("gt", "det", "results"))  # fmt: skip
    pixel_origin: int = setting(0, help="number of the first pixel: 0 as tools do, 1 as the specification says")
    class_base: int = setting(1, help="number of the first line of labels.txt: 1, or 0 for X-AnyLabeling's files")


class Mot(Format[MotOptions]):
    """gt holds classes and visibility, results and detections hold scores. A target ending in .txt is one file."""

    name: ClassVar[str] = "mot"
    title: ClassVar[str] = "MOTChallenge"
    Options: ClassVar[type[MotOptions]] = MotOptions

    @classmethod
    def detect(cls, path: Path) -> bool:
        """Recognise seqinfo.ini, gt/gt.txt, or lines of six to ten numbers with commas."""
        if path.is_dir() and (found(path, "seqinfo.ini", limit=1) or found(path, "gt.txt", limit=1)):
            return True
        for file in found(path, ".txt", limit=1):
            fields = head_of(file).split(b"\n", 1)[0].strip().split(b",")
            return 6 <= len(fields) <= 12 and all(_is_number(field) for field in fields)
        return False

    def holds(self) -> Holds:
        """One size and whole rate for each video; all frames from the first to the last."""
        facts = {Fact.TRACK, Fact.FRAME_SIZE} if self.options.kind != "det" else {Fact.FRAME_SIZE}
        facts |= {Fact.VISIBLE, Fact.IGNORED} if self.options.kind == "gt" else {Fact.SCORE}
        return Holds(frozenset(facts), FrameSet.FULL, Rate.INTEGER, names_files=True, coordinates=self._restored)

    def fit(self, labels: Labels, loss: LossReport) -> Labels:
        """Also state what the columns demand: visibility 1 in gt and score 1 in results where unknown; one class."""
        labels = super().fit(labels, loss)
        if self.options.kind == "gt":
            unknown = np.isnan(labels.visible)
            loss.add("unknown visible share", int(unknown.sum()), "written as 1, the column must be filled")
            return replace(labels, visible=np.where(unknown, 1.0, labels.visible))
        unknown = np.isnan(labels.score)
        loss.add("unknown score", int(unknown.sum()), "written as 1, the column must be filled")
        if len(labels.ontology) and labels.ontology.names != ("pedestrian",):
            loss.add("class", len(labels), "results and detections have no class column; --kind gt has one")
            spec = (ClassSpec("pedestrian"),)
            labels = replace(
                labels, ontology=replace(labels.ontology, classes=spec), class_id=np.zeros(len(labels), np.int32)
            )
        return replace(labels, score=np.where(unknown, 1.0, labels.score))

    def parse(self, path: Path, report: Report) -> Labels:
        """Read every sequence below a folder, or one file."""
        builder = LabelsBuilder(report)
        for file in self._files(path):
            report.file = str(file)
            self._sequence(file, builder, report)
        return builder.build()

    def write(self, labels: Labels, path: Path | str) -> LossReport:
        """Write sequence folders, or one file when `path` ends in .txt."""
        place = Path(path)
        if place.suffix.lower() == ".txt":
            if len(labels.videos) > 1:
                raise UnsupportedLabelsError(f"{place}: one file holds one sequence, there are {len(labels.videos)}")
            return _OneFile(self.options).write_file(labels, place)
        return super().write(labels, place)

    def picture_paths(self, labels: Labels, path: Path) -> list[Path]:
        """Place pictures as `<seq>/img1/000001.jpg`."""
        root = path.absolute().parent if path.suffix else path.absolute()
        rows = zip(labels.frames.video.tolist(), labels.frames.index.tolist(), strict=True)
        names = [safe_stem(video.name) for video in labels.videos]
        return [root / names[video] / "img1" / f"{index + FRAMES_FROM_ONE:06d}.jpg" for video, index in rows]

    def render(self, labels: Labels) -> Iterator[Piece]:
        """Write `<seq>/seqinfo.ini` and gt or det, or `<seq>.txt` for results."""
        names, class_number = self._class_numbers(labels)
        for row, video in enumerate(labels.videos):
            name = video.name
            kind = self.options.kind
            file = f"{name}.txt" if kind == "results" else f"{name}/{kind}/{kind}.txt"
            yield f"{name}/seqinfo.ini", _sequence_info(video).encode()
            if names and kind == "gt":
                yield f"{name}/gt/labels.txt", "".join(f"{item}\n" for item in names).encode()
            yield file, b""
            for text in self._text(labels, row, class_number):
                yield file, text

    def _files(self, path: Path) -> list[Path]:
        if path.is_file():
            return [path]
        every = found(path, ".txt")
        wanted = {"gt": ("gt", "det"), "det": ("det", "gt"), "results": ()}[self.options.kind]
        for kind in wanted:
            files = [file for file in every if file.name == f"{kind}.txt" and file.parent.name == kind]
            if files:
                return files
        skipped = {"labels.txt", "SOURCE.txt", "README.txt"}
        files = [file for file in every if file.parent.name not in ("gt", "det") and file.name not in skipped]
        if not files:
            raise InvalidLabelsError(f"{path}: no gt/gt.txt, det/det.txt or results *.txt below")
        return files

    def _sequence(self, file: Path, builder: LabelsBuilder, report: Report) -> None:
        in_layout = file.parent.name in ("gt", "det") and file.stem == file.parent.name
        root = file.parent.parent if in_layout else file.parent / file.stem
        video = _video_of(root, report)
        row = builder.video(video)
        names = _class_names(file)
        builder.add_run(row, range(video.frame_count))
        for table, lines in number_rows(pieces(file), report, least=6):
            self._take((table, lines), builder, row, names, kind_of(file, table))

    def _take(
        self,
        rows: Rows,
        builder: LabelsBuilder,
        video: int,
        names: list[str],
        kind: str,
    ) -> None:
        table, lines = rows
        good = whole_numbers(table[:, 0]) & whole_numbers(table[:, 1]) & (table[:, 0] >= FRAMES_FROM_ONE)
        good &= table[:, 0] < 10_000_000
        for row in np.flatnonzero(~good)[:1000]:
            fault = f"frame {table[row, 0]:g} or id {table[row, 1]:g} is not a whole number from 1"
            builder.report.skip(f"line {lines[row]}", fault, "frames start at 1 in MOTChallenge files")
        table, lines = table[good], lines[good]
        if not len(table):
            return
        index = table[:, 0].astype(np.int64) - FRAMES_FROM_ONE
        unique, inverse = np.unique(index, return_inverse=True)
        frames = builder.frames(video, unique)[inverse.ravel()]
        has_class = kind == "gt" and table.shape[1] in (8, 9)
        class_id = self._classes(table[:, 7], names, builder) if has_class else builder.class_id("pedestrian")
        conf = table[:, 6] if table.shape[1] > 6 else np.ones(len(table))
        xywh = table[:, 2:6].copy()
        xywh[:, :2] -= self.options.pixel_origin
        track = table[:, 1].astype(np.int64)
        builder.extend(
            frames,
            np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1),
            class_id,
            lambda row: f"line {lines[row]}",
            track_id=np.where(track < 0, NO_TRACK, track),
            score=np.nan if kind == "gt" else conf,
            flags=np.where(conf == 0, int(Flag.IGNORED), 0) if kind == "gt" else 0,
            visible=table[:, 8] if has_class and table.shape[1] > 8 else np.nan,
        )

    def _classes(self, column: NDArray[np.float64], names: list[str], builder: LabelsBuilder) -> NDArray[np.int64]:
        base = self.options.class_base if names else 1
        known = names or list(MOT_CLASSES)
        numbers, inverse = np.unique(np.nan_to_num(column, nan=1), return_inverse=True)
        ids = []
        for number in numbers.tolist():
            position = int(number) - base
            ids.append(builder.class_id(known[position] if 0 <= position < len(known) else f"class_{number:g}"))
        return np.array(ids, np.int64)[inverse.ravel()]

    def _restored(self, xyxy: Floats) -> Floats:
        origin = float(self.options.pixel_origin)
        return np.asarray(xywh_restored(xyxy + origin) - [origin, origin, origin, origin] if origin else
                          xywh_restored(xyxy), dtype=np.float64)  # fmt: skip

    def _class_numbers(self, labels: Labels) -> tuple[list[str], NDArray[np.int64]]:
        """Return the lines of labels.txt (none for MOTChallenge's own classes) and the number of each class."""
        names = list(labels.ontology.names)
        if set(names) <= set(MOT_CLASSES):
            return [], np.array([MOT_CLASSES.index(name) + 1 for name in names] or [1], np.int64)
        clean = [" ".join(name.split()) for name in names]
        return clean, np.arange(len(names)) + self.options.class_base

    def _text(self, labels: Labels, video: int, class_number: NDArray[np.int64]) -> Iterator[bytes]:
        first, last = np.searchsorted(labels.frame, np.searchsorted(labels.frames.video, [video, video + 1]))
        for start in range(int(first), int(last), _BLOCK):
            rows = slice(start, min(start + _BLOCK, int(last)))
            xyxy = labels.xyxy[rows] + self.options.pixel_origin
            count = len(xyxy)
            frame, box = labels.frames.index[labels.frame[rows]] + FRAMES_FROM_ONE, xyxy_to_xywh(xyxy)
            track = labels.track_id[rows] if self.options.kind != "det" else np.full(count, NO_TRACK)
            if self.options.kind == "gt":
                scored = (labels.flags[rows] & np.uint16(Flag.IGNORED)) == 0
                number = class_number[labels.class_id[rows]]
                yield number_lines(frame, track, box, scored, number, labels.visible[rows])
            else:
                nowhere = np.full(count, -1)
                yield number_lines(frame, track, box, labels.score[rows], nowhere, nowhere, nowhere)


class _OneFile(Mot):
    """One text file without seqinfo.ini: size, rate and length of the video are not in it."""

    def holds(self) -> Holds:
        held = super().holds()
        return replace(held, facts=held.facts - {Fact.FRAME_SIZE}, rate=Rate.NONE, frames=FrameSet.LABELLED)

    def write_file(self, labels: Labels, path: Path) -> LossReport:
        """Write to `path` itself."""
        return Format.write(self, labels, path)

    def render(self, labels: Labels) -> Iterator[Piece]:
        _, class_number = self._class_numbers(labels)
        yield "", b""
        for row in range(len(labels.videos)):
            yield from (("", text) for text in self._text(labels, row, class_number))


def kind_of(file: Path, table: NDArray[np.float64]) -> str:
    """Return "gt" or "results": by folder, else by width (gt has 9 columns, results 10)."""
    if file.parent.name in ("gt", "det"):
        return "gt" if file.parent.name == "gt" else "results"
    return "gt" if table.shape[1] == 9 else "results"


def _video_of(root: Path, report: Report) -> Video:
    """Return what seqinfo.ini says of a sequence; unknown facts are 0."""
    file = inside(root, "seqinfo.ini")
    if file is None or not file.is_file():
        return make_video(root.name)
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    try:
        parser.read_string(text_of(file))
    except configparser.Error as error:
        report.warn(
            "seqinfo.ini", f"cannot be read: {' '.join(str(error).split())[:120]}", "section [Sequence] is needed"
        )
        return make_video(root.name)
    section = parser["Sequence"] if parser.has_section("Sequence") else {}
    numbers = {}
    for key in ("imwidth", "imheight", "seqlength"):
        text = str(section.get(key, "0")).strip()
        numbers[key] = int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0
        if text and not numbers[key] and text != "0":
            report.warn("seqinfo.ini", f"{key} = {text[:40]!r} is not a whole number")
    name = str(section.get("name", "")).strip() or root.name
    rate = fraction_of(section.get("framerate"))
    return make_video(name, (numbers["imwidth"], numbers["imheight"]), numbers["seqlength"], rate)


def _sequence_info(video: Video) -> str:
    """Return seqinfo.ini with exactly the seven keys that tools assert."""
    return (
        f"[Sequence]\nname={video.name}\nimDir=img1\nframeRate={int(video.fps)}\nseqLength={video.frame_count}\n"
        f"imWidth={video.width}\nimHeight={video.height}\nimExt=.jpg\n"
    )


def _class_names(file: Path) -> list[str]:
    names = file.parent / "labels.txt"
    return [line.strip() for line in text_of(names).splitlines() if line.strip()] if names.is_file() else []


def _is_number(field: bytes) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True
