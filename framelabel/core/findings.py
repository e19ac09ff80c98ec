"""What a model says about one picture: boxes, their exact shapes, and tags of the whole picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import Boxes
from framelabel.core.shapes import Shape


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """What a model says about one picture."""

    boxes: Boxes
    """Picture pixels, best score first."""
    shapes: Mapping[int, Shape] = field(default_factory=lambda: MappingProxyType({}))
    """Exact geometry by row of `boxes`, from models that give it."""
    tags: Mapping[int, float] = field(default_factory=lambda: MappingProxyType({}))
    """Class id -> score of the whole picture, from classifiers."""

    def with_boxes(self, boxes: Boxes) -> Findings:
        """Return the same findings with other boxes; those that lie exactly where one lay before keep its shape.

        >>> from framelabel.core.shapes import Polyline
        >>> old = Findings(Boxes.of([[0, 0, 2, 2], [1, 1, 4, 4]]), {1: Polyline(np.zeros((1, 2)))})
        >>> sorted(old.with_boxes(Boxes.of([[1, 1, 4, 4]])).shapes)
        [0]
        """
        if not self.shapes or boxes is self.boxes:
            return Findings(boxes, self.shapes, self.tags)
        drawn = {tuple(self.boxes.xyxy[row].tolist()): shape for row, shape in self.shapes.items()}
        places = [tuple(side) for side in boxes.xyxy.tolist()]
        return Findings(boxes, {row: drawn[place] for row, place in enumerate(places) if place in drawn}, self.tags)

    def select(self, rows: NDArray[np.int64]) -> Findings:
        """Return the findings at these rows, in that order, with their shapes; tags are of the whole picture.

        >>> from framelabel.core.shapes import Polyline
        >>> old = Findings(Boxes.of([[0, 0, 2, 2], [1, 1, 4, 4]]), {1: Polyline(np.zeros((1, 2)))})
        >>> sorted(old.select(np.array([1])).shapes)
        [0]
        """
        shapes = {place: self.shapes[row] for place, row in enumerate(rows.tolist()) if row in self.shapes}
        return Findings(self.boxes.select(rows), shapes, self.tags)

    def with_classes(self, class_ids: NDArray[np.int32]) -> Findings:
        """Return the same findings with class k called `class_ids[k]`."""
        boxes = Boxes(self.boxes.xyxy, self.boxes.score, class_ids[self.boxes.class_id], self.boxes.track_id)
        return Findings(boxes, self.shapes, {int(class_ids[number]): score for number, score in self.tags.items()})
