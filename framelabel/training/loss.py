"""What training minimises: SimOTA decides which cells answer for which object, then box, objectness and class errors.

Source: Ge et al. 2021, "YOLOX" (SimOTA is its simplification of Ge et al. 2021, "OTA"); weights as published there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from framelabel.training.network import Cells, cells_of, decoded_boxes, flat

_CENTRE_RADIUS = 1.5
"""Cells within so many strides of an object's centre may answer for it."""
_TOP_OVERLAPS = 10
_OVERLAP_WEIGHT = 3.0
_BOX_WEIGHT = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class LossParts:
    """The loss of one batch; each part is already weighted."""

    total: Any
    box: float
    objectness: float
    classes: float
    positives: int
    """Cells that answer for an object."""


def overlap(a: Any, b: Any) -> Any:
    """Return the (N, M) intersection over union of (N, 4) with (M, 4) xyxy boxes."""
    low, high = torch.maximum(a[:, None, :2], b[None, :, :2]), torch.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = (high - low).clamp(min=0).prod(dim=2)
    return shared / (_area(a)[:, None] + _area(b)[None] - shared + 1e-9)


def _area(boxes: Any) -> Any:
    return (boxes[..., 2:] - boxes[..., :2]).clamp(min=0).prod(dim=-1)


def assign_cells(raw: Any, boxes: Any, cells: Cells, truth: Any, classes: Any) -> tuple[Any, Any, Any]:
    """Choose the cells that answer for each object of one picture (SimOTA).

    Args:
        raw: (cells, 5 + C) logits.
        boxes: (cells, 4) decoded boxes, xyxy in input pixels.
        cells: where the cells are.
        truth: (M, 4) true boxes, M > 0.
        classes: (M,) their classes.

    Returns:
        The chosen cells (P,), the object each answers for (P,), and the overlap of its box with that object (P,).
        An object gets as many cells as its ten best overlaps add up to (at least one); a cell wanted by two objects
        goes to the cheaper.
    """
    centre = (cells.place + 0.5) * cells.stride
    middle = (truth[:, :2] + truth[:, 2:]) / 2
    near = ((centre[None] - middle[:, None]).abs() < _CENTRE_RADIUS * cells.stride[None]).all(dim=2)
    candidate = near.any(dim=0).nonzero()[:, 0]
    near = near[:, candidate]
    overlaps = overlap(truth, boxes[candidate])
    probability = (raw[candidate, 5:].sigmoid() * raw[candidate, 4:5].sigmoid()).sqrt().clamp(1e-6, 1 - 1e-6)
    miss = -torch.log1p(-probability)
    class_cost = miss.sum(dim=1)[None] - miss[:, classes].T - torch.log(probability)[:, classes].T
    cost = class_cost - _OVERLAP_WEIGHT * torch.log(overlaps + 1e-8) + 1e6 * ~near
    top = overlaps.topk(min(_TOP_OVERLAPS, overlaps.shape[1]), dim=1).values.sum(dim=1)
    wanted = top.int().clamp(min=1)
    order = cost.argsort(dim=1)
    chosen = torch.zeros_like(near)
    for row in range(len(truth)):
        chosen[row, order[row, : int(wanted[row])]] = True
    chosen &= near
    contested = chosen.sum(dim=0) > 1
    if bool(contested.any()):
        cheapest = cost[:, contested].argmin(dim=0)
        chosen[:, contested] = functional.one_hot(cheapest, len(truth)).T.bool()
    answering = chosen.any(dim=0).nonzero()[:, 0]
    owner = chosen[:, answering].int().argmax(dim=0)
    return candidate[answering], owner, overlaps[owner, answering]


def detection_loss(maps: tuple[Any, ...], truth: Sequence[Any], classes: Sequence[Any]) -> LossParts:
    """Return the loss of a batch.

    Args:
        maps: the network's output.
        truth: per picture the (M, 4) true boxes, xyxy in input pixels.
        classes: per picture their (M,) classes.
    """
    raw = flat(maps).float()
    cells = cells_of(maps)
    boxes = decoded_boxes(raw, cells)
    present = torch.zeros(raw.shape[:2], device=raw.device)
    box_error = raw.new_zeros(())
    class_error = raw.new_zeros(())
    positives = 0
    for number, (true_boxes, true_classes) in enumerate(zip(truth, classes, strict=True)):
        if len(true_boxes) == 0:
            continue
        with torch.no_grad():
            chosen, owner, quality = assign_cells(raw[number], boxes[number], cells, true_boxes, true_classes)
        present[number, chosen] = 1.0
        positives += len(chosen)
        overlaps = _paired_overlap(boxes[number, chosen], true_boxes[owner])
        box_error = box_error + (1 - overlaps**2).sum()
        logits = raw[number, chosen, 5:]
        target = functional.one_hot(true_classes[owner], logits.shape[1]) * quality[:, None]
        class_error = class_error + functional.binary_cross_entropy_with_logits(logits, target, reduction="sum")
    count = max(positives, 1)
    objectness = functional.binary_cross_entropy_with_logits(raw[..., 4], present, reduction="sum") / count
    box_error, class_error = _BOX_WEIGHT * box_error / count, class_error / count
    total = box_error + objectness + class_error
    return LossParts(
        total, float(box_error.detach()), float(objectness.detach()), float(class_error.detach()), positives
    )


def _paired_overlap(a: Any, b: Any) -> Any:
    low, high = torch.maximum(a[:, :2], b[:, :2]), torch.minimum(a[:, 2:], b[:, 2:])
    shared = (high - low).clamp(min=0).prod(dim=1)
    return shared / (_area(a) + _area(b) - shared + 1e-9)
