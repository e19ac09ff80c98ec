"""A football field from the stand: two teams in line, three referees in stripes."""

from __future__ import annotations

import cv2
import numpy as np
from pen import FINE, Colour, Pen, Picture, fine, finished, shade

WIDTH, HEIGHT = 640, 640
SKIN: Colour = (150, 110, 90)


def field(random: np.random.Generator) -> Picture:
    """Return the (640, 640, 3) RGB picture of a play."""
    scene = np.zeros((HEIGHT, WIDTH, 3))
    scene[:170] = (16, 20, 28)
    scene[150:180] = (120, 60, 50)
    scene[180:] = np.array([52, 122, 62]) + random.normal(0, 4, (HEIGHT - 180, WIDTH, 1))
    canvas = fine(scene)
    for line in range(-300, 1100, 130):
        start, stop = (line * FINE, HEIGHT * FINE), ((line + 330) * FINE, 182 * FINE)
        cv2.line(canvas, start, stop, (225, 230, 225), 3 * FINE, cv2.LINE_AA)
    cv2.rectangle(canvas, (0, 176 * FINE), (WIDTH * FINE, 184 * FINE), (230, 232, 230), -1)
    for number in range(11):
        x, y = 200 + 26 * number + random.normal(0, 6), 330 + 9 * number + random.normal(0, 14)
        player(Pen(canvas, x, y, 56 + 0.03 * y), (235, 235, 240), (225, 225, 230), random)
        x, y = 190 + 27 * number + random.normal(0, 6), 392 + 9 * number + random.normal(0, 14)
        player(Pen(canvas, x, y, 56 + 0.03 * y), (175, 30, 40), (205, 165, 60), random)
    for x, y in ((110, 400), (520, 560), (480, 300)):
        referee(Pen(canvas, x, y, 62 + 0.03 * y))
    return finished(canvas, random)


def player(pen: Pen, jersey: Colour, trousers: Colour, random: np.random.Generator) -> None:
    """Draw a player 100 units tall, leaning a little."""
    lean, stride = float(random.normal(0, 8)), float(random.uniform(0.4, 1.2))
    pen.ellipse((8, 2), (24, 5), (38, 92, 48))
    for side in (-1, 1):
        knee = (lean * 0.3 + side * 13 * stride, 25)
        pen.line((lean * 0.5, 48), knee, trousers, 14)
        pen.line(knee, (side * 15 * stride, 4), shade(trousers, 0.8), 10)
    pen.line((lean * 0.5, 50), (lean, 78), jersey, 27)
    pen.ellipse((lean, 78), (19, 9), shade(jersey, 0.95))
    for side in (-1, 1):
        pen.line((lean + side * 17, 76), (lean + side * 21, 56), shade(jersey, 0.8), 9)
        pen.line((lean + side * 21, 56), (lean + side * 14, 46), SKIN, 6)
    pen.ellipse((lean, 92), (9, 9), shade(jersey, 0.9))


def referee(pen: Pen) -> None:
    """Draw a referee 100 units tall: black trousers and cap, striped shirt."""
    pen.ellipse((8, 2), (20, 4), (38, 92, 48))
    for side in (-1, 1):
        pen.line((side * 3, 50), (side * 8, 4), (22, 22, 26), 12)
    for number in range(7):
        tone: Colour = (240, 240, 240) if number % 2 else (22, 22, 24)
        x = -12 + 4 * number
        pen.polygon([(x - 2.2, 50), (x - 2.2, 82), (x + 2.2, 82), (x + 2.2, 50)], tone)
    for side in (-1, 1):
        pen.line((side * 15, 80), (side * 18, 62), (235, 235, 235), 7)
        pen.line((side * 18, 62), (side * 16, 48), SKIN, 5)
    pen.ellipse((0, 91), (7, 8), SKIN)
    pen.ellipse((0, 95), (8, 5), (20, 20, 22))
