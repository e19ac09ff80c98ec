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
from framelabel.core.shapes import Keypoints, Polygon, Polyline, Shape, hull
from framelabel.formats.builder import LabelsBuilder, make_video
from framelabel.formats.conventions import BDD_LIGHTS, SCALABEL_INCLUSIVE, bdd_name, split_attributes
from framelabel.formats.jsonstream import Block
from framelabel.formats.numbering import TrackNumbers, column, sequence
from framelabel.formats.report import RECORD_ERRORS, Report
from framelabel.formats.rle import mask_of

_VISIBILITY = {"V": 2, "N": 1}
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
            lambda row: f"frame {frame[row]}, label {flat[row].get('id')!r}",
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
        where = f"label {label.get('id')!r}"
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
                    shape = _shape(flat[row])
                    if shape is not None:
                        shapes[row] = shape
        if None in boxes:
            for row, box in enumerate(boxes):
                if box is None:
                    boxes[row] = _hull_box(shapes.get(row))
        xyxy = np.array([(box["x1"], box["y1"], box["x2"], box["y2"]) for box in boxes], np.float64)
        xyxy[:, 2:] += SCALABEL_INCLUSIVE
        names = [label["category"] for label in flat]
        known = {name: self.builder.class_id(name) if isinstance(name, str) else -1 for name in set(names)}
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


def _hull_box(shape: Shape | None) -> dict[str, float]:
    if shape is None:
        raise KeyError("box2d")
    x1, y1, x2, y2 = hull(shape).tolist()
    return {"x1": x1, "y1": y1, "x2": x2 - SCALABEL_INCLUSIVE, "y2": y2 - SCALABEL_INCLUSIVE}


def _shape(label: dict[str, Any]) -> Shape | None:
    if label.get("rle"):
        return mask_of(label["rle"])
    if label.get("poly2d"):
        parts = sequence(label["poly2d"])
        points = [_vertices(part) for part in parts]
        if all(bool(part.get("closed")) for part in parts):
            return Polygon(tuple(points))
        return Polyline(np.concatenate(points))
    if label.get("graph"):
        nodes = sequence(label["graph"]["nodes"])
        places = np.array([node["location"][:2] for node in nodes], np.float64).reshape(-1, 2)
        seen = [_VISIBILITY.get(node.get("visibility") or "", 0) for node in nodes]
        return Keypoints(places, np.array(seen, np.int8))
    return None


def _vertices(part: dict[str, Any]) -> NDArray[np.float64]:
    """Return the vertices of one poly2d; cubic Bezier pieces (L C C L) become eight chords each."""
    vertices = np.array(part["vertices"], np.float64).reshape(-1, 2)
    types = str(part.get("types") or "L" * len(vertices))
    if "C" not in types:
        return vertices
    points: list[NDArray[np.float64]] = []
    row = 0
    steps = np.linspace(0, 1, 9)[1:, None]
    while row < len(vertices):
        if types[row : row + 2] == "CC" and points:
            end = vertices[(row + 2) % len(vertices)]
            a, b, c = points[-1], vertices[row], vertices[min(row + 1, len(vertices) - 1)]
            curve = (1 - steps) ** 3 * a + 3 * (1 - steps) ** 2 * steps * b + 3 * (1 - steps) * steps**2 * c
            points.extend(curve + steps**3 * end)
            row += 3
        else:
            points.append(vertices[row])
            row += 1
    return np.array(points)
