"""How SORT and OC-SORT describe a moving box: centre, area and aspect, the aspect constant."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framelabel.tracking import kalman

Floats = NDArray[np.float64]

_POSITION_NOISE = np.ones(4)
_VELOCITY_NOISE = np.array([1e-2, 1e-2, 1e-4, 0.0])
_MEASUREMENT = np.array([1.0, 1.0, 10.0, 10.0])
_START_POSITION_STD = np.full(4, np.sqrt(10.0))
_START_VELOCITY_STD = np.array([1e2, 1e2, 1e2, 0.0])


class AreaMotion:
    """Centre x, centre y, area, width / height with the noise of SORT's own filter."""

    @staticmethod
    def measure(xyxy: Floats) -> Floats:
        """Return the (N, 4) coordinates of boxes."""
        size = xyxy[:, 2:] - xyxy[:, :2]
        centre = (xyxy[:, :2] + xyxy[:, 2:]) * 0.5
        return np.concatenate([centre, size[:, :1] * size[:, 1:], size[:, :1] / size[:, 1:]], axis=1)

    @staticmethod
    def corners(state: Floats) -> Floats:
        """Return the (N, 4) boxes of coordinates; empty where the area is not positive."""
        area, aspect = np.maximum(state[:, 2:3], 0.0), np.maximum(state[:, 3:4], 0.0)
        width = np.sqrt(area * aspect)
        height = np.divide(area, width, out=np.zeros_like(area), where=width > 0)
        half = np.concatenate([width, height], axis=1) * 0.5
        return np.concatenate([state[:, :2] - half, state[:, :2] + half], axis=1)

    @classmethod
    def start(cls, xyxy: Floats) -> Floats:
        """Return the moments of objects first seen in these boxes."""
        return kalman.start(cls.measure(xyxy), _START_POSITION_STD, _START_VELOCITY_STD)

    @staticmethod
    def predict(moments: Floats, steps: int = 1) -> Floats:
        """Return the moments some frames later; an area never shrinks to nothing."""
        gone = moments[:, kalman.POSITION, 2] + steps * moments[:, kalman.VELOCITY, 2] <= 0
        moments = moments.copy()
        moments[gone, kalman.VELOCITY, 2] = 0.0
        return kalman.predict(moments, _POSITION_NOISE, _VELOCITY_NOISE, steps)

    @classmethod
    def update(cls, moments: Floats, xyxy: Floats) -> Floats:
        """Return the moments after seeing these boxes."""
        return kalman.update(moments, cls.measure(xyxy), _MEASUREMENT)
