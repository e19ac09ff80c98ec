"""Events alone, one row or record each, as CSV for spreadsheets and as JSON: what rules found, without the boxes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import orjson

from framelabel.core.errors import InvalidLabelsError
from framelabel.core.events import Event
from framelabel.core.labels import FrameTable, Labels
from framelabel.core.ontology import Ontology
from framelabel.core.videos import Video
from framelabel.formats.builder import make_video
from framelabel.formats.events import event_of, record_of
from framelabel.formats.files import head_of, text_of
from framelabel.formats.holding import Fact, FrameSet, Holds, Rate
from framelabel.formats.numbering import fraction_of
from framelabel.formats.protocol import Format, Piece
from framelabel.formats.report import LossReport, Report

_OF_VIDEO = ("video", "video_length", "fps", "width", "height")
COLUMNS = (
    *_OF_VIDEO, "name", "rule", "start", "stop", "start_s", "stop_s",
    "actors", "evidence_frame", "score", "needs_review", "attributes",
)  # fmt: skip
"""`stop` is one past the last frame; `start_s` and `stop_s` repeat both in seconds of the mean rate, for people."""
_NEEDED = ("video", "name", "start", "stop")


@dataclass(frozen=True)
class EventOptions:
    """Events have no choices."""


class EventTable(Format[EventOptions]):
    """What both share."""

    Options: ClassVar[type[EventOptions]] = EventOptions
    has_events: ClassVar[bool] = True

    def holds(self) -> Holds:
        """Events and the facts of their videos."""
        return Holds(frozenset({Fact.EVENTS, Fact.FRAME_SIZE}), frames=FrameSet.LABELLED, rate=Rate.EXACT)

    def fit(self, labels: Labels, loss: LossReport) -> Labels:
        """Return the events and the videos that have any; nothing else is in the file."""
        shown = sorted({int(event.video_id) for event in labels.events})
        rank = {row: number for number, row in enumerate(shown)}
        loss.add("label", len(labels), "only events are in this file")
        loss.add("video without events", len(labels.videos) - len(shown), "not in this file")
        videos = [labels.videos[row] for row in shown]
        plain = [make_video(video.name, video.size, video.frame_count, video.fps) for video in videos]
        events = [
            replace(event, id=0, run_id=0, video_id=type(event.video_id)(rank[int(event.video_id)]))
            for event in labels.events
        ]
        return _labels(plain, sorted(events, key=lambda event: event.video_id))


class EventsCsv(EventTable):
    """CSV with a header line, UTF-8; track ids with spaces between, attributes as JSON."""

    name: ClassVar[str] = "events_csv"
    title: ClassVar[str] = "Events, CSV"

    @classmethod
    def detect(cls, path: Path) -> bool:
        """Recognise the header."""
        if not path.is_file() or path.suffix.lower() not in (".csv", ""):
            return False
        header = head_of(path).split(b"\n", 1)[0].decode("utf-8", "replace").strip().split(",")
        return {*_NEEDED, "rule", "actors"} <= set(header)

    def parse(self, path: Path, report: Report) -> Labels:
        """Read one file."""
        reader = csv.DictReader(io.StringIO(text_of(path).replace("\0", ""), newline=""))
        if not set(_NEEDED) <= set(reader.fieldnames or ()):
            raise InvalidLabelsError(f"{path}: line 1: the header must name {', '.join(_NEEDED)}")
        records = []
        try:
            for row in reader:
                with report.record(f"line {reader.line_num}"):
                    filled = {key: value for key, value in row.items() if value not in (None, "") and key is not None}
                    if "actors" in filled:
                        filled["actors"] = filled["actors"].split()
                    if "attributes" in filled:
                        filled["attributes"] = orjson.loads(filled["attributes"])
                    filled["needs_review"] = str(filled.get("needs_review", "")).lower() in ("true", "1")
                    records.append((f"line {reader.line_num}", filled))
        except csv.Error as error:
            report.skip(f"line {reader.line_num}", f"not readable as CSV: {error}; the rest of the file is not read")
        return _read(records, report)

    def render(self, labels: Labels) -> Iterator[Piece]:
        """Write one file."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        for event in labels.events:
            record = _record(labels, event)
            record["actors"] = " ".join(map(str, event.actors))
            record["attributes"] = orjson.dumps(record["attributes"]).decode()
            record["needs_review"] = "true" if event.needs_review else "false"
            record["score"] = repr(event.score)
            fps = labels.videos[event.video_id].fps
            for side in ("start", "stop"):
                record[f"{side}_s"] = f"{record[side] / float(fps):.3f}" if fps else ""
            writer.writerow([record[name] for name in COLUMNS])
        yield "", text.getvalue().encode()


class EventsJson(EventTable):
    """One JSON object with a list `events`."""

    name: ClassVar[str] = "events_json"
    title: ClassVar[str] = "Events, JSON"

    @classmethod
    def detect(cls, path: Path) -> bool:
        """Recognise the first key, which is the format's name."""
        return path.is_file() and head_of(path, 64).lstrip().startswith(b'{"framelabel_events":')

    def parse(self, path: Path, report: Report) -> Labels:
        """Read one file."""
        try:
            content = orjson.loads(path.read_bytes())
        except ValueError as error:
            raise InvalidLabelsError(f"{path}: not valid JSON: {error}") from None
        events = content.get("events") if isinstance(content, dict) else None
        if not isinstance(events, list):
            raise InvalidLabelsError(f"{path}: has no list 'events'")
        return _read([(f"events[{number}]", record) for number, record in enumerate(events)], report)

    def render(self, labels: Labels) -> Iterator[Piece]:
        """Write one file, one event in a line."""
        yield "", b'{"framelabel_events":1,"events":[\n'
        for number, event in enumerate(labels.events):
            yield "", (b",\n" if number else b"") + orjson.dumps(_record(labels, event))
        yield "", b"\n]}\n"


def _record(labels: Labels, event: Event) -> dict[str, Any]:
    """Return an event with the facts of its video."""
    video = labels.videos[event.video_id]
    facts = (
        video.name,
        video.frame_count,
        str(video.fps) if video.fps else None,
        video.width or None,
        video.height or None,
    )
    return {**dict(zip(_OF_VIDEO, facts, strict=True)), **record_of(event)}


def _read(records: list[tuple[str, Any]], report: Report) -> Labels:
    videos: dict[str, tuple[int, Video]] = {}
    events = []
    for where, record in records:
        with report.record(where):
            name = str(record["video"])
            if name not in videos:
                size = (int(record.get("width") or 0), int(record.get("height") or 0))
                made = make_video(name, size, int(record.get("video_length") or 0), fraction_of(record.get("fps")))
                videos[name] = len(videos), made
            events.append(event_of(record, videos[name][0]))
    return _labels([video for _, video in videos.values()], events)


def _labels(videos: list[Video], events: list[Event]) -> Labels:
    frames = FrameTable(np.zeros(0, np.int32), np.zeros(0, np.int64))
    nothing = (np.zeros(0, np.int64), np.zeros((0, 4)))
    return Labels.of(Ontology(()), tuple(videos), frames, *nothing, events=tuple(events))
