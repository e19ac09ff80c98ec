"""Segmentations and keypoints of COCO annotations."""

from __future__ import annotations

from typing import Any

import numpy as np

from framelabel.core.shapes import Keypoints, Polygon, Shape, hull
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


def box_of_segmentation(record: dict[str, Any]) -> list[float]:
    """Return x, y, width, height of the record's segmentation, for files that leave bbox out."""
    if not record.get("segmentation"):
        raise KeyError("bbox")
    x1, y1, x2, y2 = hull(segmentation_shape(record["segmentation"])).tolist()
    return [x1, y1, x2 - x1, y2 - y1]
