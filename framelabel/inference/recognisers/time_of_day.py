"""Day or night, by how bright the pictures are. Dawn and dusk are told by people: they look like a cloudy day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import Boxes
from framelabel.core.config import setting
from framelabel.core.ontology import Ontology
from framelabel.core.recognition import Recognition


@dataclass(frozen=True, slots=True)
class TimeOfDayOptions:
    """What is dark and what is bright."""

    attribute: str = setting("timeofday", help="Name of the frame tag; BDD100K's by default.")
    day: str = setting("daytime", help="Value for bright pictures.")
    night: str = setting("night", help="Value for dark pictures.")
    unsure: str = setting("undefined", help="Value between.")
    dark: float = setting(0.18, help="Night up to this median brightness of the clip, in [0, 1].")
    bright: float = setting(0.26, help="Day from this median brightness on.")

    def classes(self) -> tuple[str, ...]:
        """Return every class name that is mentioned."""
        return ()


class TimeOfDay:
    """See the module. The whole clip gets one value: the hour does not change within it, an underpass is not night."""

    Options = TimeOfDayOptions
    needs_pixels: ClassVar[bool] = True

    def __init__(self, options: TimeOfDayOptions, *, ontology: Ontology, size: tuple[int, int]) -> None:  # noqa: ARG002
        self._options = options
        self._brightness: dict[int, float] = {}

    def look(self, image: NDArray[np.uint8], frame: int, boxes: Boxes) -> None:  # noqa: ARG002 - the whole picture counts
        """Note how bright a picture is."""
        self._brightness[frame] = brightness(image)

    def conclude(self, first_id: int) -> Recognition:  # noqa: ARG002 - finds no new objects
        """Return one tag for all frames."""
        if not self._brightness:
            return Recognition()
        level = float(np.median(list(self._brightness.values())))
        options = self._options
        value = options.night if level <= options.dark else options.day if level >= options.bright else options.unsure
        tag = {options.attribute: value}
        return Recognition(tags=dict.fromkeys(self._brightness, tag))


def brightness(image: NDArray[np.uint8]) -> float:
    """Return the mean luma of the picture's upper two thirds in [0, 1]: the road itself is dark by day too."""
    upper = image[: max(1, image.shape[0] * 2 // 3) : 4, ::4]
    return float(cv2.cvtColor(np.ascontiguousarray(upper), cv2.COLOR_RGB2GRAY).mean()) / 255.0
