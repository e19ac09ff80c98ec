"""YuNet faces: class and objectness scores, boxes and five landmarks for each stride (Wu, Peng and Yu, 2023)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framelabel.core.shapes import Keypoints, Shape
from framelabel.inference.decoders.candidates import Candidates, Outputs, corners, expect, grid_centres
from framelabel.inference.preprocess import Placement

_LANDMARKS = 5


class Yunet:
    """Decodes `face_detection_yunet` as OpenCV's FaceDetectorYN does: the score is the root of class times objectness.

    Landmarks are right eye, left eye, nose tip, right and left corner of the mouth (the person's own right and left).
    """

    default_nms_iou = 0.3

    @dataclass(frozen=True, slots=True)
    class Options:
        """How this export differs from the usual one."""

        strides: tuple[int, ...] = (8, 16, 32)
        """Cell sizes in input pixels, finest first."""
        landmarks: bool = False
        """Give the five landmarks as the face's exact shape."""

    def __init__(self, options: Options, *, input_size: tuple[int, int]) -> None:
        self.options = options
        self._cells, self._strides = grid_centres(input_size, options.strides, 0.0)

    def class_count(self, outputs: Outputs) -> int:
        """Return 1: faces."""
        self._tables(outputs)
        return 1

    def __call__(self, outputs: Outputs, thresholds: NDArray[np.float32]) -> Candidates:
        """Score every cell, then decode boxes and landmarks of those that pass."""
        kind, objectness, sides, points = self._tables(outputs)
        score = np.sqrt(np.clip(kind, 0.0, 1.0) * np.clip(objectness, 0.0, 1.0))
        rows = np.flatnonzero(score >= thresholds[0])
        cell, stride = self._cells[rows].astype(np.float64), self._strides[rows, None].astype(np.float64)
        box = sides[rows].astype(np.float64)
        box[:, :2] = (box[:, :2] + cell) * stride
        box[:, 2:] = np.exp(box[:, 2:]) * stride
        found = (points[rows].reshape(-1, _LANDMARKS, 2).astype(np.float64) + cell[:, None]) * stride[:, None]

        def outline(row: int, placement: Placement) -> Shape:
            pair = np.concatenate([found[row], found[row]], axis=1)
            return Keypoints(placement.to_picture(pair)[:, :2], np.full(_LANDMARKS, 2, np.int8))

        drawn = outline if self.options.landmarks else None
        return Candidates(corners(box), score[rows].astype(np.float64), np.zeros(len(rows), np.int64), drawn)

    def _tables(self, outputs: Outputs) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Return (N,) class scores, (N,) objectness, (N, 4) boxes and (N, 10) landmarks over all strides."""
        count = len(self.options.strides)
        widths = (1, 1, 4, 2 * _LANDMARKS)
        expected = f"{count} outputs each of widths 1, 1, 4, 10 over {len(self._cells)} cells"
        expect(len(outputs) == 4 * count, "yunet", expected, outputs)
        groups = [outputs[at * count : (at + 1) * count] for at in range(4)]
        fits = all(
            part.ndim == 2 and part.shape[1] == width
            for group, width in zip(groups, widths, strict=True)
            for part in group
        )
        expect(fits and all(sum(map(len, group)) == len(self._cells) for group in groups), "yunet", expected, outputs)
        kind, objectness, sides, points = (np.concatenate(group) for group in groups)
        return kind[:, 0], objectness[:, 0], sides, points
