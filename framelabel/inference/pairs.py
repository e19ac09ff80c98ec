"""A picture beside its golden template, as one picture of three channels that a detector can look at."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from framelabel.core.errors import UsageError
from framelabel.core.golden_pair import beside
from framelabel.inference.alignment import aligned

_ASPECT_TOLERANCE = 0.02


def compared(picture: NDArray[np.uint8], template: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return (H, W, 3): the picture in grey, its template in grey, and how far apart they are, in grey levels.

    The template is resized to the picture, shifted and turned onto it, and gets its mean and contrast; so boxes found
    in the pair are boxes of the picture.

    Args:
        picture: (H, W, 3) RGB.
        template: (h, w, 3) RGB of the same view without a fault.

    Raises:
        UsageError: the two are not of one shape.
    """
    (height, width), (own_height, own_width) = picture.shape[:2], template.shape[:2]
    if abs(width * own_height / (height * own_width) - 1.0) > _ASPECT_TOLERANCE:
        msg = f"the template is {own_width}x{own_height}, the picture {width}x{height}: they must show the same view"
        raise UsageError(msg)
    seen, golden = (cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (picture, template))
    if golden.shape != seen.shape:
        golden = cv2.resize(golden, (width, height), interpolation=cv2.INTER_LINEAR)
    seen, golden = np.asarray(seen, np.uint8), np.asarray(golden, np.uint8)
    # pictures that lie right already stay sharp: moving by a share of a pixel blurs edges
    tries = [beside(seen, _lit(each, seen)) for each in (golden, aligned(golden, seen))]
    return min(tries, key=lambda pair: float(pair[:, :, 2].mean()))


def _lit(golden: NDArray[np.uint8], seen: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the template with the picture's mean and contrast."""
    gain = (float(seen.std()) + 1.0) / (float(golden.std()) + 1.0)
    table = (np.arange(256) - float(golden.mean())) * gain + float(seen.mean())
    return np.asarray(np.clip(np.rint(table), 0, 255).astype(np.uint8)[golden], np.uint8)
