"""Pictures and boxes change together."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from framelabel.training.augment import Augmentation, compose, mosaic, placed, turned
from framelabel.training.samples import Picture

_MARK = (10, 240, 30)


def _marked(width: int = 200, height: int = 140) -> Picture:
    """Return a grey picture with one rectangle of a colour that occurs nowhere else, and its box."""
    image = np.full((height, width, 3), 90, np.uint8)
    image[40:90, 60:150] = _MARK
    return Picture(image, np.array([[60.0, 40.0, 150.0, 90.0]]), np.array([2], np.int32))


def _mark_hull(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    ys, xs = np.nonzero((image[:, :, 1] > 165) & (image[:, :, 0] < 60))
    return np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1], dtype=np.float64)


@pytest.mark.parametrize("seed", range(12))
def test_box_follows_its_pixels_when_placed_and_turned(seed: int) -> None:
    """After zoom, shift, mirror and turn the box still bounds the painted rectangle, to a pixel."""
    rng = np.random.default_rng(seed)
    options = Augmentation(turn=True)
    moved = placed(turned(_marked(), options, rng), (256, 192), (0.8, 1.1), rng)
    assert moved.image.shape == (192, 256, 3)
    np.testing.assert_allclose(moved.xyxy[0], _mark_hull(moved.image), atol=1.01)
    assert moved.class_id.tolist() == [2]


@pytest.mark.parametrize("seed", range(6))
def test_mosaic_keeps_boxes_inside_their_corner(seed: int) -> None:
    """A mosaic of four marked pictures has no box outside the canvas, and every box holds marked pixels."""
    picture = mosaic([_marked() for _ in range(4)], 160, Augmentation(), np.random.default_rng(seed))
    assert picture.image.shape == (160, 160, 3)
    assert len(picture.xyxy) == len(picture.class_id)
    assert (picture.xyxy >= 0).all()
    assert (picture.xyxy <= 160).all()
    for x1, y1, x2, y2 in np.round(picture.xyxy).astype(int):
        inside = picture.image[y1:y2, x1:x2]
        assert (inside[:, :, 1] > 165).mean() > 0.8


def test_a_box_pushed_out_of_view_is_not_taught() -> None:
    """Fewer than three tenths of a box in view: the box is dropped."""
    rng = np.random.default_rng(0)
    picture = Picture(np.zeros((100, 100, 3), np.uint8), np.array([[90.0, 90.0, 130.0, 130.0]]), np.zeros(1, np.int32))
    assert len(placed(picture, (100, 100), (1.0, 1.0), rng).xyxy) == 0


def test_one_seed_one_picture() -> None:
    """The same generator state gives the same picture and boxes, whatever was drawn before."""
    options = Augmentation(mixup=0.5, noise=0.5, grey=0.3, turn=True)

    def draws() -> list[Picture]:
        rng = np.random.default_rng(5)
        return [compose(_marked, 128, options, rng) for _ in range(4)]

    for a, b in zip(draws(), draws(), strict=True):
        np.testing.assert_array_equal(a.image, b.image)
        np.testing.assert_array_equal(a.xyxy, b.xyxy)


@pytest.mark.parametrize("seed", range(4))
def test_a_pair_keeps_its_meaning(seed: int) -> None:
    """After light and noise of their own the first channel is still the difference of the other two, everywhere."""
    image = np.zeros((80, 80, 3), np.uint8)
    image[:, :, 1:] = 120
    image[30:50, 30:50, 0], image[30:50, 30:50, 2] = 100, 220
    pair = Picture(image, np.array([[30.0, 30.0, 50.0, 50.0]]), np.zeros(1, np.int32))
    made = compose(lambda: pair, 96, Augmentation(pairs=True, noise=1.0, turn=True), np.random.default_rng(seed)).image
    difference, template, picture = (made[:, :, channel].astype(int) for channel in range(3))
    np.testing.assert_array_equal(difference, np.abs(template - picture))
    assert difference.max() > 60
    assert np.median(difference) < 30
