"""Table `detections`: what a model saw in each frame, before any identity."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator

import numpy as np

from framelabel.core.boxes import Boxes


def append(connection: sqlite3.Connection, run_id: int, frames: Iterable[tuple[int, Boxes]]) -> None:
    """Store the boxes of frames (ordinal, boxes); track ids are not stored."""
    connection.executemany(
        "INSERT INTO detections (run_id, frame, class_id, x1, y1, x2, y2, score) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (run_id, frame, class_id, *side, score)
            for frame, boxes in frames
            for class_id, side, score in zip(
                boxes.class_id.tolist(), boxes.xyxy.tolist(), boxes.score.tolist(), strict=True
            )
        ),
    )


def of_run(connection: sqlite3.Connection, run_id: int, frames: Iterable[int]) -> Iterator[Boxes]:
    """Yield the boxes of each of these frames (ascending), in stored order; frames without any give no boxes."""
    rows = connection.execute(
        "SELECT frame, x1, y1, x2, y2, score, class_id FROM detections WHERE run_id = ? ORDER BY frame, id", (run_id,)
    )
    pending = next(rows, None)
    for frame in frames:
        found = []
        while pending is not None and pending[0] <= frame:
            if pending[0] == frame:
                found.append(pending)
            pending = next(rows, None)
        table = np.array(found, dtype=np.float64).reshape(-1, 7)
        yield Boxes.of(table[:, 1:5], table[:, 5], table[:, 6].astype(np.int32))


def count(connection: sqlite3.Connection, run_id: int) -> int:
    """Return how many boxes a run stored."""
    return int(connection.execute("SELECT count(*) FROM detections WHERE run_id = ?", (run_id,)).fetchone()[0])
