"""Identities as formats demand them: one for every row, one class each, unique in a file."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import NO_TRACK
from framelabel.core.labels import Labels
from framelabel.formats.events import with_tracks
from framelabel.formats.report import LossReport


def with_own_tracks(labels: Labels, loss: LossReport) -> Labels:
    """Return labels where every row has a track, no track is twice in a frame, and a track has one class."""
    track_id = labels.track_id.copy()
    video = labels.frames.video[labels.frame].astype(np.int64)
    loose = track_id == NO_TRACK
    loss.add("label without track", int(loose.sum()), "becomes a track of one frame")
    order = np.lexsort((track_id, labels.frame))
    same = (np.diff(labels.frame[order]) == 0) & (np.diff(track_id[order]) == 0) & ~loose[order[1:]]
    doubled = np.zeros(len(labels), np.bool_)
    doubled[order[1:][same]] = True
    loss.add("track twice in a frame", int(doubled.sum()), "the second box becomes a track of its own")
    homeless = np.flatnonzero(loose | doubled)
    for row in range(len(labels.videos)):
        mine = homeless[video[homeless] == row]
        highest = int(track_id[video == row].max(initial=0))
        track_id[mine] = max(highest, 0) + 1 + np.arange(len(mine))
    labels = replace(labels, track_id=track_id)
    return _one_class(labels, loss)


def _one_class(labels: Labels, loss: LossReport) -> Labels:
    if not len(labels):
        return labels
    group = group_of_tracks(labels)
    first = np.full(int(group.max()) + 1, -1, np.int64)
    first[group[::-1]] = np.arange(len(labels))[::-1]
    differs = labels.class_id != labels.class_id[first[group]]
    if not bool(differs.any()):
        return labels
    counts = np.zeros((len(first), len(labels.ontology)), np.int64)
    np.add.at(counts, (group, labels.class_id), 1)
    common = counts.argmax(axis=1).astype(np.int32)
    changed = labels.class_id != common[group]
    loss.add("class change within a track", int(changed.sum()), "the track gets its most frequent class")
    return replace(labels, class_id=common[group])


def group_of_tracks(labels: Labels) -> NDArray[np.int64]:
    """Return the (N,) number of each row's track; tracks are numbered by video, then id."""
    video = labels.frames.video[labels.frame].astype(np.int64)
    span = int(labels.track_id.max(initial=0)) + 2
    if span * (len(labels.videos) + 1) < 2**62:
        _, group = np.unique(video * span + labels.track_id + 1, return_inverse=True)
    else:
        _, group = np.unique(np.stack([video, labels.track_id], axis=1), axis=0, return_inverse=True)
    return np.asarray(group.ravel(), dtype=np.int64)


def with_global_tracks(labels: Labels, loss: LossReport) -> Labels:
    """Return labels whose track ids are unique over all videos and at least 1; kept where they are."""
    tracked = labels.track_id != NO_TRACK
    if not bool(tracked.any()):
        return labels
    video = labels.frames.video[labels.frame]
    pairs, group = np.unique(np.stack([video, labels.track_id], axis=1)[tracked], axis=0, return_inverse=True)
    if len(np.unique(pairs[:, 1])) == len(pairs) and int(pairs[:, 1].min()) >= 1:
        return labels
    loss.add("track id", len(pairs), "numbered anew over all videos, from 1; the format wants them unique in the file")
    track_id = labels.track_id.copy()
    track_id[tracked] = group.ravel() + 1
    return with_tracks(replace(labels, track_id=track_id), labels)
