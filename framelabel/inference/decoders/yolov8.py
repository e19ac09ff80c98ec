"""YOLOv8, v9, v11, v12 (detect): one (4 + C, N) table, transposed, without objectness."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.inference.decoders.candidates import Candidates, Outputs, corners, expect, rows_above


def split_columns(
    table: NDArray[np.float32], thresholds: NDArray[np.float32], class_count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Return column, class and score of the (4 + C [+ more], N) table's columns that reach their threshold."""
    scores = table[4 : 4 + class_count]
    columns = np.flatnonzero(scores.max(axis=0) >= thresholds.min())
    kept, best, score = rows_above(scores[:, columns].T, thresholds)
    return columns[kept], best, score


class Yolov8:
    """Decodes the Ultralytics detect export: centre x, centre y, width, height in input pixels, then class scores."""

    default_nms_iou = 0.7

    @dataclass(frozen=True, slots=True)
    class Options:
        """How this export differs from the usual one."""

        transposed: bool = True
        """Boxes are columns, as Ultralytics exports; false for (N, 4 + C)."""
        normalised: bool = False
        """Boxes are fractions of the input instead of pixels."""

    def __init__(self, options: Options, *, input_size: tuple[int, int]) -> None:
        width, height = input_size
        self.options = options
        self._scale = np.array([width, height, width, height] if options.normalised else [1, 1, 1, 1], np.float64)

    def class_count(self, outputs: Outputs) -> int:
        """Return C of the (4 + C, N) output."""
        table = outputs[0].T if outputs and not self.options.transposed else outputs[0]
        fits = len(outputs) == 1 and table.ndim == 2 and 4 < table.shape[0] < table.shape[1]
        shape = "(4 + classes, N)" if self.options.transposed else "(N, 4 + classes)"
        expect(fits, "yolov8", f"one {shape} output with more boxes than classes", outputs)
        return int(table.shape[0]) - 4

    def __call__(self, outputs: Outputs, thresholds: NDArray[np.float32]) -> Candidates:
        """Threshold the class scores first; decode only the boxes that pass."""
        table = outputs[0] if self.options.transposed else outputs[0].T
        columns, best, score = split_columns(table, thresholds, len(thresholds))
        return Candidates(corners(table[:4, columns].T) * self._scale, score.astype(np.float64), best)
