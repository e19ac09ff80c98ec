"""What rules found, as files hold it: records of their own where a format has room, else tags of frames.

In `Labels.events` the video of an event is its row in `Labels.videos`. A record holds everything; `stop` is exclusive,
as in all spans. Where a format has only tags of frames, each frame of an event carries the readable tag `events` (its
names), and the event's first listed frame a tag `event.N` with the record as JSON, from which reading makes it
again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import orjson

from framelabel.core.boxes import NO_TRACK
from framelabel.core.events import Event
from framelabel.core.frames import VideoId
from framelabel.core.labels import Labels
from framelabel.core.ontology import AttributeValue
from framelabel.formats.report import LossReport, Report

_NAMES = "events"
_NUMBERED = re.compile(r"event\.(\d{1,9})")
_LARGEST = 2**62


def record_of(event: Event) -> dict[str, Any]:
    """Return everything of an event but its video, ids of the project left out."""
    return {
        "name": event.name,
        "rule": event.rule,
        "start": event.start,
        "stop": event.stop,
        "actors": list(event.actors),
        "evidence_frame": event.evidence_frame,
        "score": event.score,
        "needs_review": event.needs_review,
        "attributes": dict(event.attributes),
    }


def event_of(record: Mapping[str, Any], video: int) -> Event:
    """Return the event of a record.

    Raises:
        KeyError, TypeError, ValueError: a field is missing, of a wrong type, or impossible.
    """
    start, stop = int(record["start"]), int(record["stop"])
    if not 0 <= start < stop < _LARGEST:
        raise ValueError(f"frames {start} to {stop} are no span")
    actors = tuple(int(actor) for actor in record.get("actors", ()))
    if any(abs(actor) >= _LARGEST for actor in actors):
        raise ValueError("a track id is too large")
    attributes = record.get("attributes") or {}
    return Event(
        video_id=VideoId(video),
        name=str(record["name"]),
        rule=str(record.get("rule") or record["name"]),
        start=start,
        stop=stop,
        actors=actors,
        evidence_frame=min(max(int(record.get("evidence_frame", start)), start), stop - 1),
        score=float(record.get("score", 1.0)),
        needs_review=bool(record.get("needs_review", False)),
        attributes={str(key): value for key, value in attributes.items() if isinstance(value, (str, int, float, bool))},
    )


def fitted(labels: Labels, loss: LossReport, *, holds: bool) -> Labels:
    """Return labels whose events are as a file will give them back; none where it does not hold them."""
    if not labels.events:
        return labels
    if not holds:
        loss.add("event", len(labels.events), "dropped; --to events_csv or events_json writes them beside")
        return replace(labels, events=())
    shown = set(np.unique(labels.frames.video).tolist())
    kept = [replace(event, id=0, run_id=0) for event in labels.events if event.video_id in shown]
    loss.add("event", len(labels.events) - len(kept), "no frame of its video is in the file")
    return replace(labels, events=tuple(sorted(kept, key=lambda event: event.video_id)))


def tagged(labels: Labels) -> Labels:
    """Return labels whose events are tags of frames."""
    if not labels.events:
        return labels
    tags: dict[int, dict[str, AttributeValue]] = {row: dict(values) for row, values in labels.frame_attributes.items()}
    names: dict[int, list[str]] = {}
    for number, event in enumerate(labels.events):
        listed = np.flatnonzero(labels.frames.video == event.video_id)
        first, last = np.searchsorted(labels.frames.index[listed], [event.start, event.stop])
        home = int(listed[min(int(first), len(listed) - 1)])
        tags.setdefault(home, {})[f"event.{number}"] = orjson.dumps(record_of(event)).decode()
        for row in listed[first:last].tolist():
            names.setdefault(row, []).append(event.name)
    for row, found in names.items():
        tags.setdefault(row, {})[_NAMES] = "; ".join(dict.fromkeys(found))
    return replace(labels, events=(), frame_attributes=tags)


def untagged(labels: Labels, report: Report) -> Labels:
    """Return labels whose events are made of the tags again; tags that are no event are reported and stay."""
    numbered: list[tuple[int, Event]] = []
    tags: dict[int, dict[str, AttributeValue]] = {}
    for row, given in labels.frame_attributes.items():
        own = dict(given)
        for key, text in given.items():
            match = _NUMBERED.fullmatch(key)
            if match is None or not isinstance(text, str):
                continue
            with report.record(f"frame row {row}: tag {key}"):
                event = event_of(orjson.loads(text), int(labels.frames.video[row]))
                numbered.append((int(match.group(1)), event))
                del own[key]
        tags[row] = own
    if not numbered:
        return labels
    for own in tags.values():
        own.pop(_NAMES, None)
    events = tuple(event for _, event in sorted(numbered, key=lambda item: (item[1].video_id, item[0])))
    return replace(labels, events=events, frame_attributes={row: own for row, own in tags.items() if own})


def with_tracks(labels: Labels, old: Labels) -> Labels:
    """Return labels whose events name the tracks as their rows do now; `old` are the same rows before renumbering."""
    if not labels.events:
        return labels
    video = labels.frames.video[labels.frame].tolist()
    known = {
        (row, before): after
        for row, before, after in zip(video, old.track_id.tolist(), labels.track_id.tolist(), strict=True)
        if before != NO_TRACK
    }
    events = []
    for event in labels.events:
        places = [(event.video_id, actor) for actor in event.actors]
        events.append(replace(event, actors=tuple(known[place] for place in places if place in known)))
    return replace(labels, events=tuple(events))


def in_head(pieces: Iterable[bytes], records: list[dict[str, Any]]) -> Iterator[bytes]:
    """Yield the pieces of a JSON object with a list `events` behind the first piece, whose object is still open."""
    for number, piece in enumerate(pieces):
        yield piece
        if number == 0 and records:
            yield b',"events":' + orjson.dumps(records)
