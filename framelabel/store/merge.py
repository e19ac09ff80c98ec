"""Copy one project into another: every table, history and answers included, with ids moved out of each other's way."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping

import orjson

from framelabel.core.boxes import NO_TRACK
from framelabel.core.frames import VideoId
from framelabel.store import ontology, videos

_ANNOTATION_COLUMNS = (
    "id, video_id, frame, class_id, track_id, x1, y1, x2, y2, score, visible, flags, visibility, uncertainty, origin, "
    "author, run_id, parents, attributes, shape, supersedes, is_deleted, created_at, "
    "edit_id"
)


def copy(source: sqlite3.Connection, target: sqlite3.Connection) -> dict[str, int]:
    """Add everything of `source` to `target`; return how many rows each table gained.

    A video that both hold (the same decoded pictures) becomes one; its tracks from `source` get new ids, so that two
    people's work on one clip stays apart until it is merged by consensus or by hand.
    """
    merged = ontology.extend(target, ontology.read(source))
    classes = {row: merged.id_of(name) for row, name in enumerate(ontology.read(source).names)}
    classes[-1] = -1
    video_ids, gained = _copy_videos(source, target)
    run_offset, task_offset = _offset(target, "runs"), _offset(target, "tasks")
    annotation_offset, event_offset = _offset(target, "annotations"), _offset(target, "events")
    edit_offset = _offset(target, "edits")
    track_offsets = {old: _track_offset(target, new) for old, new in video_ids.items()}

    def track(video_id: int, track_id: int) -> int:
        return track_id if track_id == NO_TRACK else track_id + track_offsets[video_id]

    counts = {"videos": gained}
    rows = source.execute(
        "SELECT id, kind, video_id, key, config, facts, frames, done_count, started_at, finished_at FROM runs"
    )
    counts["runs"] = _insert(
        target,
        "runs (id, kind, video_id, key, config, facts, frames, done_count, started_at, finished_at)",
        (
            (row[0] + run_offset, row[1], video_ids.get(row[2]), f"{row[3]}+{row[0] + run_offset}", *row[4:])
            for row in rows
        ),
    )
    rows = source.execute("SELECT run_id, frame, class_id, x1, y1, x2, y2, score, shape FROM detections ORDER BY id")
    counts["detections"] = _insert(
        target,
        "detections (run_id, frame, class_id, x1, y1, x2, y2, score, shape)",
        ((row[0] + run_offset, row[1], classes[row[2]], *row[3:]) for row in rows),
    )
    rows = source.execute("SELECT run_id, frame, class_id, score FROM detected_tags ORDER BY id")
    counts["detected_tags"] = _insert(
        target,
        "detected_tags (run_id, frame, class_id, score)",
        ((row[0] + run_offset, row[1], classes[row[2]], row[3]) for row in rows),
    )
    rows = source.execute("SELECT id, video_id, author, title, start, stop, state, created_at FROM edits")
    counts["edits"] = _insert(
        target,
        "edits (id, video_id, author, title, start, stop, state, created_at)",
        ((row[0] + edit_offset, video_ids[row[1]], *row[2:]) for row in rows),
    )
    rows = source.execute(f"SELECT {_ANNOTATION_COLUMNS} FROM annotations ORDER BY id")
    counts["annotations"] = _insert(
        target,
        f"annotations ({_ANNOTATION_COLUMNS})",
        (
            (
                row[0] + annotation_offset,
                video_ids[row[1]],
                row[2],
                classes[row[3]],
                track(row[1], row[4]),
                *row[5:16],
                row[16] + run_offset if row[16] else 0,
                _moved(row[17], annotation_offset),
                *row[18:20],
                row[20] + annotation_offset if row[20] else 0,
                *row[21:23],
                row[23] + edit_offset if row[23] else 0,
            )
            for row in rows
        ),
    )
    rows = source.execute(
        "SELECT id, video_id, run_id, name, rule, start, stop, actors, evidence_frame, score, needs_review, attributes "
        "FROM events"
    )
    counts["events"] = _insert(
        target,
        "events (id, video_id, run_id, name, rule, start, stop, actors, evidence_frame, score, needs_review, "
        "attributes)",
        (
            (
                row[0] + event_offset,
                video_ids[row[1]],
                row[2] + run_offset if row[2] else 0,
                *row[3:7],
                orjson.dumps([track(row[1], actor) for actor in orjson.loads(row[7])]).decode(),
                *row[8:],
            )
            for row in rows
        ),
    )
    _copy_tasks(source, target, video_ids, track_offsets, task_offset, annotation_offset, event_offset)
    counts["answers"] = _insert(
        target,
        "answers (task_id, annotator, verdict, seconds, content, answered_at)",
        (
            (row[0] + task_offset, *row[1:])
            for row in source.execute(
                "SELECT task_id, annotator, verdict, seconds, content, answered_at FROM answers ORDER BY id"
            )
        ),
    )
    return counts


def _copy_videos(source: sqlite3.Connection, target: sqlite3.Connection) -> tuple[dict[int, VideoId], int]:
    """Return the target's id of every video of the source, and how many were added."""
    known = {row[0]: VideoId(row[1]) for row in target.execute("SELECT digest || pts, video_id FROM frame_indices")}
    by_id: dict[int, VideoId] = {}
    gained = 0
    for video in videos.all_videos(source):
        row = source.execute("SELECT digest || pts FROM frame_indices WHERE video_id = ?", (video.id,)).fetchone()
        if row is not None and row[0] in known:
            by_id[video.id] = known[row[0]]
            continue
        index = None if row is None else videos.index_of(source, video.id)
        by_id[video.id] = videos.add(target, video, index).id
        gained += 1
    return by_id, gained


def _copy_tasks(
    source: sqlite3.Connection,
    target: sqlite3.Connection,
    video_ids: Mapping[int, VideoId],
    track_offsets: Mapping[int, int],
    task_offset: int,
    annotation_offset: int,
    event_offset: int,
) -> None:
    columns = (
        "id, kind, video_id, start, stop, track_id, subject_id, question, choices, priority, answers_wanted, reason, "
        "gold, is_closed"
    )
    rows = source.execute(f"SELECT {columns} FROM tasks")
    _insert(
        target,
        f"tasks ({columns})",
        (
            (
                row[0] + task_offset,
                row[1],
                video_ids[row[2]],
                *row[3:5],
                row[5] if row[5] == NO_TRACK else row[5] + track_offsets[row[2]],
                row[6] + (event_offset if row[1] == "event" else annotation_offset) if row[6] else 0,
                *row[7:],
            )
            for row in rows
        ),
    )


def _insert(target: sqlite3.Connection, table: str, rows: Iterable[tuple[object, ...]]) -> int:
    """Insert rows into `name (columns)` and return how many."""
    marks = ", ".join("?" * (table.count(",") + 1))
    return target.executemany(f"INSERT INTO {table} VALUES ({marks})", rows).rowcount


def _offset(target: sqlite3.Connection, table: str) -> int:
    return int(target.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()[0])


def _track_offset(target: sqlite3.Connection, video_id: VideoId) -> int:
    row = target.execute("SELECT coalesce(max(track_id), 0) FROM annotations WHERE video_id = ?", (video_id,))
    return max(int(row.fetchone()[0]), 0)


def _moved(parents: str, offset: int) -> str:
    if parents == "[]":
        return parents
    return orjson.dumps([parent + offset for parent in orjson.loads(parents)]).decode()
