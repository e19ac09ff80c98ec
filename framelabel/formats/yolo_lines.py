"""One line of a YOLO label file: fractions of the picture to pixels and back, stable to the last digit written."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.core.shapes import Keypoints, Polygon, Shape, hull

_PLACES = 12
"""Decimals of a fraction: a billionth of a pixel in an 8K picture."""
_PIXEL_PLACES = 6
"""Pixels are rounded to a millionth on reading, so that whole pixels come back whole."""


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One label."""

    class_id: int
    """From 0."""
    xyxy: NDArray[np.float64]
    """(4,) pixels."""
    shape: Shape | None = None


def parse_line(text: str, size: NDArray[np.float64], keypoints: tuple[int, int] | None) -> Line:
    """Read one line for a picture of `size` (width, height): a box, a polygon, or a box with keypoints.

    A tenth field after a box of a prediction file (its score) is not read.

    Raises:
        ValueError: not numbers, or a count of fields that no task has.
    """
    fields = text.split()
    values = np.array([float(field) for field in fields[1:]])
    class_id = int(float(fields[0]))
    if class_id < 0 or class_id > 100_000:
        msg = f"class {class_id} is not a class number"
        raise ValueError(msg)
    if not bool(np.isfinite(values).all()):
        msg = "a value is not a finite number"
        raise ValueError(msg)
    if len(values) in (4, 5):
        return Line(class_id, _box(values[:4], size))
    if keypoints is not None and len(values) == 4 + keypoints[0] * keypoints[1]:
        table = values[4:].reshape(keypoints)
        seen = table[:, 2] if keypoints[1] == 3 else np.where(table.any(axis=1), 2, 0)
        points = np.round(table[:, :2] * size, _PIXEL_PLACES)
        shape = Keypoints(points, np.clip(seen, 0, 2).astype(np.int8))
        is_labelled = bool(table.any())
        return Line(class_id, _box(values[:4], size), shape if is_labelled else None)
    if len(values) >= 6 and len(values) % 2 == 0:
        polygon = Polygon((np.round(values.reshape(-1, 2) * size, _PIXEL_PLACES),))
        return Line(class_id, hull(polygon), polygon)
    msg = f"{len(fields)} fields fit no task: 5 for a box, 7 and more (odd) for a polygon"
    raise ValueError(msg)


def _box(values: NDArray[np.float64], size: NDArray[np.float64]) -> NDArray[np.float64]:
    centre, extent = values[:2] * size, values[2:] * size
    return np.round(np.concatenate([centre - extent / 2, centre + extent / 2]), _PIXEL_PLACES)


def encoded(line: Line, size: NDArray[np.float64]) -> str:
    """Return the text of a label: at least six decimals, more where the pixels need them."""
    if isinstance(line.shape, Polygon):
        return f"{line.class_id} {_text((line.shape.rings[0] / size).ravel())}"
    box = line.xyxy
    centre, extent = (box[:2] + box[2:]) / 2 / size, (box[2:] - box[:2]) / size
    text = f"{line.class_id} {_text(np.concatenate([centre, extent]))}"
    if isinstance(line.shape, Keypoints):
        points = line.shape.points / size
        for point, seen in zip(points, line.shape.visibility.tolist(), strict=True):
            text += f" {_text(point)} {seen}"
    return text


def decoded(text: str, size: NDArray[np.float64]) -> Line:
    """Return what `parse_line` reads of a line that `encoded` wrote."""
    count = len(text.split()) - 5
    keypoints = (count // 3, 3) if count > 0 and count % 3 == 0 and not _is_polygon(text) else None
    return parse_line(text, size, keypoints)


def _is_polygon(text: str) -> bool:
    """Return whether a line is no pose: its third field after the box is not a visibility."""
    fields = text.split()
    return any("." in field for field in fields[7::3])


def _text(values: NDArray[np.float64]) -> str:
    return " ".join(_fraction(value) for value in values.tolist())


def _fraction(value: float) -> str:
    long = f"{value:.{_PLACES}f}"
    head, zeros = long[:8], long[8:]
    return head if not zeros.strip("0") else long.rstrip("0")
