"""Make regions of a picture unrecognisable."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_CELLS = 3
"""A region keeps this many cells on its shorter side: 3 x 4 averages are nobody's face, nor one to a detector."""


def blurred(image: NDArray[np.uint8], xyxy: NDArray[np.float64], margin: float = 0.15) -> NDArray[np.uint8]:
    """Return a copy of an (H, W, 3) picture in which boxes are averaged to a few cells and smoothed.

    Averages are taken over the region alone and nothing of the finer detail is kept, so it cannot be sharpened back.

    Args:
        image: RGB.
        xyxy: (N, 4) pixels, x2/y2 exclusive; parts outside the picture are ignored.
        margin: boxes grow by this share of their size on each side first, for hair and ears.
    """
    height, width = image.shape[:2]
    result = image.copy()
    extent = xyxy[:, 2:] - xyxy[:, :2]
    start = np.floor(xyxy[:, :2] - margin * extent).astype(np.int64).clip(0, [width, height])
    stop = np.ceil(xyxy[:, 2:] + margin * extent).astype(np.int64).clip(0, [width, height])
    for (x1, y1), (x2, y2) in zip(start.tolist(), stop.tolist(), strict=True):
        if x2 <= x1 or y2 <= y1:
            continue
        region = result[y1:y2, x1:x2]
        cell = max(1.0, min(x2 - x1, y2 - y1) / _CELLS)
        size = max(1, round((x2 - x1) / cell)), max(1, round((y2 - y1) / cell))
        coarse = cv2.resize(region, size, interpolation=cv2.INTER_AREA)
        result[y1:y2, x1:x2] = cv2.resize(coarse, (x2 - x1, y2 - y1), interpolation=cv2.INTER_LINEAR)
    return result
