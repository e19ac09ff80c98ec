"""The findings of one picture, put together from the windows in which the model looked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import NO_TRACK, Boxes
from framelabel.core.findings import Findings
from framelabel.core.geometry import clip
from framelabel.core.shapes import Mask, Shape
from framelabel.inference.decoders.candidates import Candidates
from framelabel.inference.masks import union
from framelabel.inference.preprocess import Placement
from framelabel.inference.suppression import suppress
from framelabel.inference.tiling import merge_across_seams

_LEAST_SIDE_PX = 1e-3
_TILED_IOU = 0.7
"""Tiles see one object several times, so boxes are suppressed even where the model needs no suppression."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What the model said about one window of a picture."""

    candidates: Candidates
    placement: Placement
    """From the whole picture to the input that showed this window."""
    window: NDArray[np.float64]
    """(4,) xyxy in picture pixels."""

    @staticmethod
    def of(candidates: Candidates, placement: Placement, window: NDArray[np.float64], size: tuple[int, int]) -> View:
        """Make a view of a picture of `size` from the placement of its window."""
        (scale_x, scale_y), (left, top) = placement.scale, placement.offset
        moved = Placement(placement.scale, (left - window[0] * scale_x, top - window[1] * scale_y), size)
        return View(candidates, moved, window)


def settle(
    views: Sequence[View],
    class_row: NDArray[np.int32],
    *,
    nms_iou: float,
    cross_class_iou: float,
    max_boxes: int,
) -> Findings:
    """Map candidates back to the picture, join them across seams, suppress duplicates, clip, and draw what is left.

    Args:
        views: the windows of one picture; one when it is not tiled.
        class_row: (C,) model class -> ontology row.
        nms_iou: see `suppress`; 1 for models that suppress by themselves.
        cross_class_iou: see `suppress`.
        max_boxes: how many to keep.
    """
    size = views[0].placement.size
    xyxy = np.concatenate([view.placement.to_picture(view.candidates.xyxy) for view in views])
    score = np.concatenate([view.candidates.score for view in views])
    class_id = class_row[np.concatenate([view.candidates.class_id for view in views])]
    counts = [len(view.candidates.score) for view in views]
    members: list[NDArray[np.int64]] | None = None
    if len(views) > 1:
        windows = np.stack([view.window for view in views])
        window_of = np.repeat(np.arange(len(views)), counts)
        merged = merge_across_seams(xyxy, score, class_id, window_of=window_of, windows=windows, size=size)
        xyxy, score, class_id, members = merged.xyxy, merged.score, merged.class_id, merged.members
        nms_iou = min(nms_iou, _TILED_IOU)
    xyxy = clip(xyxy, size)
    real = np.flatnonzero((xyxy[:, 2:] - xyxy[:, :2] > _LEAST_SIDE_PX).all(axis=1))
    if nms_iou < 1.0 or cross_class_iou < 1.0:
        best = suppress(
            xyxy[real], score[real], class_id[real], nms_iou, cross_class_iou=cross_class_iou, most=max_boxes
        )
        kept = real[best]
    else:
        kept = real[np.argsort(-score[real], kind="stable")[:max_boxes]]
    track_id = np.full(len(kept), NO_TRACK, np.int64)
    boxes = Boxes(xyxy[kept], np.minimum(score[kept], 1.0), class_id[kept], track_id)
    sources = [members[row] if members is not None else np.array([row]) for row in kept]
    return Findings(boxes, _draw(views, counts, sources), _tags(views, class_row))


def _draw(views: Sequence[View], counts: Sequence[int], sources: Sequence[NDArray[np.int64]]) -> Mapping[int, Shape]:
    """Return the exact geometry of each kept box whose candidates have one."""
    if all(view.candidates.outline is None for view in views):
        return {}
    starts = np.concatenate([[0], np.cumsum(counts)])
    shapes: dict[int, Shape] = {}
    for box, rows in enumerate(sources):
        drawn: list[Shape] = []
        for row in rows:
            number = int(np.searchsorted(starts, row, side="right")) - 1
            outline = views[number].candidates.outline
            if outline is not None:
                drawn.append(outline(int(row - starts[number]), views[number].placement))
        masks = [shape for shape in drawn if isinstance(shape, Mask)]
        if len(masks) > 1:
            shapes[box] = union(masks)
        elif drawn:
            shapes[box] = drawn[0]
    return shapes


def _tags(views: Sequence[View], class_row: NDArray[np.int32]) -> Mapping[int, float]:
    """Return each class's best score over the views."""
    tags: dict[int, float] = {}
    for view in views:
        for number, score in view.candidates.tags.items():
            row = int(class_row[number])
            tags[row] = max(score, tags.get(row, 0.0))
    return tags
