"""The seam between propagation methods and everybody who uses them."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from framelabel.core.frames import Span
from framelabel.core.tracks import Track
from framelabel.tracking.propagation.evidence import Evidence


class Propagator(Protocol):
    """Carries the human boxes of one object through a span. One instance serves one video and all its objects.

    Whatever is computed from pixels is kept in the evidence and found again there, so asking once more after one more
    human box costs only the neighbourhood of that box. The same question always has the same answer.
    """

    def propagate(self, keyframes: Track, span: Span) -> Track:
        """Return the object's box, uncertainty and visibility in every frame of `span`.

        Args:
            keyframes: what people said of this object: at least one row, ascending frames, inside or outside the
                span. A row whose visibility is ABSENT says that the object is not in that picture.
            span: frames to fill.

        Returns:
            A track with one row for each frame of the span. Rows at keyframes repeat the human's box exactly, with
            `is_keyframe` set and uncertainty 0. `uncertainty` is 1 - expected IoU. Where the object is ABSENT or LOST
            the box carries no meaning.
        """


class PropagatorClass(Protocol):
    """What the catalog holds: how a propagator is built."""

    Options: type
    """A frozen dataclass with a default for every field."""

    def __call__(self, options: Any, evidence: Evidence) -> Propagator:
        """Build a propagator for one video."""


class SiameseNetwork(Protocol):
    """A single-object tracking network: embeds pictures and compares a template with search windows (NanoTrack)."""

    def embed(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the (N, C, h, w) features of N square RGB crops, (N, S, S, 3)."""

    def match(
        self, template: NDArray[np.float32], search: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Compare one template with one search window, given as (C, 8, 8) and (C, h, w) features.

        Returns:
            (K, K) probabilities of the object's centre cell, and (4, K, K) distances from the cell's centre to the
            left, top, right and bottom side in crop pixels.
        """
