"""Shapes of points as plain records of lists, digit for digit: what stores and text tables keep them as.

Pixel masks are not among them: the store keeps their run lengths, files COCO's compressed text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from framelabel.core.shapes import Keypoints, Polygon, Polyline


def points_record(shape: Polygon | Polyline | Keypoints) -> dict[str, Any]:
    """Return a shape with its kind as the first key.

    >>> points_record(Polyline(np.array([[1.0, 2.5], [3.0, 4.0]])))
    {'polyline': [[1.0, 2.5], [3.0, 4.0]]}
    """
    if isinstance(shape, Polygon):
        return {"polygon": [ring.tolist() for ring in shape.rings]}
    if isinstance(shape, Polyline):
        return {"polyline": shape.points.tolist()}
    return {"keypoints": shape.points.tolist(), "visibility": shape.visibility.tolist()}


def shape_of_points(record: Mapping[str, Any]) -> Polygon | Polyline | Keypoints | None:
    """Return the shape that `points_record` described; None for a record of another kind.

    Raises:
        ValueError, TypeError, KeyError: points are no pairs of numbers, or joints lack their visibility.
    """
    if "polygon" in record:
        return Polygon(tuple(np.array(ring, np.float64).reshape(-1, 2) for ring in record["polygon"]))
    if "polyline" in record:
        return Polyline(np.array(record["polyline"], np.float64).reshape(-1, 2))
    if "keypoints" in record:
        points = np.array(record["keypoints"], np.float64).reshape(-1, 2)
        return Keypoints(points, np.array(record["visibility"], np.int8).reshape(len(points)))
    return None
