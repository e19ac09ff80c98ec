"""Flat tables for DuckDB, pandas and Polars: one row for each box (and for each frame without one), CSV or Parquet."""

from __future__ import annotations

import csv
import io
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import orjson

from framelabel.core.boxes import NO_TRACK
from framelabel.core.errors import InvalidLabelsError, MissingExtraError
from framelabel.core.labels import Labels
from framelabel.formats.builder import LabelsBuilder, make_video
from framelabel.formats.conventions import FLAG_ATTRIBUTES, default_name
from framelabel.formats.files import head_of, text_of
from framelabel.formats.holding import EVERYTHING, Fact, Holds, Rate, frame_names, frame_sizes
from framelabel.formats.numbering import fraction_of
from framelabel.formats.protocol import Format, Piece
from framelabel.formats.report import Report
from framelabel.formats.shape_text import shape_of_text, text_of_shape

_BLOCK = 50_000
_TEXTS = ("video", "picture", "fps", "class", "shape", "attributes", "frame_attributes")
_WHOLES = ("video_length", "frame", "width", "height", "track_id")
_NUMBERS = ("x1", "y1", "x2", "y2", "score", "visible")
_FLAGS = tuple(FLAG_ATTRIBUTES.values())
COLUMNS = (
    "video", "video_length", "fps", "frame", "picture", "width", "height", "class", "track_id",
    *_NUMBERS, *_FLAGS, "shape", "attributes", "frame_attributes",
)  # fmt: skip
"""In this order. Pixels are continuous with x2, y2 exclusive; frames count from 0; empty fields mean not stated."""
_NEEDED = ("frame", "class", "x1", "y1", "x2", "y2")

Record = dict[str, Any]


@dataclass(frozen=True)
class TableOptions:
    """Tables have no choices."""


class FlatTable(Format[TableOptions]):
    """What CSV and Parquet share: the columns, and rows from and to labels."""

    Options: ClassVar[type[TableOptions]] = TableOptions

    def holds(self) -> Holds:
        """Everything but descriptions of classes and classes without labels."""
        return Holds(
            EVERYTHING - {Fact.JOINTS, Fact.CLASS_ATTRIBUTES, Fact.SUPERCATEGORY, Fact.UNUSED_CLASS}, rate=Rate.EXACT
        )

    @abstractmethod
    def records(self, path: Path, report: Report) -> Iterator[tuple[str, Record]]:
        """Yield (place, row) of a file; None and "" mean not stated."""

    def parse(self, path: Path, report: Report) -> Labels:
        """Read one file."""
        builder = LabelsBuilder(report)
        videos: dict[str, int] = {}
        is_default = True
        for where, record in self.records(path, report):
            with report.record(where):
                name = str(record.get("video") or path.stem)
                if name not in videos:
                    count, fps = _whole(record.get("video_length")), fraction_of(record.get("fps"))
                    size = (_whole(record.get("width")), _whole(record.get("height")))
                    picture = str(record.get("picture") or "")
                    is_set = bool(picture) and not fps
                    videos[name] = builder.video(make_video(name, (0, 0) if is_set else size, count, fps))
                row, index = videos[name], int(record["frame"])
                picture = str(record.get("picture") or "")
                is_default = is_default and picture in ("", default_name(name, index))
                size = (_whole(record.get("width")), _whole(record.get("height")))
                frame = builder.frame(row, index, picture, size)
                if tags := record.get("frame_attributes"):
                    builder.frame_attributes[frame] = _mapping(tags)
                if record.get("class") not in (None, ""):
                    _add(record, frame, where, builder)
        if is_default:
            builder.forget_names()
        return builder.build()

    def tables(self, labels: Labels) -> Iterator[dict[str, list[Any]]]:
        """Yield blocks of columns, frame by frame."""
        names = frame_names(labels, default_name)
        sizes = frame_sizes(labels)
        table = labels.frames
        counts = np.bincount(labels.frame, minlength=len(table)) if len(table) else np.zeros(0, np.int64)
        frame = np.repeat(np.arange(len(table)), np.maximum(counts, 1))
        row = np.full(len(frame), -1, np.int64)
        row[np.repeat(counts > 0, np.maximum(counts, 1))] = np.arange(len(labels))
        for start in range(0, len(frame), _BLOCK):
            places, rows = frame[start : start + _BLOCK], row[start : start + _BLOCK]
            yield _columns(labels, (names, sizes.tolist()), places, rows)


class Csv(FlatTable):
    """CSV with a header line, UTF-8."""

    name: ClassVar[str] = "csv"
    title: ClassVar[str] = "CSV"

    @classmethod
    def detect(cls, path: Path) -> bool:
        """Recognise a header with frame, class and the four sides."""
        if not path.is_file() or path.suffix.lower() not in (".csv", ""):
            return False
        header = head_of(path).split(b"\n", 1)[0].decode("utf-8", "replace").strip().split(",")
        return set(_NEEDED) <= set(header)

    def records(self, path: Path, report: Report) -> Iterator[tuple[str, Record]]:
        """Yield rows by line; a row with too few or too many fields is skipped."""
        reader = csv.reader(io.StringIO(text_of(path).replace("\0", ""), newline=""))
        try:
            header = next(reader, [])
            if not set(_NEEDED) <= set(header):
                raise InvalidLabelsError(f"{path}: line 1: the header must name {', '.join(_NEEDED)}")
            for fields in reader:
                where = f"line {reader.line_num}"
                if len(fields) != len(header):
                    report.skip(where, f"has {len(fields)} fields, the header {len(header)}", "complete the line")
                    continue
                yield where, dict(zip(header, fields, strict=True))
        except csv.Error as error:
            report.skip(f"line {reader.line_num}", f"not readable as CSV: {error}; the rest of the file is not read")

    def render(self, labels: Labels) -> Iterator[Piece]:
        """Write one file."""
        yield "", (",".join(COLUMNS) + "\n").encode()
        for block in self.tables(labels):
            text = io.StringIO()
            writer = csv.writer(text, lineterminator="\n")
            writer.writerows(zip(*(map(_cell, block[name]) for name in COLUMNS), strict=True))
            yield "", text.getvalue().encode()


class Parquet(FlatTable):
    """Parquet with the same columns; needs pyarrow (`pip install framelabel[tables]`)."""

    name: ClassVar[str] = "parquet"
    title: ClassVar[str] = "Parquet"

    @classmethod
    def detect(cls, path: Path) -> bool:
        """Recognise the file's first four bytes."""
        return path.is_file() and head_of(path, 4) == b"PAR1"

    def records(self, path: Path, report: Report) -> Iterator[tuple[str, Record]]:  # noqa: ARG002 - the seam's signature
        """Yield rows by number from 0."""
        pyarrow, parquet = _pyarrow()
        try:
            file = parquet.ParquetFile(path)
            names = file.schema_arrow.names
            if not set(_NEEDED) <= set(names):
                raise InvalidLabelsError(f"{path}: the columns {', '.join(_NEEDED)} are needed, found {names}"[:300])
            number = 0
            for batch in file.iter_batches(_BLOCK):
                for record in batch.to_pylist():
                    yield f"row {number}", record
                    number += 1
        except (pyarrow.lib.ArrowException, OSError, ValueError) as error:
            if isinstance(error, InvalidLabelsError):
                raise
            raise InvalidLabelsError(
                f"{path}: not a readable Parquet file: {' '.join(str(error).split())[:150]}"
            ) from None

    def render(self, labels: Labels) -> Iterator[Piece]:
        """Write one file, a row group for each block."""
        pyarrow, parquet = _pyarrow()
        kinds = {
            **dict.fromkeys(_TEXTS, pyarrow.string()),
            **dict.fromkeys(_WHOLES, pyarrow.int64()),
            **dict.fromkeys(_NUMBERS, pyarrow.float64()),
            **dict.fromkeys(_FLAGS, pyarrow.bool_()),
        }
        schema = pyarrow.schema([(name, kinds[name]) for name in COLUMNS])
        buffer = io.BytesIO()
        with parquet.ParquetWriter(buffer, schema, compression="zstd") as writer:
            for block in self.tables(labels):
                writer.write_table(pyarrow.table(block, schema=schema))
                yield "", buffer.getvalue()
                buffer.seek(0)
                buffer.truncate()
        yield "", buffer.getvalue()


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise MissingExtraError("Parquet needs pyarrow: pip install 'framelabel[tables]'") from None
    return pa, parquet


def _columns(labels: Labels, facts: tuple[Any, Any], places: Any, rows: Any) -> dict[str, list[Any]]:
    names, sizes = facts
    table = labels.frames
    videos = [labels.videos[row] for row in table.video[places].tolist()]
    known = rows >= 0
    taken = np.where(known, rows, 0)
    block: dict[str, list[Any]] = {
        "video": [video.name for video in videos],
        "video_length": [video.frame_count for video in videos],
        "fps": [str(video.fps) if video.fps else None for video in videos],
        "frame": table.index[places].tolist(),
        "picture": [names[place] for place in places.tolist()],
        "width": [sizes[place][0] or None for place in places.tolist()],
        "height": [sizes[place][1] or None for place in places.tolist()],
    }
    tags = [labels.frame_attributes.get(place) for place in places.tolist()]
    block["frame_attributes"] = [orjson.dumps(dict(values)).decode() if values else None for values in tags]
    if not len(labels):
        return block | {name: [None] * len(rows) for name in COLUMNS if name not in block}
    given = known.tolist()
    class_names = labels.ontology.names
    block["class"] = [
        class_names[c] if k else None for c, k in zip(labels.class_id[taken].tolist(), given, strict=True)
    ]
    tracks = labels.track_id[taken].tolist()
    block["track_id"] = [t if k and t != NO_TRACK else None for t, k in zip(tracks, given, strict=True)]
    numbers = (*labels.xyxy[taken].T, labels.score[taken], labels.visible[taken])
    for name, column in zip(_NUMBERS, numbers, strict=True):
        stated = (known & ~np.isnan(column)).tolist()
        block[name] = [value if k else None for value, k in zip(column.tolist(), stated, strict=True)]
    for flag, name in FLAG_ATTRIBUTES.items():
        raised = ((labels.flags[taken] & np.uint16(flag)) != 0).tolist()
        block[name] = [value if k else None for value, k in zip(raised, given, strict=True)]
    listed = rows.tolist()
    block["shape"] = [text_of_shape(labels.shapes.get(row)) or None for row in listed]
    free = [labels.attributes.get(row) for row in listed]
    block["attributes"] = [orjson.dumps(dict(values)).decode() if values else None for values in free]
    return block


def _add(record: Record, frame: int, where: str, builder: LabelsBuilder) -> None:
    flags = 0
    for flag, name in FLAG_ATTRIBUTES.items():
        flags |= int(flag) if str(record.get(name)).lower() in ("true", "1") else 0
    track = record.get("track_id")
    builder.add(
        frame,
        [float(record[side]) for side in ("x1", "y1", "x2", "y2")],
        builder.class_id(str(record["class"])),
        where,
        track_id=NO_TRACK if track in (None, "") else int(float(track)),
        score=_float(record.get("score")),
        visible=_float(record.get("visible")),
        flags=flags,
        shape=shape_of_text(record.get("shape") or ""),
        attributes=_mapping(record["attributes"]) if record.get("attributes") else None,
    )


def _mapping(text: Any) -> Mapping[str, Any]:
    value = orjson.loads(text)
    if not isinstance(value, dict):
        msg = "attributes must be a JSON object"
        raise TypeError(msg)
    return {str(key): item for key, item in value.items() if isinstance(item, (str, int, float, bool))}


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else value


def _float(value: Any) -> float:
    return np.nan if value in (None, "") else float(value)


def _whole(value: Any) -> int:
    return 0 if value in (None, "") else min(max(int(float(value)), 0), 100_000_000)
