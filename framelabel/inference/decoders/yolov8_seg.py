"""YOLOv8, v11 instance segmentation: a (4 + C + K, N) table and (K, h, w) mask prototypes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.core.shapes import Shape
from framelabel.inference.decoders.candidates import Candidates, Outputs, corners, expect
from framelabel.inference.decoders.yolov8 import split_columns
from framelabel.inference.masks import mask_in_picture
from framelabel.inference.preprocess import Placement


class Yolov8Seg:
    """Decodes boxes at once and a mask only for boxes that survive suppression."""

    default_nms_iou = 0.7

    @dataclass(frozen=True, slots=True)
    class Options:
        """How masks are cut."""

        mask_threshold: float = 0.5
        """Probability from which a pixel belongs to the object."""

    def __init__(self, options: Options, *, input_size: tuple[int, int]) -> None:
        self.input_size = input_size
        share = min(max(options.mask_threshold, 1e-6), 1 - 1e-6)
        self._logit = float(np.log(share / (1 - share)))

    def class_count(self, outputs: Outputs) -> int:
        """Return C of the (4 + C + K, N) output, where K is the number of prototypes."""
        fits = len(outputs) == 2 and outputs[0].ndim == 2 and outputs[1].ndim == 3
        expect(fits, "yolov8_seg", "(4 + classes + K, N) and (K, h, w)", outputs)
        count = int(outputs[0].shape[0]) - 4 - int(outputs[1].shape[0])
        expect(count > 0, "yolov8_seg", "(4 + classes + K, N) and (K, h, w)", outputs)
        return count

    def __call__(self, outputs: Outputs, thresholds: NDArray[np.float32]) -> Candidates:
        """Threshold first; keep the mask coefficients of the boxes that pass."""
        table, prototypes = outputs[0], outputs[1]
        columns, best, score = split_columns(table, thresholds, len(thresholds))
        xyxy = corners(table[:4, columns].T)
        coefficients = table[4 + len(thresholds) :, columns].T.copy()
        flat = prototypes.reshape(len(prototypes), -1)

        def outline(row: int, placement: Placement) -> Shape:
            logits = (coefficients[row] @ flat).reshape(prototypes.shape[1:])
            return mask_in_picture(logits, self._logit, self.input_size, placement, xyxy[row])

        return Candidates(xyxy, score.astype(np.float64), best, outline)
