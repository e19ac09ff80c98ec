"""YOLOv10 and other end-to-end exports: a short (N, 6) list of x1, y1, x2, y2, score, class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.inference.decoders.candidates import Candidates, Outputs, expect, limits


class Yolov10:
    """Decodes lists that the model has already suppressed."""

    default_nms_iou = 1.0

    @dataclass(frozen=True, slots=True)
    class Options:
        """How this export differs from the usual one."""

        class_column: int = 5
        """4 where the class stands before the score."""

    def __init__(self, options: Options, *, input_size: tuple[int, int]) -> None:
        self.options = options
        self.input_size = input_size

    def class_count(self, outputs: Outputs) -> int:
        """Return 0: the list does not say how many classes there are."""
        fits = len(outputs) == 1 and outputs[0].ndim == 2 and outputs[0].shape[1] == 6
        expect(fits, "yolov10", "one (N, 6) output", outputs)
        return 0

    def __call__(self, outputs: Outputs, thresholds: NDArray[np.float32]) -> Candidates:
        """Keep rows that reach the threshold of their class."""
        table = outputs[0]
        number = table[:, self.options.class_column].astype(np.int64)
        score = table[:, 9 - self.options.class_column]
        kept = np.flatnonzero(score >= limits(number, thresholds))
        return Candidates(table[kept, :4].astype(np.float64), score[kept].astype(np.float64), number[kept])
