"""Masks become polygons without losing a pixel."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.path import Path as Curve
from numpy.typing import NDArray

from framelabel.core.shapes import Mask, area
from framelabel.formats.outlines import outline


def mask_of(inside: NDArray[np.bool_]) -> Mask:
    """Return the run-length mask of (H, W) pixels."""
    flat = inside.ravel(order="F")
    changes = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff(np.concatenate([[0], changes, [len(flat)]]))
    return Mask((inside.shape[1], inside.shape[0]), np.concatenate([[0], runs]) if flat[0] else runs)


PICTURES = [
    pytest.param(np.ones((3, 4), np.bool_), 1, id="everything"),
    pytest.param(np.zeros((3, 4), np.bool_), 0, id="nothing"),
    pytest.param(np.array([[1, 0], [0, 1]], np.bool_), 2, id="touching-at-a-corner"),
    pytest.param(np.array([[0, 1], [1, 0]], np.bool_), 2, id="touching-at-the-other-corner"),
    pytest.param(np.pad(np.zeros((2, 2), np.bool_), 2, constant_values=True), 2, id="a-hole"),
    pytest.param(np.array([[1, 1, 1], [1, 0, 1], [1, 1, 0]], np.bool_), 1, id="a-bay-that-opens-at-a-corner"),
]


@pytest.mark.parametrize(("inside", "rings"), PICTURES)
def test_rings_are_those_one_sees(inside: NDArray[np.bool_], rings: int) -> None:
    """One ring for each part and each hole; parts that touch at a corner only stay apart."""
    polygon = outline(mask_of(inside))
    assert len(polygon.rings) == rings
    assert area(polygon) == inside.sum()


@pytest.mark.parametrize("seed", range(8))
def test_filling_the_polygon_gives_the_mask_back(seed: int) -> None:
    """Even-odd filling by another library marks exactly a random mask; no corner lies on a straight run."""
    random = np.random.default_rng(seed)
    inside = random.random((17, 23)) < random.uniform(0.2, 0.8)
    polygon = outline(mask_of(inside))
    rows, columns = np.mgrid[:17, :23] + 0.5
    centres = np.stack([columns.ravel(), rows.ravel()], axis=1)
    filled = np.zeros(len(centres), np.bool_)
    for ring in polygon.rings:
        filled ^= Curve(np.concatenate([ring, ring[:1]]), closed=True).contains_points(centres)
        steps = np.diff(np.concatenate([ring, ring[:1]]), axis=0)
        assert np.all((steps == 0).sum(axis=1) == 1)
        assert np.all((steps[:, 0] == 0) != np.roll(steps[:, 0] == 0, 1))
    assert np.array_equal(filled.reshape(17, 23), inside)
    assert area(polygon) == inside.sum()
