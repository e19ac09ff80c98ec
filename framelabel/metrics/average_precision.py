"""Average precision as COCO defines it, computed by pycocotools itself."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framelabel.core.geometry import area
from framelabel.metrics.observations import Observations

_STATS = (
    "AP",
    "AP50",
    "AP75",
    "AP_small",
    "AP_medium",
    "AP_large",
    "AR_1",
    "AR_10",
    "AR_max",
    "AR_small",
    "AR_medium",
    "AR_large",
)


@dataclass(frozen=True, slots=True, eq=False)
class AveragePrecision:
    """COCO's figures; -1 where there is no truth to score (as COCO states it)."""

    figures: dict[str, float]
    """AP (mean over overlaps 0.50 to 0.95), AP50, AP75, by size, and average recalls."""
    per_class: NDArray[np.float64]
    """(C,) AP of each class."""
    per_class_50: NDArray[np.float64]
    """(C,) AP at overlap 0.5."""
    recall: NDArray[np.float64]
    """(101,) recall levels of the curves."""
    precision_50: NDArray[np.float64]
    """(C, 101) precision at those recalls, overlap 0.5; -1 where the class has no truth."""


def average_precision(
    truth: Observations,
    prediction: Observations,
    class_names: Sequence[str],
    *,
    is_crowd: NDArray[np.bool_] | None = None,
    max_detections: int = 100,
) -> AveragePrecision:
    """Score boxes with scores against truth.

    Args:
        truth: true boxes; frames are any numbers shared with `prediction`.
        prediction: predicted boxes with scores.
        class_names: names of the classes, by id.
        is_crowd: (N,) true rows that only excuse predictions lying inside them.
        max_detections: best-scored boxes per frame that count; COCO's own limit is 100, crowded video needs more.
    """
    evaluation = _evaluated(truth, prediction, class_names, is_crowd=is_crowd, max_detections=max_detections)
    precision: NDArray[np.float64] = evaluation.eval["precision"]  # (overlaps, recalls, classes, areas, maxDets)
    recall: NDArray[np.float64] = evaluation.eval["recall"]  # (overlaps, classes, areas, maxDets)
    overlaps = evaluation.params.iouThrs
    at_50, at_75 = int(np.argmin(np.abs(overlaps - 0.5))), int(np.argmin(np.abs(overlaps - 0.75)))
    values = [
        _mean(precision[..., 0, -1]),
        _mean(precision[at_50, ..., 0, -1]),
        _mean(precision[at_75, ..., 0, -1]),
        *(_mean(precision[..., size, -1]) for size in (1, 2, 3)),
        *(_mean(recall[..., 0, limit]) for limit in (0, 1, 2)),
        *(_mean(recall[..., size, -1]) for size in (1, 2, 3)),
    ]
    classes = range(len(class_names))
    levels: NDArray[np.float64] = evaluation.params.recThrs
    return AveragePrecision(
        dict(zip(_STATS, values, strict=True)),
        np.array([_mean(precision[:, :, number, 0, -1]) for number in classes]),
        np.array([_mean(precision[at_50, :, number, 0, -1]) for number in classes]),
        levels,
        np.array([precision[at_50, :, number, 0, -1] for number in classes]).reshape(
            -1, len(evaluation.params.recThrs)
        ),
    )


def precision_at_overlap(
    truth: Observations,
    prediction: Observations,
    class_names: Sequence[str],
    overlap: float,
    *,
    is_crowd: NDArray[np.bool_] | None = None,
    max_detections: int = 100,
) -> NDArray[np.float64]:
    """Return the (C,) average precision of each class at one overlap of any size; -1 where it has no truth.

    Some data sets are scored at their own overlap (DeepPCB at 0.33); the rest is as COCO does it, `is_crowd` too.
    """
    evaluation = _evaluated(
        truth,
        prediction,
        class_names,
        is_crowd=is_crowd,
        max_detections=max_detections,
        overlaps=np.array([overlap]),
    )
    precision: NDArray[np.float64] = evaluation.eval["precision"]
    return np.array([_mean(precision[:, :, number, 0, -1]) for number in range(len(class_names))])


def _evaluated(
    truth: Observations,
    prediction: Observations,
    class_names: Sequence[str],
    *,
    is_crowd: NDArray[np.bool_] | None = None,
    max_detections: int,
    overlaps: NDArray[np.float64] | None = None,
) -> Any:
    """Return pycocotools' evaluation, accumulated; at its own overlaps unless given."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    frames = np.union1d(truth.frame, prediction.frame)
    crowd = np.zeros(len(truth), np.bool_) if is_crowd is None else is_crowd
    with contextlib.redirect_stdout(io.StringIO()):
        reference = COCO()
        reference.dataset = {
            "images": [{"id": number} for number in range(1, len(frames) + 1)],
            "categories": [{"id": number + 1, "name": name} for number, name in enumerate(class_names)],
            "annotations": [
                {**row, "iscrowd": int(flag)} for row, flag in zip(_rows(truth, frames), crowd.tolist(), strict=True)
            ],
        }
        reference.createIndex()
        found = COCO()
        found.dataset = {
            "images": reference.dataset["images"],
            "categories": reference.dataset["categories"],
            "annotations": [
                {**row, "score": score, "iscrowd": 0}
                for row, score in zip(_rows(prediction, frames), prediction.score.tolist(), strict=True)
            ],
        }
        found.createIndex()
        evaluation = COCOeval(reference, found, "bbox")
        evaluation.params.maxDets = [1, 10, max_detections]
        if overlaps is not None:
            evaluation.params.iouThrs = overlaps
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation


def _rows(boxes: Observations, frames: NDArray[np.int64]) -> list[dict[str, Any]]:
    """Return COCO annotations; ids start at 1, because COCO's matching reads 0 as "unmatched"."""
    image = (np.searchsorted(frames, boxes.frame) + 1).tolist()
    sides = np.concatenate([boxes.xyxy[:, :2], boxes.xyxy[:, 2:] - boxes.xyxy[:, :2]], axis=1).tolist()
    areas, classes = area(boxes.xyxy).tolist(), (boxes.class_id + 1).tolist()
    return [
        {"id": row + 1, "image_id": image[row], "category_id": classes[row], "bbox": sides[row], "area": areas[row]}
        for row in range(len(boxes))
    ]


def _mean(values: NDArray[np.float64]) -> float:
    """Return the mean of what could be scored; -1 when nothing could."""
    scored = values[values > -1]
    return float(scored.mean()) if scored.size else -1.0
