"""How the camera moved between two pictures, as a similarity or affine map of pixels.

Sparse optical flow (corners tracked by pyramidal Lucas-Kanade, a similarity by RANSAC), as BoT-SORT does, or the
enhanced correlation coefficient (Evangelidis and Psarakis 2008). Moving objects are masked out.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from framelabel.core.config import setting
from framelabel.core.errors import UsageError
from framelabel.tracking import kalman

Floats = NDArray[np.float64]

_LEAST_CORNERS = 8
STILL: Floats = np.eye(2, 3)
"""The map of a camera that did not move."""


@dataclass(frozen=True, slots=True)
class CameraMotionOptions:
    """Settings of the estimate."""

    method: str = setting("flow", help="sparse optical flow, or correlation of whole pictures", choices=("flow", "ecc"))
    longest_side: int = setting(640, help="pictures are reduced to this many pixels on their longer side")
    corners: int = setting(600, help="corners tracked by the flow method")


class CameraMotion:
    """Estimates one video's camera motion, picture by picture."""

    Options = CameraMotionOptions

    def __init__(self, options: CameraMotionOptions | None = None) -> None:
        self._options = options or CameraMotionOptions()
        if self._options.method not in {"flow", "ecc"}:
            msg = f"camera motion method '{self._options.method}' is unknown; use flow or ecc"
            raise UsageError(msg)
        self._previous: NDArray[np.uint8] | None = None
        self._previous_mask: NDArray[np.uint8] | None = None

    def __call__(self, image: NDArray[np.uint8], moving: Floats | None = None) -> Floats:
        """Return the (2, 3) map from pixels of the previous picture to pixels of this one; `STILL` on the first.

        Args:
            image: (H, W, 3) RGB.
            moving: (N, 4) boxes of objects in this picture, which say nothing of the camera.
        """
        height, width = image.shape[:2]
        scale = min(1.0, self._options.longest_side / max(height, width))
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        if scale < 1.0:
            grey = cv2.resize(grey, (max(1, round(width * scale)), max(1, round(height * scale))))
        mask = np.full(grey.shape, 255, np.uint8)
        for x1, y1, x2, y2 in np.zeros((0, 4)) if moving is None else np.nan_to_num(moving) * scale:
            mask[max(0, int(y1)) : max(0, int(np.ceil(y2))), max(0, int(x1)) : max(0, int(np.ceil(x2)))] = 0
        previous, previous_mask = self._previous, self._previous_mask
        self._previous, self._previous_mask = np.asarray(grey, np.uint8), mask
        if previous is None or previous_mask is None or previous.shape != grey.shape:
            return STILL.copy()
        if self._options.method == "ecc":
            found = _by_correlation(previous, self._previous, mask)
        else:
            found = _by_flow(previous, previous_mask, self._previous, self._options.corners)
        found[:, 2] /= scale
        return found


def _by_flow(previous: NDArray[np.uint8], mask: NDArray[np.uint8], current: NDArray[np.uint8], count: int) -> Floats:
    """Return the similarity that most tracked corners agree on."""
    corners = cv2.goodFeaturesToTrack(previous, count, 0.01, 5, mask=mask)
    if corners is None or len(corners) < _LEAST_CORNERS:
        return STILL.copy()
    moved, status, _ = cv2.calcOpticalFlowPyrLK(previous, current, corners, None)
    good = status.reshape(-1) == 1
    if good.sum() < _LEAST_CORNERS:
        return STILL.copy()
    cv2.setRNGSeed(0)
    found, _ = cv2.estimateAffinePartial2D(corners[good], moved[good], method=cv2.RANSAC, ransacReprojThreshold=2.0)
    return STILL.copy() if found is None else np.asarray(found, np.float64)


def _by_correlation(previous: NDArray[np.uint8], current: NDArray[np.uint8], mask: NDArray[np.uint8]) -> Floats:
    """Return the rigid map that aligns the two pictures best."""
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 50, 1e-4)
    try:
        _, found = cv2.findTransformECC(
            previous, current, np.eye(2, 3, dtype=np.float32), cv2.MOTION_EUCLIDEAN, criteria, mask, 5
        )
    except cv2.error:  # the pictures have nothing in common (a cut, a black picture)
        return STILL.copy()
    return np.asarray(found, np.float64)


def warp_boxes(xyxy: Floats, camera: Floats) -> Floats:
    """Return the (N, 4) upright hulls of boxes moved by a (2, 3) map."""
    x, y = xyxy[:, [0, 2, 2, 0]], xyxy[:, [1, 1, 3, 3]]
    moved_x = camera[0, 0] * x + camera[0, 1] * y + camera[0, 2]
    moved_y = camera[1, 0] * x + camera[1, 1] * y + camera[1, 2]
    return np.stack([moved_x.min(axis=1), moved_y.min(axis=1), moved_x.max(axis=1), moved_y.max(axis=1)], axis=1)


def warp_moments(moments: Floats, camera: Floats) -> Floats:
    """Return moments of (centre x, centre y, width, height) moved by a (2, 3) map.

    As in BoT-SORT the linear part acts on the pairs (x, y) and (w, h) and on their velocities. Variances follow its
    squares; what a rotation would couple between x and y is not carried on, which is exact for pans and zooms and
    errs by the sine of the rotation between two pictures otherwise.
    """
    linear = camera[:, :2]
    out = moments.copy()
    for pair in (slice(0, 2), slice(2, 4)):
        for row in (kalman.POSITION, kalman.VELOCITY):
            out[:, row, pair] = moments[:, row, pair] @ linear.T
        for row in (kalman.POSITION_VARIANCE, kalman.COVARIANCE, kalman.VELOCITY_VARIANCE):
            out[:, row, pair] = moments[:, row, pair] @ np.square(linear).T
    out[:, kalman.POSITION, :2] += camera[:, 2]
    return out
