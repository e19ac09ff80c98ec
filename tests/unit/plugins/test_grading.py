"""Severity follows from the area that the README of `tile_defects` states, pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from framelabel import plugins
from framelabel.core.shapes import Mask, Polygon, Shape
from framelabel.plugins.grading import graded, grades_of

SIZE = (250, 400)
"""100,000 pixels: 0.2 % are 200, 2 % are 2,000."""
WHOLE = np.array([0.0, 0.0, 250.0, 400.0])
NOTHING = np.zeros(4)


def mask(pixels: int) -> Mask:
    """Return a mask of this many pixels in two parts, far smaller than the box around it."""
    return Mask(SIZE, np.array([100, pixels // 2, 50_000, pixels - pixels // 2, 49_900 - pixels]))


def rectangle(width: float, height: float) -> Polygon:
    """Return a polygon."""
    return Polygon((np.array([(10, 10), (10 + width, 10), (10 + width, 10 + height), (10, 10 + height)], np.float64),))


AREAS = [
    pytest.param(mask(199), WHOLE, "minor", id="mask-199"),
    pytest.param(mask(200), WHOLE, "moderate", id="mask-200"),
    pytest.param(mask(1999), WHOLE, "moderate", id="mask-1999"),
    pytest.param(mask(2000), WHOLE, "severe", id="mask-2000"),
    pytest.param(rectangle(19.9, 10), WHOLE, "minor", id="polygon-199"),
    pytest.param(rectangle(50, 41), NOTHING, "severe", id="polygon-2050"),
    pytest.param(None, np.array([5.0, 5, 25, 14.9]), "minor", id="box-198"),
    pytest.param(None, np.array([5.0, 5, 25, 15.1]), "moderate", id="box-202"),
    pytest.param(None, WHOLE, "severe", id="box-of-everything"),
    pytest.param(None, NOTHING, "minor", id="box-of-nothing"),
]


@pytest.mark.parametrize(("shape", "xyxy", "expected"), AREAS)
def test_severity_by_area(shape: Shape | None, xyxy: NDArray[np.float64], expected: str) -> None:
    """Below 0.2 % of the picture minor, below 2 % moderate, else severe: of the shape, or of the box without one."""
    grades = grades_of(plugins.load("tile_defects"))["tile_defect"]
    assert graded(grades, shape, xyxy, SIZE) == {"severity": expected}
