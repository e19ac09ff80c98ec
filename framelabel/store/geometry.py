"""Shapes as JSON text and back, digit for digit."""

from __future__ import annotations

import numpy as np
import orjson

from framelabel.core.shapes import Keypoints, Mask, Polygon, Polyline, Shape


def to_text(shape: Shape | None) -> str:
    """Return a shape as JSON; "" for a plain box."""
    if shape is None:
        return ""
    if isinstance(shape, Polygon):
        content: dict[str, object] = {"polygon": [ring.tolist() for ring in shape.rings]}
    elif isinstance(shape, Polyline):
        content = {"polyline": shape.points.tolist()}
    elif isinstance(shape, Keypoints):
        content = {"keypoints": shape.points.tolist(), "visibility": shape.visibility.tolist()}
    else:
        content = {"mask": shape.counts.tolist(), "size": list(shape.size)}
    return orjson.dumps(content).decode()


def from_text(text: str) -> Shape | None:
    """Return the shape that `to_text` wrote."""
    if not text:
        return None
    content = orjson.loads(text)
    if "polygon" in content:
        return Polygon(tuple(np.array(ring, dtype=np.float64).reshape(-1, 2) for ring in content["polygon"]))
    if "polyline" in content:
        return Polyline(np.array(content["polyline"], dtype=np.float64).reshape(-1, 2))
    if "keypoints" in content:
        points = np.array(content["keypoints"], dtype=np.float64).reshape(-1, 2)
        return Keypoints(points, np.array(content["visibility"], dtype=np.int8))
    return Mask((content["size"][0], content["size"][1]), np.array(content["mask"], dtype=np.int64))
