"""Ground surfaces in grey: hot-rolled strip with scratches or patches, and a magnetic tile with a blowhole."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from pen import FINE, Picture, fine, finished

_SIDE = 200


def strip(random: np.random.Generator) -> Picture:
    """Return the (200, 200, 3) picture of steel strip with three bright scratches along the rolling direction."""
    canvas = _ground(random, (_SIDE, _SIDE), level=95, grain=7)
    for column, top, bottom, tone in ((48, 12, 150, 225), (112, 40, 196, 240), (162, 6, 110, 215)):
        points = np.array(
            [
                [(column + random.normal(0, 0.5) + (row - top) * 0.02) * FINE, row * FINE]
                for row in range(top, bottom, 12)
            ]
        )
        cv2.polylines(canvas, [points.astype(np.int32)], False, (tone, tone, tone), 2 * FINE + 2, cv2.LINE_AA)
    return finished(canvas, random)


def tile(random: np.random.Generator) -> Picture:
    """Return the (320, 240, 3) picture of a ground tile with one dark blowhole and a chipped edge."""
    canvas = _ground(random, (240, 320), level=105, grain=5)
    cv2.ellipse(canvas, (140 * FINE, 120 * FINE), (9 * FINE, 7 * FINE), 20, 0, 360, (38, 38, 38), -1, cv2.LINE_AA)
    cv2.ellipse(canvas, (138 * FINE, 118 * FINE), (4 * FINE, 3 * FINE), 20, 0, 360, (20, 20, 20), -1, cv2.LINE_AA)
    chip = np.array([[196, 319], [239, 268], [239, 319]]) * FINE
    cv2.fillPoly(canvas, [chip], (30, 30, 30), cv2.LINE_AA)
    return finished(canvas, random)


def _ground(random: np.random.Generator, size: tuple[int, int], *, level: float, grain: float) -> Picture:
    """Return an enlarged grey surface with the streaks that grinding or rolling leaves, and slow changes of light."""
    width, height = size
    fine_grain = random.normal(0, grain, (height, width))
    streaks: NDArray[np.float64] = cv2.GaussianBlur(
        random.normal(0, 3 * grain, (height, width)), (0, 0), 0.6, sigmaY=12
    )
    light = cv2.resize(random.normal(0, 4, (4, 4)), size, interpolation=cv2.INTER_CUBIC)
    grey = level + fine_grain + light + streaks
    return fine(np.repeat(grey[:, :, None], 3, axis=2))
