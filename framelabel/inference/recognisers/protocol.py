"""What every recogniser is: it looks at a clip's pictures with the boxes of their tracks, then says what it knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import Boxes
from framelabel.core.ontology import Ontology
from framelabel.core.recognition import Recognition


@dataclass(frozen=True, slots=True)
class SubjectOptions:
    """What recognisers of certain classes are told first: which."""

    subject: tuple[str, ...] = ()
    """Classes that are looked at; each recogniser has its own default."""

    def classes(self) -> tuple[str, ...]:
        """Return every class name that is mentioned."""
        return self.subject

    def ids(self, ontology: Ontology) -> list[int]:
        """Return the ontology's ids of those classes."""
        return [ontology.id_of(name) for name in self.subject]


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
