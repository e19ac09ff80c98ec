"""How ByteTrack and BoT-SORT describe a moving box: four coordinates and their noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framelabel.tracking import kalman

Floats = NDArray[np.float64]

_POSITION_WEIGHT, _VELOCITY_WEIGHT = 1.0 / 20.0, 1.0 / 160.0
"""Deviations per frame as shares of the box height (DeepSORT's figures, kept by both papers)."""


class AspectMotion:
    """Centre x, centre y, width / height, height; noise grows with the height (ByteTrack)."""

    frozen = slice(3, 4)
    """Coordinates that stop changing while a track is out of sight."""
    _SCALED = np.array([1.0, 1.0, 0.0, 1.0])
    _ASPECT = np.array([0.0, 0.0, 1.0, 0.0])

    @staticmethod
    def measure(xyxy: Floats) -> Floats:
        """Return the (N, 4) coordinates of boxes."""
        out = np.empty_like(xyxy)
        np.add(xyxy[:, :2], xyxy[:, 2:], out=out[:, :2])
        out[:, :2] *= 0.5
        np.subtract(xyxy[:, 3], xyxy[:, 1], out=out[:, 3])
        out[:, 2] = (xyxy[:, 2] - xyxy[:, 0]) / out[:, 3]
        return out

    @staticmethod
    def corners(state: Floats) -> Floats:
        """Return the (N, 4) boxes of coordinates."""
        half = state[:, 3:] * 0.5
        half = np.concatenate([half * state[:, 2:3], half], axis=1)
        return np.concatenate([state[:, :2] - half, state[:, :2] + half], axis=1)

    @classmethod
    def start(cls, xyxy: Floats) -> Floats:
        """Return the moments of objects first seen in these boxes."""
        state = cls.measure(xyxy)
        scale = state[:, 3:] * cls._SCALED
        return kalman.start(
            state,
            2 * _POSITION_WEIGHT * scale + 1e-2 * cls._ASPECT,
            10 * _VELOCITY_WEIGHT * scale + 1e-5 * cls._ASPECT,
        )

    @classmethod
    def drift(cls, state: Floats) -> tuple[Floats, Floats]:
        """Return the variances that a frame adds to positions and velocities."""
        scale = np.square(state[:, 3:])
        return (
            scale * (_POSITION_WEIGHT**2 * cls._SCALED) + 1e-4 * cls._ASPECT,
            scale * (_VELOCITY_WEIGHT**2 * cls._SCALED) + 1e-10 * cls._ASPECT,
        )

    @classmethod
    def measurement(cls, state: Floats) -> Floats:
        """Return the variances of a measured box."""
        scale = np.square(state[:, 3:])
        return np.asarray(scale * (_POSITION_WEIGHT**2 * cls._SCALED) + 1e-2 * cls._ASPECT, np.float64)


class SizeMotion:
    """Centre x, centre y, width, height; noise grows with width and height (BoT-SORT)."""

    frozen = slice(2, 4)

    @staticmethod
    def measure(xyxy: Floats) -> Floats:
        """Return the (N, 4) coordinates of boxes."""
        return np.concatenate([(xyxy[:, :2] + xyxy[:, 2:]) * 0.5, xyxy[:, 2:] - xyxy[:, :2]], axis=1)

    @staticmethod
    def corners(state: Floats) -> Floats:
        """Return the (N, 4) boxes of coordinates."""
        half = state[:, 2:] * 0.5
        return np.concatenate([state[:, :2] - half, state[:, :2] + half], axis=1)

    @classmethod
    def start(cls, xyxy: Floats) -> Floats:
        """Return the moments of objects first seen in these boxes."""
        state = cls.measure(xyxy)
        scale = state[:, [2, 3, 2, 3]]
        return kalman.start(state, 2 * _POSITION_WEIGHT * scale, 10 * _VELOCITY_WEIGHT * scale)

    @staticmethod
    def drift(state: Floats) -> tuple[Floats, Floats]:
        """Return the variances that a frame adds to positions and velocities."""
        scale = np.square(state[:, [2, 3, 2, 3]])
        return scale * _POSITION_WEIGHT**2, scale * _VELOCITY_WEIGHT**2

    @staticmethod
    def measurement(state: Floats) -> Floats:
        """Return the variances of a measured box."""
        return np.asarray(np.square(state[:, [2, 3, 2, 3]]) * _POSITION_WEIGHT**2, np.float64)
