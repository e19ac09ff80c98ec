"""One picture of a scene laid onto another: shift and turn by ECC (Evangelidis and Psarakis, PAMI 2008)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_STOP = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 60, 1e-5)
_SMOOTHING = 5
"""Side of the Gaussian that ECC blurs both pictures with, in pixels."""


def aligned(picture: NDArray[np.uint8], to: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture shifted and turned onto another of its size; unmoved where no such motion is found.

    Both are (H, W, 3) RGB or (H, W) grey. What comes in from outside the picture repeats its border.
    """
    warp = np.eye(2, 3, dtype=np.float32)
    try:
        _, warp = cv2.findTransformECC(_grey(to), _grey(picture), warp, cv2.MOTION_EUCLIDEAN, _STOP, None, _SMOOTHING)
    except cv2.error:
        return picture
    size = (picture.shape[1], picture.shape[0])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(picture, warp, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _grey(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
