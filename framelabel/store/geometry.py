"""Shapes as JSON text and back, digit for digit; masks as their run lengths."""

from __future__ import annotations

import numpy as np
import orjson

from framelabel.core.shape_records import points_record, shape_of_points
from framelabel.core.shapes import Mask, Shape


def to_text(shape: Shape | None) -> str:
    """Return a shape as JSON; "" for a plain box."""
    if shape is None:
        return ""
    if isinstance(shape, Mask):
        return orjson.dumps({"mask": shape.counts.tolist(), "size": list(shape.size)}).decode()
    return orjson.dumps(points_record(shape)).decode()


def from_text(text: str) -> Shape | None:
    """Return the shape that `to_text` wrote."""
    if not text:
        return None
    content = orjson.loads(text)
    shape = shape_of_points(content)
    return shape if shape is not None else Mask(tuple(content["size"]), np.array(content["mask"], np.int64))
