"""Human boxes as the pixel methods see them: points where the path is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.core.tracks import Track

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Key:
    """One human box. Equal keys are the same evidence, so results are kept by key."""

    frame: int
    box: tuple[float, float, float, float]
    """xyxy in picture pixels."""

    @property
    def xyxy(self) -> Floats:
        """(4,)."""
        return np.array(self.box)


def split(keyframes: Track) -> tuple[list[Key], list[int]]:
    """Return the human boxes and the frames where people said that the object is not there, both ascending."""
    boxes = [
        Key(int(frame), (float(box[0]), float(box[1]), float(box[2]), float(box[3])))
        for frame, box, present in zip(keyframes.frame, keyframes.xyxy, keyframes.is_present, strict=True)
        if present
    ]
    return boxes, [int(frame) for frame in keyframes.frame[~keyframes.is_present]]


def to_log(xyxy: Floats) -> Floats:
    """Return (..., 4) centre x, centre y, log width, log height of boxes: the space in which paths are smoothed."""
    extent = np.maximum(xyxy[..., 2:] - xyxy[..., :2], 1.0)
    return np.concatenate([(xyxy[..., :2] + xyxy[..., 2:]) / 2, np.log(extent)], axis=-1)


def from_log(box: Floats) -> Floats:
    """Undo `to_log`."""
    half = np.exp(box[..., 2:]) / 2
    return np.concatenate([box[..., :2] - half, box[..., :2] + half], axis=-1)


def size_of(xyxy: Floats) -> Floats:
    """Return (...,) sqrt(width * height), at least 1 pixel: the unit of all distances."""
    extent = np.maximum(xyxy[..., 2:] - xyxy[..., :2], 1.0)
    return np.asarray(np.sqrt(extent[..., 0] * extent[..., 1]), dtype=np.float64)
