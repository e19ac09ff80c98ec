"""Label Studio video JSON: one task for each video, one region for each track, keys in percent of the frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import orjson

from framelabel.core.config import setting
from framelabel.core.errors import InvalidLabelsError
from framelabel.core.labels import Flag, Labels
from framelabel.formats import jsonstream
from framelabel.formats.builder import LabelsBuilder, make_video
from framelabel.formats.conventions import FRAMES_FROM_ONE
from framelabel.formats.files import head_of, pieces
from framelabel.formats.holding import Fact, FrameSet, Holds, Rate
from framelabel.formats.keyed_tracks import Track, expand, fit_keys, tracks_of
from framelabel.formats.numbering import TrackNumbers, fraction_of, sequence
from framelabel.formats.numbers import Floats, rounded, shortest_fraction
from framelabel.formats.protocol import Format, Piece
from framelabel.formats.report import LossReport, Report
from framelabel.formats.track_ids import with_own_tracks

_DIGITS = 6
"""Pixels are rounded to a millionth on reading, so that whole pixels come back whole from percents."""


@dataclass(frozen=True)
class LabelStudioOptions:
    """How dense tracks become keys, and what Label Studio does not say of the footage."""

    tolerance: float = setting(1.0, help="pixels that a box between keys may move; 0 keeps every bend")
    fps: str = setting(
        "", help="rate that the labels must have been made with, such as 25 or 30000/1001; refuses others"
    )
    size: str = setting("", help="frame size when the file does not state it", metavar="WIDTHxHEIGHT")


class LabelStudio(Format[LabelStudioOptions]):
    """Frames are numbered from 1 at the rate typed into <Video>; that rate is stored with the export."""

    name: ClassVar[str] = "label_studio"
    title: ClassVar[str] = "Label Studio video"
    Options: ClassVar[type[LabelStudioOptions]] = LabelStudioOptions

    @classmethod
    def detect(cls, path: Path) -> bool:
        """Recognise tasks with `data` and `annotations` or `predictions`."""
        if not path.is_file():
            return False
        keys = jsonstream.shape_of(head_of(path))
        inside = keys.get("[]", frozenset(keys))
        return "data" in inside and bool(inside & {"annotations", "predictions", "id"}) and "name" not in inside

    def holds(self) -> Holds:
        """Tracks of boxes; nothing else of a label."""
        facts = frozenset({Fact.TRACK, Fact.KEYFRAME, Fact.PREDICTED, Fact.FRAME_SIZE})
        return Holds(facts, FrameSet.FULL, Rate.FLOAT, coordinates=lambda xyxy: rounded(xyxy, _DIGITS))

    def fit(self, labels: Labels, loss: LossReport) -> Labels:
        """Also make every label a track and tracks keys; videos of unknown size cannot be written in percent."""
        known = np.array([video.width > 0 and video.height > 0 for video in labels.videos] or [True])
        kept = known[labels.frames.video[labels.frame]] if len(labels) else np.zeros(0, np.bool_)
        loss.add("label in a video of unknown size", int((~kept).sum()), "left out; percents need the size")
        labels = with_own_tracks(super().fit(labels.select(kept), loss), loss)
        return fit_keys(labels, self.options.tolerance, loss, carries=0)

    def parse(self, path: Path, report: Report) -> Labels:
        """Read the tasks of one file.

        Raises:
            InvalidLabelsError: a task's frame rate differs from the one demanded.
        """
        builder = LabelsBuilder(report)
        number = 0
        for key, values in jsonstream.stream(pieces(path), str(path)):
            tasks: list[Any] = values if key == "[]" and isinstance(values, list) else []
            if isinstance(values, dict):
                tasks = [jsonstream.whole(pieces(path), str(path))]
            for task in tasks:
                with report.record(f"[{number}]"):
                    self._task(task, f"[{number}]", number, builder)
                number += 1
        return builder.build()

    def render(self, labels: Labels) -> Iterator[Piece]:
        """Write one list of tasks."""
        of_video: dict[int, list[Track]] = {row: [] for row in range(len(labels.videos))}
        for track in tracks_of(labels):
            of_video[track.video].append(track)
        yield "", b"["
        for row, video in enumerate(labels.videos):
            yield "", b",\n" if row else b"\n"
            data: dict[str, Any] = {"video": video.name, "framesCount": video.frame_count}
            if video.fps:
                data["framerate"] = float(video.fps)
            data |= {"width": video.width, "height": video.height}
            head = orjson.dumps({"id": row + 1, "data": data})[:-1]
            yield "", head + b',"annotations":[{"result":['
            for at, track in enumerate(of_video[row]):
                yield "", (b",\n" if at else b"\n") + orjson.dumps(_region(labels, track))
            yield "", b"]}]}"
        yield "", b"\n]\n"

    def _task(self, task: Any, where: str, number: int, builder: LabelsBuilder) -> None:
        given = task.get("data")
        data: dict[str, Any] = given if isinstance(given, dict) else {}
        answers = sequence(task.get("annotations") or task.get("predictions") or [])
        regions: list[Any] = []
        for answer in answers[:1]:
            regions = sequence(answer.get("result") or [])
        if len(answers) > 1:
            builder.report.skip(where, f"has {len(answers)} annotations; the first is read", "export the one you mean")
        videos = [region for region in regions if isinstance(region, dict) and region.get("type") == "videorectangle"]
        facts = [value for region in videos if isinstance(value := region.get("value"), dict)]
        first: dict[str, Any] = facts[0] if facts else {}
        name = str(data.get("video") or data.get("video_url") or f"task-{task.get('id', number)}")
        frame_count = _count(data.get("framesCount") or first.get("framesCount"))
        fps = _rate(data.get("framerate") or data.get("fps"), first)
        if self.options.fps and fps and fps != fraction_of(self.options.fps):
            raise InvalidLabelsError(
                f"{builder.report.file}: {where}: labelled at {float(fps):g} frames a second, not {self.options.fps}; "
                f"set frameRate of <Video> to {self.options.fps} and label again, or give the rate it was made with"
            )
        size = (_count(data.get("width")), _count(data.get("height")))
        if not all(size) and videos:
            size = (_count(videos[0].get("original_width")), _count(videos[0].get("original_height")))
        if not all(size):
            size = _size_option(self.options.size)
        row = builder.video(make_video(name, size, frame_count, fps))
        builder.add_run(row, range(frame_count))
        if not all(size) and videos:
            builder.report.skip(where, "frame size is not known", "give size=WxH", count=len(videos))
            return
        ids = [region.get("id") for region in videos]
        tracks = TrackNumbers(builder.report).of([row] * len(ids), ids).tolist()
        for at, (region, track) in enumerate(zip(videos, tracks, strict=True)):
            with builder.report.record(f"{where}, region {at}"):
                _read_region(region, f"{where}, region {at}", track, row, builder)


def _read_region(region: dict[str, Any], where: str, track: int, video: int, builder: LabelsBuilder) -> None:
    value = region["value"]
    labels = sequence(value.get("labels") or value.get("rectanglelabels") or [])
    class_id = builder.class_id(str(labels[0]))
    keys = sorted(sequence(value["sequence"]), key=lambda key: int(key["frame"]))
    width, height = builder.videos[video].size
    frame = np.array([int(key["frame"]) - FRAMES_FROM_ONE for key in keys], np.int64)
    keep = np.append(np.diff(frame) > 0, True) & (frame >= 0)
    if not bool(keep.all()):
        builder.report.skip(where, "frames are numbered below 1 or twice", "Label Studio counts from 1")
    keys = [key for key, kept in zip(keys, keep.tolist(), strict=True) if kept]
    frame = frame[keep]
    places = [(float(key["x"]), float(key["y"]), float(key["width"]), float(key["height"])) for key in keys]
    percent = np.array(places, np.float64).reshape(-1, 4)
    scaled = percent * np.array([width, height, width, height]) / 100
    xyxy = rounded(np.concatenate([scaled[:, :2], scaled[:, :2] + scaled[:, 2:]], axis=1), _DIGITS)
    if any(key.get("rotation") for key in keys):
        builder.report.change(where, "rotation is not kept; the box is read unrotated")
    enabled = np.array([bool(key.get("enabled", True)) for key in keys], np.bool_)
    if keys and enabled[-1]:
        builder.report.warn(where, "the last key is enabled: Label Studio would show it to the end; it ends at the key")
    dense = expand(frame, xyxy, enabled, np.arange(frame[0], frame[-1] + 1) if len(frame) else frame)
    drawn = np.array([not key.get("auto") for key in keys], np.bool_)[dense.key] & dense.is_key
    builder.extend(
        builder.frames(video, dense.frame),
        dense.xyxy,
        class_id,
        lambda row: f"{where}, frame {dense.frame[row] + FRAMES_FROM_ONE}",
        track_id=track,
        flags=np.where(drawn, np.uint16(Flag.KEYFRAME), np.uint16(Flag.PREDICTED)),
    )


def _region(labels: Labels, track: Track) -> dict[str, Any]:
    video = labels.videos[track.video]
    is_key = ((labels.flags[track.rows] & np.uint16(Flag.KEYFRAME)) != 0) | track.ends
    rows, ends = track.rows[is_key], track.ends[is_key]
    x, y, width, height = _percents(labels.xyxy[rows], video.width, video.height)
    numbers = (labels.frames.index[labels.frame[rows]] + FRAMES_FROM_ONE).tolist()
    fps = float(video.fps) if video.fps else 1.0
    keys = [
        {
            "frame": number,
            "time": number / fps,
            "enabled": not end,
            "rotation": 0,
            "x": left,
            "y": top,
            "width": across,
            "height": down,
        }
        for number, end, left, top, across, down in zip(
            numbers, ends.tolist(), x.tolist(), y.tolist(), width.tolist(), height.tolist(), strict=True
        )
    ]
    value: dict[str, Any] = {"labels": [labels.ontology.names[track.class_id]], "framesCount": video.frame_count}
    if video.fps:
        value["duration"] = float(video.frame_count / video.fps)
    value["sequence"] = keys
    return {
        "id": str(track.id),
        "type": "videorectangle",
        "from_name": "box",
        "to_name": "video",
        "original_width": video.width,
        "original_height": video.height,
        "value": value,
    }


def _percents(xyxy: Floats, width: int, height: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Return x, y, width, height in percent that read back to the same pixels."""
    scale = np.array([width, height]) / 100
    sides = [shortest_fraction(xyxy[:, at], scale[at], _DIGITS) for at in (0, 1)]
    extents = []
    for at in (0, 1):
        base = sides[at] * scale[at]
        extents.append(shortest_fraction(xyxy[:, at + 2] - base, scale[at], 9))
    return sides[0], sides[1], extents[0], extents[1]


def _count(value: Any) -> int:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return int(value) if is_number and 0 <= value < 10_000_000 else 0


def _rate(stated: Any, value: dict[str, Any]) -> Fraction:
    if stated:
        return fraction_of(stated)
    count, duration = value.get("framesCount"), value.get("duration")
    if isinstance(count, (int, float)) and isinstance(duration, (int, float)) and duration > 0:
        return fraction_of(count / duration)
    return Fraction(0)


def _size_option(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    return (int(width), int(height)) if width.isdigit() and height.isdigit() else (0, 0)
