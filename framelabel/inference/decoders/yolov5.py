"""YOLOv5 and YOLOv7: one (N, 5 + C) table of decoded boxes with objectness."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.inference.decoders.candidates import Candidates, Outputs, corners, expect, rows_above


class Yolov5:
    """Decodes the YOLOv5 `export.py` output: centre x, centre y, width, height in input pixels, objectness, classes."""

    default_nms_iou = 0.65

    @dataclass(frozen=True, slots=True)
    class Options:
        """How this export differs from the usual one."""

        normalised: bool = False
        """Boxes are fractions of the input instead of pixels."""

    def __init__(self, options: Options, *, input_size: tuple[int, int]) -> None:
        width, height = input_size
        self._scale = np.array([width, height, width, height] if options.normalised else [1, 1, 1, 1], np.float64)

    def class_count(self, outputs: Outputs) -> int:
        """Return C of the (N, 5 + C) output; masks or other outputs behind it are ignored."""
        fits = outputs and outputs[0].ndim == 2 and 5 < outputs[0].shape[1] < outputs[0].shape[0]
        expect(fits, "yolov5", "(N, 5 + classes) with more boxes than columns", outputs)
        return int(outputs[0].shape[1]) - 5

    def __call__(self, outputs: Outputs, thresholds: NDArray[np.float32]) -> Candidates:
        """Keep rows whose objectness alone reaches the lowest threshold, then score, then decode what is left."""
        table = outputs[0]
        chosen = table[np.flatnonzero(table[:, 4] >= thresholds.min())]
        kept, best, score = rows_above(chosen[:, 5:] * chosen[:, 4:5], thresholds)
        return Candidates(corners(chosen[kept, :4]) * self._scale, score.astype(np.float64), best)
