"""How labelling runs end: frames, tracks and the run's record in one transaction, all or nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framelabel.core.annotations import Annotation, Provenance
from framelabel.core.labels import Flag
from framelabel.core.tracks import Track
from framelabel.store import frame_tags, runs, tracks
from framelabel.store.runs import Run
from framelabel.store.tracks import Details


def finish_detection(
    connection: sqlite3.Connection, run_id: int, frames: NDArray[np.int64], facts: Mapping[str, Any]
) -> Run:
    """Mark a detection run as finished, now that its frames are known for certain; return it."""
    runs.set_frames(connection, run_id, frames)
    runs.finish(connection, run_id, facts)
    return runs.by_id(connection, run_id)


def finish_association(
    connection: sqlite3.Connection,
    run: Run,
    new: Sequence[Track],
    details: Details,
    tags: Sequence[Annotation],
    provenance: Provenance,
    facts: Mapping[str, Any],
    flags: Mapping[tuple[int, int], Flag] | None = None,
) -> None:
    """Store a run's tracks and whole-frame tags, and mark it as finished.

    `flags` adds to the flags of the tracks' labels, by track id and frame ordinal.

    What earlier runs of the same plugin stored on this video is replaced, except tracks that a person has touched;
    it stays in the history.
    """
    plugin = run.config.get("plugin")
    touched = tracks.ids_with_flag(connection, run.video_id, Flag.KEYFRAME)
    for earlier in runs.all_runs(connection):
        is_same = earlier.kind == run.kind and earlier.video_id == run.video_id and earlier.id != run.id
        if is_same and earlier.config.get("plugin") == plugin:
            tracks.remove_run(connection, run.video_id, earlier.id, touched, provenance)
    tracks.put(connection, run.video_id, new, provenance, details, flags)
    frame_tags.put(connection, run.video_id, tags)
    runs.advance(connection, run.id, len(run.frames))
    runs.finish(connection, run.id, facts)
