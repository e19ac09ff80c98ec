"""Box arithmetic: overlaps, conversions, letterbox maths. Boxes are (..., 4) xyxy pixels, x2/y2 exclusive."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def area(xyxy: Floats) -> Floats:
    """Return the (...,) areas in square pixels; 0 for boxes turned inside out."""
    return np.asarray(
        np.maximum(xyxy[..., 2] - xyxy[..., 0], 0.0) * np.maximum(xyxy[..., 3] - xyxy[..., 1], 0.0), dtype=np.float64
    )


def intersection(a: Floats, b: Floats) -> Floats:
    """Return the (N, M) overlap areas of (N, 4) with (M, 4) boxes."""
    width = np.minimum(a[:, None, 2], b[None, :, 2]) - np.maximum(a[:, None, 0], b[None, :, 0])
    height = np.minimum(a[:, None, 3], b[None, :, 3]) - np.maximum(a[:, None, 1], b[None, :, 1])
    return np.asarray(np.maximum(width, 0.0) * np.maximum(height, 0.0), dtype=np.float64)


def iou(a: Floats, b: Floats) -> Floats:
    """Return the (N, M) intersection over union of (N, 4) with (M, 4) boxes; 0 where both are empty.

    >>> iou(np.array([[0., 0., 2., 2.]]), np.array([[1., 0., 3., 2.]])).round(4).tolist()
    [[0.3333]]
    """
    inter = intersection(a, b)
    union = area(a)[:, None] + area(b)[None, :] - inter
    return np.asarray(np.divide(inter, union, out=np.zeros_like(inter), where=union > 0), dtype=np.float64)


def paired_iou(a: Floats, b: Floats) -> Floats:
    """Return the (N,) intersection over union of row k of `a` with row k of `b`."""
    width = np.minimum(a[:, 2], b[:, 2]) - np.maximum(a[:, 0], b[:, 0])
    height = np.minimum(a[:, 3], b[:, 3]) - np.maximum(a[:, 1], b[:, 1])
    inter = np.maximum(width, 0.0) * np.maximum(height, 0.0)
    union = area(a) + area(b) - inter
    return np.asarray(np.divide(inter, union, out=np.zeros_like(inter), where=union > 0), dtype=np.float64)


def xyxy_to_cxcywh(xyxy: Floats) -> Floats:
    """Return centre x, centre y, width, height."""
    return np.stack(
        [
            (xyxy[..., 0] + xyxy[..., 2]) / 2,
            (xyxy[..., 1] + xyxy[..., 3]) / 2,
            xyxy[..., 2] - xyxy[..., 0],
            xyxy[..., 3] - xyxy[..., 1],
        ],
        axis=-1,
    )


def cxcywh_to_xyxy(cxcywh: Floats) -> Floats:
    """Return corners from centre x, centre y, width, height."""
    half = cxcywh[..., 2:4] / 2
    return np.concatenate([cxcywh[..., 0:2] - half, cxcywh[..., 0:2] + half], axis=-1)


def clip(xyxy: Floats, size: tuple[int, int]) -> Floats:
    """Return boxes cut at the frame of `size` (width, height)."""
    width, height = size
    return np.asarray(np.clip(xyxy, 0.0, [width, height, width, height]), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Letterbox:
    """The map from a picture to a model input that keeps its aspect ratio: scale, then pad."""

    scale: float
    """Input pixels per picture pixel."""
    left: float
    """Padding in input pixels."""
    top: float

    @staticmethod
    def fit(size: tuple[int, int], target: tuple[int, int], *, centred: bool = False) -> Letterbox:
        """Fit a picture of `size` (width, height) into `target`; padding right and below unless `centred`."""
        scale = min(target[0] / size[0], target[1] / size[1])
        if not centred:
            return Letterbox(scale, 0.0, 0.0)
        return Letterbox(scale, (target[0] - round(size[0] * scale)) // 2, (target[1] - round(size[1] * scale)) // 2)

    def to_picture(self, xyxy: Floats) -> Floats:
        """Return (N, 4) boxes of the model input as boxes of the picture."""
        return np.asarray((xyxy - [self.left, self.top, self.left, self.top]) / self.scale, dtype=np.float64)
