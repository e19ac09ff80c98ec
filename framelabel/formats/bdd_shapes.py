"""Masks, polygons with Bezier pieces, lines and joints of Scalabel labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from framelabel.core.shapes import Keypoints, Polygon, Polyline, Shape, hull
from framelabel.formats.conventions import SCALABEL_INCLUSIVE
from framelabel.formats.numbering import sequence
from framelabel.formats.rle import mask_of

_VISIBILITY = {"V": 2, "N": 1}


def hull_box(shape: Shape | None) -> dict[str, float]:
    """Return the box2d around a shape, for labels that have none.

    Raises:
        KeyError: there is no shape either.
    """
    if shape is None:
        raise KeyError("box2d")
    x1, y1, x2, y2 = hull(shape).tolist()
    return {"x1": x1, "y1": y1, "x2": x2 - SCALABEL_INCLUSIVE, "y2": y2 - SCALABEL_INCLUSIVE}


def shape_of(label: dict[str, Any]) -> Shape | None:
    """Return the exact geometry of a label; None when it has only its box.

    Raises:
        KeyError, TypeError, ValueError: a mask, polygon or graph is malformed.
    """
    if label.get("rle"):
        return mask_of(label["rle"])
    if label.get("poly2d"):
        parts = sequence(label["poly2d"])
        points = [_vertices(part) for part in parts]
        if all(bool(part.get("closed")) for part in parts):
            return Polygon(tuple(points))
        return Polyline(np.concatenate(points))
    if label.get("graph"):
        nodes = sequence(label["graph"]["nodes"])
        places = np.array([node["location"][:2] for node in nodes], np.float64).reshape(-1, 2)
        seen = [_VISIBILITY.get(node.get("visibility") or "", 0) for node in nodes]
        return Keypoints(places, np.array(seen, np.int8))
    return None


def _vertices(part: dict[str, Any]) -> NDArray[np.float64]:
    """Return the vertices of one poly2d; cubic Bezier pieces (L C C L) become eight chords each."""
    vertices = np.array(part["vertices"], np.float64).reshape(-1, 2)
    types = str(part.get("types") or "L" * len(vertices))
    if "C" not in types:
        return vertices
    points: list[NDArray[np.float64]] = []
    row = 0
    steps = np.linspace(0, 1, 9)[1:, None]
    while row < len(vertices):
        if types[row : row + 2] == "CC" and points:
            end = vertices[(row + 2) % len(vertices)]
            a, b, c = points[-1], vertices[row], vertices[min(row + 1, len(vertices) - 1)]
            curve = (1 - steps) ** 3 * a + 3 * (1 - steps) ** 2 * steps * b + 3 * (1 - steps) * steps**2 * c
            points.extend(curve + steps**3 * end)
            row += 3
        else:
            points.append(vertices[row])
            row += 1
    return np.array(points)
