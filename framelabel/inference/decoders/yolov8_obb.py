"""YOLOv8, v11 oriented boxes: one (4 + C + 1, N) table whose last row is the angle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.core.shapes import Polygon, Shape
from framelabel.inference.decoders.candidates import Candidates, Outputs, expect
from framelabel.inference.decoders.yolov8 import split_columns
from framelabel.inference.preprocess import Placement


class Yolov8Obb:
    """Decodes oriented boxes to polygons. Suppression compares their upright hulls."""

    default_nms_iou = 0.7

    @dataclass(frozen=True, slots=True)
    class Options:
        """This export has no variants."""

    def __init__(self, options: Options, *, input_size: tuple[int, int]) -> None:
        self.options = options
        self.input_size = input_size

    def class_count(self, outputs: Outputs) -> int:
        """Return C of the (4 + C + 1, N) output."""
        fits = len(outputs) == 1 and outputs[0].ndim == 2 and 5 < outputs[0].shape[0] < outputs[0].shape[1]
        expect(fits, "yolov8_obb", "one (4 + classes + angle, N) output", outputs)
        return int(outputs[0].shape[0]) - 5

    def __call__(self, outputs: Outputs, thresholds: NDArray[np.float32]) -> Candidates:
        """Turn centre, size and angle (radians, clockwise on the picture) into four corners."""
        table = outputs[0]
        columns, best, score = split_columns(table, thresholds, len(thresholds))
        box = table[:4, columns].T.astype(np.float64)
        angle = table[-1, columns].astype(np.float64)
        along = np.stack([np.cos(angle), np.sin(angle)], axis=1) * box[:, 2:3] / 2
        across = np.stack([-np.sin(angle), np.cos(angle)], axis=1) * box[:, 3:4] / 2
        centre = box[:, :2]
        points = np.stack(
            [centre + along + across, centre + along - across, centre - along - across, centre - along + across], axis=1
        )
        hulls = np.concatenate([points.min(axis=1), points.max(axis=1)], axis=1).reshape(-1, 4)

        def outline(row: int, placement: Placement) -> Shape:
            return Polygon((placement.points_to_picture(points[row]),))

        return Candidates(hulls, score.astype(np.float64), best, outline)
