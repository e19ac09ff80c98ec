"""Plain classifiers: one score for each class, about the whole picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.core.errors import UsageError
from framelabel.inference.decoders.candidates import Candidates, Outputs, expect, sigmoid, softmax

ACTIVATIONS = ("softmax", "sigmoid", "none")


class Classifier:
    """Gives the picture its classes as tags; with `as_box`, as a box around all of it."""

    default_nms_iou = 1.0

    @dataclass(frozen=True, slots=True)
    class Options:
        """How scores are read."""

        activation: str = "softmax"
        """One of `ACTIVATIONS`: one class of many; each class by itself; scores are probabilities already."""
        top: int = 1
        """At most so many classes for one picture."""
        as_box: bool = False
        """Also give a box around the picture, so that class changes become tracks and exports without tags keep it."""

    def __init__(self, options: Options, *, input_size: tuple[int, int]) -> None:
        if options.activation not in ACTIVATIONS:
            msg = f"classifier: activation '{options.activation}' is not one of {', '.join(ACTIVATIONS)}"
            raise UsageError(msg)
        self.options = options
        self.input_size = input_size

    def class_count(self, outputs: Outputs) -> int:
        """Return C."""
        expect(outputs and max(outputs[0].shape, default=0) == outputs[0].size > 1, "classifier", "(classes,)", outputs)
        return int(outputs[0].size)

    def __call__(self, outputs: Outputs, thresholds: NDArray[np.float32]) -> Candidates:
        """Return the best classes that reach their threshold, best first."""
        logits = outputs[0].reshape(-1)
        if self.options.activation == "softmax":
            scores = softmax(logits)
        else:
            scores = sigmoid(logits) if self.options.activation == "sigmoid" else logits.astype(np.float32)
        order = np.argsort(-scores, kind="stable")[: self.options.top]
        order = order[scores[order] >= thresholds[order]]
        tags = {int(number): float(scores[number]) for number in order}
        shown = order if self.options.as_box else order[:0]
        width, height = self.input_size
        xyxy = np.tile(np.array([0.0, 0.0, width, height]), (len(shown), 1))
        return Candidates(xyxy, scores[shown].astype(np.float64), shown.astype(np.int64), tags=tags)
