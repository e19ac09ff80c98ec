"""Two people who look into the camera: the `faces` plugin's picture."""

from __future__ import annotations

import numpy as np
from pen import Colour, Pen, Picture, fine, finished, shade

WIDTH, HEIGHT = 640, 480
SKIN: Colour = (224, 172, 140)
HAIR: Colour = (60, 42, 32)
LIPS: Colour = (175, 80, 80)
SHIRT: Colour = (50, 80, 140)


def portrait(random: np.random.Generator) -> Picture:
    """Return the (480, 640, 3) RGB picture of two heads of different size before a grey wall."""
    canvas = fine(np.full((HEIGHT, WIDTH, 3), (150.0, 165.0, 180.0)))
    for x, y, size in ((190, 200, 170), (430, 230, 110)):
        person(Pen(canvas, x + random.uniform(-2, 2), y, size))
    return finished(canvas, random)


def person(pen: Pen) -> None:
    """Draw a head 100 units tall around the pen's point, and its shoulders."""
    pen.ellipse((0, -125), (95, 60), SHIRT, (180, 360))
    pen.polygon([(-95, -125), (95, -125), (95, -300), (-95, -300)], SHIRT)
    pen.ellipse((0, 12), (40, 50), HAIR)
    pen.polygon([(-14, -30), (14, -30), (14, -75), (-14, -75)], shade(SKIN, 0.84))
    for side in (-1, 1):
        pen.ellipse((side * 36, -2), (5, 10), shade(SKIN, 0.9))
    pen.ellipse((0, -3), (35, 48), SKIN)
    pen.ellipse((13, -10), (20, 36), shade(SKIN, 0.95))
    for side in (-1, 1):
        eye(pen, side * 14.4)
    pen.ellipse((0, -10), (3.6, 13), shade(SKIN, 0.9))
    for side in (-1, 1):
        pen.ellipse((side * 3, -18), (1.8, 1.4), shade(SKIN, 0.6))
    pen.ellipse((0, -30), (11, 3.5), LIPS)
    pen.line((-11, -30), (11, -30), shade(LIPS, 0.6), 1)


def eye(pen: Pen, x: float) -> None:
    """Draw an eye with its lid and brow."""
    pen.ellipse((x, 6), (8, 4), shade(SKIN, 0.45))
    pen.ellipse((x, 5), (7.2, 4), (245, 240, 235))
    pen.ellipse((x, 5), (3.2, 4), (70, 45, 30))
    pen.ellipse((x, 5), (1.5, 2), (10, 10, 10))
    for step in (-1, 1):
        pen.line((x, 16), (x + step * 8, 14), HAIR, 3)
