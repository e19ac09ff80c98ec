"""Annotations in bulk: the whole project (or some videos) as columnar `Labels`, and such labels into the project."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from framelabel.core.annotations import Provenance
from framelabel.core.frames import VideoId
from framelabel.core.labels import Flag, FrameTable, Labels
from framelabel.core.ontology import AttributeValue
from framelabel.core.shapes import Shape
from framelabel.core.tracks import Visibility
from framelabel.store import annotations as facts
from framelabel.store import geometry, ontology, videos
from framelabel.store.runs import all_runs, now

_CHUNK = 20_000


def read(connection: sqlite3.Connection, video_ids: Sequence[VideoId] | None = None) -> Labels:
    """Return the current labels. Frames are those that a run worked on or an annotation names, else all of a video.

    Rows where an object is absent or lost are left out: they are knowledge, not labels.
    """
    chosen = [video for video in videos.all_videos(connection) if video_ids is None or video.id in video_ids]
    frames = _frame_table(connection, [video.id for video in chosen])
    starts = np.searchsorted(frames.video, np.arange(len(chosen) + 1))
    parts: list[NDArray[np.float64]] = []
    shapes: dict[int, Shape] = {}
    attributes: dict[int, Mapping[str, AttributeValue]] = {}
    frame_attributes: dict[int, Mapping[str, AttributeValue]] = {}
    count = 0
    for row, video in enumerate(chosen):
        ordinals = frames.index[starts[row] : starts[row + 1]]
        for chunk in _chunks(connection, video.id):
            table = np.array([record[:12] for record in chunk], dtype=np.float64)
            table[:, 0] = starts[row] + np.searchsorted(ordinals, table[:, 0])
            is_tag = table[:, 1] < 0
            for position in np.flatnonzero(is_tag):
                known = frame_attributes.get(int(table[position, 0]), {})
                frame_attributes[int(table[position, 0])] = {**known, **orjson.loads(chunk[position][12])}
            kept = np.flatnonzero(~is_tag)
            for offset, position in enumerate(kept):
                text, shape = chunk[position][12], chunk[position][13]
                if text != "{}":
                    attributes[count + offset] = orjson.loads(text)
                if shape and (found := geometry.from_text(shape)) is not None:
                    shapes[count + offset] = found
            parts.append(table[kept])
            count += len(kept)
    table = np.concatenate(parts) if parts else np.zeros((0, 12))
    return Labels(
        ontology.read(connection),
        tuple(chosen),
        frames,
        table[:, 0].astype(np.int64),
        table[:, 3:7].copy(),
        table[:, 1].astype(np.int32),
        table[:, 2].astype(np.int64),
        table[:, 7].copy(),
        table[:, 9].astype(np.uint16),
        table[:, 8].copy(),
        shapes,
        attributes,
        frame_attributes,
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
    return len(labels)


def _chunks(connection: sqlite3.Connection, video_id: VideoId) -> Iterator[list[tuple[Any, ...]]]:
    """Yield rows (frame, class, track, x1, y1, x2, y2, score, visible, flags, visibility, id, attributes, shape)."""
    cursor = connection.execute(
        "SELECT frame, class_id, track_id, x1, y1, x2, y2, score, visible, flags, visibility, id, attributes, shape "
        "FROM current_annotations WHERE video_id = ? AND visibility <= ? ORDER BY frame, id",
        (video_id, int(Visibility.OCCLUDED)),
    )
    while chunk := cursor.fetchmany(_CHUNK):
        yield chunk


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
