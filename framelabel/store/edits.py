"""Table `edits`: what people change, each change one step of undo. Nothing is ever taken out: undoing hides rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import orjson

from framelabel.core.annotations import Annotation, Provenance
from framelabel.core.boxes import NO_TRACK
from framelabel.core.errors import UsageError
from framelabel.core.frames import Span, VideoId
from framelabel.core.ontology import AttributeValue
from framelabel.store import annotations as facts
from framelabel.store.runs import now

T = TypeVar("T")

_DONE, _UNDONE, _DISCARDED = 0, 1, 2
_SELECT = "SELECT video_id, author, title, start, stop, id, request FROM edits"


@dataclass(frozen=True, slots=True)
class Edit:
    """One change by one person."""

    video_id: VideoId
    author: str
    title: str
    """What it did, in the words of the undo button: "move car 7"."""
    span: Span
    """Frames that look different afterwards."""
    id: int = 0
    request: str = ""
    """Name that the sender gave it, so that sending it again changes nothing; "" for none."""


def perform(
    connection: sqlite3.Connection, edit: Edit, change: Callable[[sqlite3.Connection], T]
) -> tuple[Edit, T | None]:
    """Run `change`; every annotation that it appends belongs to this edit. What the author had undone is gone then.

    An edit whose request was done before is not done again: the first one is returned, with None as its result.
    """
    done = of_request(connection, edit.author, edit.request)
    if done is not None:
        return done, None
    first = facts.next_id(connection)
    result = change(connection)
    cursor = connection.execute(
        "INSERT INTO edits (video_id, author, title, start, stop, state, created_at, request) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (edit.video_id, edit.author, edit.title, edit.span.start, edit.span.stop, _DONE, now(), edit.request),
    )
    edit_id = int(cursor.lastrowid or 0)
    connection.execute("UPDATE annotations SET edit_id = ? WHERE id >= ?", (edit_id, first))
    connection.execute("UPDATE edits SET state = ? WHERE author = ? AND state = ?", (_DISCARDED, edit.author, _UNDONE))
    return replace(edit, id=edit_id), result


def extend(connection: sqlite3.Connection, edit_id: int, change: Callable[[sqlite3.Connection], object]) -> None:
    """Run a change that follows from an edit: its rows come and go with it, also when it has been undone meanwhile."""
    first = facts.next_id(connection)
    change(connection)
    connection.execute("UPDATE annotations SET edit_id = ? WHERE id >= ?", (edit_id, first))


def of_request(connection: sqlite3.Connection, author: str, request: str) -> Edit | None:
    """Return the edit that an author's request made; None when it has made none."""
    if not request:
        return None
    row = connection.execute(f"{_SELECT} WHERE author = ? AND request = ?", (author, request)).fetchone()
    return None if row is None else _edit(row)


def undo(connection: sqlite3.Connection, author: str) -> Edit | None:
    """Hide the author's last edit and return it; None when there is nothing left to undo.

    Raises:
        UsageError: someone has changed the same labels since.
    """
    edit = _last(connection, "author = ? AND state = 0 ORDER BY id DESC", author)
    if edit is None:
        return None
    later = connection.execute(
        "SELECT edits.author FROM annotations AS mine JOIN annotations AS newer ON newer.supersedes = mine.id "
        "JOIN edits ON edits.id = newer.edit_id "
        "WHERE mine.edit_id = ? AND mine.edit_id > 0 AND newer.supersedes > 0 AND newer.edit_id != ? "
        "AND edits.state = 0 LIMIT 1",
        (edit.id, edit.id),
    ).fetchone()
    if later is not None:
        raise UsageError(f"'{edit.title}' cannot be undone: {later[0]} has changed the same label since")
    connection.execute("UPDATE edits SET state = ? WHERE id = ?", (_UNDONE, edit.id))
    return edit


def redo(connection: sqlite3.Connection, author: str) -> Edit | None:
    """Show the edit that the author undid last and return it; None when there is none.

    Raises:
        UsageError: someone has changed the same labels meanwhile.
    """
    edit = _last(connection, "author = ? AND state = 1 ORDER BY id", author)
    if edit is None:
        return None
    rival = connection.execute(
        "SELECT edits.author FROM annotations AS mine JOIN annotations AS other ON other.supersedes = mine.supersedes "
        "JOIN edits ON edits.id = other.edit_id "
        "WHERE mine.edit_id = ? AND mine.edit_id > 0 AND mine.supersedes > 0 AND other.supersedes > 0 "
        "AND other.edit_id != ? AND edits.state = 0 LIMIT 1",
        (edit.id, edit.id),
    ).fetchone()
    if rival is not None:
        raise UsageError(f"'{edit.title}' cannot be redone: {rival[0]} has changed the same label since")
    connection.execute("UPDATE edits SET state = ? WHERE id = ?", (_DONE, edit.id))
    return edit


def tracks_of(connection: sqlite3.Connection, edit_id: int) -> list[int]:
    """Return the ids of the tracks that an edit changed: those of its rows and of the rows that they replace."""
    rows = connection.execute(
        "SELECT track_id FROM annotations WHERE edit_id = ? AND edit_id > 0 "
        "UNION SELECT older.track_id FROM annotations AS newer "
        "JOIN annotations AS older ON older.id = newer.supersedes "
        "WHERE newer.edit_id = ? AND newer.edit_id > 0 AND newer.supersedes > 0",
        (edit_id, edit_id),
    )
    return sorted(row[0] for row in rows if row[0] != NO_TRACK)


def steps(connection: sqlite3.Connection, author: str) -> tuple[Edit | None, Edit | None]:
    """Return what the next undo and the next redo of an author would act on."""
    return (
        _last(connection, "author = ? AND state = 0 ORDER BY id DESC", author),
        _last(connection, "author = ? AND state = 1 ORDER BY id", author),
    )


def count_by_author(connection: sqlite3.Connection) -> dict[str, int]:
    """Return how many edits of each person stand."""
    rows = connection.execute("SELECT author, count(*) FROM edits WHERE state = 0 GROUP BY author ORDER BY author")
    return dict(rows.fetchall())


def put(connection: sqlite3.Connection, fact: Annotation) -> int:
    """Store a label in place of what is current of its track in its frame; return its id."""
    older = None
    if fact.track_id != NO_TRACK:
        older = connection.execute(
            "SELECT max(id) FROM current_annotations WHERE video_id = ? AND track_id = ? AND frame = ?",
            (fact.video_id, fact.track_id, fact.frame),
        ).fetchone()[0]
    supersedes = fact.supersedes or int(older or 0)
    return facts.append(connection, [_superseding(fact, supersedes)])[0]


def reassign(
    connection: sqlite3.Connection,
    video_id: VideoId,
    track_id: int,
    span: Span,
    provenance: Provenance,
    *,
    to_track: int | None = None,
    to_class: int | None = None,
    to_attributes: Mapping[str, AttributeValue] | None = None,
) -> int:
    """Give the current rows of a track inside a span another track id or class, or further attributes.

    Returns how many rows there were. Attributes that are not named keep their values.
    """
    cursor = connection.execute(
        "INSERT INTO annotations (video_id, frame, class_id, track_id, x1, y1, x2, y2, score, visible, flags, "
        "visibility, uncertainty, origin, author, run_id, parents, attributes, shape, supersedes, is_deleted, "
        "created_at) "
        "SELECT video_id, frame, coalesce(?, class_id), coalesce(?, track_id), x1, y1, x2, y2, score, visible, flags, "
        "visibility, uncertainty, ?, ?, ?, '[' || id || ']', json_patch(attributes, ?), shape, id, 0, ? "
        "FROM current_annotations WHERE video_id = ? AND track_id = ? AND frame >= ? AND frame < ? ORDER BY frame, id",
        (
            to_class,
            to_track,
            provenance.origin.value,
            provenance.author,
            provenance.run_id,
            orjson.dumps(dict(to_attributes or {})).decode(),
            now(),
            video_id,
            track_id,
            span.start,
            span.stop,
        ),
    )
    return cursor.rowcount


def ids_of(connection: sqlite3.Connection, video_id: VideoId, track_id: int, span: Span) -> list[int]:
    """Return the ids of a track's current rows inside a span."""
    rows = connection.execute(
        "SELECT id FROM current_annotations WHERE video_id = ? AND track_id = ? AND frame >= ? AND frame < ?",
        (video_id, track_id, span.start, span.stop),
    )
    return [row[0] for row in rows]


def _superseding(fact: Annotation, supersedes: int) -> Annotation:
    values = {name: getattr(fact, name) for name in Annotation.__dataclass_fields__}
    return Annotation(**{**values, "supersedes": supersedes})


def _last(connection: sqlite3.Connection, condition: str, author: str) -> Edit | None:
    row = connection.execute(f"{_SELECT} WHERE {condition} LIMIT 1", (author,)).fetchone()
    return None if row is None else _edit(row)


def _edit(row: tuple[int, str, str, int, int, int, str]) -> Edit:
    return Edit(VideoId(row[0]), row[1], row[2], Span(row[3], row[4]), row[5], row[6])
