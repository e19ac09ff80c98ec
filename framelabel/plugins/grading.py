"""Attributes that follow from how much of the picture an object covers, such as the severity of a surface defect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.core.ontology import AttributeValue
from framelabel.core.shapes import Shape, area
from framelabel.plugins.schema import Manifest


@dataclass(frozen=True, slots=True)
class Grade:
    """One attribute whose value goes by area."""

    attribute: str
    values: tuple[AttributeValue, ...]
    """From the smallest object to the largest."""
    edges: tuple[float, ...]
    """Shares of the picture at which the next value begins; one fewer than values."""

    def of(self, share: float) -> AttributeValue:
        """Return the value for an object that covers this share of the picture.

        >>> Grade("severity", ("minor", "major"), (0.01,)).of(0.01)
        'major'
        """
        return self.values[int(np.searchsorted(self.edges, share, side="right"))]


def grades_of(manifest: Manifest) -> Mapping[str, tuple[Grade, ...]]:
    """Return class name -> its attributes that go by area; classes without any are left out."""
    graded = {
        entry.name: tuple(
            Grade(name, attribute.values, attribute.by_area)
            for name, attribute in entry.attributes.items()
            if attribute.by_area
        )
        for entry in manifest.classes
    }
    return {name: grades for name, grades in graded.items() if grades}


def graded(
    grades: tuple[Grade, ...], shape: Shape | None, xyxy: NDArray[np.float64], size: tuple[int, int]
) -> dict[str, AttributeValue]:
    """Return the attributes of an object by the area of its shape, or of its (4,) box where it has none."""
    covered = area(shape) if shape is not None else float(np.prod(np.maximum(xyxy[2:] - xyxy[:2], 0.0)))
    share = covered / max(size[0] * size[1], 1)
    return {grade.attribute: grade.of(share) for grade in grades}
