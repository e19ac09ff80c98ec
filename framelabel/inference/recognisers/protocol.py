"""What every recogniser is: it looks at a clip's pictures with the boxes of their tracks, then says what it knows."""

from __future__ import annotations

from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import Boxes
from framelabel.core.recognition import Recognition


class Recogniser(Protocol):
    """Serves one clip. Built as `Entry(options, ontology=..., size=(width, height))`; class ids are the ontology's."""

    needs_pixels: ClassVar[bool]
    """Whether it looks at pictures; without, boxes are enough and nothing is decoded for it."""

    def look(self, image: NDArray[np.uint8], frame: int, boxes: Boxes) -> None:
        """See one picture, in ascending order of frames.

        Args:
            image: (H, W, 3) RGB; (0, 0, 3) for recognisers that need no pixels.
            frame: its ordinal.
            boxes: the boxes of tracks in this picture, with their track ids.
        """

    def conclude(self, first_id: int) -> Recognition:
        """Return what is known once every picture was seen; new objects get track ids from `first_id` on."""
