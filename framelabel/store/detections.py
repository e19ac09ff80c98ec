"""Tables `detections` and `detected_tags`: what a model saw in each frame, before any identity."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from framelabel.core.boxes import Boxes
from framelabel.core.findings import Findings
from framelabel.store import geometry


def append(connection: sqlite3.Connection, run_id: int, frames: Iterable[tuple[int, Findings]]) -> None:
    """Store what was found in frames (ordinal, findings); track ids are not stored."""
    seen = list(frames)
    connection.executemany(
        "INSERT INTO detections (run_id, frame, class_id, x1, y1, x2, y2, score, shape) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (run_id, frame, class_id, *side, score, geometry.to_text(found.shapes.get(row)))
            for frame, found in seen
            for row, (class_id, side, score) in enumerate(
                zip(found.boxes.class_id.tolist(), found.boxes.xyxy.tolist(), found.boxes.score.tolist(), strict=True)
            )
        ),
    )
    connection.executemany(
        "INSERT INTO detected_tags (run_id, frame, class_id, score) VALUES (?, ?, ?, ?)",
        ((run_id, frame, class_id, score) for frame, found in seen for class_id, score in found.tags.items()),
    )


def of_run(connection: sqlite3.Connection, run_id: int, frames: Iterable[int]) -> Iterator[Boxes]:
    """Yield the boxes of each of these frames (ascending), in stored order; frames without any give no boxes."""
    rows = connection.execute(
        "SELECT frame, x1, y1, x2, y2, score, class_id FROM detections WHERE run_id = ? ORDER BY frame, id", (run_id,)
    )
    for found in _by_frame(rows, frames):
        yield _boxes(found)


def findings_of_run(connection: sqlite3.Connection, run_id: int, frames: Iterable[int]) -> Iterator[Findings]:
    """Yield boxes, shapes and tags of each of these frames (ascending)."""
    wanted = list(frames)
    rows = connection.execute(
        "SELECT frame, x1, y1, x2, y2, score, class_id, shape FROM detections WHERE run_id = ? ORDER BY frame, id",
        (run_id,),
    )
    tags = connection.execute(
        "SELECT frame, class_id, score FROM detected_tags WHERE run_id = ? ORDER BY frame, id", (run_id,)
    )
    for found, tagged in zip(_by_frame(rows, wanted), _by_frame(tags, wanted), strict=True):
        shapes = {
            row: shape for row, record in enumerate(found) if (shape := geometry.from_text(record[7])) is not None
        }
        yield Findings(
            _boxes([record[:7] for record in found]), shapes, {class_id: score for _, class_id, score in tagged}
        )


def count(connection: sqlite3.Connection, run_id: int) -> int:
    """Return how many boxes a run stored."""
    return int(connection.execute("SELECT count(*) FROM detections WHERE run_id = ?", (run_id,)).fetchone()[0])


def has_details(connection: sqlite3.Connection, run_id: int) -> bool:
    """Return whether a run stored any shape or tag."""
    row = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM detections WHERE run_id = ? AND shape != '') "
        "OR EXISTS (SELECT 1 FROM detected_tags WHERE run_id = ?)",
        (run_id, run_id),
    ).fetchone()
    return bool(row[0])


def _by_frame(rows: sqlite3.Cursor, frames: Iterable[int]) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the rows (frame first, ascending) of each of these frames."""
    pending = next(rows, None)
    for frame in frames:
        found = []
        while pending is not None and pending[0] <= frame:
            if pending[0] == frame:
                found.append(pending)
            pending = next(rows, None)
        yield found


def _boxes(rows: list[tuple[Any, ...]]) -> Boxes:
    table = np.array(rows, dtype=np.float64).reshape(-1, 7)
    return Boxes.of(table[:, 1:5], table[:, 5], table[:, 6].astype(np.int32))
