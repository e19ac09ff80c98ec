"""An object that lies still with nobody near it: the abandoned bag."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from framelabel.core.config import setting
from framelabel.core.events import Event
from framelabel.rules.intervals import intervals
from framelabel.rules.motion import speed
from framelabel.rules.rule import Names, SubjectOptions, event_of, names_of, subjects
from framelabel.rules.scene import Scene


@dataclass(frozen=True, slots=True, kw_only=True)
class UnattendedOptions(SubjectOptions):
    """What must lie, away from whom."""

    subject: Names = setting(help="Class or classes that may be left behind.")
    owner: Names = setting(help="Class or classes whose nearness means attended.")
    distance: float = setting(1.5, help="An owner is near within this many of the owner's own heights.")
    max_speed: float = setting(0.25, help="Still means slower than this many of its own sizes a second.")
    for_s: float = setting(10.0, help="Shortest time, in seconds.")
    bridge_s: float = setting(2.0, help="Interruptions up to this long, in seconds, do not end it.")

    def classes(self) -> tuple[str, ...]:
        """Return every class name the rule mentions."""
        return names_of(self.subject) + names_of(self.owner)


class Unattended:
    """See the module."""

    Options = UnattendedOptions

    @staticmethod
    def evaluate(options: UnattendedOptions, scene: Scene) -> list[Event]:
        """Return one event per time that an object was left; the last owner seen near it is the second actor."""
        options.check_zone(scene)
        owners = [scene.present(track) for track in scene.of_classes(names_of(options.owner))]
        events = []
        for track in subjects(scene, options.subject, options):
            seconds, looks = scene.seconds_of(track.frame), scene.looks_of(track.frame)
            extent = np.maximum((track.xyxy[:, 2:] - track.xyxy[:, :2]).max(axis=1), 1.0)
            holds = speed(track, seconds, window_s=1.0) / extent <= options.max_speed
            if options.inside:
                holds &= scene.zones[options.inside].contains(track.xyxy, scene.size)
            attended = np.full(len(track), -1, np.int64)
            for owner in owners:
                _, mine, theirs = np.intersect1d(track.frame, owner.frame, assume_unique=True, return_indices=True)
                a, b = track.xyxy[mine], owner.xyxy[theirs]
                gap_x = np.maximum(np.maximum(a[:, 0] - b[:, 2], b[:, 0] - a[:, 2]), 0.0)
                gap_y = np.maximum(np.maximum(a[:, 1] - b[:, 3], b[:, 1] - a[:, 3]), 0.0)
                near = np.hypot(gap_x, gap_y) <= options.distance * np.maximum(b[:, 3] - b[:, 1], 1.0)
                attended[mine[near]] = owner.id
            holds &= attended < 0
            for interval in intervals(holds, seconds, looks=looks, for_s=options.for_s, bridge_s=options.bridge_s):
                earlier = attended[: interval.start]
                last_owner = earlier[earlier >= 0][-1:].tolist()
                events.append(event_of(options, scene, track, interval, last_owner))
        return events
