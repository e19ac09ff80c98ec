"""A person who sits on a bicycle or motorcycle is a rider, as in BDD100K; the bicycle keeps its own box."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import Boxes
from framelabel.core.frames import FrameRef
from framelabel.core.geometry import area, intersection

PEDESTRIAN, RIDER, MOTORCYCLE, BICYCLE = 0, 1, 6, 7
"""Rows of the classes in plugin.yaml."""

LEAST_COVER = 0.3
"""Share of a person's lower half that the machine's box must cover."""
CYCLE_HEIGHTS = (0.25, 1.3)
"""How tall the machine may be, in heights of its rider."""
FOOT_REACH = 0.08
"""How far feet may hang below the wheels, in heights of the person: who stands in front of a bicycle reaches lower."""


def name_riders(boxes: Boxes, ref: FrameRef) -> Boxes:  # noqa: ARG001 - a hook takes the frame's identity too
    """Return the boxes with the class of seated persons changed to rider. Score, box and order stay."""
    persons = np.flatnonzero(boxes.class_id == PEDESTRIAN)
    cycles = np.flatnonzero((boxes.class_id == BICYCLE) | (boxes.class_id == MOTORCYCLE))
    if not len(persons) or not len(cycles):
        return boxes
    riding = persons[sits(boxes.xyxy[persons], boxes.xyxy[cycles]).any(axis=1)]
    class_id = boxes.class_id.copy()
    class_id[riding] = RIDER
    return Boxes(boxes.xyxy, boxes.score, class_id, boxes.track_id)


def sits(person: NDArray[np.float64], cycle: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return (P, C) whether each person sits on each machine, by their boxes alone."""
    height = np.maximum(person[:, 3] - person[:, 1], 1e-9)[:, None]
    lower = person.copy()
    lower[:, 1] = (person[:, 1] + person[:, 3]) / 2
    cover = intersection(lower, cycle) / np.maximum(area(lower), 1e-9)[:, None]
    middle = ((person[:, 0] + person[:, 2]) / 2)[:, None]
    above = (middle >= cycle[:, 0]) & (middle <= cycle[:, 2])
    tall = (cycle[:, 3] - cycle[:, 1]) / height
    alike = (tall >= CYCLE_HEIGHTS[0]) & (tall <= CYCLE_HEIGHTS[1])
    seated = (person[:, 3][:, None] - cycle[:, 3]) / height <= FOOT_REACH
    return np.asarray((cover >= LEAST_COVER) & above & alike & seated)
