"""Shapes as JSON text in one column of a table, digit for digit."""

from __future__ import annotations

import numpy as np
import orjson

from framelabel.core.shapes import Keypoints, Mask, Polygon, Polyline, Shape
from framelabel.formats.rle import mask_of, record_of


def text_of_shape(shape: Shape | None) -> str:
    """Return a shape as JSON with its kind as the only or first key; "" for a plain box."""
    if shape is None:
        return ""
    if isinstance(shape, Polygon):
        content: dict[str, object] = {"polygon": [ring.tolist() for ring in shape.rings]}
    elif isinstance(shape, Polyline):
        content = {"polyline": shape.points.tolist()}
    elif isinstance(shape, Keypoints):
        content = {"keypoints": shape.points.tolist(), "visibility": shape.visibility.tolist()}
    else:
        content = {"mask": record_of(shape)}
    return orjson.dumps(content).decode()


def shape_of_text(text: str) -> Shape | None:
    """Return the shape that `text_of_shape` wrote.

    Raises:
        ValueError, TypeError, KeyError: the text is something else.
    """
    if not text:
        return None
    content = orjson.loads(text)
    if "polygon" in content:
        return Polygon(tuple(np.array(ring, np.float64).reshape(-1, 2) for ring in content["polygon"]))
    if "polyline" in content:
        return Polyline(np.array(content["polyline"], np.float64).reshape(-1, 2))
    if "keypoints" in content:
        points = np.array(content["keypoints"], np.float64).reshape(-1, 2)
        return Keypoints(points, np.array(content["visibility"], np.int8).reshape(len(points)))
    mask: Mask = mask_of(content["mask"])
    return mask
