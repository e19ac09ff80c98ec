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
_AXIS = np.linspace(-_INNER / 2, _INNER / 2, _GRID)
_POINTS = np.stack(np.meshgrid(_AXIS, _AXIS), axis=-1).reshape(-1, 2)
"""(49, 2) where the flow is sampled, in box widths and heights from the centre."""


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
        self._fields: OrderedDict[int, tuple[NDArray[np.float32], NDArray[np.float32]]] = OrderedDict()
        self._greys: OrderedDict[int, NDArray[np.uint8]] = OrderedDict()
        self._scale = 1.0
        self._dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)

    def motion(self, frame: int, xyxy: Floats, *, backward: bool = False) -> Motion:
        """Return how the content of the (N, 4) boxes of picture `frame` moves to the next picture (or previous)."""
        pair = frame - 1 if backward else frame
        ahead, back = self._pair(pair)
        if backward:
            ahead, back = back, ahead
        centre = (xyxy[:, None, :2] + xyxy[:, None, 2:]) / 2
        extent = np.maximum(xyxy[:, None, 2:] - xyxy[:, None, :2], 1.0)
        points = centre + _POINTS * extent
        step = self._sample(ahead, points)
        returned = self._sample(back, points + step)
        middle = step.shape[1] // 2
        shift = np.partition(step, middle, axis=1)[:, middle]
        relative = (step - shift[:, None]) / extent
        growth = np.einsum("npc,pc->n", relative, _POINTS) / (_POINTS**2).sum()
        missed = step + returned
        error = np.sqrt(np.partition((missed**2).sum(axis=2), middle, axis=1)[:, middle])
        return Motion(shift, np.log(np.clip(1 + growth, 0.8, 1.25)), error)

    def _sample(self, field: NDArray[np.float32], points: Floats) -> Floats:
        """Return the flow in picture pixels at (N, P, 2) picture points; the field's border continues outwards."""
        cell = (points * (self._scale / 2) - 0.25).reshape(-1, 1, 2)
        found = cv2.remap(field, cell.astype(np.float32), None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(found, dtype=np.float64).reshape(points.shape) / self._scale

    def _pair(self, frame: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
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
    def _halved(field: NDArray[np.float32]) -> NDArray[np.float32]:
        height, width = field.shape[:2]
        small = cv2.resize(field, (max(width // 2, 1), max(height // 2, 1)), interpolation=cv2.INTER_AREA)
        return np.asarray(small, dtype=np.float32)
