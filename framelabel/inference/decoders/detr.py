"""DETR family (DETR, RT-DETR, RF-DETR, D-FINE): a fixed set of queries, no suppression needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framelabel.core.errors import UsageError
from framelabel.inference.decoders.candidates import (
    Candidates,
    Outputs,
    corners,
    expect,
    limits,
    rows_above,
    sigmoid,
    softmax,
)

ACTIVATIONS = ("sigmoid", "softmax", "none")


class Detr:
    """Decodes both export styles.

    Two outputs, in either order: (Q, 4) boxes as centre x, centre y, width, height in fractions, and (Q, C) scores
    (Hugging Face, RF-DETR). Three outputs: labels (Q,), boxes (Q, 4) as corners in input pixels and scores (Q,) (the
    deploy export of RT-DETR and D-FINE; their size input is fed by the session). One query gives its best class.
    """

    default_nms_iou = 1.0

    @dataclass(frozen=True, slots=True)
    class Options:
        """How this export differs from the usual one."""

        activation: str = "sigmoid"
        """One of `ACTIVATIONS`; DETR itself uses softmax."""
        background: str = "none"
        """Where the "no object" class stands: "none", "first" or "last". RF-DETR counts COCO ids from 1: "first"."""

    def __init__(self, options: Options, *, input_size: tuple[int, int]) -> None:
        if options.activation not in ACTIVATIONS or options.background not in ("none", "first", "last"):
            msg = f"detr: activation is one of {', '.join(ACTIVATIONS)}; background is none, first or last"
            raise UsageError(msg)
        self.options = options
        width, height = input_size
        self._scale = np.array([width, height, width, height], np.float64)

    def class_count(self, outputs: Outputs) -> int:
        """Return C without the background; 0 for the three-output style, which does not say."""
        expected = "boxes (Q, 4) and scores (Q, classes), or labels (Q,), boxes (Q, 4), scores (Q,)"
        if len(outputs) == 3:
            expect(any(output.shape[-1:] == (4,) for output in outputs), "detr", expected, outputs)
            return 0
        fits = len(outputs) == 2 and all(output.ndim == 2 for output in outputs)
        fits = fits and any(output.shape[1] == 4 for output in outputs) and len(outputs[0]) == len(outputs[1])
        expect(fits, "detr", expected, outputs)
        scores = self._scores_and_boxes(outputs)[0]
        return int(scores.shape[1]) - (self.options.background != "none")

    def __call__(self, outputs: Outputs, thresholds: NDArray[np.float32]) -> Candidates:
        """Score every query (there are a few hundred), keep those that reach the threshold of their class."""
        if len(outputs) == 3:
            return self._deployed(outputs, thresholds)
        logits, boxes = self._scores_and_boxes(outputs)
        if self.options.activation == "softmax":
            scores = softmax(logits)
        else:
            scores = sigmoid(logits) if self.options.activation == "sigmoid" else logits
        if self.options.background == "first":
            scores = scores[:, 1:]
        elif self.options.background == "last":
            scores = scores[:, :-1]
        kept, best, score = rows_above(scores, thresholds)
        return Candidates(corners(boxes[kept]) * self._scale, score.astype(np.float64), best)

    @staticmethod
    def _scores_and_boxes(outputs: Outputs) -> tuple[NDArray[Any], NDArray[Any]]:
        """Tell scores from boxes by their four columns; where both have four, boxes lie in [0, 1]."""
        first, second = outputs
        if first.shape[1] == 4 and second.shape[1] == 4:
            first_is_boxes = bool(np.all((first >= 0) & (first <= 1)))
        else:
            first_is_boxes = first.shape[1] == 4
        return (second, first) if first_is_boxes else (first, second)

    @staticmethod
    def _deployed(outputs: Outputs, thresholds: NDArray[np.float32]) -> Candidates:
        boxes = next(output for output in outputs if output.shape[-1:] == (4,)).reshape(-1, 4)
        flat = [output.reshape(-1) for output in outputs if output.shape[-1:] != (4,)]
        labels = next((part for part in flat if np.issubdtype(part.dtype, np.integer)), flat[0])
        scores = next(part for part in flat if part is not labels)
        number = labels.astype(np.int64)
        kept = np.flatnonzero(scores >= limits(number, thresholds))
        return Candidates(boxes[kept].astype(np.float64), scores[kept].astype(np.float64), number[kept])
