"""Which colour a traffic light shows: the hue of its bright, saturated pixels, agreed over neighbouring frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import Boxes
from framelabel.core.config import setting
from framelabel.core.ontology import AttributeValue, Ontology
from framelabel.core.recognition import Place, Recognition
from framelabel.inference.recognisers.protocol import SubjectOptions

COLOURS = ("red", "yellow", "green")
NONE = "none"
_HUES = ((-12.0, 12.0), (12.0, 34.0), (45.0, 100.0))
"""From, to of each colour's hue in OpenCV's half degrees (0 to 180); green lamps are bluish."""


@dataclass(frozen=True, slots=True)
class TrafficLightsOptions(SubjectOptions):
    """What is a lamp that shines."""

    subject: tuple[str, ...] = setting(("traffic light",), help="Classes that are traffic lights.")
    attribute: str = setting("trafficLightColor", help="Name of the attribute; BDD100K's by default.")
    value: float = setting(0.55, help="Least brightness of a shining pixel, in [0, 1].")
    saturation: float = setting(0.4, help="Least saturation of a shining pixel, in [0, 1].")
    share: float = setting(0.02, help="Least share of the box that must shine.")
    memory: int = setting(2, help="A colour counts when most of this many frames before and after say so too.")


class TrafficLights:
    """See the module."""

    Options = TrafficLightsOptions
    needs_pixels: ClassVar[bool] = True

    def __init__(self, options: TrafficLightsOptions, *, ontology: Ontology, size: tuple[int, int]) -> None:  # noqa: ARG002
        self._options = options
        self._class_ids = options.ids(ontology)
        self._seen: dict[int, list[tuple[int, str]]] = {}

    def look(self, image: NDArray[np.uint8], frame: int, boxes: Boxes) -> None:
        """Read every light of a frame."""
        for row in np.flatnonzero(np.isin(boxes.class_id, self._class_ids)).tolist():
            colour = light_colour(image, boxes.xyxy[row], self._options)
            self._seen.setdefault(int(boxes.track_id[row]), []).append((frame, colour))

    def conclude(self, first_id: int) -> Recognition:  # noqa: ARG002 - finds no new objects
        """Return each light's colour in each frame."""
        attributes: dict[Place, dict[str, AttributeValue]] = {}
        for track, seen in self._seen.items():
            for row, (frame, own) in enumerate(seen):
                around = [
                    colour for _, colour in seen[max(0, row - self._options.memory) : row + self._options.memory + 1]
                ]
                most = max((own, *COLOURS, NONE), key=around.count)
                attributes[track, frame] = {self._options.attribute: most}
        return Recognition(attributes=attributes)


def light_colour(image: NDArray[np.uint8], xyxy: NDArray[np.float64], options: TrafficLightsOptions) -> str:
    """Return "red", "yellow", "green" or "none" for the light in a box of an RGB picture."""
    height, width = image.shape[:2]
    x1, y1 = (max(0, int(np.floor(side))) for side in xyxy[:2])
    x2, y2 = min(width, int(np.ceil(xyxy[2]))), min(height, int(np.ceil(xyxy[3])))
    if x2 <= x1 or y2 <= y1:
        return NONE
    hsv = cv2.cvtColor(np.ascontiguousarray(image[y1:y2, x1:x2]), cv2.COLOR_RGB2HSV).reshape(-1, 3).astype(np.float64)
    shines = (hsv[:, 1] >= options.saturation * 255) & (hsv[:, 2] >= options.value * 255)
    hue = np.where(hsv[:, 0] > 168, hsv[:, 0] - 180, hsv[:, 0])
    counts = [int((shines & (hue >= low) & (hue < high)).sum()) for low, high in _HUES]
    best = int(np.argmax(counts))
    return COLOURS[best] if counts[best] >= max(options.share * len(hsv), 1.0) else NONE
