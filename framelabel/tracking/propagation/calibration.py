"""How the network's box differs from what this person draws around this object, in every picture.

At each human box every template's answer is compared with the human's. Such a residual is what the person and the
network always see differently here, plus what changes slowly, plus the chance of that one picture; carrying a single
residual through a gap would carry its chance along. So all residuals nearby are weighed as a Gaussian process does
(kriging): a constant, a slow part and noise of known variance.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from framelabel.tracking.propagation.keys import Key
from framelabel.tracking.propagation.passes import Passes

Floats = NDArray[np.float64]

CONSTANT = np.array([0.002, 0.002, 0.01, 0.01])
"""Variance of the lasting difference: dx / width, dy / height, d log width, d log height."""
SLOW, SLOW_FRAMES = np.array([0.003, 0.003, 0.01, 0.01]), 200.0
"""Variance of the slow part, and the frames over which it is forgotten."""
NOISE = np.array([0.005, 0.005, 0.008, 0.008])
"""Variance of one picture's chance. All were chosen on the tuning sequences, by how well residuals at human boxes
predict those at boxes that were left out."""


def offsets(passes: Passes, model: Key, known: Sequence[Key], frame: NDArray[np.int64]) -> Floats:
    """Return the (N, 4) offsets that turn the boxes of the template `model` into the human's in (N,) pictures.

    `known` are the human boxes to learn from; `model` is usually one of them.
    """
    seen = np.array([key.frame for key in known], np.float64)
    residual = np.array([passes.residual(key, model).offset for key in known])
    near = np.exp(-np.abs(seen[:, None] - seen) / SLOW_FRAMES)
    reach = np.exp(-np.abs(frame[:, None] - seen) / SLOW_FRAMES)
    found = np.empty((len(frame), 4))
    for axis in range(4):
        spread = CONSTANT[axis] + SLOW[axis] * near + NOISE[axis] * np.eye(len(seen))
        found[:, axis] = (CONSTANT[axis] + SLOW[axis] * reach) @ np.linalg.solve(spread, residual[:, axis])
    return found
