"""Shapes as JSON text in one column of a table, digit for digit; masks as COCO's compressed run lengths."""

from __future__ import annotations

import orjson

from framelabel.core.shape_records import points_record, shape_of_points
from framelabel.core.shapes import Mask, Shape
from framelabel.formats.rle import mask_of, record_of


def text_of_shape(shape: Shape | None) -> str:
    """Return a shape as JSON with its kind as the only or first key; "" for a plain box."""
    if shape is None:
        return ""
    content = {"mask": record_of(shape)} if isinstance(shape, Mask) else points_record(shape)
    return orjson.dumps(content).decode()


def shape_of_text(text: str) -> Shape | None:
    """Return the shape that `text_of_shape` wrote.

    Raises:
        ValueError, TypeError, KeyError: the text is something else.
    """
    if not text:
        return None
    content = orjson.loads(text)
    shape = shape_of_points(content)
    return shape if shape is not None else mask_of(content["mask"])
