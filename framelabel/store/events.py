"""Table `events`: what rules found."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

import orjson

from framelabel.core.events import Event
from framelabel.core.frames import VideoId
from framelabel.store import runs
from framelabel.store.runs import Run


def append(connection: sqlite3.Connection, events: Iterable[Event]) -> None:
    """Store events; their ids are given here."""
    connection.executemany(
        "INSERT INTO events (video_id, run_id, name, rule, start, stop, actors, evidence_frame, score, needs_review, "
        "attributes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                event.video_id,
                event.run_id,
                event.name,
                event.rule,
                event.start,
                event.stop,
                orjson.dumps(event.actors).decode(),
                event.evidence_frame,
                event.score,
                int(event.needs_review),
                orjson.dumps(dict(event.attributes)).decode(),
            )
            for event in events
        ],
    )


def select(connection: sqlite3.Connection, video_id: VideoId | None = None) -> list[Event]:
    """Return the events of one video (or all), by video and time."""
    rows = connection.execute(
        "SELECT video_id, name, rule, start, stop, actors, evidence_frame, score, needs_review, attributes, id, run_id "
        "FROM events WHERE ? IS NULL OR video_id = ? ORDER BY video_id, start, id",
        (video_id, video_id),
    )
    return [
        Event(
            video_id=VideoId(row[0]),
            name=row[1],
            rule=row[2],
            start=row[3],
            stop=row[4],
            actors=tuple(orjson.loads(row[5])),
            evidence_frame=row[6],
            score=row[7],
            needs_review=bool(row[8]),
            attributes=orjson.loads(row[9]),
            id=row[10],
            run_id=row[11],
        )
        for row in rows
    ]


def replace_of_plugin(connection: sqlite3.Connection, run: Run, found: Sequence[Event]) -> None:
    """Store what a rules run found in place of what earlier runs of the same plugin found in this video."""
    plugin = run.config.get("plugin")
    for earlier in runs.all_runs(connection):
        is_same = earlier.kind == run.kind and earlier.video_id == run.video_id
        if is_same and earlier.config.get("plugin") == plugin:
            connection.execute("DELETE FROM events WHERE run_id = ?", (earlier.id,))
    append(connection, found)
    runs.finish(connection, run.id, {"events": len(found)})
