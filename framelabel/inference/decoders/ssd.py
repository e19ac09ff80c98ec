"""SSD style: a table of decoded boxes and a table of class scores, or boxes with labels and scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framelabel.core.errors import UsageError
from framelabel.inference.decoders.candidates import Candidates, Outputs, expect, limits, rows_above

ORDERS = ("xyxy", "yxyx")


class Ssd:
    """Decodes (N, 4) boxes with (N, C) scores, or (N, 4), (N,) labels, (N,) scores (torchvision, TensorFlow)."""

    default_nms_iou = 0.45

    @dataclass(frozen=True, slots=True)
    class Options:
        """How this export differs from the usual one."""

        normalised: bool = True
        """Boxes are fractions of the input instead of pixels."""
        order: str = "xyxy"
        """One of `ORDERS`; TensorFlow writes yxyx."""
        background: bool = True
        """Class 0 is "nothing"; class numbers of the manifest count from the one after it."""

    def __init__(self, options: Options, *, input_size: tuple[int, int]) -> None:
        if options.order not in ORDERS:
            msg = f"ssd: order '{options.order}' is not one of {', '.join(ORDERS)}"
            raise UsageError(msg)
        self.options = options
        width, height = input_size
        self._scale = np.array([width, height, width, height] if options.normalised else [1, 1, 1, 1], np.float64)

    def class_count(self, outputs: Outputs) -> int:
        """Return C without the background; 0 where labels come as a list."""
        expected = "boxes (N, 4) and scores (N, classes), or boxes (N, 4), labels (N,), scores (N,)"
        expect(any(output.shape[-1:] == (4,) for output in outputs), "ssd", expected, outputs)
        tables = self._tables(outputs)
        if tables is not None:
            return int(tables[1].shape[1]) - self.options.background
        expect(len(self._lists(outputs)) >= 2, "ssd", expected, outputs)
        return 0

    def __call__(self, outputs: Outputs, thresholds: NDArray[np.float32]) -> Candidates:
        """Threshold first, then scale the boxes that pass."""
        tables = self._tables(outputs)
        if tables is not None:
            boxes, scores = tables
            kept, best, score = rows_above(scores[:, int(self.options.background) :], thresholds)
        else:
            boxes = next(output for output in outputs if output.shape[-1:] == (4,)).reshape(-1, 4)
            labels, values = self._lists(outputs)[:2]
            number = labels.astype(np.int64) - int(self.options.background)
            kept = np.flatnonzero(values >= limits(number, thresholds))
            best, score = number[kept], values[kept]
        box = boxes[kept].astype(np.float64)
        if self.options.order == "yxyx":
            box = box[:, [1, 0, 3, 2]]
        return Candidates(box * self._scale, score.astype(np.float64), best)

    @staticmethod
    def _tables(outputs: Outputs) -> tuple[NDArray[Any], NDArray[Any]] | None:
        """Return (N, 4) boxes and (N, C) scores; where both have four columns, scores are the one that sums to one."""
        tables = [output for output in outputs if output.ndim == 2 and len(output) > 1]
        if len(tables) != 2 or len(tables[0]) != len(tables[1]):
            return None
        first, second = tables
        alike = first.shape[1] == second.shape[1] == 4
        if second.shape[1] == 4 and (sum_to_one(first) and not sum_to_one(second) if alike else first.shape[1] != 4):
            first, second = second, first
        return (first, second) if first.shape[1] == 4 else None

    @staticmethod
    def _lists(outputs: Outputs) -> list[NDArray[Any]]:
        """Return labels and scores: labels are whole numbers, whatever their type."""
        flat = [output.reshape(-1) for output in outputs if output.shape[-1:] != (4,) and output.size > 1]
        flat = flat or [output.reshape(-1) for output in outputs if output.shape[-1:] != (4,)]
        labels = [part for part in flat if np.issubdtype(part.dtype, np.integer)]
        labels = labels or [part for part in flat if np.all(part == np.round(part)) and part.max(initial=0) > 1]
        first = labels[0] if labels else flat[0]
        return [first, *(part for part in flat if part is not first)]


def sum_to_one(table: NDArray[Any]) -> bool:
    """Tell whether every row adds up to one, as scores after a softmax do."""
    return bool(table.size and np.abs(table.sum(axis=1) - 1.0).max() < 0.01)
