"""Boxes without identity: which predictions are right, precision and recall per class, confusion of classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.core.geometry import paired_iou
from framelabel.core.pairs import candidates, lone_pairs, match
from framelabel.metrics.matching import EPSILON
from framelabel.metrics.observations import Observations


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """What a detector does on one class at one score and overlap threshold."""

    class_id: int
    truths: int
    predictions: int
    right: int

    @property
    def precision(self) -> float:
        """Share of predictions that are right; 0 without any."""
        return self.right / max(1, self.predictions)

    @property
    def recall(self) -> float:
        """Share of truths found; 0 without any."""
        return self.right / max(1, self.truths)

    @property
    def f1(self) -> float:
        """Harmonic mean of both."""
        return 2 * self.right / max(1, self.predictions + self.truths)


def truth_of(truth: Observations, prediction: Observations, *, threshold: float = 0.5) -> NDArray[np.int64]:
    """Return the (M,) row of the true box that each prediction finds; -1 for none.

    As COCO does: predictions choose in order of score, each the free box of its own class and frame that it overlaps
    most.
    """
    pair = _pairs(truth, prediction, threshold)
    same = truth.class_id[pair.first] == prediction.class_id[pair.second]
    first, second, value = pair.first[same], pair.second[same], pair.overlap[same]
    found = np.full(len(prediction), -1, np.int64)
    alone, rivals = lone_pairs(truth.frame[first], first, second)
    found[second[alone]] = first[alone]
    for rows in rivals:
        taken: set[int] = set()
        for row in rows[np.lexsort((-value[rows], -prediction.score[second[rows]]))].tolist():
            if found[second[row]] < 0 and int(first[row]) not in taken:
                found[second[row]] = first[row]
                taken.add(int(first[row]))
    return found


def class_figures(
    truth: Observations, prediction: Observations, class_count: int, *, threshold: float = 0.5
) -> list[ClassFigures]:
    """Return precision and recall of every class; filter `prediction` by score beforehand where wanted."""
    right = truth_of(truth, prediction, threshold=threshold) >= 0
    columns = (
        np.bincount(truth.class_id, minlength=class_count),
        np.bincount(prediction.class_id, minlength=class_count),
        np.bincount(prediction.class_id[right], minlength=class_count),
    )
    return [ClassFigures(number, *(int(column[number]) for column in columns)) for number in range(class_count)]


def confusion(
    truth: Observations, prediction: Observations, class_count: int, *, threshold: float = 0.5
) -> NDArray[np.int64]:
    """Return the (C + 1, C + 1) confusion matrix: rows are true classes, columns predicted ones.

    Boxes are matched by overlap alone (best total per frame); the last column counts missed truths, the last row
    predictions on nothing.
    """
    pair = _pairs(truth, prediction, threshold)
    # a thousandth decides between equal overlaps in favour of the right class
    same = truth.class_id[pair.first] == prediction.class_id[pair.second]
    chosen = match(truth.frame[pair.first], pair.first, pair.second, pair.overlap + 0.001 * same)
    first, second = pair.first[chosen], pair.second[chosen]
    matrix = np.zeros((class_count + 1, class_count + 1), np.int64)
    np.add.at(matrix, (truth.class_id[first], prediction.class_id[second]), 1)
    matrix[:class_count, class_count] = np.bincount(truth.class_id, minlength=class_count) - matrix[:-1, :-1].sum(1)
    matrix[class_count, :class_count] = np.bincount(prediction.class_id, minlength=class_count) - matrix[:-1, :-1].sum(
        0
    )
    return matrix


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    overlap: NDArray[np.float64]


def _pairs(truth: Observations, prediction: Observations, threshold: float) -> _Pairs:
    """Return all pairs of one frame that overlap by the threshold, by frame."""
    rows, columns, values = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0)]
    for first, second in candidates(truth.frame, prediction.frame):
        value = paired_iou(truth.xyxy[first], prediction.xyxy[second])
        near = value >= threshold - EPSILON
        rows.append(first[near])
        columns.append(second[near])
        values.append(value[near])
    return _Pairs(np.concatenate(rows), np.concatenate(columns), np.concatenate(values))
