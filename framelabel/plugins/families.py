"""Recognise what kind of model an ONNX file is, by the shapes and values of its outputs."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framelabel.core.errors import ModelMismatchError
from framelabel.inference.decoders.candidates import Outputs
from framelabel.inference.decoders.ssd import sum_to_one

_STRIDE_SETS = ((8, 16, 32), (8, 16, 32, 64))
_COLUMN_STRIDES = (*_STRIDE_SETS, (4, 8, 16, 32), (16, 32))
_NANODET_SIDES = 32
_MOST_QUERIES = 1000


@dataclass(frozen=True, slots=True)
class Family:
    """A decoder that fits, and why."""

    decoder: str
    class_count: int
    """0 where the outputs do not say."""
    evidence: str
    """One sentence for people."""
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    doubts: tuple[str, ...] = ()
    """What cannot be told from the file, one sentence each."""


def recognise(outputs: Outputs, size: tuple[int, int], *, has_size_input: bool = False, named: int = 0) -> Family:
    """Return the decoder for a model's outputs.

    Args:
        outputs: of one real picture, without their batch axis.
        size: (width, height) of the model input.
        has_size_input: the model has a second input for the picture's size.
        named: how many classes somebody named; decides where shapes alone leave two readings. 0: nobody did.

    Raises:
        ModelMismatchError: no known kind gives such outputs; the message shows their shapes.
    """
    found = None
    if len(outputs) == 1:
        found = _one(outputs[0], size, named)
    elif len(outputs) == 2:
        found = _two(outputs[0], outputs[1], named)
    elif len(outputs) == 3:
        found = _three(outputs, has_size_input=has_size_input)
    elif len(outputs) == 4:
        found = _four(outputs)
    elif len(outputs) in (6, 8):
        found = _per_stride(outputs, size)
    if found is None:
        shapes = ", ".join(str(tuple(output.shape)) for output in outputs)
        msg = f"no known decoder gives outputs of shape {shapes}; name one with --decoder"
        raise ModelMismatchError(msg)
    return found


def names_in(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """Return the class names that an exporter wrote into the file ("names", as Ultralytics does); () for none.

    >>> names_in({"names": "{0: 'cat', 1: 'dog'}"})
    ('cat', 'dog')
    """
    try:
        names = ast.literal_eval(metadata.get("names", ""))
    except (ValueError, SyntaxError):
        return ()
    if isinstance(names, dict):
        return tuple(str(names[key]) for key in sorted(names))
    return tuple(str(name) for name in names) if isinstance(names, (list, tuple)) else ()


def _cells(size: tuple[int, int], strides: tuple[int, ...]) -> int:
    return sum(-(-size[0] // stride) * -(-size[1] // stride) for stride in strides)


def _are_scores(values: NDArray[Any]) -> bool:
    return bool(values.size and values.min() >= 0.0 and values.max() <= 1.0 + 1e-5)


def _one(output: NDArray[Any], size: tuple[int, int], named: int) -> Family | None:
    if output.ndim == 1 or (output.ndim == 2 and len(output) == 1):
        return _classifier(output.reshape(-1))
    if output.ndim == 3:
        return _segmenter(output)
    if output.ndim != 2:
        return None
    rows, columns = output.shape
    if columns == 6 and rows <= _MOST_QUERIES:
        return Family("yolov10", 0, f"one short list of {rows} rows of 6: corners, score, class")
    strides = next((steps for steps in _STRIDE_SETS if _cells(size, steps) == rows), None)
    if strides is not None and columns >= 5:
        return _grid_table(output, strides, named)
    steps = next((steps for steps in _COLUMN_STRIDES if _cells(size, steps) == columns), None)
    if steps is not None and rows > 4:
        grid = f", one column for each cell of strides {steps}"
        angle = rows > 5 and not _are_scores(output[-1]) and _are_scores(output[4:-1])
        if angle:
            return Family("yolov8_obb", rows - 5, f"({rows}, {columns}) whose last row is an angle{grid}")
        return Family("yolov8", rows - 4, f"({rows}, {columns}): 4 box rows and {rows - 4} class rows{grid}")
    if rows == 3 * _cells(size, _STRIDE_SETS[0]) or rows == 3 * _cells(size, _STRIDE_SETS[1]):
        return Family(
            "yolov5", columns - 5, f"({rows}, {columns}): three anchors for each cell, objectness in column 5"
        )
    return None


def _grid_table(output: NDArray[Any], strides: tuple[int, ...], named: int) -> Family:
    """Tell YOLOX, NanoDet and an untransposed YOLOv8 apart; all have one row for each cell."""
    columns = output.shape[1]
    options: dict[str, Any] = {} if strides == _STRIDE_SETS[0] else {"strides": list(strides)}
    shape = f"({output.shape[0]}, {columns}): one row for each cell of strides {strides}"
    if columns > _NANODET_SIDES and not _are_scores(output[:, 4:]):
        plus = {"strides": list(strides), "centre_offset": 0.0} if len(strides) == 4 else options
        logits = {} if _are_scores(output[:, :-_NANODET_SIDES]) else {"logits": True}
        return Family(
            "nanodet", columns - _NANODET_SIDES, f"{shape}, the last 32 a distribution over sides", plus | logits
        )
    in_pixels = bool(output[:, 2:4].min() > 0.0 and np.abs(output[:, :2]).max() > 2 * strides[-1])
    if columns == 5 or (in_pixels and named == columns - 4):
        evidence = f"{shape}: 4 box columns and {columns - 4} class columns, not transposed as usual"
        return Family("yolov8", columns - 4, evidence, {"transposed": False})
    if in_pixels:
        doubt = (
            f"an untransposed YOLOv8 export looks the same: then it has {columns - 4} classes, and "
            "'decoder: yolov8, decoder_options: {transposed: false}' is right"
        )
        return Family("yolox", columns - 5, f"{shape}, boxes in pixels", options | {"decoded": True}, (doubt,))
    return Family("yolox", columns - 5, f"{shape}, boxes relative to their cell", options)


def _per_stride(outputs: Outputs, size: tuple[int, int]) -> Family | None:
    """NanoDet with a class and a distance output for each stride."""
    strides = _STRIDE_SETS[0] if len(outputs) == 6 else _STRIDE_SETS[1]
    sides = [output for output in outputs if output.ndim == 2 and output.shape[1] == _NANODET_SIDES]
    scores = [output for output in outputs if output.ndim == 2 and output.shape[1] != _NANODET_SIDES]
    if len(sides) != len(strides) or len(scores) != len(strides) or sum(map(len, scores)) != _cells(size, strides):
        return None
    options: dict[str, Any] = {} if len(strides) == 3 else {"strides": list(strides), "centre_offset": 0.0}
    if not all(_are_scores(part) for part in scores):
        options["logits"] = True
    evidence = f"a class and a 32-column distance output for each of the strides {strides}"
    return Family("nanodet", int(scores[0].shape[1]), evidence, options)


def _two(first: NDArray[Any], second: NDArray[Any], named: int) -> Family | None:
    if first.ndim == 2 and second.ndim == 3 and first.shape[0] > 4 + second.shape[0]:
        count = int(first.shape[0] - 4 - second.shape[0])
        return Family("yolov8_seg", count, f"{tuple(first.shape)} and {second.shape[0]} mask prototypes")
    if first.ndim != 2 or second.ndim != 2 or len(first) != len(second) or 4 not in (first.shape[1], second.shape[1]):
        return None
    boxes, scores = (first, second) if _boxes_come_first(first, second) else (second, first)
    count = int(scores.shape[1])
    are_corners = bool(np.mean((boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])) > 0.99)
    if _are_scores(scores) and (are_corners or len(boxes) > _MOST_QUERIES):
        sums_to_one = sum_to_one(scores)
        options = {"background": sums_to_one, "normalised": bool(np.abs(boxes).max() < 4.0)}
        return Family("ssd", count - sums_to_one, f"{len(boxes)} corner boxes and {count} scores each", options)
    evidence = f"{len(boxes)} queries with boxes in fractions and {count} class values"
    if named == count - 1 and not _are_scores(scores):
        evidence += ", one more than the named classes: 'no object' is taken for the last, as in DETR"
        return Family("detr", named, evidence, {"activation": "softmax", "background": "last"})
    doubt = (
        f"{count} columns may hold a 'no object' class: then there are {count - 1} classes and 'background: last' "
        "(with softmax) or 'first' is right"
    )
    return Family("detr", count, evidence, {"activation": "none"} if _are_scores(scores) else {}, (doubt,))


def _boxes_come_first(first: NDArray[Any], second: NDArray[Any]) -> bool:
    """Tell boxes by their four columns; of two such outputs, boxes are not the one that looks like class values."""
    if first.shape[1] != second.shape[1]:
        return bool(first.shape[1] == 4)
    are_logits = _are_scores(second) and not _are_scores(first)
    return not (are_logits or (sum_to_one(first) and not sum_to_one(second)))


def _three(outputs: Outputs, *, has_size_input: bool) -> Family | None:
    boxes = [output for output in outputs if output.shape[-1:] == (4,)]
    if len(boxes) != 1:
        return None
    if has_size_input:
        return Family("detr", 0, "labels, boxes and scores, and an input for the picture's size (RT-DETR, D-FINE)")
    normalised = bool(np.abs(boxes[0]).max(initial=0.0) < 4.0)
    return Family("ssd", 0, "boxes, labels and scores", {"normalised": normalised})


def _four(outputs: Outputs) -> Family | None:
    if any(output.ndim in (3, 4) for output in outputs):
        return Family("instance_masks", 0, "boxes, labels, scores and a mask for each box")
    boxes = next((output for output in outputs if output.ndim == 2 and output.shape[-1] == 4), None)
    if boxes is None:
        return None
    doubt = "TensorFlow exports write y before x: 'order: yxyx'"
    normalised = bool(np.abs(boxes).max(initial=0.0) < 4.0)
    return Family("ssd", 0, "boxes, labels, scores and a count", {"normalised": normalised, "order": "yxyx"}, (doubt,))


def _classifier(values: NDArray[Any]) -> Family | None:
    if len(values) < 2:
        return None
    is_done = _are_scores(values) and abs(float(values.sum()) - 1.0) < 1e-3
    options = {"activation": "none"} if is_done else {}
    return Family("classifier", len(values), f"one row of {len(values)} class values", options)


def _segmenter(output: NDArray[Any]) -> Family:
    count = int(output.shape[0])
    if count == 1:
        options: dict[str, Any] = {"background": -1, "activation": "none" if _are_scores(output) else "sigmoid"}
        return Family("segmenter", 1, f"one map of {output.shape[2]} x {output.shape[1]}", options)
    sums_to_one = _are_scores(output) and bool(np.abs(output.sum(axis=0) - 1.0).max() < 0.01)
    chosen = {"activation": "none"} if sums_to_one else {}
    return Family("segmenter", count, f"{count} maps of {output.shape[2]} x {output.shape[1]}", chosen)
