"""What can be routed, gathered from a project: boxes by track, whole tracks, whole-frame tags, events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import NO_TRACK
from framelabel.core.labels import Labels
from framelabel.core.tasks import TaskKind
from framelabel.review.features import NAMES, TrackTable, track_table
from framelabel.review.findings.catalog import find
from framelabel.review.findings.rows import LabelRows
from framelabel.store import routing as bulk
from framelabel.store.project import Project
from framelabel.workflows.picture_tags import untagged
from framelabel.workflows.population import Population

_CHECKS_FOR_FEATURES = ("jump", "size", "switch", "break", "flicker", "duplicate", "class-flip")
_RUNS = {
    "box": ("label", "import"),
    "track": ("label", "import"),
    "tag": ("label", "import"),
    "event": ("label", "import", "rules"),
}
"""Kinds of runs that add what nobody has looked at."""
_CLIP_S = 10.0
"""Frames of one video this close in time depend on one another."""
_NEIGHBOURS = 2
"""Frames before and after whose tag is compared."""


def newest_run(project: Project, subject: str) -> int:
    """Return the id of the last run that added something of this subject; 0 for none."""
    return max((item.id for item in project.runs() if item.kind in _RUNS[subject]), default=0)


def gather(project: Project, subject: str) -> Population:
    """Return everything of a subject that a model made and no person has touched."""
    return _GATHER[subject](project, newest_run(project, subject))


@dataclass(frozen=True, slots=True, eq=False)
class _Tracks:
    labels: Labels
    table: TrackTable
    video_ids: NDArray[np.int64]


def _read(project: Project) -> _Tracks:
    labels = untagged(project.labels())
    rows = LabelRows.of(labels)
    row_of = {int(video.id): row for row, video in enumerate(labels.videos)}
    stored = project.read(bulk.uncertain_tracks)
    uncertainty = {(row_of[video], track): value for (video, track), value in stored.items() if video in row_of}
    table = track_table(rows, find(rows, _CHECKS_FOR_FEATURES), uncertainty)
    return _Tracks(labels, table, np.array([int(video.id) for video in labels.videos] or [0], np.int64))


def _boxes(project: Project, newest: int) -> Population:
    known = _read(project)
    table, rows = known.table, known.table.rows
    kept = np.flatnonzero(~table.is_human)
    own = np.flatnonzero(~table.is_human[rows.group]) if len(table) else np.zeros(0, np.int64)
    first = table.start[kept]
    last = first + table.size[kept] - 1
    return Population(
        "box",
        known.labels.ontology.names,
        known.video_ids[rows.video[first]],
        rows.track_id[first],
        _label_ids(project, known, first),
        table.class_id[kept],
        table.size[kept].astype(np.int32),
        rows.frame[first].astype(np.int32),
        rows.frame[last].astype(np.int32) + 1,
        np.arange(len(kept), dtype=np.int32),
        table.features[kept].astype(np.float32),
        rows.frame[own].astype(np.int32),
        rows.xyxy[own].astype(np.float32),
        newest,
        len(rows) - len(own),
    )


def _label_ids(project: Project, known: _Tracks, first: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the annotation ids of boxes of no track, which nothing else tells apart; 0 for boxes of a track."""
    rows, found = known.table.rows, np.zeros(len(first), np.int64)
    loose = np.flatnonzero(rows.track_id[first] == NO_TRACK)
    if len(loose):
        ids = project.read(bulk.loose_boxes)
        at = first[loose]
        place = np.column_stack([known.video_ids[rows.video[at]], rows.frame[at], rows.class_id[at], rows.xyxy[at]])
        found[loose] = [ids.get(tuple(row), 0) for row in place.tolist()]
    return found


def _tracks(project: Project, newest: int) -> Population:
    known = _read(project)
    table, rows = known.table, known.table.rows
    is_track = rows.track_id[table.start] != NO_TRACK
    kept = np.flatnonzero(~table.is_human & is_track)
    first, size = table.start[kept], table.size[kept]
    middle = first + size // 2
    start, stop = rows.frame[first], rows.frame[first + size - 1] + 1
    # besides what is known of boxes: the share of its time in which the track was not seen at all
    absent = 1.0 - size / np.maximum(rows.position[first + size - 1] - rows.position[first] + 1, 1)
    return Population(
        "track",
        known.labels.ontology.names,
        known.video_ids[rows.video[first]],
        rows.track_id[first],
        np.zeros(len(kept), np.int64),
        table.class_id[kept],
        np.ones(len(kept), np.int32),
        start.astype(np.int32),
        stop.astype(np.int32),
        np.arange(len(kept), dtype=np.int32),
        np.column_stack([table.features[kept], absent]).astype(np.float32),
        rows.frame[middle].astype(np.int32),
        rows.xyxy[middle].astype(np.float32),
        newest,
        int(np.count_nonzero(table.is_human & is_track)),
    )


def _tags(project: Project, newest: int) -> Population:
    tags = project.read(bulk.scored_tags)
    fps = {int(video.id): float(video.fps) or 1.0 for video in project.videos()}
    seconds = tags.frame / np.array([fps[video] for video in tags.video_id.tolist()]).reshape(-1)
    attribute = np.array([name for name, _ in tags.names] or [""])
    order = np.lexsort((tags.frame, tags.video_id, attribute[tags.value]))
    clip = np.stack([tags.video_id, np.floor(seconds / _CLIP_S).astype(np.int64)], axis=1)
    group = np.unique(clip, axis=0, return_inverse=True)[1].reshape(-1)
    agreement = np.zeros(len(order))
    agreement[order] = _agreement(attribute[tags.value[order]], tags.video_id[order], tags.value[order])
    count = len(tags.frame)
    return Population(
        "tag",
        tuple(f"{name}: {value}" for name, value in tags.names),
        tags.video_id,
        np.full(count, NO_TRACK, np.int64),
        tags.annotation,
        tags.value,
        np.ones(count, np.int32),
        tags.frame.astype(np.int32),
        tags.frame.astype(np.int32) + 1,
        group.astype(np.int32),
        np.column_stack([tags.score, agreement]).astype(np.float32),
        tags.frame.astype(np.int32),
        np.zeros((count, 4), np.float32),
        newest,
        tags.people,
    )


def _agreement(attribute: NDArray[np.str_], video: NDArray[np.int64], value: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return the share of the neighbouring frames' tags that say the same; rows by attribute, video and frame."""
    same, seen = np.zeros(len(value)), np.zeros(len(value))
    for step in range(1, min(_NEIGHBOURS, len(value) - 1) + 1):
        is_near = (attribute[step:] == attribute[:-step]) & (video[step:] == video[:-step])
        equal = is_near & (value[step:] == value[:-step])
        for part in (slice(step, None), slice(None, -step)):
            same[part] += equal
            seen[part] += is_near
    return np.asarray(np.divide(same, seen, out=np.full(len(value), 0.5), where=seen > 0))


def _events(project: Project, newest: int) -> Population:
    judged = _judged_events(project)
    every = project.events()
    events = [event for event in every if event.id not in judged]
    known = _read(project) if events else None
    row_of: dict[tuple[int, int], int] = {}
    if known is not None:
        first = known.table.start
        rows = known.table.rows
        videos, tracks = known.video_ids[rows.video[first]], rows.track_id[first]
        row_of = {key: row for row, key in enumerate(zip(videos.tolist(), tracks.tolist(), strict=True))}
    fps = {int(video.id): float(video.fps) or 25.0 for video in project.videos()}
    names = tuple(sorted({event.name for event in events}))
    features, group = np.zeros((len(events), 7), np.float32), np.zeros(len(events), np.int32)
    subjects: dict[tuple[int, int], int] = {}
    for place, event in enumerate(events):
        video = int(event.video_id)
        actors = [row_of[video, track] for track in event.actors if (video, track) in row_of]
        seen = known.table.features[actors] if known is not None and actors else np.zeros((1, len(NAMES)))
        features[place] = (
            event.score,
            np.log((event.stop - event.start) / fps[video] + 0.04),
            len(event.actors),
            seen[:, 0].min(),
            seen[:, 1].min(),
            seen[:, 2].min(),
            seen[:, 6].max(),
        )
        subject = (video, event.actors[0] if event.actors else -event.id)
        group[place] = subjects.setdefault(subject, len(subjects))
    count = len(events)
    start = np.array([event.start for event in events], np.int32)
    return Population(
        "event",
        names,
        np.array([int(event.video_id) for event in events], np.int64),
        np.array([event.actors[0] if event.actors else NO_TRACK for event in events], np.int64),
        np.array([event.id for event in events], np.int64),
        np.array([names.index(event.name) for event in events], np.int32),
        np.ones(count, np.int32),
        start,
        np.array([event.stop for event in events], np.int32),
        group,
        features,
        np.array([event.evidence_frame for event in events], np.int32),
        np.zeros((count, 4), np.float32),
        newest,
        len(every) - count,
    )


def _judged_events(project: Project) -> set[int]:
    """Return the ids of events that somebody has accepted, rejected or mended outside an audit."""
    decided = {answer.task_id for answer in project.answers() if answer.verdict in ("accept", "reject", "fix")}
    return {
        task.subject_id
        for task in project.tasks(open_only=False)
        if task.kind is TaskKind.EVENT
        and task.gold is None
        and task.id in decided
        and not task.reason.startswith("audit")
    }


_GATHER: dict[str, Callable[[Project, int], Population]] = {
    "box": _boxes,
    "track": _tracks,
    "tag": _tags,
    "event": _events,
}
