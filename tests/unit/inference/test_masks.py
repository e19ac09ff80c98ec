"""Masks are where the object is, in the coding that COCO's own library reads."""

from __future__ import annotations

import numpy as np
import pytest
from pycocotools import mask as coco

from framelabel.core.shapes import Mask
from framelabel.inference.masks import box_mask_in_picture, mask_in_picture, pixels, run_lengths, union
from framelabel.inference.preprocess import Placement


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # inside pycocotools
@pytest.mark.parametrize("seed", range(4))
def test_run_lengths_are_cocos(seed: int) -> None:
    """Pycocotools decodes our runs to the same pixels, and `pixels` reads them back."""
    inside = np.random.default_rng(seed).random((13, 29)) > 0.5
    counts = run_lengths(inside)
    coded = coco.frPyObjects({"size": [13, 29], "counts": counts.tolist()}, 13, 29)
    assert np.array_equal(coco.decode(coded).astype(bool), inside)
    assert np.array_equal(pixels(Mask((29, 13), counts)), inside)


def test_input_mask_lands_on_the_picture() -> None:
    """A quarter-resolution mask over a letterboxed input covers the same part of the 200 x 100 picture."""
    values = np.zeros((16, 16), np.float32)
    values[2:6, 4:12] = 1.0  # input pixels 8..24 x 16..48 of 64
    placement = Placement((0.32, 0.32), (0.0, 0.0), (200, 100))
    box = np.array([16.0, 8.0, 48.0, 24.0])
    found = pixels(mask_in_picture(values, 0.5, (64, 64), placement, box))
    rows, columns = np.nonzero(found)
    assert (columns.min(), columns.max() + 1) == pytest.approx((50, 150), abs=1)
    assert (rows.min(), rows.max() + 1) == pytest.approx((25, 75), abs=1)


def test_box_mask_fills_its_box_only() -> None:
    """A full mask of a box is that box; half of it is that half."""
    placement = Placement((1.0, 1.0), (0.0, 0.0), (60, 40))
    full = pixels(box_mask_in_picture(np.ones((28, 28)), 0.5, placement, np.array([10.0, 5.0, 30.0, 25.0])))
    assert int(full.sum()) == 400
    assert full[5:25, 10:30].all()
    half = np.zeros((28, 28))
    half[:, :14] = 1
    left = pixels(box_mask_in_picture(half, 0.5, placement, np.array([10.0, 5.0, 30.0, 25.0])))
    assert left[5:25, 10:20].all()
    assert int(left.sum()) == 200


def test_union_holds_both() -> None:
    """Parts from two tiles become one mask."""
    first, second = np.zeros((6, 7), np.bool_), np.zeros((6, 7), np.bool_)
    first[1:3, 0:4], second[2:5, 3:6] = True, True
    joined = union([Mask((7, 6), run_lengths(first)), Mask((7, 6), run_lengths(second))])
    assert np.array_equal(pixels(joined), first | second)
