"""Where to look next: what the review page asks after every box, and `framelabel propagate --suggest` prints.

Reads what is stored and carries nothing, so it answers in milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from framelabel.core.tracks import Track
from framelabel.core.videos import Video
from framelabel.store.project import Project
from framelabel.tracking.propagation.suggestion import Queue, Suggestion, next_of, queue

TARGET = 0.97
"""Expected share of right boxes (IoU >= 0.7) at which the list of labels ends."""


@dataclass(frozen=True, slots=True)
class NextLabels:
    """What to label next in one video."""

    video: str
    queue: Queue
    """Ranked across tracks; every suggestion is taken as done before the next is chosen. `queue.sentence()` says it."""
    by_track: tuple[Suggestion, ...]
    """The best next frame of each track by itself, the most useful first; tracks that need none are left out."""
    without_keyframes: int
    """Tracks that no person has touched: nothing is known of how far they can be trusted, so they are not judged."""


def next_labels(
    project: Project, video: Video, *, track_ids: Sequence[int] | None = None, target: float = TARGET
) -> NextLabels:
    """Return what to label next in one video.

    Args:
        project: an open project; it is only read.
        video: which video.
        track_ids: the tracks to look at; None for all.
        target: expected share of right boxes at which the queue ends.
    """
    return of_tracks(project.tracks(video.id, None, track_ids), video.name, target=target)


def of_tracks(tracks: Sequence[Track], video: str, *, target: float = TARGET) -> NextLabels:
    """Return the same for tracks that have been read already."""
    judged = [track for track in tracks if track.is_keyframe.any()]
    each = [found for track in judged if (found := next_of(track)) is not None]
    each.sort(key=lambda found: (-found.gain, found.track_id))
    return NextLabels(video, queue(judged, target=target), tuple(each), len(tracks) - len(judged))


def run(
    path: Path, *, video: str = "", track_ids: Sequence[int] = (), target: float = TARGET
) -> tuple[NextLabels, ...]:
    """Return what to label next in one video of a project, or in all that have human boxes.

    Raises:
        ProjectError: the project cannot be read.
        UnknownNameError: no such video.
    """
    with Project(path) as project:
        videos = [project.video(video)] if video else project.videos()
        found = [next_labels(project, item, track_ids=track_ids or None, target=target) for item in videos]
    return tuple(labels for labels in found if labels.queue.box_count or video)
