"""Sides of boxes where the picture ends: they say where the picture ends, not how the object moves.

A car that drives out of the picture has one side that moves on and one that stands at the picture's edge. Only edges
that the detector never passes are treated so: some detectors, and some people, draw boxes beyond the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_NEAR = 2.0
"""Pixels from the edge within which a side counts as cut off there."""
_OUTWARDS = np.array([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True, slots=True, eq=False)
class Borders:
    """The picture's edges, for the left, upper, right and lower side of boxes."""

    limit: Floats
    """(4,) pixels; infinite where boxes are not cut off."""

    @staticmethod
    def of(xyxy: Floats, frame_size: tuple[int, int]) -> Borders:
        """Find out which edges cut off the (N, 4) detections of a clip; none where the size is unknown (0)."""
        edge = np.array([0.0, 0.0, *frame_size])
        passes = ((xyxy - edge) * _OUTWARDS > _NEAR).any(axis=0)
        return Borders(np.where(passes | (min(frame_size) <= 0), _OUTWARDS * np.inf, edge))

    def cut(self, xyxy: Floats) -> NDArray[np.bool_]:
        """Return (N, 4) true for sides that stand at an edge."""
        return np.asarray((xyxy - self.limit) * _OUTWARDS > -_NEAR)

    def within(self, xyxy: Floats) -> Floats:
        """Return boxes cut off at the edges; what lies beyond one keeps no area."""
        low, high = np.tile(self.limit[:2], 2), np.tile(self.limit[2:], 2)
        return np.clip(xyxy, low, high)
