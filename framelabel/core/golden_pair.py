"""A picture beside its golden template, as one picture of three channels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PAIR = "pair"
"""The input colour of models that look at such pictures."""


def beside(picture: NDArray[np.uint8], template: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return (H, W, 3) of two aligned (H, W) grey pictures: both, and how far apart they are.

    >>> beside(np.array([[9, 2]], np.uint8), np.array([[4, 5]], np.uint8)).tolist()
    [[[9, 4, 5], [2, 5, 3]]]
    """
    difference = np.maximum(picture, template) - np.minimum(picture, template)
    return np.dstack([picture, template, difference])
