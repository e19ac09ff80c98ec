"""What stands out of line: an object whose base is off the line on which its row stands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.core.config import setting
from framelabel.core.events import Event
from framelabel.rules.intervals import intervals
from framelabel.rules.rule import Names, SubjectOptions, event_of, subjects
from framelabel.rules.scene import Scene
from framelabel.rules.shelf import shelf_views


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignmentOptions(SubjectOptions):
    """What stands in rows, and how far off is off."""

    subject: Names = setting(help="Classes that stand in rows.")
    beyond: float = setting(0.15, help="Off the row's line by more than this share of the object's own height.")
    for_s: float = setting(1.0, help="Shortest time, in seconds, that it must last.")
    bridge_s: float = setting(1.0, help="Interruptions up to this long, in seconds, do not end it.")


class Alignment:
    """See the module."""

    Options = AlignmentOptions

    @staticmethod
    def evaluate(options: AlignmentOptions, scene: Scene) -> list[Event]:
        """Return one event per object and time out of line. A row needs three members; its line is a median fit."""
        options.check_zone(scene)
        tracks = subjects(scene, options.subject, options)
        off: set[tuple[int, int]] = set()
        for frame, view in zip(scene.frames.tolist(), shelf_views(tracks, scene, options.inside, gap=1.0), strict=True):
            for row in view.rows:
                if len(row.members) < 3:
                    continue
                boxes = view.xyxy[row.members]
                departure = np.abs(boxes[:, 3] - line_through((boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]))
                bad = row.members[departure > options.beyond * (boxes[:, 3] - boxes[:, 1])]
                off |= {(int(track_id), frame) for track_id in view.track_id[bad]}
        events = []
        for track in tracks:
            holds = np.array([(track.id, frame) in off for frame in track.frame.tolist()], np.bool_)
            seconds, looks = scene.seconds_of(track.frame), scene.looks_of(track.frame)
            found = intervals(holds, seconds, looks=looks, for_s=options.for_s, bridge_s=options.bridge_s)
            events += [event_of(options, scene, track, interval) for interval in found]
        return events


def line_through(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the (N,) heights at `x` of the line of median slope (Theil and Sen) through points.

    Single points that are off do not bend it.

    >>> line_through(np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.0, 1.0, 9.0, 3.0])).tolist()
    [0.0, 1.0, 2.0, 3.0]
    """
    i, j = np.triu_indices(len(x), 1)
    apart = np.abs(x[j] - x[i]) > 1e-9
    slopes = (y[j] - y[i])[apart] / (x[j] - x[i])[apart]
    slope = float(np.median(slopes)) if len(slopes) else 0.0
    return np.asarray(slope * x + np.median(y - slope * x), dtype=np.float64)
