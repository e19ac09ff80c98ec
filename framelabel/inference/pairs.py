"""A picture beside its golden template, as one picture of three channels that a detector can look at."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from framelabel.core.errors import UsageError
from framelabel.core.golden_pair import beside
from framelabel.inference.alignment import aligned

_ASPECT_TOLERANCE = 0.02
_ENDS = (2.0, 98.0)
"""Per cent of a template's pixels below its black, and below its white."""
_FLAT = 32.0
"""Grey levels between them; below, stretching would show noise as faults."""


def compared(picture: NDArray[np.uint8], template: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return (H, W, 3): the picture in grey, its template in grey, and how far apart they are, in grey levels.

    The template is resized to the picture, shifted and turned onto it, and gets its mean and contrast; so boxes found
    in the pair are boxes of the picture. Then the template's darkest and brightest parts become black and white, in
    both: a dull picture shows faults as strongly as a crisp one.

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
    tries = [_lit(each, seen) for each in (golden, aligned(golden, seen))]
    golden = min(tries, key=lambda each: float(cv2.absdiff(seen, each).mean()))
    return _stretched(beside(seen, golden))


def _lit(golden: NDArray[np.uint8], seen: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the template with the picture's mean and contrast."""
    gain = (float(seen.std()) + 1.0) / (float(golden.std()) + 1.0)
    table = (np.arange(256) - float(golden.mean())) * gain + float(seen.mean())
    return np.asarray(np.clip(np.rint(table), 0, 255).astype(np.uint8)[golden], np.uint8)


def _stretched(pair: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Give the template the whole range of grey levels, the picture the same change, and the difference the same gain.

    A difference beyond the template's black or white stays one; a template that is all but flat is left as it is.
    """
    darkest, brightest = np.percentile(pair[:, :, 1], _ENDS)
    if brightest - darkest < _FLAT:
        return pair
    gain = 255.0 / (brightest - darkest)
    from_black = np.array([darkest, darkest, 0.0])
    tables = (np.arange(256)[:, None] - from_black) * gain
    levels = np.clip(np.rint(tables), 0, 255).astype(np.uint8)
    return np.dstack([levels[pair[:, :, channel], channel] for channel in range(3)])
