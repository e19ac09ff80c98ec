"""What is blurred is gone, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest

from framelabel.media.blurring import blurred

REGIONS = [
    pytest.param((20, 20, 60, 70), id="inside"),
    pytest.param((-20, -20, 30, 30), id="over-the-corner"),
    pytest.param((90, 40, 140, 90), id="over-the-edge"),
    pytest.param((50, 50, 51, 52), id="two-pixels"),
]


@pytest.mark.parametrize("box", REGIONS)
def test_only_the_region_changes(box: tuple[int, int, int, int]) -> None:
    """Outside the grown box every pixel stays; inside, noise of deviation 74 becomes nearly flat."""
    image = np.random.default_rng(1).integers(0, 256, (100, 120, 3), np.uint8)
    result = blurred(image, np.array([box], np.float64), margin=0.0)
    x1, y1, x2, y2 = np.clip(box, 0, [120, 100, 120, 100])
    outside = np.ones((100, 120), np.bool_)
    outside[y1:y2, x1:x2] = False
    assert np.array_equal(result[outside], image[outside])
    if x2 - x1 > 5:
        assert result[y1:y2, x1:x2].std() < 0.4 * image[y1:y2, x1:x2].std()


def test_a_box_outside_does_nothing() -> None:
    """Labels may lie outside the picture."""
    image = np.zeros((10, 10, 3), np.uint8)
    assert np.array_equal(blurred(image, np.array([[20.0, 20.0, 30.0, 30.0]])), image)


def test_little_of_the_region_is_left() -> None:
    """A region of 40 x 60 keeps 3 x 4 values: two that differ only in their detail become the same."""
    random = np.random.default_rng(2)
    base = np.full((60, 40, 3), 120, np.int64)
    checker = np.indices((60, 40)).sum(axis=0) % 2 * 2 - 1
    one, two = (base + sign * 60 * checker[:, :, None] for sign in (1, -1))
    noise = random.integers(-1, 2, base.shape)
    box = np.array([[0.0, 0.0, 40.0, 60.0]])
    first, second = (blurred((part + noise).astype(np.uint8), box, 0.0).astype(np.int64) for part in (one, two))
    assert np.abs(first - second).max() <= 2
