"""A bare printed board seen from above, dark copper on a light base: as it should be, and with five etching faults."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from pen import FINE, Picture, fine, finished

_SIDE = 480
_COPPER, _BASE = (38, 40, 44), (214, 218, 212)
_TRACKS = (
    ((40, 60), (200, 60), (250, 110), (440, 110)),
    ((40, 120), (170, 120), (230, 180), (440, 180)),
    ((40, 190), (150, 190), (210, 250), (440, 250)),
    ((60, 300), (180, 300), (240, 360), (430, 360)),
    ((60, 370), (170, 370), (230, 430), (430, 430)),
)
_WIDE = 16


def golden_board(random: np.random.Generator) -> Picture:
    """Return the (480, 480, 3) picture of the board without a fault."""
    return finished(_board(), random)


def faulty_board(random: np.random.Generator) -> Picture:
    """Return the same board with an open, a short, a mouse bite, a spur, spurious copper and a pin-hole."""
    canvas = _board()
    cv2.rectangle(canvas, _at(330, 96), _at(340, 124), _BASE, -1)  # open
    cv2.rectangle(canvas, _at(110, 120), _at(119, 190), _COPPER, -1)  # short
    cv2.circle(canvas, _at(380, 242), 8 * FINE, _BASE, -1, cv2.LINE_AA)  # mouse bite
    spur = np.array([[330, 352], [344, 352], [338, 330]]) * FINE
    cv2.fillPoly(canvas, [spur.astype(np.int32)], _COPPER, cv2.LINE_AA)
    cv2.ellipse(canvas, _at(120, 250), (10 * FINE, 7 * FINE), 30, 0, 360, _COPPER, -1, cv2.LINE_AA)  # spurious copper
    cv2.circle(canvas, _at(440, 430), 5 * FINE, _BASE, -1, cv2.LINE_AA)  # pin-hole
    return finished(canvas, random)


def _board() -> Picture:
    canvas = fine(np.full((_SIDE, _SIDE, 3), _BASE, np.float64))
    for track in _TRACKS:
        points: NDArray[np.int32] = (np.array(track) * FINE).astype(np.int32)
        cv2.polylines(canvas, [points], False, _COPPER, _WIDE * FINE, cv2.LINE_AA)
        for end in (track[0], track[-1]):
            cv2.circle(canvas, _at(*end), 17 * FINE, _COPPER, -1, cv2.LINE_AA)
    return canvas


def _at(x: int, y: int) -> tuple[int, int]:
    return x * FINE, y * FINE
