"""NanoDet and NanoDet-Plus: class scores and a distribution over distances to each side, per grid cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framelabel.inference.decoders.candidates import (
    Candidates,
    Outputs,
    expect,
    grid_centres,
    rows_above,
    sigmoid,
    softmax,
)


class Nanodet:
    """Decodes generalised focal loss heads (Li et al., 2020): a side's distance is the mean of its softmax."""

    default_nms_iou = 0.6

    @dataclass(frozen=True, slots=True)
    class Options:
        """How this export differs from the usual one."""

        strides: tuple[int, ...] = (8, 16, 32)
        """(8, 16, 32, 64) for NanoDet-Plus."""
        centre_offset: float = 0.5
        """Of a cell's centre in cells: 0.5 for NanoDet, 0 for NanoDet-Plus."""
        logits: bool = False
        """Class scores still need the sigmoid."""
        bins: int = 8
        """Values of one side's distribution (reg_max + 1)."""

    def __init__(self, options: Options, *, input_size: tuple[int, int]) -> None:
        self.options = options
        self._cells, self._strides = grid_centres(input_size, options.strides, options.centre_offset)
        self._steps = np.arange(options.bins, dtype=np.float32)

    def class_count(self, outputs: Outputs) -> int:
        """Return C, from one joined (N, C + 4 * bins) output or a class and a distance output for each stride."""
        sides = 4 * self.options.bins
        strides = len(self.options.strides)
        expected = f"(N, classes + {sides}), or (n, classes) and (n, {sides}) for each of {strides} strides"
        expect(all(output.ndim == 2 for output in outputs), "nanodet", expected, outputs)
        if len(outputs) == 1:
            fits = outputs[0].shape[0] == len(self._cells) and outputs[0].shape[1] > sides
            expect(fits, "nanodet", expected, outputs)
            return int(outputs[0].shape[1]) - sides
        scores, distances = self._parts(outputs)
        counts = {part.shape[1] for part in scores}
        fits = len(scores) == len(distances) == strides and sum(map(len, scores)) == len(self._cells)
        expect(fits and len(counts) == 1, "nanodet", expected, outputs)
        return int(counts.pop())

    def __call__(self, outputs: Outputs, thresholds: NDArray[np.float32]) -> Candidates:
        """Threshold the class scores of all strides first; turn distributions to boxes only where they pass."""
        if len(outputs) == 1:
            sides = 4 * self.options.bins
            scores, distances = [outputs[0][:, :-sides]], [outputs[0][:, -sides:]]
        else:
            scores, distances = self._parts(outputs)
        floor = float(thresholds.min())
        if self.options.logits:
            share = min(max(floor, 1e-6), 1 - 1e-6)
            floor = float(np.log(share / (1 - share)))
        found_rows, found_scores, found_sides, start = [], [], [], 0
        for part, sides_part in zip(scores, distances, strict=True):
            rows = np.flatnonzero(part.max(axis=1) >= floor)
            found_rows.append(rows + start)
            found_scores.append(part[rows])
            found_sides.append(sides_part[rows])
            start += len(part)
        table = np.concatenate(found_scores)
        kept, best, score = rows_above(sigmoid(table) if self.options.logits else table, thresholds)
        rows = np.concatenate(found_rows)[kept]
        spread = softmax(np.concatenate(found_sides)[kept].reshape(-1, 4, self.options.bins))
        stride = self._strides[rows, None].astype(np.float64)
        reach = (spread @ self._steps).astype(np.float64) * stride
        centre = self._cells[rows].astype(np.float64) * stride
        xyxy = np.concatenate([centre - reach[:, :2], centre + reach[:, 2:]], axis=1)
        return Candidates(xyxy, score.astype(np.float64), best)

    def _parts(self, outputs: Outputs) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
        """Return class outputs and distance outputs, each from the finest stride on.

        With as many classes as distance columns, shapes cannot tell them apart: then classes come first, as exported.
        """
        sides = 4 * self.options.bins
        distances = [output for output in outputs if output.shape[1] == sides]
        scores = [output for output in outputs if output.shape[1] != sides]
        if not scores:
            half = len(outputs) // 2
            scores, distances = list(outputs[:half]), list(outputs[half:])
        return sorted(scores, key=len, reverse=True), sorted(distances, key=len, reverse=True)
