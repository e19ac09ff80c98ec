"""What routing reads in bulk: tags with their scores, how uncertain tracks are, which label a box of no track is."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

import numpy as np
import orjson
from numpy.typing import NDArray

from framelabel.core.annotations import Origin
from framelabel.core.boxes import NO_TRACK

_PEOPLE = (Origin.HUMAN.value, Origin.CONSENSUS.value)


@dataclass(frozen=True, slots=True, eq=False)
class ScoredTags:
    """Whole-frame tags that a model gave a score; rows by video and frame."""

    annotation: NDArray[np.int64]
    """(N,) id of the stored row."""
    video_id: NDArray[np.int64]
    """(N,)."""
    frame: NDArray[np.int64]
    """(N,) ordinal."""
    score: NDArray[np.float64]
    """(N,)."""
    value: NDArray[np.int32]
    """(N,) row of `names`."""
    names: tuple[tuple[str, str], ...]
    """Attribute and value of every kind of tag."""
    people: int
    """Tags that people gave or confirmed; not among the rows."""


def scored_tags(connection: sqlite3.Connection) -> ScoredTags:
    """Return the current whole-frame tags; those without a score (file names, for example) are left out."""
    rows = connection.execute(
        "SELECT id, video_id, frame, ifnull(score, -1.0), origin, attributes FROM current_annotations "
        "WHERE class_id < 0 ORDER BY video_id, frame, id"
    )
    found: list[tuple[int, int, int, float, int]] = []
    kinds: dict[tuple[str, str], int] = {}
    people = 0
    for row_id, video_id, frame, score, origin, text in rows:
        if origin in _PEOPLE:
            people += 1
        elif score >= 0:
            for name, value in orjson.loads(text).items():
                said = ("yes" if value else "no") if isinstance(value, bool) else str(value)
                found.append((row_id, video_id, frame, score, kinds.setdefault((name, said), len(kinds))))
    table = np.array(found, np.float64).reshape(-1, 5)
    identity, video, ordinal, kind = (table[:, place].astype(np.int64) for place in (0, 1, 2, 4))
    return ScoredTags(identity, video, ordinal, table[:, 3], kind.astype(np.int32), tuple(kinds), people)


def uncertain_tracks(connection: sqlite3.Connection) -> dict[tuple[int, int], float]:
    """Return (video id, track id) -> mean uncertainty of the current rows, for tracks that have any."""
    rows = connection.execute(
        "SELECT video_id, track_id, avg(uncertainty) FROM current_annotations WHERE track_id >= 0 "
        "GROUP BY video_id, track_id HAVING max(uncertainty) > 0"
    )
    return {(video_id, track_id): value for video_id, track_id, value in rows}


def loose_boxes(connection: sqlite3.Connection) -> dict[tuple[float, ...], int]:
    """Return (video id, frame ordinal, class, x1, y1, x2, y2) -> annotation id of the current boxes of no track."""
    rows = connection.execute(
        "SELECT video_id, frame, class_id, x1, y1, x2, y2, id FROM current_annotations "
        "WHERE track_id = ? AND class_id >= 0 ORDER BY id",
        (NO_TRACK,),
    )
    return {tuple(row[:7]): row[7] for row in rows}
