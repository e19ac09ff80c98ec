"""Segmentations and keypoints of COCO annotations."""

from __future__ import annotations

from typing import Any

import numpy as np

from framelabel.core.shapes import Keypoints, Polygon, Shape, hull
from framelabel.formats.conventions import COCO_FIRST_ID
from framelabel.formats.numbering import sequence
from framelabel.formats.rle import mask_of


def segmentation_shape(value: Any) -> Shape:
    """Return the mask or polygon of a segmentation.

    Raises:
        KeyError, TypeError, ValueError: it is malformed.
    """
    if isinstance(value, dict):
        return mask_of(value)
    rings = [np.array(ring, np.float64) for ring in sequence(value)]
    for ring in rings:
        if ring.ndim != 1 or len(ring) % 2 or len(ring) < 6:
            msg = "a polygon needs at least three x, y pairs in one flat list"
            raise ValueError(msg)
    return Polygon(tuple(ring.reshape(-1, 2) for ring in rings))


def keypoints_shape(value: Any) -> Shape:
    """Return x, y, visibility triples as keypoints.

    Raises:
        ValueError: they are no triples of numbers.
    """
    points = np.array(value, np.float64).reshape(-1, 3)
    seen = np.clip(np.nan_to_num(points[:, 2]), 0, 2).astype(np.int8)
    return Keypoints(points[:, :2].copy(), seen)


def skeleton_of(value: Any, count: int) -> tuple[tuple[int, int], ...]:
    """Return the lines between a category's `count` joints as pairs of places from 0 (the file numbers them from 1).

    Raises:
        TypeError, ValueError: no list of pairs, or of joints that there are not.
    """
    pairs = tuple((int(start), int(end)) for start, end in sequence(value or []))
    for pair in pairs:
        if min(pair) < COCO_FIRST_ID or max(pair) >= count + COCO_FIRST_ID:
            msg = f"a line connects joints {pair[0]} and {pair[1]}, but they are numbered from 1 to {count}"
            raise ValueError(msg)
    return tuple((start - COCO_FIRST_ID, end - COCO_FIRST_ID) for start, end in pairs)


def box_of_segmentation(record: dict[str, Any]) -> list[float]:
    """Return x, y, width, height of the record's segmentation, for files that leave bbox out."""
    if not record.get("segmentation"):
        raise KeyError("bbox")
    x1, y1, x2, y2 = hull(segmentation_shape(record["segmentation"])).tolist()
    return [x1, y1, x2 - x1, y2 - y1]
