"""Bring a project file to the newest schema. Each migration and its record commit together."""

from __future__ import annotations

import sqlite3
from importlib import resources

from framelabel.core.errors import ProjectError

APPLICATION_ID = 0x666C6162  # "flab"


def migrations() -> list[tuple[int, str]]:
    """Return (number, SQL) of every `NNN_*.sql` in schema/, ascending."""
    folder = resources.files("framelabel.store") / "schema"
    found = [item for item in folder.iterdir() if item.name.endswith(".sql")]
    return sorted((int(item.name[:3]), item.read_text("utf-8")) for item in found)


def migrate(connection: sqlite3.Connection, path: str) -> None:
    """Apply the migrations that this file lacks.

    Raises:
        ProjectError: the file is not a project, or was written by a newer framelabel.
    """
    check_identity(connection, path)
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    for number, script in migrations():
        if number > version:
            connection.executescript(
                f"BEGIN IMMEDIATE;\n{script}\nPRAGMA application_id = {APPLICATION_ID};\n"
                f"PRAGMA user_version = {number};\nCOMMIT;"
            )


def check_identity(connection: sqlite3.Connection, path: str) -> bool:
    """Refuse files that are something else, or newer than this program; return whether the schema is the newest.

    Raises:
        ProjectError: with what the file is and what to do.
    """
    try:
        application = int(connection.execute("PRAGMA application_id").fetchone()[0])
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        tables = int(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
    except sqlite3.DatabaseError as error:
        raise ProjectError(f"{path}: not a framelabel project ({error})") from None
    if application != APPLICATION_ID and tables:
        raise ProjectError(f"{path}: a SQLite file, but not a framelabel project")
    newest = migrations()[-1][0]
    if version > newest:
        raise ProjectError(
            f"{path}: written by a newer framelabel (schema {version}, this one knows {newest}); upgrade framelabel"
        )
    return version == newest
