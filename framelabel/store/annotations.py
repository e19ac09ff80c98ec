"""Table `annotations`: single facts in and out. Bulk reading is in `labels.py`, tracks in `tracks.py`."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson

from framelabel.core.annotations import NO_ATTRIBUTES, Annotation, AnnotationId, Origin, Provenance
from framelabel.core.frames import Span, VideoId
from framelabel.core.labels import Flag
from framelabel.core.tracks import Visibility
from framelabel.store import geometry
from framelabel.store.runs import now

COLUMNS = (
    "id, video_id, frame, class_id, track_id, x1, y1, x2, y2, score, visible, flags, visibility, uncertainty, "
    "origin, author, run_id, parents, attributes, shape, supersedes, is_deleted"
)
_INSERT = (
    "INSERT INTO annotations (video_id, frame, class_id, track_id, x1, y1, x2, y2, score, visible, flags, visibility, "
    "uncertainty, origin, author, run_id, parents, attributes, shape, supersedes, is_deleted, created_at) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def append(connection: sqlite3.Connection, annotations: Iterable[Annotation]) -> list[AnnotationId]:
    """Store annotations and return their new ids, in order."""
    first = next_id(connection)
    rows = [_row(annotation, now()) for annotation in annotations]
    connection.executemany(_INSERT, rows)
    return list(range(first, first + len(rows)))


def append_rows(connection: sqlite3.Connection, rows: Iterable[tuple[object, ...]]) -> None:
    """Store rows already in the table's column order (bulk import)."""
    connection.executemany(_INSERT, rows)


def next_id(connection: sqlite3.Connection) -> AnnotationId:
    """Return the id that the next appended row gets; ids are dense and ascending within a transaction."""
    return int(connection.execute("SELECT coalesce(max(id), 0) + 1 FROM annotations").fetchone()[0])


def select(
    connection: sqlite3.Connection,
    video_id: VideoId,
    span: Span | None = None,
    track_ids: Sequence[int] | None = None,
    *,
    history: bool = False,
) -> Iterator[Annotation]:
    """Yield annotations by frame and id; with `history` also those superseded and deletions."""
    table = "annotations" if history else "current_annotations"
    conditions, values = ["video_id = ?"], [int(video_id)]
    if span is not None:
        conditions.append("frame >= ? AND frame < ?")
        values += [span.start, span.stop]
    if track_ids is not None:
        conditions.append(f"track_id IN ({', '.join('?' * len(track_ids))})")
        values += [int(track_id) for track_id in track_ids]
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM {table} WHERE {' AND '.join(conditions)} ORDER BY frame, id",
        values,
    )
    return (_annotation(row) for row in rows)


def by_ids(connection: sqlite3.Connection, ids: Sequence[AnnotationId]) -> list[Annotation]:
    """Return annotations by id, in the order asked; ids that do not exist are left out."""
    found = {}
    for start in range(0, len(ids), 500):
        part = ids[start : start + 500]
        rows = connection.execute(
            f"SELECT {COLUMNS} FROM annotations WHERE id IN ({', '.join('?' * len(part))})",
            [int(item) for item in part],
        )
        found.update({row[0]: _annotation(row) for row in rows})
    return [found[item] for item in ids if item in found]


def _row(annotation: Annotation, created_at: str) -> tuple[object, ...]:
    flags = Flag.KEYFRAME if annotation.is_keyframe else Flag.NONE
    if annotation.visibility == Visibility.OCCLUDED:
        flags |= Flag.OCCLUDED
    if annotation.provenance.origin == Origin.PROPAGATION:
        flags |= Flag.PREDICTED
    return (
        annotation.video_id,
        annotation.frame,
        annotation.class_id,
        annotation.track_id,
        *(float(side) for side in annotation.xyxy),
        None if math.isnan(annotation.score) else annotation.score,
        None,
        int(flags | annotation.flags),
        int(annotation.visibility),
        annotation.uncertainty,
        annotation.provenance.origin.value,
        annotation.provenance.author,
        annotation.provenance.run_id,
        orjson.dumps(annotation.provenance.parents).decode(),
        orjson.dumps(dict(annotation.attributes)).decode() if annotation.attributes else "{}",
        geometry.to_text(annotation.shape),
        annotation.supersedes,
        int(annotation.is_deleted),
        created_at,
    )


def _annotation(row: tuple[Any, ...]) -> Annotation:
    """Make the annotation of one row in the order of COLUMNS."""
    flags = int(row[11])
    return Annotation(
        id=row[0],
        video_id=VideoId(row[1]),
        frame=row[2],
        class_id=row[3],
        track_id=row[4],
        xyxy=(row[5], row[6], row[7], row[8]),
        score=math.nan if row[9] is None else row[9],
        visibility=Visibility(row[12]),
        is_keyframe=bool(flags & Flag.KEYFRAME),
        flags=Flag(flags & ~_DERIVED),
        uncertainty=row[13],
        provenance=Provenance(Origin(row[14]), row[15], row[16], tuple(orjson.loads(row[17]))),
        attributes=orjson.loads(row[18]) if row[18] != "{}" else NO_ATTRIBUTES,
        shape=geometry.from_text(row[19]),
        supersedes=row[20],
        is_deleted=bool(row[21]),
    )


_DERIVED = Flag.KEYFRAME | Flag.OCCLUDED | Flag.PREDICTED
