"""How many objects at once, over windows of time: crowding, empty posts, statistics per window."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from framelabel.core.config import setting
from framelabel.core.errors import UsageError
from framelabel.core.events import Event
from framelabel.rules.intervals import Interval, intervals
from framelabel.rules.rule import Names, RuleOptions, names_of, place, subjects
from framelabel.rules.scene import Scene


@dataclass(frozen=True, slots=True, kw_only=True)
class CountOptions(RuleOptions):
    """What is counted, where, and which number matters."""

    subject: Names = setting(help="Class or classes that are counted.")
    inside: str = setting("", help="Only in this zone.")
    at_least: int = setting(-1, help="Event while at least this many are there.")
    at_most: int = setting(-1, help="Event while at most this many are there.")
    window_s: float = setting(0.0, help="Report statistics once per window of this many seconds instead.")
    for_s: float = setting(1.0, help="Shortest time, in seconds.")
    bridge_s: float = setting(1.0, help="Interruptions up to this long, in seconds, do not end it.")

    def __post_init__(self) -> None:
        super(CountOptions, self).__post_init__()
        if (self.at_least >= 0) + (self.at_most >= 0) + (self.window_s > 0) != 1:
            raise UsageError(f"rule '{self.name}': give exactly one of at_least, at_most and window_s")

    def classes(self) -> tuple[str, ...]:
        """Return every class name the rule mentions."""
        return names_of(self.subject)

    def zone_names(self) -> tuple[str, ...]:
        """Return the zone."""
        return (self.inside,) if self.inside else ()


class Count:
    """See the module."""

    Options = CountOptions

    @staticmethod
    def evaluate(options: CountOptions, scene: Scene) -> list[Event]:
        """Return one event per interval in which the number matters, or one per window with mean, least and most."""
        if options.inside:
            place(scene.zones, options.inside, "zone", options.name)
        present = _present(options, scene)
        numbers = np.array([len(ids) for ids in present], dtype=np.int64)
        if options.window_s > 0:
            seconds = scene.seconds
            window = ((seconds - seconds[:1]) / options.window_s + 1e-9).astype(np.int64)
            cuts = np.flatnonzero(np.diff(window)) + 1
            edges = [0, *cuts.tolist(), len(seconds)]
            found = [Interval(a, b) for a, b in pairwise(edges) if b > a]
        else:
            holds = numbers >= options.at_least if options.at_least >= 0 else numbers <= options.at_most
            found = intervals(holds, scene.seconds, for_s=options.for_s, bridge_s=options.bridge_s)
        return [_event(options, scene, interval, numbers, present) for interval in found]


def _present(options: CountOptions, scene: Scene) -> list[set[int]]:
    """Return the track ids that are there, per looked-at frame."""
    present: list[set[int]] = [set() for _ in scene.frames]
    for track in subjects(scene, options.subject, options.min_frames):
        inside = np.ones(len(track), np.bool_)
        if options.inside:
            inside = scene.zones[options.inside].contains(track.xyxy, scene.size)
        for row in np.searchsorted(scene.frames, track.frame[inside]):
            present[row].add(track.id)
    return present


def _event(
    options: CountOptions, scene: Scene, interval: Interval, numbers: NDArray[np.int64], present: list[set[int]]
) -> Event:
    part = numbers[interval.start : interval.stop]
    row = interval.start + int(np.argmin(part) if options.at_most >= 0 else np.argmax(part))
    everyone = set().union(*present[interval.start : interval.stop])
    return Event(
        video_id=scene.video_id,
        name=options.event or options.name,
        rule=options.name,
        start=int(scene.frames[interval.start]),
        stop=int(scene.frames[interval.stop - 1]) + 1,
        actors=tuple(sorted(present[row])),
        evidence_frame=int(scene.frames[row]),
        needs_review=options.review == "always",
        attributes={
            "mean": float(part.mean()),
            "least": int(part.min()),
            "most": int(part.max()),
            "different": len(everyone),
            "zone": options.inside,
        },
    )
