"""A pen for objects drawn from simple shapes, and the finish that makes a drawing look like a photo."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Colour = tuple[int, int, int]

FINE = 4
"""Drawings are this many times as large as the picture, then scaled down."""


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


def fine(scene: NDArray[np.float64]) -> Picture:
    """Return a (H, W, 3) background enlarged to draw on."""
    height, width = scene.shape[:2]
    large = cv2.resize(
        scene.clip(0, 255).astype(np.uint8), (width * FINE, height * FINE), interpolation=cv2.INTER_LINEAR
    )
    return np.asarray(large, np.uint8)


def finished(canvas: Picture, random: np.random.Generator) -> Picture:
    """Return the drawing at the picture's size, with a little blur and sensor noise."""
    size = (canvas.shape[1] // FINE, canvas.shape[0] // FINE)
    small = cv2.GaussianBlur(cv2.resize(canvas, size, interpolation=cv2.INTER_AREA), (3, 3), 0)
    return np.clip(small + random.normal(0, 3, small.shape), 0, 255).astype(np.uint8)
