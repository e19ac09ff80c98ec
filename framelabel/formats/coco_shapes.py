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


def joints_of(category: dict[str, Any]) -> tuple[tuple[str, ...], tuple[tuple[int, int], ...]]:
    """Return the names of a category's joints, and its skeleton as pairs of places from 0 (the file's are from 1).

    Raises:
        TypeError, ValueError: no list of names, or no pairs of their numbers.
    """
    names = tuple(str(name) for name in sequence(category["keypoints"]))
    pairs = []
    for start, end in sequence(category.get("skeleton") or []):
        if not 1 <= min(int(start), int(end)) <= max(int(start), int(end)) <= len(names):
            msg = f"its skeleton connects {start} and {end}, but joints are numbered from 1 to {len(names)}"
            raise ValueError(msg)
        pairs.append((int(start) - COCO_FIRST_ID, int(end) - COCO_FIRST_ID))
    return names, tuple(pairs)


def box_of_segmentation(record: dict[str, Any]) -> list[float]:
    """Return x, y, width, height of the record's segmentation, for files that leave bbox out."""
    if not record.get("segmentation"):
        raise KeyError("bbox")
    x1, y1, x2, y2 = hull(segmentation_shape(record["segmentation"])).tolist()
    return [x1, y1, x2 - x1, y2 - y1]
