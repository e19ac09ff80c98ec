"""A wooden counter with a red can, a blue can, a bottle and a bag: shapes and colours of packages, no brand."""

from __future__ import annotations

import cv2
import numpy as np
from pen import Colour, Pen, Picture, fine, finished, shade

WIDTH, HEIGHT = 640, 640
METAL: Colour = (190, 192, 196)


def counter(random: np.random.Generator) -> Picture:
    """Return the (640, 640, 3) RGB picture of a counter."""
    wood = 120 + 10 * cv2.resize(random.normal(0, 1, (160, 6)), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    scene = wood[:, :, None] * np.array([1.15, 0.85, 0.6])
    scene[:230] = np.array([196, 192, 186]) + random.normal(0, 3, (230, WIDTH, 1))
    canvas = fine(scene)
    bag(Pen(canvas, 150, 470, 300))
    can(Pen(canvas, 300, 520, 210), (20, 60, 170), (200, 30, 50), (235, 238, 242))
    can(Pen(canvas, 430, 540, 210), (205, 20, 30), (240, 240, 240), (205, 20, 30))
    bottle(Pen(canvas, 550, 545, 400))
    return finished(canvas, random)


def can(pen: Pen, body: Colour, upper: Colour, lower: Colour) -> None:
    """Draw a can 100 units tall with a round mark in two colours."""
    pen.ellipse((6, 2), (36, 8), (70, 50, 35))
    pen.polygon([(-29, 6), (-29, 88), (29, 88), (29, 6)], body)
    pen.ellipse((0, 6), (29, 7), body)
    pen.polygon([(-29, 6), (-29, 88), (-20, 88), (-20, 4)], shade(body, 0.6))
    pen.polygon([(14, 4), (14, 88), (22, 88), (22, 5)], shade(body, 1.5))
    pen.ellipse((-2, 48), (19, 19), (240, 240, 244))
    pen.ellipse((-2, 48), (17, 17), upper, (180, 360))
    pen.ellipse((-2, 48), (17, 17), lower, (0, 180))
    pen.line((-18, 48), (14, 48), (250, 250, 250), 5)
    pen.ellipse((0, 88), (29, 7), shade(METAL, 0.8))
    pen.ellipse((0, 91), (25, 6), METAL)
    pen.ellipse((0, 92), (20, 4), shade(METAL, 0.85))


def bottle(pen: Pen) -> None:
    """Draw a bottle 100 units tall of dark drink with a red label."""
    dark: Colour = (38, 22, 18)
    pen.ellipse((3, 1), (18, 4), (70, 50, 35))
    pen.polygon([(-15, 2), (-15, 62), (-6, 84), (-6, 92), (6, 92), (6, 84), (15, 62), (15, 2)], dark)
    pen.ellipse((0, 2), (15, 3), dark)
    pen.polygon([(-15, 34), (-15, 58), (15, 58), (15, 34)], (205, 22, 32))
    for number in range(5):
        pen.ellipse((-9 + 4.5 * number, 46), (2.4, 5), (245, 245, 245))
    pen.polygon([(8, 4), (8, 62), (11, 62), (11, 4)], (96, 74, 66))
    pen.polygon([(-6, 90), (-6, 98), (6, 98), (6, 90)], (205, 22, 32))


def bag(pen: Pen) -> None:
    """Draw a bag of crisps 100 units tall."""
    red: Colour = (190, 24, 30)
    pen.polygon([(-34, 2), (-30, 50), (-36, 98), (34, 100), (31, 50), (36, 0)], red)
    pen.polygon([(-30, 50), (-36, 98), (-22, 98), (-20, 50)], shade(red, 0.75))
    pen.ellipse((0, 66), (21, 15), (245, 200, 40))
    pen.line((-18, 62), (18, 70), (205, 22, 32), 6)
    for x, y in ((-12, 28), (2, 22), (14, 30), (4, 36)):
        pen.ellipse((x, y), (10, 6), (240, 200, 90))
        pen.ellipse((x, y), (7, 4), (225, 175, 70))
