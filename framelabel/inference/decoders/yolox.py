"""YOLOX: one (N, 5 + C) table over all grid cells, objectness and classes already through the sigmoid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.inference.decoders.candidates import (
    Candidates,
    Outputs,
    corners,
    expect,
    grid_centres,
    rows_above,
)


class Yolox:
    """Decodes the official YOLOX export (`demo/ONNXRuntime`: x, y in cells from the cell, log width and height)."""

    default_nms_iou = 0.65

    @dataclass(frozen=True, slots=True)
    class Options:
        """How this export differs from the usual one."""

        strides: tuple[int, ...] = (8, 16, 32)
        """(8, 16, 32, 64) for P6 models."""
        decoded: bool = False
        """Boxes are already in input pixels (`--decode_in_inference`)."""

    def __init__(self, options: Options, *, input_size: tuple[int, int]) -> None:
        self.options = options
        self._cells, self._strides = grid_centres(input_size, options.strides, 0.0)

    def class_count(self, outputs: Outputs) -> int:
        """Return C of the (N, 5 + C) output."""
        expected = f"one (N, 5 + classes) output with N = {len(self._cells)}"
        fits = len(outputs) == 1 and outputs[0].ndim == 2 and outputs[0].shape[1] > 5
        expect(fits and (self.options.decoded or len(outputs[0]) == len(self._cells)), "yolox", expected, outputs)
        return int(outputs[0].shape[1]) - 5

    def __call__(self, outputs: Outputs, thresholds: NDArray[np.float32]) -> Candidates:
        """Keep cells whose objectness alone reaches the lowest threshold, then score, then decode what is left."""
        table = outputs[0]
        rows = np.flatnonzero(table[:, 4] >= thresholds.min())
        chosen = table[rows]
        kept, best, score = rows_above(chosen[:, 5:] * chosen[:, 4:5], thresholds)
        box = chosen[kept, :4].astype(np.float64)
        if not self.options.decoded:
            cell, stride = self._cells[rows[kept]], self._strides[rows[kept], None]
            box[:, :2] = (box[:, :2] + cell) * stride
            box[:, 2:] = np.exp(box[:, 2:]) * stride
        return Candidates(corners(box), score.astype(np.float64), best)
