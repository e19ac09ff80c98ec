"""How many different objects of each class there were, each counted once by its track, and the share that matters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.core.config import setting
from framelabel.core.events import Event
from framelabel.core.ontology import AttributeValue
from framelabel.core.tracks import Track
from framelabel.rules.intervals import Interval
from framelabel.rules.rule import Names, RuleOptions, names_of, place, span_event, subjects, windows
from framelabel.rules.scene import Scene


@dataclass(frozen=True, slots=True, kw_only=True)
class TallyOptions(RuleOptions):
    """What is counted, where, and which share is asked for."""

    subject: Names = setting(help="Classes that are counted, each on its own.")
    share_of: Names = setting("", help="Classes whose share of all counted objects is reported.")
    plots: tuple[str, ...] = setting((), help="Zones, one event each; the whole picture when not given.")
    window_s: float = setting(0.0, help="One event per window of this many seconds; 0: one for the clip.")

    def classes(self) -> tuple[str, ...]:
        """Return every class name the rule mentions."""
        return names_of(self.subject) + names_of(self.share_of)

    def zone_names(self) -> tuple[str, ...]:
        """Return the zones."""
        return self.plots


class Tally:
    """See the module."""

    Options = TallyOptions

    @staticmethod
    def evaluate(options: TallyOptions, scene: Scene) -> list[Event]:
        """Return one event per plot and window: `count_CLASS` for each class, `total`, and `share` (0 of nothing).

        A track's class is the vote of its labels. An object belongs to the plot in which it was seen most often within
        the window (the first named of equals), so nothing is counted twice; one that was in no plot is not counted.
        """
        for name in options.plots:
            place(scene.zones, name, "zone", options.name)
        tracks = subjects(scene, options.subject, options)
        events = []
        for window in windows(scene, options.window_s):
            first, last = int(scene.frames[window.start]), int(scene.frames[window.stop - 1])
            parts = [track.select((track.frame >= first) & (track.frame <= last)) for track in tracks]
            seen = [part for part in parts if len(part)]
            plots = options.plots or ("",)
            owner = np.array([_plot_of(part, options, scene) for part in seen], np.int64)
            for number, plot in enumerate(plots):
                inside = [part for part, own in zip(seen, owner.tolist(), strict=True) if own == number]
                events.append(_event(options, scene, window, plot, inside))
        return events


def _plot_of(track: Track, options: TallyOptions, scene: Scene) -> int:
    """Return the number of the plot that holds most of a track's boxes; -1 for none."""
    if not options.plots:
        return 0
    hits = [int(scene.zones[name].contains(track.xyxy, scene.size).sum()) for name in options.plots]
    return int(np.argmax(hits)) if max(hits) else -1


def _event(options: TallyOptions, scene: Scene, window: Interval, plot: str, tracks: list[Track]) -> Event:
    names = names_of(options.subject)
    ids = [scene.ontology.id_of(name) for name in names]
    class_id = np.array([track.class_id for track in tracks], np.int64)
    counts = {name: int((class_id == number).sum()) for name, number in zip(names, ids, strict=True)}
    wanted = sum(counts.get(name, 0) for name in names_of(options.share_of))
    facts: dict[str, AttributeValue] = {f"count_{name}": count for name, count in counts.items()}
    facts["total"] = len(tracks)
    if options.share_of:
        facts["share"] = wanted / len(tracks) if tracks else 0.0
    if plot:
        facts["plot"] = plot
    evidence = window.start + int(np.argmax(_shown(scene.frames[window.start : window.stop], tracks)))
    return span_event(options, scene, window, evidence, sorted(track.id for track in tracks), facts)


def _shown(frames: NDArray[np.int64], tracks: list[Track]) -> NDArray[np.int64]:
    """Return how many of the tracks each frame shows."""
    shown = np.zeros(len(frames), np.int64)
    for track in tracks:
        shown[np.searchsorted(frames, track.frame)] += 1
    return shown
