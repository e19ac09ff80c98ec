"""How many objects at once, over windows of time: crowding, groups, empty posts, statistics per window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from framelabel.core.config import setting
from framelabel.core.errors import UsageError
from framelabel.core.events import Event
from framelabel.core.ontology import AttributeValue
from framelabel.rules.intervals import Interval, intervals
from framelabel.rules.rule import Names, SubjectOptions, span_event, subjects, windows
from framelabel.rules.scene import BoxesByFrame, Scene


@dataclass(frozen=True, slots=True, kw_only=True)
class CountOptions(SubjectOptions):
    """What is counted, where, and which number matters."""

    subject: Names = setting(help="Class or classes that are counted.")
    grouped: float = setting(
        0.0, help="Count only the largest group: each within this many of its own heights of another; 0 counts all."
    )
    at_least: int = setting(-1, help="Event while at least this many are there.")
    at_most: int = setting(-1, help="Event while at most this many are there.")
    window_s: float = setting(0.0, help="Report statistics once per window of this many seconds instead.")
    for_s: float = setting(1.0, help="Shortest time, in seconds.")
    bridge_s: float = setting(1.0, help="Interruptions up to this long, in seconds, do not end it.")

    def __post_init__(self) -> None:
        super(CountOptions, self).__post_init__()
        if (self.at_least >= 0) + (self.at_most >= 0) + (self.window_s > 0) != 1:
            raise UsageError(f"rule '{self.name}': give exactly one of at_least, at_most and window_s")


class Count:
    """See the module."""

    Options = CountOptions

    @staticmethod
    def evaluate(options: CountOptions, scene: Scene) -> list[Event]:
        """Return one event per interval in which the number matters, or one per window with mean, least and most."""
        options.check_zone(scene)
        present = _present(options, scene)
        numbers = np.array([len(ids) for ids in present], dtype=np.int64)
        if options.window_s > 0:
            found = windows(scene, options.window_s)
        else:
            holds = numbers >= options.at_least if options.at_least >= 0 else numbers <= options.at_most
            found = intervals(holds, scene.seconds, for_s=options.for_s, bridge_s=options.bridge_s)
        return [_event(options, scene, interval, numbers, present) for interval in found]


def _present(options: CountOptions, scene: Scene) -> list[set[int]]:
    """Return the track ids that are there, per looked-at frame."""
    inside = []
    for track in subjects(scene, options.subject, options):
        kept = scene.zones[options.inside].contains(track.xyxy, scene.size) if options.inside else slice(None)
        inside.append(track.select(np.arange(len(track))[kept]))
    boxes = BoxesByFrame.of(inside)
    present = []
    for frame in scene.frames.tolist():
        at = boxes.at(frame)
        rows = largest_group(boxes.xyxy[at], options.grouped) if options.grouped > 0 else slice(None)
        present.append(set(boxes.track_id[at][rows].tolist()))
    return present


def largest_group(xyxy: NDArray[np.float64], reach: float) -> NDArray[np.int64]:
    """Return the rows of the largest group of boxes that are linked by gaps of at most `reach` heights.

    The gap between two boxes is measured in heights of the lower one; of two equal groups the one with the first row.
    """
    if not len(xyxy):
        return np.zeros(0, np.int64)
    gap = np.maximum(np.maximum(xyxy[:, None, :2] - xyxy[None, :, 2:], xyxy[None, :, :2] - xyxy[:, None, 2:]), 0.0)
    height = xyxy[:, 3] - xyxy[:, 1]
    linked = np.linalg.norm(gap, axis=2) <= reach * np.minimum(height[:, None], height[None, :])
    _, label = connected_components(linked, directed=False)
    return np.flatnonzero(label == np.argmax(np.bincount(label)))


def _event(
    options: CountOptions, scene: Scene, interval: Interval, numbers: NDArray[np.int64], present: list[set[int]]
) -> Event:
    part = numbers[interval.start : interval.stop]
    row = interval.start + int(np.argmin(part) if options.at_most >= 0 else np.argmax(part))
    everyone = set().union(*present[interval.start : interval.stop])
    facts: dict[str, AttributeValue] = {
        "mean": float(part.mean()),
        "least": int(part.min()),
        "most": int(part.max()),
        "different": len(everyone),
        "zone": options.inside,
    }
    return span_event(options, scene, interval, row, sorted(present[row]), facts)
