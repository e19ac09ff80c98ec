"""A shop shelf of two rows: cans and bottles in their places, one place empty, a printed code on the shelf's edge."""

from __future__ import annotations

import cv2
import numpy as np
import zxingcpp
from counter import bottle, can
from pen import FINE, Colour, Pen, Picture, fine, finished

WIDTH, HEIGHT = 960, 720
EDGES = (330, 660)
"""Heights at which the products of each row stand."""
PLACE = 120
"""Pixels from one product to the next."""
RED: tuple[Colour, Colour, Colour] = ((205, 20, 30), (240, 240, 240), (205, 20, 30))
BLUE: tuple[Colour, Colour, Colour] = ((20, 60, 170), (200, 30, 50), (235, 238, 242))
ROWS = (
    ("blue", "blue", "blue", "", "red", "red", "red"),
    ("bottle", "bottle", "red", "red", "red", "blue", "blue"),
)
"""What stands where, left to right; "" is an empty place."""
CODE = "4006381333931"
"""An EAN-13 used in textbooks; the tag that carries it stands for any price tag."""


def shelf(random: np.random.Generator) -> Picture:
    """Return the (720, 960, 3) RGB picture of a shelf."""
    scene = np.empty((HEIGHT, WIDTH, 3))
    scene[:] = np.array([172, 168, 160]) + random.normal(0, 3, (HEIGHT, WIDTH, 1))
    for edge in EDGES:
        scene[edge - 6 : edge + 14] = np.array([128, 122, 112])
        scene[edge + 14 : edge + 56] = np.array([226, 226, 222])
    canvas = fine(scene)
    for edge, row in zip(EDGES, ROWS, strict=True):
        for number, name in enumerate(row):
            x = 110 + PLACE * number
            if name == "bottle":
                bottle(Pen(canvas, x, edge, 270))
            elif name:
                can(Pen(canvas, x, edge, 180), *(RED if name == "red" else BLUE))
    tag(canvas)
    return finished(canvas, random)


def tag(canvas: Picture) -> None:
    """Paste a printed code on the upper edge, under the empty place."""
    code = zxingcpp.create_barcode(CODE, zxingcpp.BarcodeFormat.EAN13)
    printed = np.array(zxingcpp.write_barcode_to_image(code, scale=1), np.uint8)
    wide, tall = printed.shape[1] * 2 * FINE, 36 * FINE
    large = cv2.resize(printed, (wide, tall), interpolation=cv2.INTER_NEAREST)
    left, top = (110 + 3 * PLACE) * FINE - wide // 2, (EDGES[0] + 17) * FINE
    canvas[top : top + tall, left : left + wide] = large[:, :, None]
