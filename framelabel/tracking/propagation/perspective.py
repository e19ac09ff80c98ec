"""Interpolation of an object that moves evenly in space, not in the picture.

Under a pinhole camera a point at constant velocity has depth z linear in time; with size s ~ 1/z and image position
x ~ X/z, the quantities 1/s, x/s and y/s are linear in time. An approaching car therefore grows slowly, then fast, as
it does in footage, where linear interpolation of its sides is wrong by the whole curvature.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framelabel.core.geometry import cxcywh_to_xyxy, xyxy_to_cxcywh


def interpolate(
    frame: NDArray[np.int64], key_frame: NDArray[np.int64], key_xyxy: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the (N, 4) boxes of the (N,) frame ordinals between K >= 1 keyframes (ascending; boxes (K, 4) xyxy).

    With s = sqrt(w h): 1/s, x/s and y/s are linear in time, so is log(w/h). Outside the keyframes the nearest box
    stands still.

    >>> keys = np.array([[0., 0., 2., 2.], [0., 0., 6., 6.]])
    >>> interpolate(np.array([1]), np.array([0, 2]), keys).tolist()
    [[0.0, 0.0, 3.0, 3.0]]
    """
    box = xyxy_to_cxcywh(key_xyxy)
    extent = np.maximum(box[:, 2:], 1e-6)
    size = np.sqrt(extent[:, 0] * extent[:, 1])
    inverse = np.interp(frame, key_frame, 1.0 / size)
    centre_x = np.interp(frame, key_frame, box[:, 0] / size) / inverse
    centre_y = np.interp(frame, key_frame, box[:, 1] / size) / inverse
    half_aspect = np.exp(np.interp(frame, key_frame, np.log(extent[:, 0] / extent[:, 1])) / 2)
    return cxcywh_to_xyxy(np.stack([centre_x, centre_y, half_aspect / inverse, 1 / (half_aspect * inverse)], axis=1))
