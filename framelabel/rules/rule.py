"""What all rules share: the settings every rule has, checked names, and how an interval becomes an event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from framelabel.core.catalog import did_you_mean
from framelabel.core.config import setting
from framelabel.core.errors import UsageError
from framelabel.core.events import Event
from framelabel.core.ontology import AttributeValue
from framelabel.core.tracks import Track
from framelabel.rules.intervals import Interval
from framelabel.rules.scene import Scene

Names = str | tuple[str, ...]
REVIEW = ("always", "never")


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleOptions:
    """Settings of every rule."""

    name: str = setting(help="The rule's name, unique in its plugin.")
    event: str = setting("", help="Name of the event it reports; the rule's name when not given.")
    review: str = setting("never", choices=REVIEW, help="always: every event is put to a person.")
    min_frames: int = setting(3, help="Shortest track that counts, in frames: flickers never raise an event.")
    where: Mapping[str, Any] | None = setting(None, help="Only subjects with these attributes, such as {team: light}.")

    def __post_init__(self) -> None:
        if self.review not in REVIEW:
            raise UsageError(f"rule '{self.name}': review is 'always' or 'never', got '{self.review}'")

    def classes(self) -> tuple[str, ...]:
        """Return every class name the rule mentions, for checking against the ontology."""
        return ()

    def zone_names(self) -> tuple[str, ...]:
        """Return every zone the rule mentions."""
        return ()

    def line_names(self) -> tuple[str, ...]:
        """Return every line the rule mentions."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectOptions(RuleOptions):
    """Settings of rules about objects of some classes, everywhere or in one zone."""

    subject: Names = setting(help="Class or classes that the rule is about.")
    inside: str = setting("", help="Only in this zone.")

    def classes(self) -> tuple[str, ...]:
        """Return every class name the rule mentions."""
        return names_of(self.subject)

    def zone_names(self) -> tuple[str, ...]:
        """Return the zone."""
        return (self.inside,) if self.inside else ()

    def check_zone(self, scene: Scene) -> None:
        """Check that the scene has the zone.

        Raises:
            UsageError: it does not; the nearest name is in the message.
        """
        if self.inside:
            place(scene.zones, self.inside, "zone", self.name)


def names_of(names: Names) -> tuple[str, ...]:
    """Return one name or several as a tuple; "" is none."""
    if isinstance(names, str):
        return (names,) if names else ()
    return tuple(names)


def place(known: Mapping[str, object], name: str, kind: str, rule: str) -> None:
    """Check that a zone or line exists.

    Raises:
        UsageError: it does not; the nearest name is in the message.
    """
    if name not in known:
        raise UsageError(f"rule '{rule}': unknown {kind} '{name}'.{did_you_mean(name, known)}")


def subjects(scene: Scene, names: Names, options: RuleOptions) -> list[Track]:
    """Return the tracks of these classes that are long enough to be trusted and have the attributes asked for."""
    wanted = options.where or {}
    present = (
        scene.present(track)
        for track in scene.of_classes(names_of(names))
        if all(scene.attributes.get(track.id, {}).get(name) == value for name, value in wanted.items())
    )
    return [track for track in present if len(track) >= options.min_frames]


def span_event(
    options: RuleOptions,
    scene: Scene,
    interval: Interval,
    evidence_row: int,
    actors: Iterable[int] = (),
    attributes: Mapping[str, AttributeValue] | None = None,
) -> Event:
    """Return the event of an interval of looked-at frames that is about a scene rather than one track."""
    return Event(
        video_id=scene.video_id,
        name=options.event or options.name,
        rule=options.name,
        start=int(scene.frames[interval.start]),
        stop=int(scene.frames[interval.stop - 1]) + 1,
        actors=tuple(actors),
        evidence_frame=int(scene.frames[evidence_row]),
        needs_review=options.review == "always",
        attributes=attributes or {},
    )


def windows(scene: Scene, window_s: float) -> list[Interval]:
    """Return the looked-at frames in windows of this many seconds, counted from the first; 0 is one for the clip."""
    if not len(scene.frames):
        return []
    if window_s <= 0:
        return [Interval(0, len(scene.frames))]
    number = ((scene.seconds - scene.seconds[:1]) / window_s + 1e-9).astype(np.int64)
    cuts = np.flatnonzero(np.diff(number)) + 1
    return [Interval(a, b) for a, b in pairwise([0, *cuts.tolist(), len(scene.frames)])]


def event_of(
    options: RuleOptions,
    scene: Scene,
    track: Track,
    interval: Interval,
    others: Iterable[int] = (),
    attributes: Mapping[str, AttributeValue] | None = None,
    evidence_row: int | None = None,
) -> Event:
    """Return the event of an interval of rows of a track.

    Its evidence frame is the most certain one within, the earliest of equals; its score is the mean detection score.
    """
    rows = slice(interval.start, interval.stop)
    scores = track.score[rows]
    row = interval.start + int(np.argmax(scores)) if evidence_row is None else evidence_row
    return Event(
        video_id=scene.video_id,
        name=options.event or options.name,
        rule=options.name,
        start=int(track.frame[interval.start]),
        stop=int(track.frame[interval.stop - 1]) + 1,
        actors=(track.id, *others),
        evidence_frame=int(track.frame[row]),
        score=float(scores.mean()),
        needs_review=options.review == "always",
        attributes=attributes or {},
    )
