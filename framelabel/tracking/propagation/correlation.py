"""The `flow` method: no weights needed. Optical flow carries, plain correlation with the human boxes finds again.

Correlation stands in for the network behind the same protocol, so walks, calibration, fusion and absence are the very
same code.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from framelabel.tracking.propagation.evidence import Evidence
from framelabel.tracking.propagation.fusion import FusionOptions
from framelabel.tracking.propagation.nanotrack import STRIDE, TEMPLATE_SIZE
from framelabel.tracking.propagation.visual import VisualPropagator

_SHRINK = 4
"""Crops are compared at a quarter of their size."""
_CORE = 16
"""Side of the part of a shrunken template that is compared: the object without its context."""
_CELLS = 15
_STEEPNESS, _MIDDLE = 20.0, 0.45
"""Probability as a logistic function of the correlation."""


class Correlation:
    """Normalised cross-correlation of grey pictures as a `SiameseNetwork`."""

    def embed(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the (N, 1, h, w) shrunken grey pictures of N crops."""
        found = []
        for crop in crops:
            grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
            side = round(crop.shape[0] / _SHRINK)
            found.append(cv2.resize(grey, (side, side), interpolation=cv2.INTER_AREA)[None])
        return np.stack(found).astype(np.float32)

    def match(
        self, template: NDArray[np.float32], search: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return probabilities and distances to the sides, as a network would; the box has the template's size."""
        margin = (template.shape[1] - _CORE) // 2
        core = np.ascontiguousarray(template[0, margin : margin + _CORE, margin : margin + _CORE])
        likeness = cv2.matchTemplate(np.ascontiguousarray(search[0]), core, cv2.TM_CCOEFF_NORMED)
        cell = STRIDE // _SHRINK
        half = cell // 2
        middle = (likeness.shape[0] - 1) // 2
        score = np.zeros((_CELLS, _CELLS), np.float32)
        sides = np.full((4, _CELLS, _CELLS), TEMPLATE_SIZE / 4, np.float32)
        for row in range(_CELLS):
            for column in range(_CELLS):
                top = middle + (row - _CELLS // 2) * cell - half
                left = middle + (column - _CELLS // 2) * cell - half
                block = likeness[max(top, 0) : max(top + cell, 0), max(left, 0) : max(left + cell, 0)]
                if block.size == 0:
                    continue
                best = int(np.argmax(block))
                y, x = divmod(best, block.shape[1])
                score[row, column] = 1 / (1 + np.exp(-_STEEPNESS * (block[y, x] - _MIDDLE)))
                shift_y = (max(top, 0) + y - (top + half)) * _SHRINK
                shift_x = (max(left, 0) + x - (left + half)) * _SHRINK
                sides[:, row, column] += np.array([-shift_x, -shift_y, shift_x, shift_y], np.float32)
        return score, sides


_CORRELATION = Correlation()
"""Has no state; one object so that all methods of a video share what it has seen."""


class FlowPropagator(VisualPropagator):
    """The `flow` method."""

    Options = FusionOptions

    def __init__(self, options: FusionOptions, evidence: Evidence) -> None:
        """Use the evidence's pictures; no network is needed."""
        super().__init__(options, evidence, _CORRELATION)
