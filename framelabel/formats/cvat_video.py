"""CVAT for video 1.1: XML tracks as keyframes, ended by outside="1". One file for each video."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from framelabel.core.config import setting
from framelabel.core.errors import InvalidLabelsError
from framelabel.core.labels import Flag, Labels
from framelabel.core.shapes import Polygon, Polyline
from framelabel.formats.builder import LabelsBuilder, make_video
from framelabel.formats.cvat_plain import plain_tracks
from framelabel.formats.cvat_reading import read_track
from framelabel.formats.cvat_text import IN_ATTRIBUTES, label_records, points_text
from framelabel.formats.files import found
from framelabel.formats.holding import Fact, FrameSet, Holds
from framelabel.formats.keyed_tracks import Track, fit_keys, tracks_of
from framelabel.formats.numbering import fraction_of
from framelabel.formats.numbers import cell_texts, filled
from framelabel.formats.protocol import Format, Piece
from framelabel.formats.report import LossReport, Report
from framelabel.formats.rings import single_rings
from framelabel.formats.track_ids import with_own_tracks
from framelabel.formats.typed_attributes import Kinds, fit_attributes, kinds_of, row_attributes, to_text
from framelabel.formats.xml_text import attribute, content, elements, root_tag, text

_BLOCK = 4_000
_CARRIED = int(Flag.OCCLUDED) | IN_ATTRIBUTES
_FACTS = frozenset(
    {
        Fact.TRACK,
        Fact.OCCLUDED,
        Fact.TRUNCATED,
        Fact.CROWD,
        Fact.IGNORED,
        Fact.DIFFICULT,
        Fact.KEYFRAME,
        Fact.PREDICTED,
        Fact.POLYGON,
        Fact.POLYLINE,
        Fact.ATTRIBUTES,
        Fact.FRAME_SIZE,
        Fact.UNUSED_CLASS,
    }
)


@dataclass(frozen=True)
class CvatVideoOptions:
    """How dense tracks become keyframes."""

    tolerance: float = setting(1.0, help="pixels that a box between keyframes may move; 0 keeps every bend")


class CvatVideo(Format[CvatVideoOptions]):
    """A target ending in .xml is one video; a folder gets one file for each."""

    name: ClassVar[str] = "cvat_video"
    title: ClassVar[str] = "CVAT for video 1.1"
    Options: ClassVar[type[CvatVideoOptions]] = CvatVideoOptions
    one_file_suffix: ClassVar[str] = ".xml"

    @classmethod
    def detect(cls, path: Path) -> bool:
        """Recognise <annotations> with <track>, or a task in interpolation mode."""
        for file in found(path, ".xml", limit=1):
            if root_tag(file) != "annotations":
                return False
            head = file.open("rb").read(1 << 18)
            return b"<track" in head or (b"<mode>interpolation</mode>" in head and b"<image" not in head)
        return False

    def holds(self) -> Holds:
        """Tracks on frames from first to last by a step; no scores, no picture rate."""
        return Holds(_FACTS, FrameSet.RANGE, names_files=True)

    def fit(self, labels: Labels, loss: LossReport) -> Labels:
        """Also make every label a track and tracks keyframes."""
        labels = super().fit(single_rings(labels, loss), loss)
        labels = fit_attributes(with_own_tracks(labels, loss), loss)
        return fit_keys(labels, self.options.tolerance, loss, carries=_CARRIED)

    def parse(self, path: Path, report: Report) -> Labels:
        """Read every file as one video."""
        builder = LabelsBuilder(report)
        files = found(path, ".xml") if path.is_dir() else [path]
        for file in files:
            report.file = str(file)
            self._read_file(file, builder, report)
        return builder.build()

    def render(self, labels: Labels) -> Iterator[Piece]:
        """Write one file for each video."""
        of_video: dict[int, list[Track]] = {row: [] for row in range(len(labels.videos))}
        for track in tracks_of(labels):
            of_video[track.video].append(track)
        kinds = kinds_of(labels, IN_ATTRIBUTES)
        is_rich = bool(labels.attributes or labels.shapes) or bool((labels.flags & np.uint16(IN_ATTRIBUTES)).any())
        for row, video in enumerate(labels.videos):
            name = f"{video.name}.xml"
            yield name, _head(labels, row, kinds).encode()
            first, last = np.searchsorted(labels.frames.video, [row, row + 1]).tolist()
            if not is_rich:
                yield from ((name, text) for text in _plain_tracks(labels, of_video[row], last))
                yield name, b"</annotations>\n"
                continue
            lines: list[str] = []
            for track in of_video[row]:
                _write_track(labels, track, (first, last), lines)
                if len(lines) > 20_000:
                    yield name, "".join(lines).encode()
                    lines.clear()
            yield name, ("".join(lines) + "</annotations>\n").encode()

    def _read_file(self, file: Path, builder: LabelsBuilder, report: Report) -> None:
        if not self._read_plain_file(file, builder):
            self._read_any_file(file, builder, report)

    def _read_plain_file(self, file: Path, builder: LabelsBuilder) -> bool:
        """Read a file without anything unusual in bulk; return False, with nothing added, when it is not one."""
        plain = plain_tracks(file)
        meta = plain.meta() if plain is not None else None
        if plain is None or meta is None:
            return False
        kinds: dict[tuple[str, str], str] = {}
        facts = read_meta(meta, builder, kinds)
        if not plain.lies_within(facts.frames):
            return False
        name = facts.name or file.stem
        video = builder.video(make_video(name, facts.size, facts.frame_count, fraction_of(None)))
        plain.add_to(builder, facts.frames, builder.add_run(video, facts.frames), kinds)
        return True

    def _read_any_file(self, file: Path, builder: LabelsBuilder, report: Report) -> None:
        video: int | None = None
        frames = np.zeros(0, np.int64)
        kinds: dict[tuple[str, str], str] = {}
        for element in elements(file, "meta", "track", "annotations"):
            if element.tag == "meta":
                facts = read_meta(element, builder, kinds)
                name = facts.name or file.stem
                video = builder.video(make_video(name, facts.size, facts.frame_count, fraction_of(None)))
                builder.add_run(video, facts.frames)
                frames = np.array(facts.frames, np.int64)
            elif element.tag == "track":
                if video is None:
                    video = builder.video(make_video(file.stem))
                with report.record(f"track {element.get('id')!r}, line {element.sourceline}"):
                    read_track(element, builder, video, frames, kinds)
            elif element.getparent() is None and video is None:
                raise InvalidLabelsError(f"{file}: has neither <meta> nor <track>; not an export of CVAT for video")


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """What <meta> says of the footage."""

    name: str
    size: tuple[int, int]
    frames: range
    frame_count: int


def read_meta(meta: Any, builder: LabelsBuilder, kinds: dict[tuple[str, str], str]) -> TaskFacts:
    """Return the facts of a task or job; adds its classes to the builder and its attribute types to `kinds`."""
    task = next((found for tag in ("task", "job", "project") if (found := meta.find(tag)) is not None), meta)
    for label in task.iterfind(".//label"):
        name = content(label, "name")
        if not name:
            continue
        builder.class_id(name)
        for item in label.iterfind("attributes/attribute"):
            kinds[name, content(item, "name")] = content(item, "input_type", "text")
    width, height = (_whole(content(task, f"original_size/{side}")) for side in ("width", "height"))
    size, start = _whole(content(task, "size")), _whole(content(task, "start_frame"))
    stop = _whole(content(task, "stop_frame"))
    step = max(_whole(content(task, "frame_filter").removeprefix("step=")), 1)
    last = stop if stop >= start and content(task, "stop_frame") else start + (size - 1) * step
    frames = range(start, min(last, 50_000_000) + 1, step) if size else range(0)
    name = content(meta, "source") or content(task, "source") or content(task, "name")
    return TaskFacts(name, (width, height), frames, _whole(content(task, "frame_count")))


def _whole(value: str) -> int:
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else 0


def _head(labels: Labels, video: int, kinds: Kinds) -> str:
    facts = labels.videos[video]
    frames = labels.frames.index[labels.frames.video == video]
    first, last = (int(frames[0]), int(frames[-1])) if len(frames) else (0, 0)
    step = int(frames[1] - frames[0]) if len(frames) > 1 else 1
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n<version>1.1</version>\n<meta>\n<task>\n'
        f"<id>1</id>\n<name>{text(facts.name)}</name>\n<size>{len(frames)}</size>\n<mode>interpolation</mode>\n"
        f"<overlap>0</overlap>\n<flipped>False</flipped>\n<start_frame>{first}</start_frame>\n"
        f"<stop_frame>{last}</stop_frame>\n<frame_filter>{f'step={step}' if step > 1 else ''}</frame_filter>\n"
        f"<frame_count>{facts.frame_count}</frame_count>\n<z_order>False</z_order>\n"
        f"{label_records(labels, kinds)}"
        f"<original_size>\n<width>{facts.width}</width>\n<height>{facts.height}</height>\n</original_size>\n"
        f"</task>\n<source>{text(facts.name)}</source>\n</meta>\n"
    )


def _plain_tracks(labels: Labels, tracks: list[Track], stop: int) -> Iterator[bytes]:
    """Yield tracks of plain boxes as text, as `_write_track` does; `stop` is one past the video's last frame row."""
    if not tracks:
        return
    names = [attribute(name) for name in labels.ontology.names]
    opening = [f'<track id="{track.id}" label={names[track.class_id]} source="file">\n'.encode() for track in tracks]
    opening[1:] = [b"</track>\n" + text for text in opening[1:]]
    rows = np.concatenate([track.rows for track in tracks])
    ends = np.concatenate([track.ends for track in tracks])
    owner = np.repeat(np.arange(len(tracks)), [len(track.rows) for track in tracks])
    is_key = ((labels.flags[rows] & np.uint16(Flag.KEYFRAME)) != 0) | ends
    rows, ends, owner = rows[is_key], ends[is_key], owner[is_key]
    is_closed = ends & (labels.frame[rows] + 1 < stop)
    place = np.repeat(np.arange(len(rows)), 1 + is_closed)
    is_closing = np.append(False, place[1:] == place[:-1])
    rows, owner = rows[place], owner[place]
    frame = labels.frames.index[labels.frame[rows] + is_closing]
    hidden = (labels.flags[rows] & np.uint16(Flag.OCCLUDED)) != 0
    is_first = np.append(True, owner[1:] != owner[:-1])
    for start in range(0, len(rows), _BLOCK):
        part = slice(start, start + _BLOCK)
        opens = zip(is_first[part].tolist(), owner[part].tolist(), strict=True)
        yield filled(
            b'%b<box frame="%d" outside="%d" occluded="%d" keyframe="1" '
            b'xtl="%b" ytl="%b" xbr="%b" ybr="%b" z_order="0"/>\n',
            [opening[track] if is_new else b"" for is_new, track in opens],
            frame[part].tolist(),
            is_closing[part].tolist(),
            hidden[part].tolist(),
            *cell_texts(labels.xyxy[rows[part]]),
        )
    yield b"</track>\n"


def _write_track(labels: Labels, track: Track, frames_of_video: tuple[int, int], lines: list[str]) -> None:
    """Append a track's keys, each visible span closed by a key with outside="1" on the next frame."""
    label = attribute(labels.ontology.names[track.class_id])
    lines.append(f'<track id="{track.id}" label={label} source="file">\n')
    is_key = ((labels.flags[track.rows] & np.uint16(Flag.KEYFRAME)) != 0) | track.ends
    rows, ends = track.rows[is_key], track.ends[is_key].tolist()
    places = labels.frame[rows]
    index = labels.frames.index
    frames, boxes = index[places].tolist(), labels.xyxy[rows].tolist()
    occluded = ((labels.flags[rows] & np.uint16(Flag.OCCLUDED)) != 0).tolist()
    columns = zip(rows.tolist(), places.tolist(), frames, boxes, occluded, ends, strict=True)
    for row, place, frame, box, hidden, is_end in columns:
        lines.append(_element(labels, row, frame, box, (0, int(hidden))))
        if is_end and place + 1 < frames_of_video[1]:
            after = int(index[place + 1])
            lines.append(_element(labels, row, after, box, (1, int(hidden))))
    lines.append("</track>\n")


def _element(labels: Labels, row: int, frame: int, box: list[float], state: tuple[int, int]) -> str:
    shape = labels.shapes.get(row)
    common = f'frame="{frame}" outside="{state[0]}" occluded="{state[1]}" keyframe="1"'
    if isinstance(shape, (Polygon, Polyline)):
        tag = "polygon" if isinstance(shape, Polygon) else "polyline"
        points = shape.rings[0] if isinstance(shape, Polygon) else shape.points
        place = f'points="{points_text(points)}"'
    else:
        tag = "box"
        place = f'xtl="{box[0]}" ytl="{box[1]}" xbr="{box[2]}" ybr="{box[3]}"'
    values = row_attributes(labels, row, IN_ATTRIBUTES)
    if not values:
        return f'<{tag} {common} {place} z_order="0"/>\n'
    inner = "".join(
        f"<attribute name={attribute(name)}>{text(to_text(value))}</attribute>" for name, value in values.items()
    )
    return f'<{tag} {common} {place} z_order="0">{inner}</{tag}>\n'
