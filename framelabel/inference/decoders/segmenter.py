"""Semantic segmentation: a class for every pixel becomes one mask for each connected area."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from framelabel.core.errors import UsageError
from framelabel.core.shapes import Shape
from framelabel.inference.decoders.candidates import Candidates, Outputs, expect, sigmoid, softmax
from framelabel.inference.masks import mask_in_picture
from framelabel.inference.preprocess import Placement

ACTIVATIONS = ("softmax", "sigmoid", "none")


class Segmenter:
    """Decodes (C, h, w) scores, or (h, w) class numbers. A mask's score is the mean probability of its pixels."""

    default_nms_iou = 1.0

    @dataclass(frozen=True, slots=True)
    class Options:
        """How pixels become areas."""

        activation: str = "softmax"
        """One of `ACTIVATIONS`; sigmoid lets classes overlap, each cut at 0.5."""
        background: int = 0
        """The class number that is never labelled; -1 for none."""
        min_area: float = 0.0002
        """Share of the input below which an area is dropped."""
        split: bool = True
        """One mask for each connected area; false: one for each class."""

    def __init__(self, options: Options, *, input_size: tuple[int, int]) -> None:
        if options.activation not in ACTIVATIONS:
            msg = f"segmenter: activation '{options.activation}' is not one of {', '.join(ACTIVATIONS)}"
            raise UsageError(msg)
        self.options = options
        self.input_size = input_size

    def class_count(self, outputs: Outputs) -> int:
        """Return C of (C, h, w), with the background; 0 for (h, w) class numbers."""
        fits = outputs and outputs[0].ndim in (2, 3)
        expect(fits, "segmenter", "(classes, h, w) scores or (h, w) class numbers", outputs)
        return int(outputs[0].shape[0]) if outputs[0].ndim == 3 and outputs[0].shape[0] > 1 else 0

    def __call__(self, outputs: Outputs, thresholds: NDArray[np.float32]) -> Candidates:
        """Cut each wanted class into areas; their scores must reach the threshold of the class."""
        chance = self._chances(outputs[0], len(thresholds))
        height, width = chance.shape[1:]
        numbers = chance.argmax(axis=0) if self.options.activation != "sigmoid" else None
        least = max(1.0, self.options.min_area * width * height)
        boxes: list[list[float]] = []
        scores: list[float] = []
        classes: list[int] = []
        areas: list[NDArray[np.bool_]] = []
        for number in np.flatnonzero(np.isfinite(thresholds)):
            if number == self.options.background:
                continue
            inside = numbers == number if numbers is not None else chance[number] >= 0.5
            for left, top, right, bottom, area in self._areas(np.asarray(inside), least):
                window = chance[number, top:bottom, left:right]
                score = float(window[area].mean(dtype=np.float64))
                if score >= thresholds[number]:
                    whole = np.zeros((height, width), np.bool_)
                    whole[top:bottom, left:right] = area
                    boxes.append([left, top, right, bottom])
                    scores.append(score)
                    classes.append(int(number))
                    areas.append(whole)
        scale = np.array([self.input_size[0] / width, self.input_size[1] / height] * 2)
        xyxy = np.array(boxes, np.float64).reshape(-1, 4) * scale

        def outline(row: int, placement: Placement) -> Shape:
            return mask_in_picture(areas[row].astype(np.float32), 0.5, self.input_size, placement, xyxy[row])

        return Candidates(xyxy, np.array(scores, np.float64), np.array(classes, np.int64), outline)

    def _chances(self, output: NDArray[Any], class_count: int) -> NDArray[np.float32]:
        """Return (C, h, w) probabilities; class numbers become certainties."""
        if output.ndim == 2 or (output.ndim == 3 and len(output) == 1 and self.options.activation != "sigmoid"):
            numbers = output.reshape(output.shape[-2:]).astype(np.int64)
            return np.asarray(numbers[None] == np.arange(class_count)[:, None, None], dtype=np.float32)
        if self.options.activation == "softmax":
            return softmax(output, axis=0)
        return sigmoid(output) if self.options.activation == "sigmoid" else output.astype(np.float32)

    def _areas(self, inside: NDArray[np.bool_], least: float) -> list[tuple[int, int, int, int, NDArray[np.bool_]]]:
        """Return left, top, right, bottom and the cut-out mask of each area of at least `least` pixels."""
        if not self.options.split:
            if inside.sum() < least:
                return []
            rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
            left, top, right, bottom = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
            return [(left, top, right, bottom, inside[top:bottom, left:right])]
        _, labels, facts, _ = cv2.connectedComponentsWithStats(inside.astype(np.uint8), connectivity=8)
        found = []
        for label in range(1, len(facts)):
            left, top, width, height, size = (int(value) for value in facts[label])
            if size >= least:
                cut = labels[top : top + height, left : left + width] == label
                found.append((left, top, left + width, top + height, cut))
        return found
