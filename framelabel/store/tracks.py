"""Tracks as rows of `annotations` that share a video and a track id; nothing else stores a track."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
import orjson
from numpy.typing import NDArray

from framelabel.core.annotations import Origin, Provenance
from framelabel.core.frames import Span, VideoId
from framelabel.core.labels import Flag
from framelabel.core.ontology import AttributeValue
from framelabel.core.shapes import Shape
from framelabel.core.tracks import Track, Visibility
from framelabel.store import annotations as facts
from framelabel.store import geometry
from framelabel.store.runs import now

Detail = tuple[Mapping[str, AttributeValue], Shape | None]
"""Attributes and shape of one row."""
Details = Mapping[int, Mapping[int, Detail]]
"""Track id -> frame ordinal -> detail, where there is any."""


def put(
    connection: sqlite3.Connection,
    video_id: VideoId,
    tracks: Iterable[Track],
    provenance: Provenance,
    details: Details | None = None,
    flags: Mapping[tuple[int, int], Flag] | None = None,
) -> None:
    """Append every row of these tracks; rows where the object is absent or lost are stored with that state.

    `flags` adds to the flags of rows, by track id and frame ordinal.
    """
    created_at = now()
    for track in tracks:
        facts.append_rows(
            connection,
            _rows(
                video_id,
                track,
                provenance,
                created_at,
                np.zeros(len(track), np.int64),
                (details or {}).get(track.id),
                flags or {},
            ),
        )


def replace(
    connection: sqlite3.Connection,
    video_id: VideoId,
    track: Track,
    span: Span,
    provenance: Provenance,
    details: Mapping[int, Detail] | None = None,
) -> None:
    """Replace what is current of one track inside `span` by this track's rows there.

    Keyframes (human boxes) of the span stay as they are; every replaced row stays in the history. `details` holds
    shape and attributes by frame for rows that are more than their box.
    """
    rows = connection.execute(
        "SELECT frame, id, flags FROM current_annotations "
        "WHERE video_id = ? AND track_id = ? AND frame >= ? AND frame < ?",
        (video_id, track.id, span.start, span.stop),
    ).fetchall()
    human = {frame for frame, _, flags in rows if flags & Flag.KEYFRAME}
    older = {frame: row_id for frame, row_id, flags in rows if not flags & Flag.KEYFRAME}
    inside = np.array([int(frame) in span and int(frame) not in human for frame in track.frame], dtype=np.bool_)
    part = track.select(inside)
    supersedes = np.array([older.pop(int(frame), 0) for frame in part.frame], dtype=np.int64)
    created_at = now()
    facts.append_rows(connection, _rows(video_id, part, provenance, created_at, supersedes, details))
    remove(connection, list(older.values()), provenance)


def remove(connection: sqlite3.Connection, ids: Sequence[int], provenance: Provenance) -> None:
    """Append rows that delete these annotations; the originals stay in the history."""
    connection.executemany(
        "INSERT INTO annotations (video_id, frame, class_id, track_id, x1, y1, x2, y2, score, visible, flags, "
        "visibility, uncertainty, origin, author, run_id, parents, attributes, shape, supersedes, is_deleted, "
        "created_at) "
        "SELECT video_id, frame, class_id, track_id, x1, y1, x2, y2, score, visible, flags, visibility, uncertainty, "
        "?, ?, ?, '[]', '{}', '', id, 1, ? FROM annotations WHERE id = ?",
        [(provenance.origin.value, provenance.author, provenance.run_id, now(), row_id) for row_id in ids],
    )


def ids_with_flag(connection: sqlite3.Connection, video_id: VideoId, flag: Flag) -> set[int]:
    """Return the ids of tracks that have a current row with this flag."""
    rows = connection.execute(
        "SELECT DISTINCT track_id FROM current_annotations WHERE video_id = ? AND track_id >= 0 AND flags & ? > 0",
        (video_id, int(flag)),
    )
    return {row[0] for row in rows}


def remove_run(
    connection: sqlite3.Connection, video_id: VideoId, run_id: int, kept: Collection[int], provenance: Provenance
) -> None:
    """Remove the current rows that a run wrote, except those of the tracks `kept`."""
    rows = connection.execute(
        "SELECT id, track_id FROM current_annotations WHERE video_id = ? AND run_id = ?", (video_id, run_id)
    )
    remove(connection, [row_id for row_id, track_id in rows.fetchall() if track_id not in kept], provenance)


def select(
    connection: sqlite3.Connection,
    video_id: VideoId,
    span: Span | None = None,
    track_ids: Sequence[int] | None = None,
) -> list[Track]:
    """Return the current tracks of a video (those with at least one row in `span`), by id.

    A track's class is the class of most of its rows; the earlier class wins a tie.
    """
    conditions, values = ["video_id = ?"], [int(video_id)]
    if span is not None:
        conditions.append("frame >= ? AND frame < ?")
        values += [span.start, span.stop]
    if track_ids is None:
        conditions.append("track_id >= 0")
    else:
        wanted = [int(track_id) for track_id in track_ids if track_id >= 0]
        conditions.append(f"track_id IN ({', '.join('?' * len(wanted))})")
        values += wanted
    rows = connection.execute(
        "SELECT track_id, frame, x1, y1, x2, y2, flags, uncertainty, visibility, coalesce(score, 1.0), class_id, id "
        f"FROM current_annotations WHERE {' AND '.join(conditions)} ORDER BY track_id, frame, id",
        values,
    ).fetchall()
    table = np.array(rows, dtype=np.float64).reshape(-1, 12)
    # Two current rows of one track in one frame (imports from tools that allow it): the newest stands.
    newest = np.ones(len(table), np.bool_)
    newest[:-1] = np.any(table[1:, :2] != table[:-1, :2], axis=1)
    table = table[newest]
    starts = np.flatnonzero(np.diff(table[:, 0], prepend=-1.0))
    return [_track(part) for part in np.split(table, starts[1:])] if len(table) else []


def _track(table: NDArray[np.float64]) -> Track:
    classes = np.bincount(table[:, 10].astype(np.int64).clip(0))
    return Track.of(
        int(table[0, 0]),
        table[:, 1].astype(np.int64),
        table[:, 2:6],
        class_id=int(np.argmax(classes)),
        is_keyframe=(table[:, 6].astype(np.int64) & int(Flag.KEYFRAME)) > 0,
        uncertainty=table[:, 7],
        visibility=table[:, 8].astype(np.int8),
        score=table[:, 9],
    )


def _texts(detail: Detail) -> tuple[str, str]:
    attributes, shape = detail
    return orjson.dumps(dict(attributes)).decode(), geometry.to_text(shape)


def next_track_id(connection: sqlite3.Connection, video_id: VideoId) -> int:
    """Return an id that no track of this video ever had, also among superseded rows."""
    row = connection.execute("SELECT coalesce(max(track_id), 0) FROM annotations WHERE video_id = ?", (video_id,))
    return max(int(row.fetchone()[0]), 0) + 1


def _rows(
    video_id: VideoId,
    track: Track,
    provenance: Provenance,
    created_at: str,
    supersedes: NDArray[np.int64],
    details: Mapping[int, Detail] | None = None,
    added: Mapping[tuple[int, int], Flag] | None = None,
) -> list[tuple[object, ...]]:
    flags = np.where(track.is_keyframe, int(Flag.KEYFRAME), 0)
    flags |= np.where(track.visibility == Visibility.OCCLUDED, int(Flag.OCCLUDED), 0)
    predicted = np.full(len(track), provenance.origin == Origin.PROPAGATION) | (track.score == 0.0)
    flags |= np.where(predicted & ~track.is_keyframe, int(Flag.PREDICTED), 0)
    if added:
        flags |= np.array([int(added.get((track.id, frame), Flag.NONE)) for frame in track.frame.tolist()], np.int64)
    source = (provenance.origin.value, provenance.author, provenance.run_id, "[]")
    more = {frame: _texts(detail) for frame, detail in (details or {}).items()}
    return [
        (
            video_id,
            frame,
            track.class_id,
            track.id,
            *side,
            score,
            None,
            flag,
            state,
            doubt,
            *source,
            *more.get(frame, ("{}", "")),
            older,
            0,
            created_at,
        )
        for frame, side, score, flag, state, doubt, older in zip(
            track.frame.tolist(),
            track.xyxy.tolist(),
            track.score.tolist(),
            flags.tolist(),
            track.visibility.tolist(),
            track.uncertainty.tolist(),
            supersedes.tolist(),
            strict=True,
        )
    ]
