"""How the camera moves, from detections alone: what all linked objects of a frame do together.

The step of a frame is the median displacement of its linked detections. Between two keyframes only the part of the
path that is not even matters (an even drift is what interpolation does anyway), so slow errors cancel.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framelabel.tracking.propagation.association import ClipDetections

Floats = NDArray[np.float64]

LEAST_LINKS = 3
"""Fewer linked detections say more of themselves than of the camera."""


def camera_path(clip: ClipDetections) -> Floats:
    """Return the (F + 1, 2) place of the picture in pixels by frame ordinal, up to the last detection's frame."""
    count = int(clip.frame[-1]) + 1 if len(clip) else 0
    step = np.zeros((count + 1, 2))
    linked = np.flatnonzero(clip.successor >= 0)
    centre = (clip.xyxy[:, :2] + clip.xyxy[:, 2:]) / 2
    moved = centre[clip.successor[linked]] - centre[linked]
    bounds = np.searchsorted(clip.frame[linked], np.arange(count + 1))
    for frame in range(count):
        part = moved[bounds[frame] : bounds[frame + 1]]
        if len(part) >= LEAST_LINKS:
            # Shrunk a little towards a still camera: few objects are a noisy median.
            step[frame + 1] = np.median(part, axis=0) * len(part) / (len(part) + 1)
    return np.asarray(np.cumsum(step, axis=0), dtype=np.float64)


def unevenness(camera: Floats, start: int, stop: int) -> Floats:
    """Return the (stop - start + 1, 2) departure of the camera from even motion between two frames."""
    rows = np.minimum(np.arange(start, stop + 1), len(camera) - 1)
    path = camera[rows]
    share = np.linspace(0, 1, len(path))[:, None]
    return np.asarray(path - (1 - share) * path[0] - share * path[-1], dtype=np.float64)
