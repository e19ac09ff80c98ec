"""A street with two people and a car; on a work site the two wear helmets and orange vests."""

from __future__ import annotations

import numpy as np
from pen import Colour, Pen, Picture, fine, finished, shade

WIDTH, HEIGHT = 640, 360
VEST = (255, 110, 30)
GROUND = 215
SKIN, HAIR, SHOE, GLASS, TYRE, RIM = (205, 160, 130), (50, 35, 25), (30, 30, 35), (70, 85, 95), (25, 25, 28), (150,) * 3


def street(random: np.random.Generator) -> Picture:
    """Return the (360, 640, 3) RGB picture of a street."""
    return _scene(random, ((40, 70, 140), (150, 130, 60)), None)


def site(random: np.random.Generator) -> Picture:
    """Return the same street as a work site."""
    return _scene(random, (VEST, VEST), (245, 205, 40))


def _scene(random: np.random.Generator, shirts: tuple[Colour, Colour], helmet: Colour | None) -> Picture:
    canvas = houses(random)
    car(Pen(canvas, 430, 300, 210), (170, 40, 40))
    person(Pen(canvas, 150, 320, 170), shirts[0], (45, 45, 60), 0.3, helmet)
    person(Pen(canvas, 250, 310, 150), shirts[1], (60, 55, 50), 0.15, helmet)
    return finished(canvas, random)


def houses(random: np.random.Generator) -> Picture:
    """Return an empty street with houses behind."""
    scene = np.linspace(225, 190, HEIGHT)[:, None, None] * np.array([0.92, 0.96, 1.0]) * np.ones((1, WIDTH, 1))
    scene[GROUND + 15 :] = np.array([112, 112, 116]) + np.linspace(0, 25, HEIGHT - GROUND - 15)[:, None, None]
    scene[GROUND : GROUND + 20] = (165, 160, 150)
    for left in range(0, WIDTH, 110):
        tall, colour = int(random.integers(90, 190)), random.integers(110, 180, 3)
        scene[GROUND - tall : GROUND, left : left + 100] = colour
        for top in range(GROUND + 10 - tall, GROUND - 10, 24):
            for window in range(left + 10, left + 90, 22):
                scene[top : top + 12, window : window + 12] = colour * 0.55
    return fine(scene)


def person(pen: Pen, shirt: Colour, trousers: Colour, stride: float, helmet: Colour | None = None) -> None:
    """Draw somebody 100 units tall, walking; bare-headed without a helmet's colour."""
    for side in (-1, 1):
        knee, foot = (side * 18 * stride, 24), (side * 28 * stride - 2, 3)
        pen.line((0, 48), knee, trousers, 11)
        pen.line(knee, foot, shade(trousers, 0.85), 9)
        pen.ellipse((side * 28 * stride + 2, 2), (6, 3), SHOE)
    pen.ellipse((0, 65), (12, 21), shirt)
    pen.ellipse((-4, 65), (5, 19), shade(shirt, 1.15))
    for side in (-1, 1):
        pen.line((side * 11, 78), (side * 15, 60), shade(shirt, 0.9), 7)
        pen.line((side * 15, 60), (side * 13 + 4, 46), SKIN, 5)
    pen.line((0, 82), (0, 88), SKIN, 7)
    pen.ellipse((0, 92), (6.5, 8), SKIN)
    if helmet is None:
        pen.ellipse((0, 95), (7, 6), HAIR, (180, 360))
    else:
        pen.ellipse((0, 95), (8, 8), helmet, (180, 360))
        pen.line((-9, 95), (10, 95), shade(helmet, 0.9), 2)


def car(pen: Pen, colour: Colour) -> None:
    """Draw a car 100 units long, from its side."""
    pen.ellipse((0, 0), (50, 4), (60, 60, 64))
    roof: list[tuple[float, float]] = [
        (-50, 8),
        (-49, 20),
        (-40, 24),
        (-28, 25),
        (-16, 38),
        (14, 38),
        (28, 25),
        (44, 22),
    ]
    pen.polygon([*roof, (50, 16), (50, 8)], colour)
    pen.polygon([(-50, 8), (-50, 14), (50, 13), (50, 8)], shade(colour, 0.7))
    pen.polygon([(-24, 26), (-14, 36), (-2, 36), (-2, 26)], GLASS)
    pen.polygon([(1, 26), (1, 36), (12, 36), (22, 26)], GLASS)
    for wheel in (-31, 30):
        pen.ellipse((wheel, 8), (9, 9), TYRE)
        pen.ellipse((wheel, 8), (5, 5), RIM)
    pen.ellipse((47, 18), (3, 2), (250, 245, 210))
    pen.ellipse((-48, 18), (2, 2), (190, 30, 30))
