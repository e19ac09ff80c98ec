"""Places in the picture: zones (areas) and lines, drawn as fractions of the frame; where an object stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TypeVar

import numpy as np
import shapely
from numpy.typing import NDArray

from framelabel.core.catalog import did_you_mean
from framelabel.core.errors import UsageError

Points = NDArray[np.float64]

ANCHORS = {
    "center": (0.5, 0.5),
    "bottom_center": (0.5, 1.0),
    "top_center": (0.5, 0.0),
    "left_center": (0.0, 0.5),
    "right_center": (1.0, 0.5),
}
"""Anchor name -> share of width and height from the box's top-left corner."""


def anchor_points(xyxy: NDArray[np.float64], anchor: str) -> Points:
    """Return the (N, 2) points at which boxes touch the scene; people and vehicles stand at "bottom_center".

    Raises:
        UsageError: unknown anchor.
    """
    if anchor not in ANCHORS:
        raise UsageError(f"unknown anchor '{anchor}'.{did_you_mean(anchor, ANCHORS)}")
    share = np.array(ANCHORS[anchor])
    return np.asarray(xyxy[:, :2] + (xyxy[:, 2:] - xyxy[:, :2]) * share, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Zone:
    """A named area. On a moving camera it is held on the ground where it lay in the picture of `frame`."""

    name: str
    polygon: tuple[tuple[float, float], ...]
    """Corners as fractions of the frame's width and height."""
    anchor: str = "bottom_center"
    """Which point of a box must lie inside."""
    frame: int = 0
    """Frame ordinal in whose picture it was drawn; matters on a moving camera only."""
    _cache: dict[tuple[int, int], shapely.Polygon] = field(
        init=False, repr=False, compare=False, hash=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        if len(self.polygon) < 3:
            raise UsageError(f"zone '{self.name}' needs at least 3 points, got {len(self.polygon)}")
        if self.anchor not in ANCHORS:
            raise UsageError(f"zone '{self.name}': unknown anchor '{self.anchor}'.{did_you_mean(self.anchor, ANCHORS)}")
        if not shapely.Polygon(self.polygon).is_valid:
            raise UsageError(f"zone '{self.name}': the polygon crosses itself; give its corners in order")

    def area_in(self, size: tuple[int, int]) -> shapely.Polygon:
        """Return the zone in pixels of a frame of `size` (width, height)."""
        if size not in self._cache:
            self._cache[size] = shapely.Polygon(np.array(self.polygon) * size)
            shapely.prepare(self._cache[size])
        return self._cache[size]

    def contains(self, xyxy: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.bool_]:
        """Return (N,) whether the anchor of each box lies in the zone or on its border."""
        points = anchor_points(xyxy, self.anchor)
        return np.asarray(shapely.intersects_xy(self.area_in(size), points[:, 0], points[:, 1]), dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class Line:
    """A named line to cross. Its positive side is on the right hand of someone walking from its first point on."""

    name: str
    points: tuple[tuple[float, float], ...]
    """Corners as fractions of the frame's width and height."""
    anchor: str = "bottom_center"
    frame: int = 0
    """Frame ordinal in whose picture it was drawn; matters on a moving camera only."""

    def __post_init__(self) -> None:
        if len(self.points) < 2:
            raise UsageError(f"line '{self.name}' needs at least 2 points, got {len(self.points)}")
        if self.anchor not in ANCHORS:
            raise UsageError(f"line '{self.name}': unknown anchor '{self.anchor}'.{did_you_mean(self.anchor, ANCHORS)}")

    def crossings(self, path: Points, size: tuple[int, int]) -> NDArray[np.int64]:
        """Return (N-1,) for each step of an (N, 2) path: +1 crossed to the positive side, -1 to the other, 0 not.

        The segment between two positions is tested, so a fast object or a low frame rate cannot jump the line. A step
        that starts on the line was counted, or not, by the step that ended there.
        """
        corners = np.array(self.points) * size
        total = np.zeros(max(len(path) - 1, 0), np.int64)
        for first, second in pairwise(corners):
            total += _segment_crossings(path[:-1], path[1:], first, second)
        return total


P = TypeVar("P", Zone, Line)


def on_ground(
    places: Mapping[str, P], frames: NDArray[np.int64], to_scene: NDArray[np.float64], size: tuple[int, int]
) -> dict[str, P]:
    """Return places in the picture of the first frame, wherever they were drawn.

    Args:
        places: by name.
        frames: (F,) ordinals that were looked at, ascending.
        to_scene: (F, 2, 3) maps of pixels from each frame to the first.
        size: (width, height) of the picture.
    """
    moved = {}
    for name, place in places.items():
        row = min(int(np.searchsorted(frames, place.frame)), len(frames) - 1)
        points = place.polygon if isinstance(place, Zone) else place.points
        pixels = np.array(points) * size
        there = (pixels @ to_scene[row, :, :2].T + to_scene[row, :, 2]) / size if len(frames) else np.array(points)
        corners = tuple((float(x), float(y)) for x, y in there)
        if isinstance(place, Zone):
            moved[name] = replace(place, polygon=corners)
        else:
            moved[name] = replace(place, points=corners)
    return moved


def _segment_crossings(start: Points, stop: Points, first: Points, second: Points) -> NDArray[np.int64]:
    """Return (N,) signed crossings of the line segment first-second by the steps start -> stop."""
    direction = second - first
    side_start = _cross(direction, start - first)
    side_stop = _cross(direction, stop - first)
    # Zero counts as the positive side, so a step that touches the line is counted exactly once.
    changes = (side_start >= 0) != (side_stop >= 0)
    span = np.where(changes, side_start - side_stop, 1.0)
    meeting = start + (stop - start) * (side_start / span)[:, None]
    along = (meeting - first) @ direction / max(float(direction @ direction), 1e-12)
    hit = changes & (along >= 0.0) & (along <= 1.0)
    return np.where(hit, np.where(side_stop >= 0, 1, -1), 0).astype(np.int64)


def _cross(direction: Points, offset: Points) -> NDArray[np.float64]:
    return np.asarray(direction[0] * offset[:, 1] - direction[1] * offset[:, 0], dtype=np.float64)
