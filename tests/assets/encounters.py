"""People who meet behind a pillar and either cross or turn back: motion cannot tell which, clothes can.

Each encounter shows two new people of one size who walk towards each other at one speed, disappear behind the pillar
for most of a second and come out again. Even encounters cross, odd ones turn back.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framelabel.media.encoder import write_video

SIZE = (320, 288)
"""(width, height)."""
ENCOUNTERS, FRAMES_EACH, FPS = 6, 72, 25
PERSON = (28, 76)
"""(width, height) of everybody."""
_PILLAR = (130, 190)
"""Left and right edge."""
_SPEED = 4.0
_LANES = (8.0, 104.0, 200.0)
"""Upper edges; who comes next walks elsewhere, so that nobody is taken for one who has just left."""

Image = NDArray[np.uint8]


def truth(frame: int) -> NDArray[np.float64]:
    """Return the (2, 4) boxes of the two people of a frame, visible or not, in the order of `people`."""
    number, time = divmod(frame, FRAMES_EACH)
    middle = sum(_PILLAR) / 2
    way = _SPEED * (time - FRAMES_EACH / 2)
    sign = 1.0 if number % 2 == 0 else -1.0
    # from the left: reaches the pillar at half time, and goes on or turns back
    first = way if time < FRAMES_EACH / 2 else sign * way
    centre = middle + np.array([first, -first])
    left, top = centre - PERSON[0] / 2, _LANES[number % 3] + np.array([0.0, 2.0])
    return np.stack([left, top, left + PERSON[0], top + PERSON[1]], axis=1)


def people(frame: int) -> tuple[int, int]:
    """Return the identities of the two people of a frame."""
    number = frame // FRAMES_EACH
    return 2 * number, 2 * number + 1


def is_seen(box: NDArray[np.float64]) -> bool:
    """Return whether the detector gets a box: inside the picture and clear of the pillar."""
    inside = box[0] >= 0 and box[2] <= SIZE[0]
    return bool(inside and (box[2] <= _PILLAR[0] or box[0] >= _PILLAR[1]))


def picture(frame: int) -> Image:
    """Return the (H, W, 3) RGB picture of a frame."""
    noise = np.random.default_rng(7).integers(0, 25, (SIZE[1], SIZE[0], 1))
    image = (np.full((SIZE[1], SIZE[0], 3), 120) + noise).astype(np.uint8)
    for number, box in zip(people(frame), truth(frame), strict=True):
        _draw(image, number, np.rint(box).astype(int))
    image[:, _PILLAR[0] : _PILLAR[1]] = (70, 60, 55)
    return image


def _draw(image: Image, number: int, box: NDArray[np.int64]) -> None:
    """Paint a figure: head, torso with stripes, legs, in the clothes of its number."""
    random = np.random.default_rng(100 + number)
    hue = np.eye(3)[random.permutation(3)] * 150 + 60
    torso, legs, stripe = (colour * random.uniform(0.5, 1.0) for colour in hue)
    if number % 2:
        torso, legs = 255 - torso, 255 - legs
    x1, y1, x2, y2 = (int(value) for value in box)
    width, height = x2 - x1, y2 - y1
    for top, bottom, inset, colour in (
        (0.0, 0.16, 0.32, np.array([205, 160, 135])),
        (0.16, 0.55, 0.08, torso),
        (0.55, 1.0, 0.2, legs),
    ):
        rows = slice(max(0, y1 + int(top * height)), y1 + int(bottom * height))
        columns = slice(max(0, x1 + int(inset * width)), max(0, x2 - int(inset * width)))
        image[rows, columns] = colour.astype(np.uint8)
    for shift in range(16 + number % 3 * 3, 40, 9):
        image[y1 + shift : y1 + shift + 2, max(0, x1 + 3) : max(0, x2 - 3)] = stripe.astype(np.uint8)


def write_clip(path: Path) -> Path:
    """Write the clip; return its path."""
    count = ENCOUNTERS * FRAMES_EACH
    write_video(path, ((frame, picture(frame)) for frame in range(count)), Fraction(1, FPS), Fraction(FPS), quality=0)
    return path
