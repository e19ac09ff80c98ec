"""Reads the COCO family (instances, CocoVID, TAO, CVAT's and framelabel's extensions) into columns, block by block."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import NO_TRACK
from framelabel.core.labels import Flag, Labels
from framelabel.core.ontology import AttributeValue
from framelabel.core.shapes import Shape
from framelabel.formats.builder import FARTHEST, MOST_FRAMES, LabelsBuilder, make_video
from framelabel.formats.coco_plain import TRACK_FIELDS
from framelabel.formats.coco_shapes import box_of_segmentation, keypoints_shape, segmentation_shape, skeleton_of
from framelabel.formats.conventions import default_name, ruled_names, split_attributes
from framelabel.formats.jsonstream import Block
from framelabel.formats.numbering import Keys, TrackNumbers, column, fraction_of, sequence, whole_number
from framelabel.formats.numbers import xywh_to_xyxy
from framelabel.formats.report import RECORD_ERRORS, Report
from framelabel.formats.uniform import NumberTable


class CocoReader:
    """Takes the blocks of one file in any order of keys; `labels` joins them."""

    def __init__(self, report: Report, stem: str) -> None:
        self.report = report
        self.stem = stem
        self.builder = LabelsBuilder(report)
        self.images: list[dict[str, Any]] = []
        self.categories: list[Any] = []
        self.videos: list[Any] = []
        self._image_keys = Keys()
        self._category_keys = Keys()
        self._blocks: list[tuple[NDArray[Any], ...]] = []
        self._names: list[int] = []
        self._count = 0
        self._shapes: dict[int, Shape] = {}
        self._attributes: dict[int, Mapping[str, AttributeValue]] = {}
        self._tracks: dict[int, Any] = {}
        self._zero_ids = 0
        self._missing_area = 0
        self._seen = 0

    def take(self, key: str, values: Block) -> None:
        """Take one block of the stream."""
        if isinstance(values, dict):
            for name in ("images", "annotations", "categories", "videos"):
                if name in values and not isinstance(values[name], list):
                    self.report.skip(name, f"is not a list but {type(values[name]).__name__}")
        elif isinstance(values, NumberTable):
            self._take_table(values)
        elif not isinstance(values, list):
            return
        elif key in ("annotations", "[]"):
            self._take_annotations(values)
        elif key == "images":
            self.images.extend(self._dicts(values, "images", len(self.images)))
        elif key == "categories":
            self.categories.extend(self._dicts(values, "categories", len(self.categories)))
        elif key == "videos":
            self.videos.extend(self._dicts(values, "videos", len(self.videos)))

    def labels(self) -> Labels:
        """Join images, categories and annotations."""
        classes = self._classes()
        frames = self._frames()
        if self._zero_ids:
            self.report.warn("annotations", "id 0 is read as unmatched by COCO evaluators", "number from 1")
        if self._missing_area:
            self.report.warn(
                "annotations", f"{self._missing_area} without area; small/medium/large scores need it", "write area"
            )
        if not self._blocks:
            return self.builder.build()
        image, category, xyxy, score, flags, visible, track, position = (
            np.concatenate(parts) for parts in zip(*self._blocks, strict=True)
        )
        self._blocks.clear()
        frame = self._image_keys.places(image, frames)
        class_id = self._category_keys.places(category, classes)
        good = (frame >= 0) & (class_id >= 0)
        kept = np.flatnonzero(good)
        track_id = self._track_ids(frame, track)
        columns = (frame, xyxy, class_id, track_id, score, flags, visible)
        if len(kept) < len(good):
            self._report_unknown(~good, frame < 0, (image, category), position)
            columns = tuple(column[kept] for column in columns)  # type: ignore[assignment]
        first = self.builder.row_count
        accepted = kept[
            self.builder.extend(
                columns[0],
                columns[1],
                columns[2],
                lambda row: f"annotations[{position[kept[row]]}]",
                track_id=columns[3],
                score=columns[4],
                flags=columns[5],
                visible=columns[6],
            )
        ]
        if self._shapes or self._attributes:
            new_row = np.full(len(good), -1, np.int64)
            new_row[accepted] = first + np.arange(len(accepted))
            for target, given in ((self.builder.shapes, self._shapes), (self.builder.attributes, self._attributes)):
                for row, value in given.items():
                    if new_row[row] >= 0:
                        target[int(new_row[row])] = value  # type: ignore[assignment]
        return self.builder.build()

    def _report_unknown(
        self,
        bad: NDArray[np.bool_],
        has_no_frame: NDArray[np.bool_],
        codes: tuple[NDArray[np.int64], NDArray[np.int64]],
        position: NDArray[np.int64],
    ) -> None:
        for row in np.flatnonzero(bad)[:1000].tolist():
            what, keys, of_row = (
                ("image_id", self._image_keys, codes[0])
                if has_no_frame[row]
                else ("category_id", self._category_keys, codes[1])
            )
            value = keys.key(of_row[row])
            self.report.skip(f"annotations[{position[row]}]", f"{what} {value!r} is not in the file's lists")
        hidden = int(bad.sum()) - 1000
        if hidden > 0:
            self.report.skip("annotations", f"{hidden} more name unknown images or categories", count=hidden)

    # Lists beside the annotations

    def _dicts(self, values: list[Any], key: str, offset: int) -> list[dict[str, Any]]:
        if set(map(type, values)) == {dict}:
            return values
        for position, value in enumerate(values):
            if not isinstance(value, dict):
                self.report.skip(f"{key}[{offset + position}]", f"is {type(value).__name__}, not an object")
        return [value for value in values if isinstance(value, dict)]

    def _classes(self) -> dict[Any, int]:
        result: dict[Any, int] = {}
        for position, category in enumerate(self.categories):
            with self.report.record(f"categories[{position}]"):
                if category["id"] in result:
                    self.report.skip(
                        f"categories[{position}]", f"id {category['id']!r} occurs twice", "make ids unique"
                    )
                    continue
                row = self.builder.class_id(str(category["name"]), str(category.get("supercategory") or ""))
                result[category["id"]] = row
                if category.get("keypoints"):
                    joints = tuple(str(name) for name in sequence(category["keypoints"]))
                    self.builder.name_joints(row, joints)
                    with self.report.record(f"categories[{position}].skeleton"):
                        self.builder.name_joints(row, joints, skeleton_of(category.get("skeleton"), len(joints)))
        return result

    def _frames(self) -> dict[Any, int]:
        videos: dict[Any, int] = {}
        names: list[str] = []
        for position, video in enumerate(self.videos):
            with self.report.record(f"videos[{position}]"):
                if video["id"] in videos:
                    self.report.skip(f"videos[{position}]", f"id {video['id']!r} occurs twice", "make ids unique")
                    continue
                name = str(video.get("name") or video.get("file_name") or video["id"])
                size = (int(video.get("width") or 0), int(video.get("height") or 0))
                fps = fraction_of(video.get("fps_exact") or video.get("fps") or video.get("annotation_fps"))
                frame_count = int(video.get("length") or 0)
                videos[video["id"]] = self.builder.video(make_video(name, size, frame_count, fps))
                names.append(name)
        if (regular := self._regular_frames(videos, names)) is not None:
            return regular
        stills = -1
        result: dict[Any, int] = {}
        is_default = True
        for position, image in enumerate(self.images):
            try:
                if image["id"] in result:
                    self.report.skip(f"images[{position}]", f"id {image['id']!r} occurs twice", "make ids unique")
                    continue
                row = videos.get(image.get("video_id"))
                if row is None:
                    if stills < 0:
                        stills = self.builder.video(make_video(self.stem))
                        names.append(self.stem)
                    row = stills
                index = image.get("frame_id", image.get("frame_index"))
                if index is None or row == stills:
                    index = self.builder.last_of(row) + 1
                if self.builder.has_frame(row, int(index)):
                    self.report.skip(f"images[{position}]", f"frame {index} of its video occurs twice")
                    continue
                size = (int(image.get("width") or 0), int(image.get("height") or 0))
                name = str(image.get("file_name") or "")
                number = self.builder.frame(row, int(index), name, size)
                result[image["id"]] = number
                is_default = is_default and row != stills and name in ("", default_name(names[row], int(index)))
                if given := image.get("attributes"):
                    _, tags = split_attributes(given)
                    if tags:
                        self.builder.frame_attributes[number] = tags
            except RECORD_ERRORS as error:
                self.report.failed(f"images[{position}]", error)
        if is_default:
            self.builder.forget_names()
        return result

    def _regular_frames(self, videos: dict[Any, int], names: list[str]) -> dict[Any, int] | None:
        """Return frame numbers by picture id when all pictures are plain frames of clips; None to look at each."""
        if not videos or not self.images or "attributes" in set().union(*self.images):
            return None
        try:
            ids = [image["id"] for image in self.images]
            rows = [videos[image["video_id"]] for image in self.images]
            key = "frame_id" if "frame_id" in self.images[0] else "frame_index"
            indices = [image[key] for image in self.images]
            sizes = [(image["width"], image["height"]) for image in self.images]
            shown = [image["file_name"] for image in self.images]
            ordinals, whole = np.array(indices), np.array(list(set(sizes)))
            has_own_ids = len(set(ids)) == len(ids)
        except (KeyError, TypeError, ValueError, OverflowError):
            return None
        is_plain = ordinals.dtype.kind == "i" and whole.dtype.kind == "i" and set(map(type, shown)) == {str}
        is_plain = is_plain and int(whole.min()) >= 0 and int(whole.max()) < FARTHEST
        if not is_plain or int(ordinals.min()) < 0 or int(ordinals.max()) >= MOST_FRAMES:
            return None
        places = np.array(rows, np.int64) * MOST_FRAMES + ordinals
        if not has_own_ids or len(np.unique(places)) < len(places):
            return None
        rule = ruled_names(default_name, [names[row] for row in rows], indices)
        numbers = self.builder.add_frames(rows, indices, None if rule == shown else shown, sizes)
        return dict(zip(ids, numbers, strict=True))

    # Annotations

    def _take_annotations(self, block: list[Any]) -> None:
        positions: Sequence[int] = range(self._seen, self._seen + len(block))
        self._seen += len(block)
        try:
            columns = self._columns(block)
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError):
            good = [
                position for position, record in zip(positions, block, strict=True) if self._is_good(record, position)
            ]
            block = [block[position - positions[0]] for position in good]
            positions = good
            if not block:
                return
            columns = self._columns(block)
        keys = set().union(*block)
        self._blocks.append((*columns, *self._optional(block, keys, positions), np.array(positions, np.int64)))
        self._count += len(block)

    def _take_table(self, table: NumberTable) -> None:
        """Take annotations that came as numbers."""
        count = len(table)
        has = table.fields.keys()
        image, category = (_codes(table.column(name), keys) for name, keys in (
            ("image_id", self._image_keys), ("category_id", self._category_keys)))  # fmt: skip
        flags = np.zeros(count, np.uint16)
        for name, flag in (("iscrowd", Flag.CROWD), ("ignore", Flag.IGNORED)):
            if name in has:
                flags |= np.where(table.column(name) != 0, np.uint16(flag), np.uint16(0))
        nothing = np.full(count, np.nan)
        score = table.column("score") if "score" in has else nothing
        visible = table.column("visibility") if "visibility" in has else nothing
        track = next((name for name in TRACK_FIELDS if name in has), "")
        track_id = np.maximum(table.column(track), NO_TRACK).astype(np.int64) if track else np.full(count, NO_TRACK)
        if "id" in has:
            self._zero_ids += int((table.column("id") == 0).sum())
        if "area" not in has:
            self._missing_area += count
        position = np.arange(self._seen, self._seen + count)
        xyxy = xywh_to_xyxy(table.values[:, table.fields["bbox"]])
        columns = (image, category, xyxy, score, flags, visible, track_id)
        self._blocks.append((*columns, position))
        self._seen += count
        self._count += count

    def _is_good(self, record: Any, position: int) -> bool:
        """Try one record alone; report what is wrong with it."""
        where = f"annotations[{position}]"
        if not isinstance(record, dict):
            self.report.skip(where, f"is {type(record).__name__}, not an object")
            return False
        try:
            self._columns([record])
        except KeyError as error:
            self.report.skip(where, f"field {error.args[0]!r} is missing")
        except (TypeError, ValueError, OverflowError, AttributeError):
            box = record.get("bbox")
            self.report.skip(where, f"bbox {str(box)[:60]} is not four numbers x, y, width, height, or an id is a list")
        else:
            return True
        return False

    def _columns(self, block: list[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.float64]]:
        image = self._image_keys.codes([record["image_id"] for record in block])
        category = self._category_keys.codes([record["category_id"] for record in block])
        try:
            boxes = [record["bbox"] for record in block]
        except KeyError:
            boxes = [record["bbox"] if "bbox" in record else box_of_segmentation(record) for record in block]
        xywh = np.array(boxes, np.float64)
        if xywh.shape != (len(block), 4):
            msg = "bbox needs four numbers"
            raise ValueError(msg)
        return image, category, xywh_to_xyxy(xywh)

    def _optional(
        self, block: list[dict[str, Any]], keys: set[str], positions: Sequence[int]
    ) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
        count, offset = len(block), self._count
        score = _numbers(block, "score", keys)
        visible = _numbers(block, "visibility", keys)
        flags = np.zeros(count, np.uint16)
        for key, flag in (("iscrowd", Flag.CROWD), ("ignore", Flag.IGNORED)):
            if key in keys and any(given := column(block, key)):
                flags |= np.array([int(flag) if value else 0 for value in given], np.uint16)
        if "id" in keys:
            self._zero_ids += column(block, "id").count(0)
        if "area" not in keys:
            self._missing_area += count
        for key, read in (("segmentation", segmentation_shape), ("keypoints", keypoints_shape)):
            if key not in keys or not any(given := column(block, key)):
                continue
            for row, value in enumerate(given):
                if value:
                    with self.report.record(f"annotations[{positions[row]}].{key}"):
                        self._shapes[offset + row] = read(value)
        attributes_track = False
        if "attributes" in keys:
            for row, record in enumerate(block):
                if record.get("attributes"):
                    raised, free = split_attributes(record["attributes"])
                    track = free.pop("track_id", None)
                    if track is not None and not any(key in record for key in TRACK_FIELDS):
                        self._tracks[offset + row] = track
                        attributes_track = True
                    flags[row] |= raised
                    if free:
                        self._attributes[offset + row] = self.builder.interned(free)
        track_id = np.full(count, NO_TRACK, np.int64)
        for key in TRACK_FIELDS:
            if key in keys and not attributes_track:
                for row, value in enumerate(column(block, key)):
                    number = whole_number(value)
                    if number is not None:
                        track_id[row] = max(number, NO_TRACK)
                    elif value is not None:
                        self._tracks[offset + row] = value
                break
        return score, flags, visible, track_id

    def _track_ids(self, frame: NDArray[np.int64], result: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return integer track ids: numbers as they are in `result`, texts numbered within their video."""
        if not self._tracks:
            return result
        numbers = TrackNumbers(self.report)
        rows = np.fromiter(self._tracks, np.int64, len(self._tracks))
        videos = self.builder.video_of_frames()[frame] if self.builder.frame_count() else frame
        highest = np.zeros(int(videos.max(initial=0)) + 1, np.int64)
        np.maximum.at(highest, videos, result)
        taken = dict(enumerate(highest.tolist()))
        result[rows] = numbers.of(videos[rows].tolist(), list(self._tracks.values()), taken)
        return result


def _numbers(block: list[dict[str, Any]], key: str, keys: set[str]) -> NDArray[np.float64]:
    if key not in keys:
        return np.full(len(block), np.nan)
    values = [record.get(key) for record in block]
    return np.array([value if isinstance(value, (int, float)) else np.nan for value in values], np.float64)


def _codes(values: NDArray[np.float64], keys: Keys) -> NDArray[np.int64]:
    """Return the code of each identifier of a column of numbers."""
    whole = values.astype(np.int64)
    return whole if bool((whole == values).all()) else keys.codes(values.tolist())


def read_blocks(blocks: Iterable[tuple[str, Any]], report: Report, stem: str) -> Labels:
    """Return the labels of one COCO file given as the blocks of `jsonstream.stream`."""
    reader = CocoReader(report, stem)
    for key, values in blocks:
        reader.take(key, values)
    return reader.labels()
