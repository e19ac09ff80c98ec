"""What every output decoder takes and gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from framelabel.core.errors import ModelMismatchError
from framelabel.core.shapes import Shape
from framelabel.inference.preprocess import Placement

Floats = NDArray[np.float64]
Outputs = Sequence[NDArray[Any]]
"""The model's outputs for one picture, in file order, without their batch axis."""

Outline = Callable[[int, Placement], Shape]
"""Row and placement -> exact geometry in picture pixels; called only for boxes that survive suppression."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Boxes above their class's threshold, before suppression, in model input pixels and model class numbers."""

    xyxy: Floats
    """(N, 4)."""
    score: Floats
    """(N,) in [0, 1]."""
    class_id: NDArray[np.int64]
    """(N,) class number of the model."""
    outline: Outline | None = None
    """Draws row k exactly, for models that give more than boxes."""
    tags: Mapping[int, float] = field(default_factory=lambda: MappingProxyType({}))
    """Class number -> score of the whole picture, from classifiers."""


class Decoder(Protocol):
    """Turns the outputs of one picture into candidates. Built as `Entry(options, input_size=(width, height))`."""

    default_nms_iou: float
    """Suppression overlap when the manifest names none; 1 for models that suppress by themselves."""

    def class_count(self, outputs: Outputs) -> int:
        """Return how many classes these outputs hold; 0 when they do not say.

        Raises:
            ModelMismatchError: the outputs are not of this decoder's kind; the message says which shape was expected.
        """

    def __call__(self, outputs: Outputs, thresholds: NDArray[np.float32]) -> Candidates:
        """Return the boxes that score at least `thresholds[class]`, (C,); infinity where a class is not wanted."""


def rows_above(
    scores: NDArray[np.float32], thresholds: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Return row, best class and its score for the rows of (N, C) `scores` whose best class reaches its threshold."""
    if len(scores) == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32)
    best = scores.argmax(axis=1)
    value = scores[np.arange(len(scores)), best]
    kept = np.flatnonzero(value >= thresholds[best])
    return kept, best[kept], value[kept]


def limits(number: NDArray[np.int64], thresholds: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the threshold of each class number; infinity for numbers outside the table."""
    inside = (number >= 0) & (number < len(thresholds))
    return np.where(inside, thresholds[np.clip(number, 0, len(thresholds) - 1)], np.float32(np.inf))


def corners(cxcywh: NDArray[Any]) -> Floats:
    """Return (N, 4) float64 corners of (N, 4) centre x, centre y, width, height."""
    box = cxcywh.astype(np.float64)
    half = box[:, 2:] / 2
    return np.concatenate([box[:, :2] - half, box[:, :2] + half], axis=1)


def sigmoid(logits: NDArray[Any]) -> NDArray[np.float32]:
    """Return 1 / (1 + exp(-x)) as float32 without overflow.

    >>> sigmoid(np.array([0.0, -1000.0])).tolist()
    [0.5, 0.0]
    """
    values = np.asarray(logits, np.float32)
    return np.asarray(0.5 * (np.tanh(0.5 * values) + 1.0), dtype=np.float32)


def softmax(logits: NDArray[Any], axis: int = -1) -> NDArray[np.float32]:
    """Return exp(x) / sum(exp(x)) along an axis as float32."""
    values = np.asarray(logits, np.float32)
    raised = np.exp(values - values.max(axis=axis, keepdims=True))
    return np.asarray(raised / raised.sum(axis=axis, keepdims=True), dtype=np.float32)


def expect(condition: object, decoder: str, expected: str, outputs: Outputs) -> None:
    """Raise a ModelMismatchError that shows expected and found shapes unless `condition` holds."""
    if not condition:
        found = ", ".join(str(tuple(output.shape)) for output in outputs)
        msg = f"decoder '{decoder}' expects {expected}; the model gives {found}"
        raise ModelMismatchError(msg)


def grid_centres(
    input_size: tuple[int, int], strides: Sequence[int], offset: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the (N, 2) x, y of every cell (in cells) plus `offset`, and the (N,) stride of each; row by row."""
    width, height = input_size
    cells, steps = [], []
    for stride in strides:
        columns, rows = np.meshgrid(np.arange(-(-width // stride)), np.arange(-(-height // stride)))
        cells.append(np.stack([columns.ravel(), rows.ravel()], axis=1))
        steps.append(np.full(columns.size, stride))
    return np.concatenate(cells).astype(np.float32) + np.float32(offset), np.concatenate(steps).astype(np.float32)
