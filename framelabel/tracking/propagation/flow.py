"""Dense optical flow between neighbouring pictures (DIS), computed once per video and shared by all objects.

Kroeger et al., Fast Optical Flow using Dense Inverse Search, ECCV 2016, as OpenCV implements it. Both directions are
kept: where following the flow there and back does not return to the start, the flow is not to be believed.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from framelabel.tracking.propagation.footage import Footage

Floats = NDArray[np.float64]

_GRID = 7
"""Flow is sampled at 7 x 7 points of a box."""
_INNER = 0.7
"""Share of the box's width and height that the points cover: its rim is mostly background."""


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """How the content of N boxes moves from one picture to a neighbouring one."""

    shift: Floats
    """(N, 2) x, y in pixels: median over the box."""
    log_scale: Floats
    """(N,) log of the growth of the content."""
    error: Floats
    """(N,) pixels by which following the flow there and back misses the start, median over the box."""


class FlowFields:
    """The flow fields of one video, made when first asked for."""

    def __init__(self, footage: Footage, *, width: int = 400, memory_bytes: int = 256_000_000) -> None:
        """Compute on pictures at most `width` pixels wide; keep at most about `memory_bytes` of fields."""
        self._footage = footage
        self._width = width
        self._memory = memory_bytes
        self._fields: OrderedDict[int, tuple[NDArray[np.float16], NDArray[np.float16]]] = OrderedDict()
        self._greys: OrderedDict[int, NDArray[np.uint8]] = OrderedDict()
        self._scale = 1.0
        self._dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)

    def motion(self, frame: int, xyxy: Floats, *, backward: bool = False) -> Motion:
        """Return how the content of the (N, 4) boxes of picture `frame` moves to the next picture (or previous)."""
        pair = frame - 1 if backward else frame
        ahead, back = self._pair(pair)
        if backward:
            ahead, back = back, ahead
        grid = np.linspace(-_INNER / 2, _INNER / 2, _GRID)
        offset = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(1, -1, 2)
        centre = (xyxy[:, None, :2] + xyxy[:, None, 2:]) / 2
        extent = np.maximum(xyxy[:, None, 2:] - xyxy[:, None, :2], 1.0)
        points = centre + offset * extent
        step = self._sample(ahead, points)
        returned = self._sample(back, points + step)
        shift = np.median(step, axis=1)
        relative = (step - shift[:, None]) / extent
        spread = (offset**2).sum(axis=(1, 2))
        growth = (relative * offset).sum(axis=(1, 2)) / spread
        error = np.median(np.hypot(*np.moveaxis(step + returned, -1, 0)), axis=1)
        return Motion(shift, np.log(np.clip(1 + growth, 0.8, 1.25)), error)

    def _sample(self, field: NDArray[np.float16], points: Floats) -> Floats:
        """Return the flow in picture pixels at (N, P, 2) picture points; the field's border continues outwards."""
        height, width = field.shape[:2]
        cell = points * (self._scale / 2) - 0.25
        x = np.clip(cell[..., 0], 0, width - 1)
        y = np.clip(cell[..., 1], 0, height - 1)
        left = np.minimum(x.astype(np.int64), max(width - 2, 0))
        top = np.minimum(y.astype(np.int64), max(height - 2, 0))
        right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
        a, b = (x - left)[..., None], (y - top)[..., None]
        upper = field[top, left] * (1 - a) + field[top, right] * a
        lower = field[bottom, left] * (1 - a) + field[bottom, right] * a
        return np.asarray((upper * (1 - b) + lower * b) / self._scale, dtype=np.float64)

    def _pair(self, frame: int) -> tuple[NDArray[np.float16], NDArray[np.float16]]:
        """Return the flow from picture `frame` to the next and back, at half the working resolution."""
        pair = self._fields.get(frame)
        if pair is None:
            first, second = self._grey(frame), self._grey(frame + 1)
            pair = self._halved(self._dis.calc(first, second, None)), self._halved(self._dis.calc(second, first, None))
            self._fields[frame] = pair
            while sum(part.nbytes for part in pair) * len(self._fields) > self._memory and len(self._fields) > 64:
                self._fields.popitem(last=False)
        self._fields.move_to_end(frame)
        return pair

    def _grey(self, frame: int) -> NDArray[np.uint8]:
        grey = self._greys.get(frame)
        if grey is None:
            self._scale = min(1.0, self._width / self._footage.image(frame).shape[1])
            grey = self._footage.grey(frame, self._width)
            self._greys[frame] = grey
            while len(self._greys) > 4:
                self._greys.popitem(last=False)
        return grey

    @staticmethod
    def _halved(field: NDArray[np.float32]) -> NDArray[np.float16]:
        height, width = field.shape[:2]
        small = cv2.resize(field, (max(width // 2, 1), max(height // 2, 1)), interpolation=cv2.INTER_AREA)
        return np.asarray(small, dtype=np.float16)
