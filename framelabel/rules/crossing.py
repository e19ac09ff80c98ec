"""Objects that cross a line, each crossing counted once, with running totals for both directions."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from framelabel.core.config import setting
from framelabel.core.errors import UsageError
from framelabel.core.events import Event
from framelabel.rules.intervals import Interval
from framelabel.rules.rule import Names, RuleOptions, event_of, names_of, place, subjects
from framelabel.rules.scene import Scene
from framelabel.rules.zones import anchor_points

_DIRECTIONS = {"both": (1, -1), "in": (1,), "out": (-1,)}


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossingOptions(RuleOptions):
    """Which line, which way."""

    subject: Names = setting(help="Class or classes that are counted.")
    line: str = setting(help="The line.")
    direction: str = setting("both", help="in: towards the line's positive side; out: the other way; both.")
    again_s: float = setting(0.5, help="A crossing back within this many seconds cancels the crossing: jitter.")

    def __post_init__(self) -> None:
        super(CrossingOptions, self).__post_init__()
        if self.direction not in _DIRECTIONS:
            raise UsageError(f"rule '{self.name}': direction is in, out or both, got '{self.direction}'")

    def classes(self) -> tuple[str, ...]:
        """Return every class name the rule mentions."""
        return names_of(self.subject)

    def line_names(self) -> tuple[str, ...]:
        """Return the line."""
        return (self.line,)


class Crossing:
    """See the module."""

    Options = CrossingOptions

    @staticmethod
    def evaluate(options: CrossingOptions, scene: Scene) -> list[Event]:
        """Return one event per crossing, in order of time, with `direction`, `count_in` and `count_out` so far."""
        place(scene.lines, options.line, "line", options.name)
        line = scene.lines[options.line]
        found: list[tuple[int, int, Event]] = []
        for track in subjects(scene, options.subject, options):
            steps = line.crossings(anchor_points(track.xyxy, line.anchor), scene.size)
            seconds = scene.seconds_of(track.frame)
            for row in _settled(np.flatnonzero(steps), seconds, options.again_s):
                sign = int(np.sign(steps[row]))
                event = event_of(options, scene, track, Interval(row, row + 2), evidence_row=row + 1)
                found.append((event.stop, sign, event))
        found.sort(key=lambda item: (item[0], item[2].actors))
        return list(_counted(found, _DIRECTIONS[options.direction]))


def _settled(rows: NDArray[np.intp], seconds: NDArray[np.float64], again_s: float) -> list[int]:
    """Drop pairs of crossings there and back within `again_s`."""
    kept: list[int] = []
    for row in rows.tolist():
        if kept and seconds[row] - seconds[kept[-1]] <= again_s:
            kept.pop()
        else:
            kept.append(row)
    return kept


def _counted(found: list[tuple[int, int, Event]], signs: tuple[int, ...]) -> list[Event]:
    totals = {1: 0, -1: 0}
    events = []
    for _, sign, event in found:
        if sign not in signs:
            continue
        totals[sign] += 1
        facts = {"direction": "in" if sign > 0 else "out", "count_in": totals[1], "count_out": totals[-1]}
        events.append(replace(event, attributes=facts))
    return events
