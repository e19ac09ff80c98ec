"""Occluded and truncated, by boxes alone: what the picture's border cuts, and what a nearer object covers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import Boxes
from framelabel.core.config import setting
from framelabel.core.geometry import area, intersection
from framelabel.core.labels import Flag
from framelabel.core.ontology import Ontology
from framelabel.core.recognition import Place, Recognition

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class VisibilityOptions:
    """From when on an object counts as hidden or cut."""

    covered: float = setting(0.25, help="Occluded from this share of the box under a nearer one's box on.")
    border_px: float = setting(1.5, help="Truncated when a side lies this near to the picture's border, in pixels.")
    belongs: tuple[tuple[str, str], ...] = setting(
        (), help="Pairs of classes that belong together and hide nothing of one another, such as rider and bicycle."
    )

    def classes(self) -> tuple[str, ...]:
        """Return every class name that is mentioned."""
        return tuple(name for pair in self.belongs for name in pair)


class Visible:
    """See the module. Objects stand on the ground, so of two that overlap the one that reaches lower is nearer."""

    Options = VisibilityOptions
    needs_pixels: ClassVar[bool] = False

    def __init__(self, options: VisibilityOptions, *, ontology: Ontology, size: tuple[int, int]) -> None:
        self._options = options
        self._size = size
        self._together = np.zeros((len(ontology), len(ontology)), np.bool_)
        for one, other in options.belongs:
            a, b = ontology.id_of(one), ontology.id_of(other)
            self._together[a, b] = self._together[b, a] = True
        self._flags: dict[Place, Flag] = {}

    def look(self, image: NDArray[np.uint8], frame: int, boxes: Boxes) -> None:  # noqa: ARG002 - needs no pixels
        """Judge every box of a frame."""
        cut = truncated(boxes.xyxy, self._size, self._options.border_px)
        hidden = occluded(boxes.xyxy, self._options.covered, self._together[np.ix_(boxes.class_id, boxes.class_id)])
        for row in np.flatnonzero(cut | hidden).tolist():
            flag = (Flag.TRUNCATED if cut[row] else Flag.NONE) | (Flag.OCCLUDED if hidden[row] else Flag.NONE)
            self._flags[int(boxes.track_id[row]), frame] = flag

    def conclude(self, first_id: int) -> Recognition:  # noqa: ARG002 - finds no new objects
        """Return the flags of every frame."""
        return Recognition(flags=self._flags)


def truncated(xyxy: Floats, size: tuple[int, int], border_px: float) -> NDArray[np.bool_]:
    """Return (N,) whether a box reaches the border of a picture of `size` (width, height)."""
    reaches = np.concatenate([xyxy[:, :2] <= border_px, xyxy[:, 2:] >= np.array(size) - border_px], axis=1)
    return np.asarray(reaches.any(axis=1))


def occluded(xyxy: Floats, covered: float, together: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return (N,) whether nearer boxes cover enough of each box; `together` (N, N) marks pairs that hide nothing."""
    if not len(xyxy):
        return np.zeros(0, np.bool_)
    shared = intersection(xyxy, xyxy) / np.maximum(area(xyxy), 1e-9)[:, None]
    is_nearer = xyxy[None, :, 3] > xyxy[:, None, 3]
    return np.asarray((np.where(is_nearer & ~together, shared, 0.0) >= covered).any(axis=1))
