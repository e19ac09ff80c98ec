"""Reads Scalabel frames (BDD100K's file format) into columns, block by block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from framelabel.core.boxes import NO_TRACK
from framelabel.core.labels import Flag, Labels
from framelabel.core.ontology import AttributeValue
from framelabel.core.shapes import Shape
from framelabel.formats.bdd_plain import PlainFrames
from framelabel.formats.bdd_shapes import hull_box, shape_of
from framelabel.formats.builder import FARTHEST, MOST_FRAMES, LabelsBuilder, make_video
from framelabel.formats.conventions import BDD_LIGHTS, SCALABEL_INCLUSIVE, bdd_name, ruled_names, split_attributes
from framelabel.formats.jsonstream import Block
from framelabel.formats.numbering import TrackNumbers, column, sequence
from framelabel.formats.report import RECORD_ERRORS, Report

_NO_IDS = {-1, "-1", None, ""}
_TEXT_ID = 1 << 60
"""Ids that are texts are numbered from here while reading; `_with_small_ids` brings them down."""


class ScalabelReader:
    """Takes frames of one or more files; `labels` joins them."""

    def __init__(self, report: Report, stem: str) -> None:
        self.report = report
        self.stem = stem
        self.builder = LabelsBuilder(report)
        self._videos: dict[str, int] = {}
        self._stills = -1
        self._tracks: list[NDArray[np.int64]] = []
        self._known: dict[bytes, tuple[int, float, Mapping[str, AttributeValue]]] = {}
        self._names: set[str] = set()
        self._text_ids: dict[tuple[int, str], int] = {}
        self._frames_seen = 0
        self._lacks_null = False
        self._is_default_name = True

    def take(self, key: str, values: Block) -> None:
        """Take one block of the stream: frames, or the rest of the file."""
        if isinstance(values, dict):
            if "frames" in values and not isinstance(values["frames"], list):
                self.report.skip("frames", "is not a list")
            self._take_config(values.get("config"))
        elif isinstance(values, PlainFrames):
            self._take_plain(values)
        elif isinstance(values, list) and key in ("[]", "frames"):
            self._take_frames(values)

    def labels(self) -> Labels:
        """Return everything read."""
        if self._lacks_null:
            self.report.warn(
                "",
                "fields box2d, box3d, poly2d, rle, graph or url are left out; the toolkit refuses that with pydantic 2",
                "write them as null (framelabel convert does)",
            )
        if self._is_default_name and self._stills < 0:
            self.builder.forget_names()
        labels = self.builder.build()
        if self._text_ids:
            labels = _with_small_ids(labels)
            self.report.change(
                "",
                f"{len(self._text_ids)} track ids are not numbers; numbered in order of appearance",
                "the official evaluation needs integer ids in predictions",
            )
        return labels

    def _take_config(self, config: Any) -> None:
        categories = config.get("categories") if isinstance(config, dict) else None
        for category in categories if isinstance(categories, list) else []:
            if isinstance(category, dict) and isinstance(category.get("name"), str):
                for leaf in category.get("subcategories") or [category]:
                    if isinstance(leaf, dict) and isinstance(leaf.get("name"), str):
                        self.builder.class_id(leaf["name"])

    def _take_frames(self, frames: list[Any]) -> None:
        flat: list[dict[str, Any]] = []
        numbers: list[int] = []
        video_rows: list[int] = []
        for position, frame in enumerate(frames, self._frames_seen):
            try:
                number, video, labels = self._frame(frame, position)
            except RECORD_ERRORS as error:
                self.report.failed(f"frames[{position}]", error)
                continue
            flat.extend(labels)
            numbers.extend([number] * len(labels))
            video_rows.extend([video] * len(labels))
        self._frames_seen += len(frames)
        if flat:
            self._take_labels(flat, np.array(numbers, np.int64), video_rows)

    def _take_plain(self, block: PlainFrames) -> None:
        """Take frames whose labels came as numbers."""
        numbers, is_clip = self._regular_frames(block.frames) or self._any_frames(block.frames)
        self._frames_seen += len(block)
        self._lacks_null = self._lacks_null or not block.has_nulls
        owner = np.repeat(np.arange(len(block)), block.counts)
        kept = numbers[owner] >= 0
        owner, form, values = owner[kept], block.form[kept], block.values[kept]
        meant = [self._attributes(known.attributes) if known.attributes else (0, np.nan, {}) for known in block.forms]
        used = set(np.unique(form).tolist())
        class_of = np.array(
            [self.builder.class_id(known.category) if row in used else -1 for row, known in enumerate(block.forms)],
            np.int32,
        )
        drawn = [int(Flag.KEYFRAME) if known.is_drawn else 0 for known in block.forms]
        flags = np.array([raised for raised, _, _ in meant], np.uint16) | np.array(drawn, np.uint16)
        track_id = np.where(is_clip[owner], values[:, 0], NO_TRACK).astype(np.int64)
        xyxy = values[:, 2:].copy()
        xyxy[:, 2:] += SCALABEL_INCLUSIVE
        first = self.builder.row_count
        accepted = self.builder.extend(
            numbers[owner],
            xyxy,
            class_of[form],
            lambda row: f"frame {numbers[owner[row]]}, label {int(values[row, 0])}",
            track_id=track_id,
            score=values[:, 1],
            flags=flags[form],
            visible=np.array([share for _, share, _ in meant])[form],
        )
        has_free = np.array([bool(free) for _, _, free in meant], np.bool_)[form[accepted]]
        for row in np.flatnonzero(has_free).tolist():
            self.builder.attributes[first + row] = meant[int(form[accepted[row]])][2]

    def _any_frames(self, frames: list[dict[str, Any]]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return the number of each frame, -1 for a faulty one, and whether it belongs to a clip."""
        numbers = np.full(len(frames), -1, np.int64)
        is_clip = np.zeros(len(frames), np.bool_)
        for row, frame in enumerate(frames):
            try:
                numbers[row], video, _ = self._frame(frame, self._frames_seen + row)
                is_clip[row] = video != NO_TRACK
            except RECORD_ERRORS as error:
                self.report.failed(f"frames[{self._frames_seen + row}]", error)
        return numbers, is_clip

    def _regular_frames(self, frames: list[dict[str, Any]]) -> tuple[NDArray[np.int64], NDArray[np.bool_]] | None:
        """As `_any_frames`, for new frames of clips in order without tags; None to look at each."""
        try:
            clips = [frame["videoName"] for frame in frames]
            indices = [frame["frameIndex"] for frame in frames]
            names = [frame["name"] for frame in frames]
            sizes = [(frame["size"]["width"], frame["size"]["height"]) for frame in frames]
            ordinals, whole = np.array(indices), np.array(sizes)
        except (KeyError, TypeError, ValueError, OverflowError):
            return None
        is_plain = set(map(type, clips)) == {str} == set(map(type, names)) and "" not in clips
        is_plain = is_plain and ordinals.dtype.kind == "i" == whole.dtype.kind and ordinals.ndim == 1
        if not is_plain or any(frame.get("attributes") for frame in frames):
            return None
        known = {name: self._videos.get(name, -1) for name in dict.fromkeys(clips)}
        starts = [clips.index(name) for name in known]
        rises = np.diff(ordinals, prepend=-1) > 0
        rises[starts] = [
            ordinals[start] > (self.builder.last_of(row) if row >= 0 else -1)
            for start, row in zip(starts, known.values(), strict=True)
        ]
        in_reach = int(ordinals.max()) < MOST_FRAMES and int(whole.min()) >= 0 and int(whole.max()) < FARTHEST
        is_new = len(set(names)) == len(names) and self._names.isdisjoint(names)
        if not (bool(rises.all()) and in_reach and is_new and int(ordinals.min()) >= 0):
            return None
        for name in known:
            if name not in self._videos:
                self._videos[name] = self.builder.video(make_video(name))
        self._names.update(names)
        rule = ruled_names(bdd_name, clips, indices)
        self._is_default_name = self._is_default_name and names == rule
        added = self.builder.add_frames([self._videos[name] for name in clips], indices, names, sizes)
        return np.arange(added.start, added.stop), np.ones(len(frames), np.bool_)

    def _frame(self, frame: Any, position: int) -> tuple[int, int, list[dict[str, Any]]]:
        if not isinstance(frame, dict):
            msg = f"is {type(frame).__name__}, not a frame object"
            raise TypeError(msg)
        name = str(frame["name"])
        if name in self._names:
            self.report.warn(f"frames[{position}]", f"name {name!r} occurs twice in the data set", "make names unique")
        self._names.add(name)
        size = frame.get("size") or {}
        width_height = (int(size.get("width") or 0), int(size.get("height") or 0))
        video_name = frame.get("videoName")
        is_clip = isinstance(video_name, str) and video_name != ""
        if is_clip:
            video = self._videos.get(str(video_name), -1)
            if video < 0:
                video = self._videos[str(video_name)] = self.builder.video(make_video(str(video_name)))
            index = frame.get("frameIndex")
            index = self.builder.last_of(video) + 1 if index is None else int(index)
            self._is_default_name = self._is_default_name and name == bdd_name(str(video_name), index)
        else:
            if self._stills < 0:
                self._stills = self.builder.video(make_video(self.stem))
            video, index = self._stills, self.builder.last_of(self._stills) + 1
        if self.builder.has_frame(video, index):
            msg = f"frameIndex {index} of video {video_name!r} occurs twice"
            raise ValueError(msg)
        number = self.builder.frame(video, index, name, width_height)
        if given := frame.get("attributes"):
            _, tags = split_attributes(given)
            if tags:
                self.builder.frame_attributes[number] = tags
        labels = frame.get("labels")
        if "url" not in frame:
            self._lacks_null = True
        if labels is None:
            labels = []
        kept = [label for label in sequence(labels) if isinstance(label, dict)]
        if len(kept) < len(labels):
            self.report.skip(f"frames[{position}].labels", "holds entries that are not objects")
        return number, video if is_clip else NO_TRACK, kept

    def _take_labels(self, flat: list[dict[str, Any]], frame: NDArray[np.int64], videos: Sequence[int]) -> None:
        try:
            columns = self._columns(flat)
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError):
            good = [row for row, label in enumerate(flat) if self._is_good(label)]
            if not good:
                return
            flat = [flat[row] for row in good]
            frame, videos = frame[good], [videos[row] for row in good]
            columns = self._columns(flat)
        xyxy, class_id, shapes = columns
        keys = set().union(*flat)
        if not {"box2d", "box3d", "poly2d", "rle", "graph"} <= keys:
            self._lacks_null = True
        track_id = self._track_ids(column(flat, "id"), videos)
        score = np.full(len(flat), np.nan)
        if "score" in keys:
            given = column(flat, "score")
        if "score" in keys and given.count(None) < len(given):
            score = np.array([value if isinstance(value, (int, float)) else np.nan for value in given], np.float64)
        flags = np.zeros(len(flat), np.uint16)
        visible = np.full(len(flat), np.nan)
        attributes: dict[int, Mapping[str, AttributeValue]] = {}
        if "manualShape" in keys:
            drawn = column(flat, "manualShape")
            if any(drawn):
                flags[[bool(value) for value in drawn]] |= np.uint16(Flag.KEYFRAME)
        if "attributes" in keys:
            for row, given_attributes in enumerate(column(flat, "attributes")):
                if given_attributes:
                    raised, share, free = self._attributes(given_attributes)
                    flags[row] |= raised
                    visible[row] = share
                    if free:
                        attributes[row] = free
        first = self.builder.row_count
        accepted = self.builder.extend(
            frame,
            xyxy,
            class_id,
            lambda row: f"frame {frame[row]}, label {flat[row].get('id')}",
            track_id=track_id,
            score=score,
            flags=flags,
            visible=visible,
        )
        if shapes or attributes:
            new_row = np.full(len(flat), -1, np.int64)
            new_row[accepted] = first + np.arange(len(accepted))
            self.builder.shapes.update({int(new_row[row]): shape for row, shape in shapes.items() if new_row[row] >= 0})
            self.builder.attributes.update(
                {int(new_row[row]): value for row, value in attributes.items() if new_row[row] >= 0}
            )

    def _is_good(self, label: dict[str, Any]) -> bool:
        where = f"label {label.get('id')}"
        try:
            self._columns([label])
        except KeyError as error:
            self.report.skip(where, f"field {error.args[0]!r} is missing")
        except (TypeError, ValueError, OverflowError, AttributeError) as error:
            self.report.skip(where, " ".join(str(error).split())[:200] or "cannot be read")
        else:
            return True
        return False

    def _columns(self, flat: list[dict[str, Any]]) -> tuple[NDArray[np.float64], list[int], dict[int, Shape]]:
        """Return (N, 4) boxes, class ids and exact shapes; raises for the first label that has none of them."""
        shapes: dict[int, Shape] = {}
        boxes = column(flat, "box2d")
        keys = set().union(*flat)
        for key in keys & {"poly2d", "rle", "graph"}:
            given = column(flat, key)
            if given.count(None) < len(given):
                for row in [row for row, value in enumerate(given) if value]:
                    shape = shape_of(flat[row])
                    if shape is not None:
                        shapes[row] = shape
        if None in boxes:
            for row, box in enumerate(boxes):
                if box is None:
                    boxes[row] = hull_box(shapes.get(row))
        xyxy = np.array([(box["x1"], box["y1"], box["x2"], box["y2"]) for box in boxes], np.float64)
        xyxy[:, 2:] += SCALABEL_INCLUSIVE
        names = [label["category"] for label in flat]
        known = {name: self.builder.class_id(name) if isinstance(name, str) else -1 for name in dict.fromkeys(names)}
        if -1 in known.values():
            msg = "category is not a text"
            raise TypeError(msg)
        return xyxy, [known[name] for name in names], shapes

    def _attributes(self, given: Any) -> tuple[int, float, Mapping[str, AttributeValue]]:
        try:
            key = orjson.dumps(given)
        except TypeError:
            key = repr(given).encode()
        known = self._known.get(key)
        if known is None:
            flags, free = split_attributes(given)
            share = free.pop("visibility", np.nan)
            if not isinstance(share, float):
                share = np.nan
            if isinstance(light := free.get("trafficLightColor"), str):
                free["trafficLightColor"] = BDD_LIGHTS.get(light, light)
            known = self._known[key] = (flags, share, free)
        return known

    def _track_ids(self, ids: list[Any], videos: Sequence[int]) -> NDArray[np.int64]:
        """Return track ids of labels in clips; single pictures have none, whatever id their labels carry."""
        if NO_TRACK not in videos and _are_digits(ids):
            return np.array(list(map(int, ids)), np.int64)
        ids = [value if isinstance(value, (int, str)) else None for value in ids]
        rows = [row for row, video in enumerate(videos) if video != NO_TRACK and ids[row] not in _NO_IDS]
        result = np.full(len(ids), NO_TRACK, np.int64)
        if not rows:
            return result
        values = [ids[row] for row in rows]
        try:
            result[rows] = np.array(values, np.int64) if all(map(_is_digits, values)) else _refuse()
        except (ValueError, OverflowError):
            quiet = TrackNumbers(Report(""))
            for row, value in zip(rows, values, strict=True):
                if _is_digits(value):
                    result[row] = quiet.of([0], [value])[0]
                else:
                    key = (videos[row], str(value))
                    number = self._text_ids.get(key)
                    if number is None:
                        number = self._text_ids[key] = _TEXT_ID + len(self._text_ids)
                    result[row] = number
        return result


def _with_small_ids(labels: Labels) -> Labels:
    """Renumber ids from `_TEXT_ID` on to follow the highest numeric id of their video."""
    track_id = labels.track_id.copy()
    video = labels.frames.video[labels.frame]
    for row in range(len(labels.videos)):
        of_video = video == row
        is_text = of_video & (track_id >= _TEXT_ID)
        numeric = track_id[of_video & ~is_text]
        _, rank = np.unique(track_id[is_text], return_inverse=True)
        track_id[is_text] = max(int(numeric.max(initial=0)), 0) + 1 + rank
    return replace(labels, track_id=track_id)


def _are_digits(values: list[Any]) -> bool:
    """Return whether all values are texts of few digits (the common case, checked at once)."""
    try:
        joined = "".join(values)
    except TypeError:
        return False
    return joined.isdigit() and joined.isascii() and max(map(len, values)) < 19 and "" not in values


def _is_digits(value: Any) -> bool:
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) < 2**62
    return isinstance(value, str) and value.isdigit() and value.isascii() and len(value) < 19


def _refuse() -> Any:
    raise ValueError
