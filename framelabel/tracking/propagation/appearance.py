"""Does a box show what the human box showed? Normalised correlation of small grey patches."""

from __future__ import annotations

from collections import OrderedDict

import cv2
import numpy as np
from numpy.typing import NDArray

from framelabel.tracking.propagation.footage import Footage

Floats = NDArray[np.float64]

SIDE = 20
"""Patches are SIDE x SIDE samples of the whole box."""
_WIDTH = 640
"""Pictures are compared at most this wide: small detail is noise here."""
_KEPT = 64
"""Pictures kept ready (about 1 MB each): a gap is looked at again after every human box in it."""
_CONTRAST = 8.0
"""Grey levels added to a patch's norm, so that a flat patch correlates with nothing."""


class Appearance:
    """Patches of one video's pictures."""

    def __init__(self, footage: Footage) -> None:
        self._footage = footage
        self._pictures: OrderedDict[int, NDArray[np.float32]] = OrderedDict()

    def patches(self, frame: int, xyxy: Floats) -> NDArray[np.float32]:
        """Return the (N, SIDE * SIDE) patches of (N, 4) boxes, of zero mean and unit length."""
        picture = self._blurred(frame)
        scale = picture.shape[1] / self._footage.image(frame).shape[1]
        grid = (np.arange(SIDE) + 0.5) / SIDE
        x = xyxy[:, None, 0] + grid * (xyxy[:, None, 2] - xyxy[:, None, 0])
        y = xyxy[:, None, 1] + grid * (xyxy[:, None, 3] - xyxy[:, None, 1])
        map_x = np.repeat(x[:, None, :], SIDE, axis=1).reshape(-1, SIDE) * scale - 0.5
        map_y = np.repeat(y[:, :, None], SIDE, axis=2).reshape(-1, SIDE) * scale - 0.5
        cut = cv2.remap(
            picture,
            map_x.astype(np.float32),
            map_y.astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        ).reshape(len(xyxy), -1)
        cut = cut - cut.mean(axis=1, keepdims=True)
        norm = np.sqrt((cut * cut).sum(axis=1, keepdims=True)) + _CONTRAST
        return np.asarray(cut / norm, dtype=np.float32)

    def _blurred(self, frame: int) -> NDArray[np.float32]:
        picture = self._pictures.get(frame)
        if picture is None:
            grey = self._footage.grey(frame, _WIDTH)
            picture = np.asarray(cv2.GaussianBlur(grey, (0, 0), 1.0), dtype=np.float32)
            self._pictures[frame] = picture
            if len(self._pictures) > _KEPT:
                self._pictures.popitem(last=False)
        return picture
