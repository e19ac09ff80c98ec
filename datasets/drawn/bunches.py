"""Fruit bunches of the oil palm on the ground: dense ellipses, dark or red, with straw between."""

from __future__ import annotations

import cv2
import numpy as np
from pen import FINE, Colour, Picture, fine, finished, shade

WIDTH, HEIGHT = 480, 480
STRAW: Colour = (190, 170, 120)


def bunches(random: np.random.Generator) -> Picture:
    """Return the (480, 480, 3) RGB picture of a dark bunch and a red one."""
    ground = 178 + 14 * cv2.resize(random.normal(0, 1, (24, 24)), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    ground += random.normal(0, 6, (HEIGHT, WIDTH))
    canvas = fine(ground[:, :, None] * np.array([1.0, 0.97, 0.92]))
    bunch(canvas, (150, 150), (135, 105), (58, 32, 42), (95, 90, 110), random)
    bunch(canvas, (315, 340), (140, 110), (165, 40, 30), (225, 120, 60), random)
    return finished(canvas, random)


def bunch(
    canvas: Picture,
    centre: tuple[int, int],
    axes: tuple[int, int],
    fruit: Colour,
    light: Colour,
    random: np.random.Generator,
) -> None:
    """Draw one bunch of several hundred fruits, pixels of the finished picture."""
    middle = (centre[0] * FINE, centre[1] * FINE)
    shadow = (middle[0] + 8 * FINE, middle[1] + 14 * FINE)
    cv2.ellipse(canvas, shadow, (axes[0] * FINE, axes[1] * FINE), 0, 0, 360, (105, 100, 95), -1, cv2.LINE_AA)
    cv2.ellipse(canvas, middle, (axes[0] * FINE, axes[1] * FINE), 0, 0, 360, (45, 30, 25), -1, cv2.LINE_AA)
    for row in np.arange(-1.0, 1.0, 0.11):
        for column in np.arange(-1.0, 1.0, 0.085):
            x, y = column + random.normal(0, 0.02) + 0.04 * (round(row / 0.11) % 2), row + random.normal(0, 0.02)
            if x * x + y * y > 1.0:
                continue
            at = (int(middle[0] + x * axes[0] * FINE), int(middle[1] + y * axes[1] * FINE))
            tone = shade(fruit, float(random.uniform(0.7, 1.3)))
            size = (int(5.2 * FINE), int(7.5 * FINE))
            angle = float(np.degrees(np.arctan2(x, 1.5))) + float(random.normal(0, 12))
            cv2.ellipse(canvas, at, size, -angle, 0, 360, shade(tone, 0.45), -1, cv2.LINE_AA)
            cv2.ellipse(canvas, at, (size[0] - FINE, size[1] - FINE), -angle, 0, 360, tone, -1, cv2.LINE_AA)
            spot = (at[0] - FINE, at[1] - 3 * FINE)
            cv2.ellipse(canvas, spot, (size[0] // 3, size[1] // 4), -angle, 0, 360, light, -1, cv2.LINE_AA)
    for _ in range(170):
        turn, far = random.uniform(0, 2 * np.pi), random.uniform(0.55, 1.05)
        start = np.array(middle) + np.array([np.cos(turn) * axes[0], np.sin(turn) * axes[1]]) * far * FINE
        stop = start + random.normal(0, 12, 2) * FINE + (start - np.array(middle)) * 0.09
        tone = shade(STRAW, float(random.uniform(0.6, 1.1)))
        cv2.line(canvas, start.astype(int).tolist(), stop.astype(int).tolist(), tone, FINE, cv2.LINE_AA)
