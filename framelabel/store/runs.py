"""Table `runs`: executions, what decided their result, and how far they came."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framelabel.core.frames import VideoId


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One execution over one video."""

    id: int
    kind: str
    """"label", "propagate", "import", ..."""
    video_id: VideoId
    config: Mapping[str, Any]
    """Everything that decides the result: plugin, model digest, parameters."""
    facts: Mapping[str, Any]
    """What was found on the way: device, drops, notes."""
    frames: NDArray[np.int64]
    """(N,) the frame ordinals to do, ascending."""
    done_count: int
    """How many of them are stored; a resumed run goes on at `frames[done_count]`."""
    started_at: str
    finished_at: str
    """UTC, ISO 8601; "" while it is not finished."""

    @property
    def is_finished(self) -> bool:
        """Whether everything was stored."""
        return bool(self.finished_at)


def now() -> str:
    """Return the time as stored: UTC, ISO 8601, seconds."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def key_of(config: Mapping[str, Any]) -> str:
    """Return the digest of a config: two runs of equal config give the same labels."""
    return hashlib.sha256(json.dumps(config, sort_keys=True, default=str).encode()).hexdigest()


def begin(
    connection: sqlite3.Connection,
    kind: str,
    video_id: VideoId,
    config: Mapping[str, Any],
    frames: NDArray[np.int64],
) -> Run:
    """Return the run of this kind and config on this video, started now or found where it stopped."""
    key = key_of({**config, "video_id": int(video_id)})
    row = connection.execute("SELECT id FROM runs WHERE kind = ? AND key = ?", (kind, key)).fetchone()
    if row is not None:
        return by_id(connection, int(row[0]))
    cursor = connection.execute(
        "INSERT INTO runs (kind, video_id, key, config, facts, frames, done_count, started_at, finished_at) "
        "VALUES (?, ?, ?, ?, '{}', ?, 0, ?, '')",
        (kind, video_id, key, json.dumps(config, default=str), frames.astype("<i8").tobytes(), now()),
    )
    return by_id(connection, int(cursor.lastrowid or 0))


def advance(connection: sqlite3.Connection, run_id: int, done_count: int) -> None:
    """Record how many frames of a run are stored; belongs in the transaction that stores them."""
    connection.execute("UPDATE runs SET done_count = ? WHERE id = ?", (done_count, run_id))


def set_frames(connection: sqlite3.Connection, run_id: int, frames: NDArray[np.int64]) -> None:
    """Correct the frames to do, once the clip's true length is known."""
    connection.execute("UPDATE runs SET frames = ? WHERE id = ?", (frames.astype("<i8").tobytes(), run_id))


def finish(connection: sqlite3.Connection, run_id: int, facts: Mapping[str, Any]) -> None:
    """Mark a run as finished."""
    connection.execute(
        "UPDATE runs SET finished_at = ?, facts = ? WHERE id = ?", (now(), json.dumps(facts, default=str), run_id)
    )


def by_id(connection: sqlite3.Connection, run_id: int) -> Run:
    """Return one run."""
    return next(_select(connection, "WHERE id = ?", (run_id,)))


def all_runs(connection: sqlite3.Connection) -> list[Run]:
    """Return every run, oldest first."""
    return list(_select(connection, "ORDER BY id", ()))


def _select(connection: sqlite3.Connection, condition: str, values: tuple[int, ...]) -> Iterator[Run]:
    rows = connection.execute(
        f"SELECT id, kind, video_id, config, facts, frames, done_count, started_at, finished_at FROM runs {condition}",
        values,
    )
    for row in rows:
        yield Run(
            row[0],
            row[1],
            VideoId(row[2] or 0),
            json.loads(row[3]),
            json.loads(row[4]),
            np.frombuffer(row[5], "<i8").astype(np.int64),
            *row[6:9],
        )
