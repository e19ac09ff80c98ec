"""Writes the COCO family as text, block by block, so that a million labels never exist as objects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from framelabel.core.boxes import NO_TRACK
from framelabel.core.labels import Flag, Labels
from framelabel.core.shapes import Keypoints, Mask, Polygon
from framelabel.formats.conventions import COCO_FIRST_ID, default_name, flag_attributes
from framelabel.formats.holding import frame_names, frame_sizes
from framelabel.formats.numbers import cell_texts, filled, json_texts, row_texts, xyxy_to_xywh
from framelabel.formats.rle import area_of, polygon_area, record_of

_BLOCK = 4_000
_IN_FIELDS = int(Flag.CROWD | Flag.IGNORED)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one member of the COCO family names things."""

    track_field: str = "track_id"
    frame_field: str = "frame_id"
    has_videos: bool = True
    """Frames are tied to videos; without, pictures stand alone."""
    has_tracks_table: bool = False
    is_video_id_in_annotations: bool = True


def render(labels: Labels, dialect: Dialect) -> Iterator[bytes]:
    """Yield the text of one COCO file."""
    videos = _videos(labels, dialect) if dialect.has_videos else []
    head = {"info": {"description": "Exported by framelabel", "version": "1.0"}, "licenses": []}
    yield orjson.dumps(head)[:-1]
    if dialect.has_videos:
        yield b',"videos":' + orjson.dumps(videos)
    yield b',"categories":' + orjson.dumps(_categories(labels))
    if dialect.has_tracks_table:
        yield b',"tracks":' + orjson.dumps(_tracks(labels))
    yield b',"images":['
    yield from _images(labels, dialect)
    yield b'],"annotations":['
    yield from _annotations(labels, dialect)
    yield b"]}\n"


def _videos(labels: Labels, dialect: Dialect) -> list[dict[str, Any]]:
    result: list[dict[str, Any]] = []
    for row, video in enumerate(labels.videos):
        record: dict[str, Any] = {"id": row + COCO_FIRST_ID, "name": video.name}
        if video.width:
            record |= {"width": video.width, "height": video.height}
        record["length"] = video.frame_count
        if video.fps:
            record |= {"fps": float(video.fps), "fps_exact": str(video.fps)}
        if dialect.has_tracks_table:
            record |= {"neg_category_ids": [], "not_exhaustive_category_ids": [], "metadata": {}}
        result.append(record)
    return result


def _categories(labels: Labels) -> list[dict[str, Any]]:
    result = []
    for row, spec in enumerate(labels.ontology.classes):
        record: dict[str, Any] = {"id": row + COCO_FIRST_ID, "name": spec.name, "supercategory": spec.supercategory}
        if spec.keypoints:
            skeleton = [(start + COCO_FIRST_ID, end + COCO_FIRST_ID) for start, end in spec.skeleton]
            record |= {"keypoints": spec.keypoints, "skeleton": skeleton}
        result.append(record)
    return result


def _tracks(labels: Labels) -> list[dict[str, Any]]:
    """Return one record per track: its id, first class and video."""
    rows = np.flatnonzero(labels.track_id != NO_TRACK)
    _, first = np.unique(labels.track_id[rows], return_index=True)
    return [
        {
            "id": int(labels.track_id[row]),
            "category_id": int(labels.class_id[row]) + COCO_FIRST_ID,
            "video_id": int(labels.frames.video[labels.frame[row]]) + COCO_FIRST_ID,
        }
        for row in rows[first]
    ]


def _images(labels: Labels, dialect: Dialect) -> Iterator[bytes]:
    names = json_texts(frame_names(labels, default_name))
    videos = json_texts([video.name for video in labels.videos])
    sizes = frame_sizes(labels)
    table = labels.frames
    template = b'{"id":%d,"file_name":%b,"width":%d,"height":%d'
    if dialect.has_videos:
        template += f',"{dialect.frame_field}":%d,"video_id":%d'.encode()
    template += b',"video":%b' if dialect.has_tracks_table else b""
    template += b"%b},"
    tags = {row: b',"attributes":' + orjson.dumps(dict(values)) for row, values in labels.frame_attributes.items()}
    for start in range(0, len(table), _BLOCK):
        stop = min(start + _BLOCK, len(table))
        columns: list[list[int] | list[bytes]] = [
            list(range(start + COCO_FIRST_ID, stop + COCO_FIRST_ID)),
            names[start:stop],
            *sizes[start:stop].T.tolist(),
        ]
        if dialect.has_videos:
            columns += [table.index[start:stop].tolist(), (table.video[start:stop] + COCO_FIRST_ID).tolist()]
        if dialect.has_tracks_table:
            columns.append([videos[row] for row in table.video[start:stop].tolist()])
        columns.append([tags.get(row, b"") for row in range(start, stop)] if tags else [b""] * (stop - start))
        text = filled(template, *columns)[:-1]
        yield text if start == 0 else b"," + text


def _annotations(labels: Labels, dialect: Dialect) -> Iterator[bytes]:
    for start in range(0, len(labels), _BLOCK):
        stop = min(start + _BLOCK, len(labels))
        text = _plain_text(labels, dialect, start, stop)
        if text is None:
            text = orjson.dumps(_records(labels, dialect, start, stop))[1:-1]
        yield text if start == 0 else b"," + text


def _plain_text(labels: Labels, dialect: Dialect, start: int, stop: int) -> bytes | None:
    """Return rows as text when they all have the same fields and nothing rare; None otherwise."""
    rows = slice(start, stop)
    flags, score, track_id = labels.flags[rows], labels.score[rows], labels.track_id[rows]
    is_tracked, is_scored = track_id != NO_TRACK, ~np.isnan(score)
    mixed = [bool(has.any()) and not bool(has.all()) for has in (is_tracked, is_scored)]
    stated = bool((~np.isnan(labels.visible[rows])).any())
    is_rare = stated or bool((flags & np.uint16(0xFFFF & ~int(Flag.CROWD))).any())
    if any(mixed) or is_rare or labels.shapes or labels.attributes:
        return None
    xywh = xyxy_to_xywh(labels.xyxy[rows])
    area = xywh[:, 2:3] * xywh[:, 3:]
    template = b'{"id":%d,"image_id":%d,"category_id":%d,"bbox":[%b],"area":%b'
    columns: list[list[int] | list[bytes]] = [
        list(range(start + COCO_FIRST_ID, stop + COCO_FIRST_ID)),
        (labels.frame[rows] + COCO_FIRST_ID).tolist(),
        (labels.class_id[rows] + COCO_FIRST_ID).tolist(),
        row_texts(xywh),
        *cell_texts(area),
    ]
    if bool(is_tracked.all()):
        template += f',"{dialect.track_field}":%d'.encode()
        columns.append(track_id.tolist())
    if dialect.has_videos and dialect.is_video_id_in_annotations:
        video = labels.frames.video[labels.frame[rows]] + COCO_FIRST_ID
        is_one = bool(video[0] == video[-1])  # rows are sorted by frame, frames by video
        template += b',"video_id":%b' % (b"%d" % int(video[0]) if is_one else b"%d")
        columns += [] if is_one else [video.tolist()]
    if bool(is_scored.all()):
        template += b',"score":%b'
        columns += cell_texts(score[:, None])
    crowd = (flags & np.uint16(Flag.CROWD)) != 0
    if bool(crowd.any()):
        columns.append(crowd.astype(np.int64).tolist())
    template += b',"segmentation":[],"iscrowd":%b},' % (b"%d" if bool(crowd.any()) else b"0")
    return filled(template, *columns)[:-1]


def _records(labels: Labels, dialect: Dialect, start: int, stop: int) -> list[dict[str, Any]]:
    """Return rows [start, stop) as records with all that each of them has."""
    rows = slice(start, stop)
    xywh = xyxy_to_xywh(labels.xyxy[rows])
    columns = zip(
        range(start + COCO_FIRST_ID, stop + COCO_FIRST_ID),
        (labels.frame[rows] + COCO_FIRST_ID).tolist(),
        (labels.class_id[rows] + COCO_FIRST_ID).tolist(),
        xywh.tolist(),
        (xywh[:, 2] * xywh[:, 3]).tolist(),
        ((labels.flags[rows] & np.uint16(Flag.CROWD)) != 0).astype(np.int64).tolist(),
        strict=True,
    )
    block: list[dict[str, Any]] = [
        {
            "id": number,
            "image_id": image,
            "category_id": category,
            "bbox": box,
            "area": area,
            "segmentation": (),
            "iscrowd": crowd,
        }
        for number, image, category, box, area, crowd in columns
    ]
    for record, track in zip(block, labels.track_id[rows].tolist(), strict=True):
        if track != NO_TRACK:
            record[dialect.track_field] = track
    if dialect.has_videos and dialect.is_video_id_in_annotations:
        videos = (labels.frames.video[labels.frame[rows]] + COCO_FIRST_ID).tolist()
        for record, video in zip(block, videos, strict=True):
            record["video_id"] = video
    _add_numbers(block, "score", labels.score[rows].tolist())
    _add_numbers(block, "visibility", labels.visible[rows].tolist())
    _add_rare(labels, block, start)
    return block


def _add_numbers(block: list[dict[str, Any]], key: str, values: list[float]) -> None:
    for record, value in zip(block, values, strict=True):
        if value == value:  # noqa: PLR0124 - false for NaN, which means not stated
            record[key] = value


def _add_rare(labels: Labels, block: list[dict[str, Any]], start: int) -> None:
    """Add shapes, flags and attributes to the few rows that have them."""
    flags = labels.flags[start : start + len(block)]
    for row in np.flatnonzero(flags & np.uint16(Flag.IGNORED)).tolist():
        block[row]["ignore"] = 1
    rare = set(np.flatnonzero(flags & np.uint16(0xFFFF & ~_IN_FIELDS)).tolist())
    if labels.attributes:
        rare |= {row for row in range(len(block)) if start + row in labels.attributes}
    for row in sorted(rare):
        named = flag_attributes(int(flags[row]) & ~_IN_FIELDS)
        block[row]["attributes"] = {**labels.attributes.get(start + row, {}), **named}
    if not labels.shapes:
        return
    for row, record in enumerate(block):
        shape = labels.shapes.get(start + row)
        if isinstance(shape, Polygon):
            record["segmentation"] = [ring.ravel().tolist() for ring in shape.rings]
            record["area"] = polygon_area(shape.rings)
        elif isinstance(shape, Mask):
            record["segmentation"] = record_of(shape)
            record["area"] = area_of(shape)
        elif isinstance(shape, Keypoints):
            table = np.concatenate([shape.points, shape.visibility[:, None]], axis=1)
            record["keypoints"] = table.ravel().tolist()
            record["num_keypoints"] = int((shape.visibility > 0).sum())
