"""An object is (or is not) somewhere, with (or without) something, near something, still or moving, for long enough.

Covers zone intrusion, loitering, a person without a helmet, a person near a moving vehicle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.core.catalog import did_you_mean
from framelabel.core.config import setting
from framelabel.core.errors import UsageError
from framelabel.core.events import Event
from framelabel.core.geometry import area, intersection
from framelabel.core.tracks import Track
from framelabel.rules.intervals import intervals
from framelabel.rules.motion import speed
from framelabel.rules.rule import Names, RuleOptions, event_of, names_of, place, subjects
from framelabel.rules.scene import BoxesByFrame, Scene

PARTS = {
    "whole": (0.0, 0.0, 1.0, 1.0),
    "head": (0.0, -0.1, 1.0, 0.33),
    "torso": (0.0, 0.15, 1.0, 0.65),
    "feet": (0.0, 0.8, 1.0, 1.05),
}
"""Part of an upright object -> left, top, right, bottom as shares of its box."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceOptions(RuleOptions):
    """All conditions given must hold together."""

    subject: Names = setting(help="Class or classes that the rule is about.")
    inside: str = setting("", help="Zone the subject must stand in.")
    outside: str = setting("", help="Zone the subject must not stand in.")
    has: Names = setting("", help="Class that must overlap the subject's `part`.")
    lacks: Names = setting("", help="Class that must not overlap the subject's `part`.")
    part: str = setting("whole", help="Part of the subject that `has` and `lacks` look at: whole, head, torso, feet.")
    overlap: float = setting(0.3, help="Least share of the other box that must lie in the part.")
    near: Names = setting("", help="Class that must be near the subject.")
    within: float = setting(1.0, help="How near: gap between the boxes in subject heights.")
    near_speed: float = setting(0.0, help="Least speed of the near object, in its own widths a second.")
    min_speed: float = setting(0.0, help="Least speed of the subject, in its own heights a second.")
    max_speed: float = setting(float("inf"), help="Greatest speed of the subject, in its own heights a second.")
    for_s: float = setting(0.0, help="Shortest time, in seconds, that it must last.")
    bridge_s: float = setting(0.5, help="Interruptions up to this long, in seconds, do not end it.")

    def __post_init__(self) -> None:
        super(PresenceOptions, self).__post_init__()
        if self.part not in PARTS:
            raise UsageError(f"rule '{self.name}': unknown part '{self.part}'.{did_you_mean(self.part, PARTS)}")

    def classes(self) -> tuple[str, ...]:
        """Return every class name the rule mentions."""
        return tuple(name for names in (self.subject, self.has, self.lacks, self.near) for name in names_of(names))

    def zone_names(self) -> tuple[str, ...]:
        """Return every zone the rule mentions."""
        return tuple(name for name in (self.inside, self.outside) if name)


class Presence:
    """See the module."""

    Options = PresenceOptions

    @staticmethod
    def evaluate(options: PresenceOptions, scene: Scene) -> list[Event]:
        """Return one event per interval over which every condition held."""
        for name in options.zone_names():
            place(scene.zones, name, "zone", options.name)
        others = {
            names: BoxesByFrame.of([scene.present(track) for track in scene.of_classes(names_of(names))])
            for names in (options.has, options.lacks)
            if names_of(names)
        }
        near = [scene.present(track) for track in scene.of_classes(names_of(options.near))]
        events = []
        for track in subjects(scene, options.subject, options):
            holds, company = _holds(options, scene, track, others, near)
            seconds, looks = scene.seconds_of(track.frame), scene.looks_of(track.frame)
            for interval in intervals(holds, seconds, looks=looks, for_s=options.for_s, bridge_s=options.bridge_s):
                close = sorted({int(other) for other in company[interval.start : interval.stop] if other >= 0})
                attributes = {"zone": options.inside} if options.inside else {}
                events.append(event_of(options, scene, track, interval, close, attributes))
        return events


def _holds(
    options: PresenceOptions,
    scene: Scene,
    track: Track,
    others: dict[Names, BoxesByFrame],
    near: list[Track],
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return (N,) whether all conditions hold at each row, and the id of the nearest object where one is asked for."""
    holds = np.ones(len(track), np.bool_)
    company = np.full(len(track), -1, np.int64)
    if options.inside:
        holds &= scene.zones[options.inside].contains(track.xyxy, scene.size)
    if options.outside:
        holds &= ~scene.zones[options.outside].contains(track.xyxy, scene.size)
    if names_of(options.has):
        holds &= _overlapped(track, others[options.has], options)
    if names_of(options.lacks):
        holds &= ~_overlapped(track, others[options.lacks], options)
    if options.min_speed > 0 or np.isfinite(options.max_speed):
        heights = np.maximum(track.xyxy[:, 3] - track.xyxy[:, 1], 1.0)
        own = speed(track, scene.seconds_of(track.frame)) / heights
        holds &= (own >= options.min_speed) & (own <= options.max_speed)
    if names_of(options.near):
        company = _nearest(options, scene, track, near)
        holds &= company >= 0
    return holds, company


def _overlapped(track: Track, others: BoxesByFrame, options: PresenceOptions) -> NDArray[np.bool_]:
    """Return (N,) whether some other box lies in the part of the subject by the share asked for."""
    left, top, right, bottom = PARTS[options.part]
    extent = track.xyxy[:, 2:] - track.xyxy[:, :2]
    start = track.xyxy[:, :2] + extent * [left, top]
    regions = np.concatenate([start, track.xyxy[:, :2] + extent * [right, bottom]], axis=1)
    found = np.zeros(len(track), np.bool_)
    for row, frame in enumerate(track.frame):
        at = others.at(int(frame))
        boxes = others.xyxy[at][others.track_id[at] != track.id]
        if len(boxes):
            share = intersection(regions[row : row + 1], boxes)[0] / np.maximum(area(boxes), 1e-9)
            found[row] = bool(np.any(share >= options.overlap))
    return found


def _nearest(options: PresenceOptions, scene: Scene, track: Track, near: list[Track]) -> NDArray[np.int64]:
    """Return (N,) the id of the nearest object that is near (and fast) enough at each row; -1 for none."""
    heights = np.maximum(track.xyxy[:, 3] - track.xyxy[:, 1], 1.0)
    best, who = np.full(len(track), np.inf), np.full(len(track), -1, np.int64)
    for other in near:
        if other.id == track.id or not len(other):
            continue
        _, mine, theirs = np.intersect1d(track.frame, other.frame, assume_unique=True, return_indices=True)
        a, b = track.xyxy[mine], other.xyxy[theirs]
        gap_x = np.maximum(np.maximum(a[:, 0] - b[:, 2], b[:, 0] - a[:, 2]), 0.0)
        gap_y = np.maximum(np.maximum(a[:, 1] - b[:, 3], b[:, 1] - a[:, 3]), 0.0)
        gap = np.hypot(gap_x, gap_y) / heights[mine]
        close = gap <= options.within
        if options.near_speed > 0:
            widths = np.maximum(other.xyxy[:, 2] - other.xyxy[:, 0], 1.0)
            close &= (speed(other, scene.seconds_of(other.frame)) / widths)[theirs] >= options.near_speed
        better = close & (gap < best[mine])
        best[mine[better]], who[mine[better]] = gap[better], other.id
    return who
