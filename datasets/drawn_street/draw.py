"""Draw a street with two people and a car: the self-test picture of the `surveillance` plugin, nobody's photo.

    python datasets/drawn_street/draw.py OUT.jpg [--seed N] [--site]

With `--site` the two wear helmets and vests: the self-test picture of the `ppe` plugin.

Shapes are drawn four times as large and scaled down, with a little blur and noise, until a COCO detector takes them for
what they stand for.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Colour = tuple[int, int, int]

WIDTH, HEIGHT, FINE = 640, 360, 4
VEST = (255, 110, 30)
GROUND = 215
SKIN, HAIR, SHOE, GLASS, TYRE, RIM = (205, 160, 130), (50, 35, 25), (30, 30, 35), (70, 85, 95), (25, 25, 28), (150,) * 3


@dataclass(frozen=True, slots=True)
class Pen:
    """Draws in units of one hundredth of an object's size, y upwards, from its foot point."""

    canvas: Picture
    x: float
    y: float
    size: float

    def at(self, x: float, y: float) -> tuple[int, int]:
        """Return the canvas pixel of an object's point."""
        unit = self.size * FINE / 100
        return int(self.x * FINE + x * unit), int(self.y * FINE - y * unit)

    def line(self, start: tuple[float, float], stop: tuple[float, float], colour: Colour, width: float) -> None:
        """Draw a thick line with round ends."""
        cv2.line(self.canvas, self.at(*start), self.at(*stop), colour, self._length(width), cv2.LINE_AA)

    def ellipse(
        self, centre: tuple[float, float], axes: tuple[float, float], colour: Colour, arc: tuple[int, int] = (0, 360)
    ) -> None:
        """Fill an ellipse, or the part of it between two angles."""
        size = (self._length(axes[0]), self._length(axes[1]))
        cv2.ellipse(self.canvas, self.at(*centre), size, 0, *arc, colour, -1, cv2.LINE_AA)

    def polygon(self, points: list[tuple[float, float]], colour: Colour) -> None:
        """Fill a polygon."""
        cv2.fillPoly(self.canvas, [np.array([self.at(*point) for point in points])], colour, cv2.LINE_AA)

    def _length(self, units: float) -> int:
        return max(1, int(units * self.size * FINE / 100))


def shade(colour: Colour, share: float) -> Colour:
    """Return a darker or lighter colour."""
    red, green, blue = (min(255, int(value * share)) for value in colour)
    return red, green, blue


def street(random: np.random.Generator) -> Picture:
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
    fine = cv2.resize(scene.astype(np.uint8), (WIDTH * FINE, HEIGHT * FINE), interpolation=cv2.INTER_LINEAR)
    return np.asarray(fine, np.uint8)


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


def draw(seed: int, *, is_site: bool = False) -> Picture:
    """Return the (360, 640, 3) RGB picture of a seed; on a site people wear helmets and orange vests."""
    random = np.random.default_rng(seed)
    canvas = street(random)
    car(Pen(canvas, 430, 300, 210), (170, 40, 40))
    helmet = (245, 205, 40) if is_site else None
    shirts = (VEST, VEST) if is_site else ((40, 70, 140), (150, 130, 60))
    person(Pen(canvas, 150, 320, 170), shirts[0], (45, 45, 60), 0.3, helmet)
    person(Pen(canvas, 250, 310, 150), shirts[1], (60, 55, 50), 0.15, helmet)
    small = cv2.GaussianBlur(cv2.resize(canvas, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), (3, 3), 0)
    return np.clip(small + random.normal(0, 3, small.shape), 0, 255).astype(np.uint8)


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--site", action="store_true", help="people wear helmets and vests")
    arguments = parser.parse_args()
    picture = cv2.cvtColor(draw(arguments.seed, is_site=arguments.site), cv2.COLOR_RGB2BGR)
    if not cv2.imwrite(str(arguments.out), picture, [cv2.IMWRITE_JPEG_QUALITY, 88]):
        raise SystemExit(f"{arguments.out}: cannot be written")


if __name__ == "__main__":
    main()
