"""Faults that any label file can have, whatever its format."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import NO_TRACK
from framelabel.core.labels import Labels
from framelabel.formats.conventions import default_name
from framelabel.formats.holding import frame_names, frame_sizes
from framelabel.formats.report import Report
from framelabel.formats.track_ids import group_of_tracks

_OUTSIDE = 1.0
"""Pixels that a box may stick out; formats that count from 1 or include corners differ by that much."""
_SHOWN = 50


def check_labels(labels: Labels, report: Report) -> int:
    """Warn of empty and outside boxes, doubles, tracks twice in a frame or of two classes; return how many tracks."""
    if not len(labels):
        report.warn("", "holds no labels", "check that this is the file you mean")
        return 0
    xyxy = labels.xyxy
    _warn(
        labels, report, (xyxy[:, 2] <= xyxy[:, 0]) | (xyxy[:, 3] <= xyxy[:, 1]), "box of no area", "draw or remove it"
    )
    size = frame_sizes(labels)[labels.frame]
    known = np.all(size > 0, axis=1)
    beyond = np.any(xyxy[:, 2:] > size + _OUTSIDE, axis=1) | np.any(xyxy[:, :2] < -_OUTSIDE, axis=1)
    _warn(labels, report, known & beyond, "box reaches out of the picture", "clip it; some trainers drop the picture")
    rows = np.column_stack([labels.frame, labels.class_id, xyxy])
    _, first = np.unique(rows, axis=0, return_index=True)
    double = np.ones(len(labels), np.bool_)
    double[first] = False
    _warn(labels, report, double, "same class and box twice in a frame", "remove one")
    outside = ~np.isnan(labels.score) & ((labels.score < 0) | (labels.score > 1))
    _warn(labels, report, outside, "score is outside 0 to 1", "scale scores; evaluators only need their order")
    return _check_tracks(labels, report)


def _check_tracks(labels: Labels, report: Report) -> int:
    tracked = np.flatnonzero(labels.track_id != NO_TRACK)
    if not len(tracked):
        return 0
    part = labels.select(tracked)
    group = group_of_tracks(part)
    key = np.stack([part.frame, group], axis=1)
    _, first = np.unique(key, axis=0, return_index=True)
    double = np.ones(len(part), np.bool_)
    double[first] = False
    _warn(part, report, double, "track is twice in one frame", "one of the two boxes has a wrong id")
    lowest = np.full(int(group.max()) + 1, np.iinfo(np.int64).max)
    highest = np.full(len(lowest), -1)
    np.minimum.at(lowest, group, part.class_id)
    np.maximum.at(highest, group, part.class_id)
    for number in np.flatnonzero(lowest != highest)[:_SHOWN].tolist():
        row = int(np.flatnonzero(group == number)[0])
        names = f"{part.ontology.names[lowest[number]]} and {part.ontology.names[highest[number]]}"
        report.warn(f"track {part.track_id[row]}", f"has the classes {names}", "give a track one class")
    return len(lowest)


def _warn(labels: Labels, report: Report, bad: NDArray[np.bool_], problem: str, fix: str) -> None:
    rows = np.flatnonzero(bad)
    if not len(rows):
        return
    names = frame_names(labels, default_name)
    for row in rows[:_SHOWN].tolist():
        track = f" track {labels.track_id[row]}" if labels.track_id[row] != NO_TRACK else ""
        where = f"frame {labels.frames.index[labels.frame[row]]} ({names[labels.frame[row]]}){track}"
        box = ", ".join(f"{side:g}" for side in labels.xyxy[row])
        report.warn(where, f"{problem}: {labels.ontology.names[labels.class_id[row]]} [{box}]", fix)
    if len(rows) > _SHOWN:
        report.warn("", f"{problem}: {len(rows) - _SHOWN} more", fix, count=len(rows) - _SHOWN)
