"""What a plugin sees in one picture, ready to be drawn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framelabel.core.colours import colour_of, parse_colour
from framelabel.media.overlay import Drawn
from framelabel.plugins import Plugin

SHOWN_FROM = 0.3
"""Least score of what is drawn."""


def drawn(plugin: Plugin, picture: NDArray[np.uint8], *, least: float = SHOWN_FROM) -> list[Drawn]:
    """Return the boxes, masks and tags of a picture that score at least `least`, weakest first."""
    found = plugin.detector.find([picture])[0]
    labels = []
    for row in range(len(found.boxes) - 1, -1, -1):
        score = float(found.boxes.score[row])
        spec = plugin.ontology.classes[found.boxes.class_id[row]]
        if score >= least:
            colour = parse_colour(spec.colour) if spec.colour else colour_of(spec.name)
            labels.append(Drawn(found.boxes.xyxy[row], f"{spec.name} {score:.2f}", colour, shape=found.shapes.get(row)))
    height, width = picture.shape[:2]
    for class_id, score in found.tags.items():
        spec = plugin.ontology.classes[class_id]
        whole = np.array([0.0, 0.0, width, height])
        labels.append(Drawn(whole, f"{spec.name} {score:.2f}", colour_of(spec.name)))
    return labels
