"""Annotations in bulk: the whole project (or some videos) as columnar `Labels`, and such labels into the project."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from framelabel.core.annotations import Provenance
from framelabel.core.events import Event
from framelabel.core.frames import VideoId
from framelabel.core.labels import Flag, FrameTable, Labels
from framelabel.core.ontology import AttributeValue
from framelabel.core.shapes import Shape
from framelabel.core.tracks import Visibility
from framelabel.core.videos import Video
from framelabel.store import annotations as facts
from framelabel.store import events, geometry, ontology, videos
from framelabel.store.runs import all_runs, now

_CHUNK = 20_000
_COLUMNS: tuple[tuple[int | slice, type[np.generic]], ...] = (
    (0, np.int64),
    (1, np.int32),
    (2, np.int64),
    (slice(3, 7), np.float64),
    (7, np.float64),
    (8, np.float64),
    (9, np.uint16),
)
"""Place in a block of `_chunks` and type of frame, class, track, box, score, visible share and flags."""


def read(connection: sqlite3.Connection, video_ids: Sequence[VideoId] | None = None) -> Labels:
    """Return the current labels. Frames are those that a run worked on or an annotation names, else all of a video.

    Rows where an object is absent or lost are left out: they are knowledge, not labels.
    """
    chosen = [video for video in videos.all_videos(connection) if video_ids is None or video.id in video_ids]
    frames = _frame_table(connection, [video.id for video in chosen])
    starts = np.searchsorted(frames.video, np.arange(len(chosen) + 1))
    parts: list[list[NDArray[Any]]] = []
    shapes: dict[int, Shape] = {}
    attributes: dict[int, Mapping[str, AttributeValue]] = {}
    frame_attributes: dict[int, Mapping[str, AttributeValue]] = {}
    count = 0
    for row, video in enumerate(chosen):
        ordinals = frames.index[starts[row] : starts[row + 1]]
        detailed: dict[int, int] = {}
        has_tags = False
        for table in _chunks(connection, video.id):
            boxes = table[table[:, 1] >= 0]
            has_tags = has_tags or len(boxes) < len(table)
            boxes[:, 0] = starts[row] + np.searchsorted(ordinals, boxes[:, 0])
            more = np.flatnonzero(boxes[:, 11])
            detailed.update(zip(boxes[more, 10].astype(np.int64).tolist(), (count + more).tolist(), strict=True))
            parts.append([boxes[:, part].astype(kind) for part, kind in _COLUMNS])
            count += len(boxes)
        for row_id, text, shape in _details(connection, video.id) if detailed else ():
            if text != "{}":
                attributes[detailed[row_id]] = orjson.loads(text)
            if shape and (found := geometry.from_text(shape)) is not None:
                shapes[detailed[row_id]] = found
        for ordinal, text in _tags(connection, video.id) if has_tags else ():
            place = int(starts[row] + np.searchsorted(ordinals, ordinal))
            frame_attributes[place] = {**frame_attributes.get(place, {}), **orjson.loads(text)}
    frame, class_id, track_id, xyxy, score, visible, flags = (
        np.concatenate([part[number] for part in parts]) if parts else np.zeros((0, 4) if number == 3 else 0, kind)
        for number, (_, kind) in enumerate(_COLUMNS)
    )
    for column in (score, visible):
        column[np.isinf(column)] = np.nan
    return Labels(
        ontology.read(connection),
        tuple(chosen),
        frames,
        frame,
        xyxy,
        class_id,
        track_id,
        score,
        flags,
        visible,
        shapes,
        attributes,
        frame_attributes,
        _events(connection, chosen),
    )


def count_by_class(connection: sqlite3.Connection) -> dict[str, int]:
    """Return how many current labels there are of each class, by name."""
    rows = connection.execute(
        "SELECT name, count(*) FROM current_annotations JOIN classes ON classes.id = class_id "
        "WHERE visibility <= ? GROUP BY class_id ORDER BY class_id",
        (int(Visibility.OCCLUDED),),
    )
    return dict(rows.fetchall())


def append(connection: sqlite3.Connection, labels: Labels, video_ids: Sequence[VideoId], provenance: Provenance) -> int:
    """Store labels whose `videos` row k is the project's video `video_ids[k]`; return how many rows were stored."""
    merged = ontology.extend(connection, labels.ontology)
    classes = np.array([merged.id_of(name) for name in labels.ontology.names] or [0], dtype=np.int64)
    created_at = now()
    source = (provenance.origin.value, provenance.author, provenance.run_id, "[]")
    video_of = np.array([int(item) for item in video_ids] or [0], dtype=np.int64)[labels.frames.video]

    def rows() -> Iterator[tuple[object, ...]]:
        for row in range(len(labels)):
            frame_row = labels.frame[row]
            flags = int(labels.flags[row])
            values = labels.attributes.get(row)
            yield (
                int(video_of[frame_row]),
                int(labels.frames.index[frame_row]),
                int(classes[labels.class_id[row]]),
                int(labels.track_id[row]),
                *labels.xyxy[row].tolist(),
                None if np.isnan(labels.score[row]) else float(labels.score[row]),
                None if np.isnan(labels.visible[row]) else float(labels.visible[row]),
                flags,
                int(Visibility.OCCLUDED if flags & Flag.OCCLUDED else Visibility.VISIBLE),
                0.0,
                *source,
                orjson.dumps(dict(values)).decode() if values else "{}",
                geometry.to_text(labels.shapes.get(row)),
                0,
                0,
                created_at,
            )
        for frame_row, tags in labels.frame_attributes.items():
            place = (int(video_of[frame_row]), int(labels.frames.index[frame_row]))
            text = orjson.dumps(dict(tags)).decode()
            yield (*place, -1, -1, 0.0, 0.0, 0.0, 0.0, None, None, 0, 0, 0.0, *source, text, "", 0, 0, created_at)

    facts.append_rows(connection, rows())
    found = [
        replace(event, video_id=video_ids[int(event.video_id)], run_id=provenance.run_id) for event in labels.events
    ]
    events.append(connection, found)
    return len(labels)


def _events(connection: sqlite3.Connection, chosen: Sequence[Video]) -> tuple[Event, ...]:
    """Return what rules found in these videos; an event's video is its row among them."""
    rows = {video.id: row for row, video in enumerate(chosen)}
    return tuple(
        replace(event, video_id=VideoId(rows[event.video_id]))
        for event in events.select(connection)
        if event.video_id in rows
    )


def _chunks(connection: sqlite3.Connection, video_id: VideoId) -> Iterator[NDArray[np.float64]]:
    """Yield (n, 12) blocks: frame, class, track, x1, y1, x2, y2, score, visible, flags, id, has attributes or a shape.

    What is not stated is infinite: numbers alone come out of SQLite several times faster than rows with text.
    """
    cursor = connection.execute(
        "SELECT frame, class_id, track_id, x1, y1, x2, y2, ifnull(score, 9e999), ifnull(visible, 9e999), flags, id, "
        "attributes != '{}' OR shape != '' FROM current_annotations WHERE video_id = ? AND visibility <= ? "
        "ORDER BY frame, id",
        (video_id, int(Visibility.OCCLUDED)),
    )
    while chunk := cursor.fetchmany(_CHUNK):
        yield np.fromiter(chain.from_iterable(chunk), np.float64, 12 * len(chunk)).reshape(-1, 12)


def _details(connection: sqlite3.Connection, video_id: VideoId) -> Iterator[tuple[int, str, str]]:
    """Yield (id, attributes, shape) of the boxes that have either."""
    yield from connection.execute(
        "SELECT id, attributes, shape FROM current_annotations WHERE video_id = ? AND visibility <= ? "
        "AND class_id >= 0 AND (attributes != '{}' OR shape != '') ORDER BY frame, id",
        (video_id, int(Visibility.OCCLUDED)),
    )


def _tags(connection: sqlite3.Connection, video_id: VideoId) -> Iterator[tuple[int, str]]:
    """Yield (frame, attributes) of the whole-frame tags, older ones first."""
    yield from connection.execute(
        "SELECT frame, attributes FROM current_annotations WHERE video_id = ? AND visibility <= ? AND class_id < 0 "
        "ORDER BY frame, id",
        (video_id, int(Visibility.OCCLUDED)),
    )


def _frame_table(connection: sqlite3.Connection, video_ids: Sequence[VideoId]) -> FrameTable:
    worked: dict[int, list[NDArray[np.int64]]] = {}
    for run in all_runs(connection):
        worked.setdefault(int(run.video_id), []).append(run.frames)
    video_rows, indices = [], []
    for row, video_id in enumerate(video_ids):
        named = connection.execute("SELECT DISTINCT frame FROM annotations WHERE video_id = ?", (video_id,)).fetchall()
        parts = [*worked.get(int(video_id), []), np.array(named, dtype=np.int64).reshape(-1)]
        found = np.unique(np.concatenate(parts))
        if not len(found):
            found = np.arange(videos.by_id(connection, video_id).frame_count)
        indices.append(found)
        video_rows.append(np.full(len(found), row, np.int32))
    if not indices:
        return FrameTable(np.zeros(0, np.int32), np.zeros(0, np.int64))
    return FrameTable(np.concatenate(video_rows), np.concatenate(indices))
