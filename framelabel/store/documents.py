"""Table `documents`: whole results kept with the project. Appended, never overwritten; the newest of a name counts."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from framelabel.store.runs import now


@dataclass(frozen=True, slots=True)
class Document:
    """One stored result."""

    kind: str
    """"routing", "curve", "agreement", "zones", ..."""
    name: str
    media_type: str
    content: bytes
    created_at: str = ""


def append(connection: sqlite3.Connection, document: Document) -> None:
    """Store a document."""
    connection.execute(
        "INSERT INTO documents (kind, name, media_type, content, created_at) VALUES (?, ?, ?, ?, ?)",
        (document.kind, document.name, document.media_type, document.content, document.created_at or now()),
    )


def newest(connection: sqlite3.Connection, kind: str, name: str) -> Document | None:
    """Return the newest document of a kind and name; None when there is none."""
    row = connection.execute(
        "SELECT kind, name, media_type, content, created_at FROM documents WHERE kind = ? AND name = ? "
        "ORDER BY id DESC LIMIT 1",
        (kind, name),
    ).fetchone()
    return None if row is None else Document(*row)


def names(connection: sqlite3.Connection, kind: str) -> list[str]:
    """Return the names that documents of a kind have."""
    return [
        row[0]
        for row in connection.execute("SELECT DISTINCT name FROM documents WHERE kind = ? ORDER BY name", (kind,))
    ]
