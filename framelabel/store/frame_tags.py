"""Whole-frame tags: rows of `annotations` of no class, whose content is in their attributes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import replace

import orjson

from framelabel.core.annotations import Annotation, Origin, Provenance
from framelabel.core.frames import VideoId
from framelabel.core.ontology import AttributeValue
from framelabel.store import annotations as facts
from framelabel.store import tracks

_PEOPLE = (Origin.HUMAN.value, Origin.CONSENSUS.value)


def put(connection: sqlite3.Connection, video_id: VideoId, tags: Iterable[Annotation]) -> None:
    """Append a model's tags; what people have said about the same attribute of the same frame stands."""
    new = list(tags)
    if not new:
        return
    said = {(frame, name) for frame, name, _ in _current(connection, video_id, _PEOPLE)}
    kept = []
    for tag in new:
        free = {name: value for name, value in tag.attributes.items() if (tag.frame, name) not in said}
        if free:
            kept.append(replace(tag, attributes=free))
    facts.append(connection, kept)


def settle(connection: sqlite3.Connection, new: Iterable[Annotation], provenance: Provenance) -> int:
    """Append tags that take the place of whatever a frame has under the same attribute; return how many."""
    rows = list(new)
    for video_id in {tag.video_id for tag in rows}:
        wanted = {(tag.frame, name) for tag in rows if tag.video_id == video_id for name in tag.attributes}
        origins = tuple(origin.value for origin in Origin)
        older = {row_id for frame, name, row_id in _current(connection, video_id, origins) if (frame, name) in wanted}
        _keep_the_rest(connection, older, wanted)
        tracks.remove(connection, sorted(older), provenance)
    facts.append(connection, rows)
    return len(rows)


def named(connection: sqlite3.Connection, video_id: VideoId, name: str) -> dict[int, AttributeValue]:
    """Return frame ordinal -> current value of one attribute; of several the newest."""
    return {
        frame: orjson.loads(text)[name]
        for frame, text in connection.execute(
            "SELECT frame, attributes FROM current_annotations WHERE video_id = ? AND class_id < 0 ORDER BY id",
            (video_id,),
        )
        if name in orjson.loads(text)
    }


def settled(connection: sqlite3.Connection, video_id: VideoId, name: str) -> dict[int, AttributeValue]:
    """Return frame ordinal -> value of one attribute where a person or the consensus of several has said it."""
    marks = ", ".join("?" * len(_PEOPLE))
    rows = connection.execute(
        f"SELECT frame, attributes FROM current_annotations WHERE video_id = ? AND class_id < 0 "
        f"AND origin IN ({marks}) ORDER BY id",
        (video_id, *_PEOPLE),
    )
    return {frame: orjson.loads(text)[name] for frame, text in rows.fetchall() if name in orjson.loads(text)}


def scores(connection: sqlite3.Connection, video_id: VideoId, name: str) -> dict[int, float]:
    """Return frame ordinal -> score that a model gave to its current value of one attribute."""
    rows = connection.execute(
        "SELECT frame, attributes, score FROM current_annotations "
        "WHERE video_id = ? AND class_id < 0 AND origin = ? AND score IS NOT NULL ORDER BY id",
        (video_id, Origin.MODEL.value),
    )
    return {frame: score for frame, text, score in rows if name in orjson.loads(text)}


def _keep_the_rest(connection: sqlite3.Connection, older: set[int], wanted: set[tuple[int, str]]) -> None:
    """Append what rows that are about to go say about other attributes."""
    for row in facts.by_ids(connection, sorted(older)):
        rest = {name: value for name, value in row.attributes.items() if (row.frame, name) not in wanted}
        if rest:
            facts.append(connection, [replace(row, attributes=rest, id=0, supersedes=0)])


def _current(connection: sqlite3.Connection, video_id: VideoId, origins: tuple[str, ...]) -> list[tuple[int, str, int]]:
    """Return (frame, attribute, row) of every current tag that one of these origins made."""
    marks = ", ".join("?" * len(origins))
    rows = connection.execute(
        f"SELECT frame, attributes, id FROM current_annotations WHERE video_id = ? AND class_id < 0 "
        f"AND origin IN ({marks})",
        (video_id, *origins),
    )
    return [(frame, name, row_id) for frame, text, row_id in rows.fetchall() for name in orjson.loads(text)]
