"""Objects that enter or leave a zone, also by appearing or vanishing inside it."""

from __future__ import annotations

from dataclasses import dataclass

from framelabel.core.config import setting
from framelabel.core.errors import UsageError
from framelabel.core.events import Event
from framelabel.rules.intervals import Interval, intervals
from framelabel.rules.rule import Names, RuleOptions, event_of, names_of, place, subjects
from framelabel.rules.scene import Scene

_WAYS = ("enter", "leave", "both")


@dataclass(frozen=True, slots=True, kw_only=True)
class PassageOptions(RuleOptions):
    """Which zone, which way."""

    subject: Names = setting(help="Class or classes that the rule is about.")
    zone: str = setting(help="The zone.")
    way: str = setting("both", help="enter, leave or both.")
    for_s: float = setting(0.2, help="Shortest stay, in seconds, that counts as having been inside.")
    bridge_s: float = setting(0.5, help="Shorter absences, in seconds, are no leaving.")
    appearing: bool = setting(False, help="Also count objects whose track begins or ends inside the zone.")

    def __post_init__(self) -> None:
        super(PassageOptions, self).__post_init__()
        if self.way not in _WAYS:
            raise UsageError(f"rule '{self.name}': way is enter, leave or both, got '{self.way}'")

    def classes(self) -> tuple[str, ...]:
        """Return every class name the rule mentions."""
        return names_of(self.subject)

    def zone_names(self) -> tuple[str, ...]:
        """Return the zone."""
        return (self.zone,)


class Passage:
    """See the module."""

    Options = PassageOptions

    @staticmethod
    def evaluate(options: PassageOptions, scene: Scene) -> list[Event]:
        """Return one event per entering and per leaving, with `way` and `zone`."""
        place(scene.zones, options.zone, "zone", options.name)
        events = []
        for track in subjects(scene, options.subject, options):
            inside = scene.zones[options.zone].contains(track.xyxy, scene.size)
            seconds, looks = scene.seconds_of(track.frame), scene.looks_of(track.frame)
            for stay in intervals(inside, seconds, looks=looks, for_s=options.for_s, bridge_s=options.bridge_s):
                first, last = stay.start, stay.stop - 1
                if options.way != "leave" and (first > 0 or options.appearing):
                    moment = Interval(max(first - 1, 0), first + 1)
                    facts = {"way": "enter", "zone": options.zone}
                    events.append(event_of(options, scene, track, moment, (), facts, evidence_row=first))
                if options.way != "enter" and (last < len(track) - 1 or options.appearing):
                    moment = Interval(last, min(last + 2, len(track)))
                    facts = {"way": "leave", "zone": options.zone}
                    events.append(event_of(options, scene, track, moment, (), facts, evidence_row=last))
        return sorted(events, key=lambda event: (event.evidence_frame, event.actors))
