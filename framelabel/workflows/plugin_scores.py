"""How well a plugin's model finds what people labelled: average precision per class on pictures it never saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import Boxes
from framelabel.core.errors import UsageError
from framelabel.core.golden_pair import PAIR
from framelabel.core.protocols import Detector
from framelabel.inference.detector import OnnxDetector
from framelabel.inference.preprocess import InputOptions
from framelabel.inference.recipe import Recipe
from framelabel.metrics.average_precision import precision_at_overlap
from framelabel.metrics.observations import Observations
from framelabel.training.samples import Sample, read_bgr

LOWEST_SCORE = 0.01
"""Average precision wants the whole curve; labelling uses the manifest's own threshold."""
_MAX_DETECTIONS = 300


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """Average precision at one overlap."""

    overlap: float
    names: tuple[str, ...]
    per_class: NDArray[np.float64]
    """(C,); -1 for classes without truth."""
    objects: NDArray[np.int64]
    """(C,) true boxes of each class."""
    pictures: int

    @property
    def mean(self) -> float:
        """Mean over the classes that have truth; -1 without any."""
        scored = self.per_class[self.per_class >= 0]
        return float(scored.mean()) if len(scored) else -1.0

    @property
    def by_objects(self) -> float:
        """Mean in which a class counts as often as it has true boxes; -1 without any."""
        has_truth = self.per_class >= 0
        weights = self.objects[has_truth]
        return float(np.average(self.per_class[has_truth], weights=weights)) if weights.sum() else -1.0


def evaluate_model(
    path: Path, samples: Sequence[Sample], names: Sequence[str], size: int, *, overlap: float = 0.5, pairs: bool = False
) -> Evaluation:
    """Score an exported model of the compact detector's layout on pictures, or on pairs with their template."""
    feed = InputOptions((size, size), colour=PAIR if pairs else "bgr")
    thresholds = (LOWEST_SCORE,) * len(names)
    recipe = Recipe(feed, "yolox", len(names), score_threshold=thresholds, max_boxes=_MAX_DETECTIONS)
    return evaluate(OnnxDetector(path, recipe, device="cpu", workers=1), samples, names, overlap=overlap)


def evaluate(
    detector: Detector,
    samples: Sequence[Sample],
    names: Sequence[str],
    *,
    overlap: float = 0.5,
    excused: Sequence[NDArray[np.bool_]] | None = None,
) -> Evaluation:
    """Score a detector on labelled pictures; its class ids and the samples' are rows of `names`.

    Args:
        detector: looks at RGB pictures.
        samples: pictures with their true boxes.
        names: the classes.
        overlap: from which a box counts as found.
        excused: for each picture, which (N,) true boxes are neither asked for nor held against who finds them.

    Raises:
        UsageError: there is no picture, or one cannot be decoded.
    """
    if not samples:
        msg = "there is no picture to evaluate on"
        raise UsageError(msg)
    found = []
    for sample in samples:
        looking = detector
        if sample.template is not None and isinstance(detector, OnnxDetector):
            looking = detector.against(_rgb(sample.template))
        found.append(looking([_rgb(sample.path)])[0])
    truth, prediction = _observed([sample.boxes for sample in samples], scored=False), _observed(found, scored=True)
    is_excused = np.zeros(len(truth), np.bool_) if excused is None else np.concatenate(excused)
    per_class = precision_at_overlap(
        truth, prediction, names, overlap, is_crowd=is_excused, max_detections=_MAX_DETECTIONS
    )
    objects = np.bincount(truth.class_id[~is_excused], minlength=len(names)).astype(np.int64)
    return Evaluation(overlap, tuple(names), per_class, objects, len(samples))


def _rgb(path: Path) -> NDArray[np.uint8]:
    return np.ascontiguousarray(read_bgr(path)[:, :, ::-1])


def _observed(pictures: Sequence[Boxes], *, scored: bool) -> Observations:
    """Return the boxes of pictures as observations; a picture's number is its frame, every box its own track."""
    frame = np.repeat(np.arange(len(pictures)), [len(boxes) for boxes in pictures])
    together = Boxes.concatenate(pictures)
    score = together.score if scored else None
    return Observations.of(frame, np.arange(len(frame)), together.xyxy, together.class_id, score)
