"""Which tracks of a video may be pieces of one object, for a person to merge: what the review page offers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from framelabel.core.tracks import Track
from framelabel.core.videos import Video
from framelabel.store.project import Project
from framelabel.tracking.stitching import stitches
from framelabel.workflows.shot_cuts import known_cuts

_DEFAULT_FPS = 25.0


@dataclass(frozen=True, slots=True)
class StitchProposal:
    """Two tracks that may be one object; `Editor.merge(video, kept, other)` accepts it."""

    kept: int
    """Track id of the earlier piece, whose id a merge keeps."""
    other: int
    """Track id of the later piece."""
    class_name: str
    last_frame: int
    """Ordinal where the earlier piece is seen last."""
    first_frame: int
    """Ordinal where the later piece is seen first."""
    last_box: tuple[float, float, float, float]
    """x1, y1, x2, y2 in pixels, at `last_frame`."""
    first_box: tuple[float, float, float, float]
    gap_s: float
    """Seconds between the two."""
    score: float
    """In (0, 1): probability that they are one object, given what else could continue either."""


def proposals(
    project: Project,
    video: Video,
    *,
    track_id: int | None = None,
    longest_gap_s: float = 3.0,
    least: float = 0.5,
    limit: int = 50,
) -> list[StitchProposal]:
    """Return the likeliest merges of a video's current tracks, best first, none over a cut; nothing is changed.

    Args:
        project: open for reading at least.
        video: one of its videos.
        track_id: only proposals that this track takes part in; the others still count as its rivals.
        longest_gap_s: seconds that may lie between two pieces.
        least: least score.
        limit: proposals to return; 0 for all.
    """
    tracks = project.tracks(video.id)
    found = stitches(tracks, float(video.fps) or _DEFAULT_FPS, longest_gap_s=longest_gap_s, least=least)
    wanted = [item for item in found if track_id is None or track_id in {item.early_id, item.late_id}]
    known = {track.id: track for track in tracks}
    cuts = np.array(known_cuts(project, video) or [], np.int64)
    names = project.ontology.names
    out = []
    for item in wanted:
        early, late = known[item.early_id], known[item.late_id]
        last, first = _seen(early)[-1], _seen(late)[0]
        if np.any((early.frame[last] < cuts) & (cuts <= late.frame[first])):
            continue
        out.append(
            StitchProposal(
                item.early_id,
                item.late_id,
                names[early.class_id],
                int(early.frame[last]),
                int(late.frame[first]),
                _box(early, last),
                _box(late, first),
                item.gap / (float(video.fps) or _DEFAULT_FPS),
                item.score,
            )
        )
    return out[: limit or None]


def _seen(track: Track) -> Sequence[int]:
    return [int(row) for row in track.is_present.nonzero()[0]]


def _box(track: Track, row: int) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = track.xyxy[row].tolist()
    return x1, y1, x2, y2
