"""Make new pictures out of labelled ones: mosaics of four, mixing of two, moved, mirrored, recoloured.

Everything is drawn from the generator that is passed in, so a seed fixes every picture. No torch here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from framelabel.core.golden_pair import beside
from framelabel.training.samples import PADDING, Picture

_SMALLEST_SIDE = 2.0
"""Input pixels; a box cut to less is not taught."""
_LEFT_OF_LIGHT = 0.05
"""Share of a pair's brightness that matching its light to the picture's may leave wrong."""
_SMALLEST_SHARE = 0.3
"""Of a box's area that must still be in view."""


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far pictures may be changed; probabilities in [0, 1]."""

    mosaic: float = 0.5
    """Probability of a mosaic of four pictures."""
    mixup: float = 0.0
    """Probability that a mosaic is blended with another one."""
    scale: tuple[float, float] = (0.7, 1.4)
    """Range of the zoom, 1 fits the picture into the input."""
    mirror: bool = True
    """Left-right flips, half of the time."""
    turn: bool = False
    """Up-down flips and quarter turns; right where the camera looks straight down on things."""
    hue: float = 0.015
    """Largest change, as a share of the colour circle."""
    saturation: float = 0.5
    brightness: float = 0.35
    grey: float = 0.0
    """Probability that the colours are taken away."""
    noise: float = 0.0
    """Probability of sensor noise and defocus."""
    pairs: bool = False
    """Pictures are pairs with a golden template (`framelabel.core.golden_pair`)."""


def compose(
    draw: Callable[[], Picture], size: int, options: Augmentation, rng: np.random.Generator, *, mosaics: bool = True
) -> Picture:
    """Return one training picture of `size` x `size` pixels.

    Args:
        draw: returns a random labelled picture.
        size: input side in pixels.
        options: how far to go.
        rng: source of every random choice.
        mosaics: false in the last epochs, when the network sees pictures as they will come.
    """
    if mosaics and rng.random() < options.mosaic:
        picture = mosaic([draw() for _ in range(4)], size, options, rng)
        if rng.random() < options.mixup:
            picture = mixed(picture, mosaic([draw() for _ in range(4)], size, options, rng), rng)
    else:
        picture = placed(turned(draw(), options, rng), (size, size), options.scale if mosaics else (0.9, 1.1), rng)
    change = relit if options.pairs else recoloured
    return Picture(change(picture.image, options, rng), picture.xyxy, picture.class_id)


def mosaic(pictures: list[Picture], size: int, options: Augmentation, rng: np.random.Generator) -> Picture:
    """Put four pictures around a random centre, each zoomed and cut to its corner."""
    x, y = (int(v) for v in rng.uniform(0.3, 0.7, 2) * size)
    canvas = np.full((size, size, 3), PADDING, np.uint8)
    boxes, classes = [], []
    corners = ((0, 0, x, y), (x, 0, size, y), (0, y, x, size), (x, y, size, size))
    for picture, (left, top, right, bottom) in zip(pictures, corners, strict=True):
        scale = (options.scale[0] * 0.75, options.scale[1] * 0.75)
        part = placed(turned(picture, options, rng), (right - left, bottom - top), scale, rng, reference=size)
        canvas[top:bottom, left:right] = part.image
        boxes.append(part.xyxy + np.array([left, top, left, top]))
        classes.append(part.class_id)
    return Picture(canvas, np.concatenate(boxes), np.concatenate(classes))


def mixed(a: Picture, b: Picture, rng: np.random.Generator) -> Picture:
    """Blend two pictures of one size; the boxes of both count."""
    share = float(rng.beta(8.0, 8.0))
    image = cv2.addWeighted(a.image, share, b.image, 1.0 - share, 0.0)
    return Picture(
        np.asarray(image, dtype=np.uint8),
        np.concatenate([a.xyxy, b.xyxy]),
        np.concatenate([a.class_id, b.class_id]),
    )


def placed(
    picture: Picture,
    size: tuple[int, int],
    scale: tuple[float, float],
    rng: np.random.Generator,
    reference: int = 0,
) -> Picture:
    """Zoom a picture by a random factor and lay a random window of it on a canvas of `size` (width, height).

    `reference` is the side that a zoom of 1 fits the picture into (0: the canvas).
    """
    height, width = picture.image.shape[:2]
    side = reference or min(size)
    zoom = float(np.exp(rng.uniform(np.log(scale[0]), np.log(scale[1])))) * side / max(height, width)
    shift = [rng.uniform(min(0.0, room), max(0.0, room)) for room in (size[0] - width * zoom, size[1] - height * zoom)]
    matrix = np.array([[zoom, 0.0, shift[0]], [0.0, zoom, shift[1]]])
    # pixel centres lie at +0.5 in box coordinates and at whole numbers in warpAffine's
    pixels = matrix.copy()
    pixels[:, 2] += 0.5 * zoom - 0.5
    image = cv2.warpAffine(picture.image, pixels, size, flags=cv2.INTER_LINEAR, borderValue=(PADDING,) * 3)
    moved = picture.xyxy * zoom + [shift[0], shift[1], shift[0], shift[1]]
    cut = np.clip(moved, 0.0, [size[0], size[1], size[0], size[1]])
    sides = cut[:, 2:] - cut[:, :2]
    before = np.maximum((moved[:, 2:] - moved[:, :2]).prod(axis=1), 1e-9)
    kept = (sides.min(axis=1, initial=np.inf) >= _SMALLEST_SIDE) & (sides.prod(axis=1) >= _SMALLEST_SHARE * before)
    return Picture(np.asarray(image, dtype=np.uint8), cut[kept], picture.class_id[kept])


def turned(picture: Picture, options: Augmentation, rng: np.random.Generator) -> Picture:
    """Mirror left-right and, where allowed, up-down and by a quarter turn."""
    image, xyxy = picture.image, picture.xyxy
    height, width = image.shape[:2]
    if options.mirror and rng.random() < 0.5:
        image = image[:, ::-1]
        xyxy = np.stack([width - xyxy[:, 2], xyxy[:, 1], width - xyxy[:, 0], xyxy[:, 3]], axis=1)
    if options.turn and rng.random() < 0.5:
        image = image[::-1]
        xyxy = np.stack([xyxy[:, 0], height - xyxy[:, 3], xyxy[:, 2], height - xyxy[:, 1]], axis=1)
    if options.turn and rng.random() < 0.5:
        image = image.transpose(1, 0, 2)
        xyxy = xyxy[:, [1, 0, 3, 2]]
    return Picture(np.ascontiguousarray(image), xyxy, picture.class_id)


def relit(image: NDArray[np.uint8], options: Augmentation, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Give picture and template of a pair light and noise of their own, and take their difference anew."""
    _, template, picture = (np.ascontiguousarray(image[:, :, channel]) for channel in range(3))
    ramp = np.arange(256)
    shared = rng.uniform(-options.brightness, options.brightness)
    for_each = rng.uniform(-_LEFT_OF_LIGHT, _LEFT_OF_LIGHT, 2)
    template, picture = (
        np.clip(ramp * (1.0 + shared + own), 0, 255).astype(np.uint8)[part]
        for own, part in zip(for_each, (template, picture), strict=True)
    )
    if rng.random() < options.noise:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.4, 1.2))), dtype=np.uint8)
        spread = rng.normal(0.0, rng.uniform(1.0, 8.0), picture.shape)
        picture = np.clip(picture + spread, 0, 255).astype(np.uint8)
    return np.ascontiguousarray(beside(picture, template)[:, :, ::-1])


def recoloured(image: NDArray[np.uint8], options: Augmentation, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Shift hue, saturation and brightness; now and then drop the colours, add sensor noise or defocus."""
    hue, saturation, brightness = rng.uniform(-1, 1, 3) * [options.hue, options.saturation, options.brightness]
    hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
    ramp = np.arange(256)
    tables = (
        ((ramp + hue * 180.0) % 180).astype(np.uint8),
        np.clip(ramp * (1.0 + saturation), 0, 255).astype(np.uint8),
        np.clip(ramp * (1.0 + brightness), 0, 255).astype(np.uint8),
    )
    hsv = np.dstack([table[hsv[:, :, channel]] for channel, table in enumerate(tables)])
    out = np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR), dtype=np.uint8)
    if rng.random() < options.grey:
        out = np.repeat(cv2.cvtColor(out, cv2.COLOR_BGR2GRAY)[:, :, None], 3, axis=2)
    if rng.random() < options.noise:
        out = np.asarray(cv2.GaussianBlur(out, (0, 0), float(rng.uniform(0.4, 1.2))), dtype=np.uint8)
        strength = rng.uniform(1.0, 8.0)
        out = np.clip(out + rng.normal(0.0, strength, (*out.shape[:2], 1)), 0, 255).astype(np.uint8)
    return out
