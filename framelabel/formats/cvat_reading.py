"""Reads CVAT's tracks: keys and what lies between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framelabel.core.labels import Flag
from framelabel.core.ontology import AttributeValue
from framelabel.core.shapes import Keypoints, Mask, Polygon, Polyline, Shape, hull
from framelabel.formats.builder import LabelsBuilder
from framelabel.formats.conventions import split_attributes
from framelabel.formats.cvat_text import points_of, warn_of_open_end
from framelabel.formats.keyed_tracks import expand
from framelabel.formats.rle import mask_of_pixels
from framelabel.formats.typed_attributes import from_text

_SHAPES = ("polygon", "polyline", "points", "mask")


def read_track(
    track: Any, builder: LabelsBuilder, video: int, frames: NDArray[np.int64], kinds: Mapping[tuple[str, str], str]
) -> None:
    """Add the rows of one <track>.

    Raises:
        KeyError, ValueError: the track has no label, or its id is not a number.
    """
    label = str(track.attrib["label"])
    class_id = builder.class_id(label)
    track_id = int(track.attrib["id"])
    keys: list[tuple[int, bool, bool, Any]] = []
    boxes: list[list[float]] = []
    for element in track:
        get = element.get
        if element.tag == "box":
            box = [float(get("xtl")), float(get("ytl")), float(get("xbr")), float(get("ybr"))]
        elif element.tag in _SHAPES:
            box = [0.0, 0.0, 0.0, 0.0]
        else:
            builder.report.skip(f"track {track_id}", f"<{element.tag}> is not supported", "export boxes or polygons")
            continue
        keys.append((int(get("frame")), get("outside") == "1", get("keyframe") != "0", element))
        boxes.append(box)
    if not keys:
        return
    frame = np.array([key[0] for key in keys], np.int64)
    if len(frame) > 1 and bool((np.diff(frame) <= 0).any()):
        order = np.argsort(frame, kind="stable")
        keep = order[np.append(np.diff(frame[order]) > 0, True)]
        builder.report.change(
            f"track {track_id}", "keys are not in ascending order of frames; sorted, the last one wins"
        )
        keys, boxes, frame = [keys[row] for row in keep], [boxes[row] for row in keep], frame[keep]
    outside = np.array([key[1] for key in keys], np.bool_)
    if not outside[-1] and len(frames) and frame[-1] < frames[-1]:
        warn_of_open_end(builder.report, track_id, int(frame[-1]), int(frames[-1]))
    shown = np.flatnonzero(~outside)
    if not len(shown):
        return
    rich: dict[int, tuple[int, Mapping[str, AttributeValue], Shape | None]] = {}
    flags = np.zeros(len(keys), np.uint16)
    xyxy = np.array(boxes, np.float64)
    for row in shown.tolist():
        element = keys[row][3]
        flags[row] = int(Flag.OCCLUDED) if element.get("occluded") == "1" else 0
        if len(element) or element.tag != "box":
            raised, free = element_attributes(element, label, kinds)
            shape = shape_of(element) if element.tag != "box" else None
            flags[row] |= raised
            rich[row] = (raised, builder.interned(free), shape)
            if shape is not None:
                xyxy[row] = hull(shape)
    is_last = np.arange(len(keys)) == len(keys) - 1
    listed = frames if len(frames) else np.arange(frame[0], frame[-1] + 1)
    is_line = np.array([row not in rich or rich[row][2] is None for row in range(len(keys))]) if rich else None
    dense = expand(frame, xyxy, ~outside & ~is_last, listed, is_line).without(outside)
    source = dense.key
    is_key = dense.is_key & np.array([key[2] for key in keys], np.bool_)[source]
    known = builder.frames(video, dense.frame)
    first = builder.row_count
    state = np.where(is_key, np.uint16(Flag.KEYFRAME), np.uint16(Flag.PREDICTED))
    accepted = builder.extend(
        known,
        dense.xyxy,
        class_id,
        lambda row: f"track {track_id}, frame {dense.frame[row]}",
        track_id=track_id,
        flags=flags[source] | state,
    )
    for offset, row in enumerate(accepted.tolist()) if rich else ():
        extra = rich.get(int(source[row]))
        if extra is not None:
            if extra[1]:
                builder.attributes[first + offset] = extra[1]
            if extra[2] is not None:
                builder.shapes[first + offset] = extra[2]


def element_attributes(
    element: Any, label: str, kinds: Mapping[tuple[str, str], str]
) -> tuple[int, dict[str, AttributeValue]]:
    """Return (flags, free attributes) of a shape element."""
    given: dict[str, AttributeValue] = {}
    for item in element.iterfind("attribute"):
        name = item.get("name") or ""
        given[name] = from_text(item.text or "", kinds.get((label, name), "text"))
    return split_attributes(given)


def shape_of(element: Any) -> Shape:
    """Return the exact geometry of a polygon, polyline, points or mask element.

    Raises:
        KeyError, ValueError: points or runs are missing or malformed.
    """
    if element.tag == "mask":
        return _mask(element)
    points = points_of(element.attrib["points"])
    if element.tag == "polygon":
        if len(points) < 3:
            msg = "a polygon needs three points"
            raise ValueError(msg)
        return Polygon((points,))
    if element.tag == "polyline":
        return Polyline(points)
    return Keypoints(points, np.full(len(points), 2, np.int8))


def _mask(element: Any) -> Mask:
    """Return a mask of CVAT: runs by row inside a box, starting with uncovered pixels."""
    left, top, width, height = (int(element.attrib[side]) for side in ("left", "top", "width", "height"))
    parent = element.getparent()
    frame_width, frame_height = (int(parent.get(side) or 0) for side in ("width", "height"))
    runs = np.array([int(run) for run in element.attrib["rle"].split(",")], np.int64)
    fits = left >= 0 and top >= 0 and left + width <= frame_width and top + height <= frame_height
    if not fits or frame_width * frame_height > 1 << 30 or bool((runs < 0).any()) or int(runs.sum()) != width * height:
        msg = f"mask of {width}x{height} at {left}, {top} does not fit its runs or the picture"
        raise ValueError(msg)
    pixels = np.zeros((frame_height, frame_width), np.bool_)
    covered = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    pixels[top : top + height, left : left + width] = covered.reshape(height, width)
    return mask_of_pixels(pixels)
