"""Labels from outside into a project, once."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from framelabel.core.annotations import Origin, Provenance
from framelabel.core.frames import VideoId
from framelabel.core.labels import Labels
from framelabel.core.videos import Video
from framelabel.store import labels as labels_table
from framelabel.store import runs, videos


def append(
    connection: sqlite3.Connection, labels: Labels, matched: Sequence[Video | None], key: str, author: str
) -> tuple[list[str], bool]:
    """Add videos that are new, record the frames looked at, and append the labels; all in this transaction.

    Args:
        connection: of the writer.
        labels: what was read.
        matched: the project's video for each row of `labels.videos`; None for one that it does not have.
        key: digest of the labels; an import with the same key is not stored again.
        author: who made them.

    Returns:
        The names of the project's videos, and whether anything was stored.
    """
    names: list[str] = []
    ids: list[VideoId] = []
    is_new = False
    for row, (video, found) in enumerate(zip(labels.videos, matched, strict=True)):
        known = found or _imported_before(connection, video, key) or videos.add(connection, video, None)
        frames = labels.frames.index[labels.frames.video == row]
        made = runs.begin(connection, "import", known.id, {"labels": key}, frames)
        if not made.is_finished:
            is_new = True
            runs.advance(connection, made.id, len(frames))
            runs.finish(connection, made.id, {"author": author})
        names.append(known.name)
        ids.append(known.id)
    if is_new:
        labels_table.append(connection, labels, ids, Provenance(Origin.IMPORT, author))
    return names, is_new


def _imported_before(connection: sqlite3.Connection, video: Video, key: str) -> Video | None:
    """Return the video that an earlier import of the same labels made."""
    for made in runs.all_runs(connection):
        if made.kind == "import" and made.config.get("labels") == key:
            known = videos.by_id(connection, made.video_id)
            if known.name == video.name:
                return known
    return None
