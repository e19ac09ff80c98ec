"""A model's kind is told by the shapes and values of its outputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from framelabel.core.errors import ModelMismatchError
from framelabel.inference.decoders.catalog import DECODERS
from framelabel.plugins.families import names_in, recognise

SIZE = (64, 64)
CELLS, CELLS_PLUS = 64 + 16 + 4, 64 + 16 + 4 + 1
RANDOM = np.random.default_rng(0)


def table(rows: int, columns: int, scores_from: int, low: float = -3.0, high: float = 3.0) -> NDArray[np.float32]:
    """Return random box columns and, from `scores_from` on, values in [0, 1]."""
    values = RANDOM.uniform(low, high, (rows, columns))
    values[:, scores_from:] = RANDOM.uniform(0, 1, (rows, columns - scores_from))
    return values.astype(np.float32)


def softmaxed(rows: int, columns: int) -> NDArray[np.float32]:
    """Return rows that sum to one."""
    values = RANDOM.uniform(0, 1, (rows, columns))
    return np.asarray(values / values.sum(axis=1, keepdims=True), dtype=np.float32)


def pixels(rows: int, columns: int, scores_from: int) -> NDArray[np.float32]:
    """Return boxes in pixels and scores."""
    return table(rows, columns, scores_from, 1.0, 200.0)


CORNERS = np.sort(RANDOM.uniform(0, 1, (40, 2, 2)), axis=1).reshape(40, 4).astype(np.float32)
CENTRES = RANDOM.uniform(0.1, 0.9, (40, 4)).astype(np.float32)
SPREAD = RANDOM.normal(0, 4, (CELLS, 32)).astype(np.float32)
LOGITS = RANDOM.normal(0, 4, (40, 5)).astype(np.float32)

ANGLES = RANDOM.normal(0, 1, (CELLS, 1)).astype(np.float32)
MASKS = np.zeros((40, 1, 28, 28), np.float32)

CASES: list[tuple[str, list[NDArray[Any]], str, int, dict[str, Any]]] = [
    ("yolox", [table(CELLS, 5 + 3, 4)], "yolox", 3, {}),
    ("yolox-p6", [table(CELLS_PLUS, 5 + 3, 4)], "yolox", 3, {"strides": [8, 16, 32, 64]}),
    ("yolox-decoded", [pixels(CELLS, 5 + 3, 4)], "yolox", 3, {"decoded": True}),
    ("yolov5", [pixels(3 * CELLS, 5 + 3, 4)], "yolov5", 3, {}),
    ("yolov8", [pixels(CELLS, 4 + 3, 4).T], "yolov8", 3, {}),
    (
        "yolov8-obb",
        [np.concatenate([pixels(CELLS, 7, 4), RANDOM.normal(0, 1, (CELLS, 1))], axis=1).T],
        "yolov8_obb",
        3,
        {},
    ),
    ("yolov8-seg", [pixels(CELLS, 4 + 3 + 8, 4).T, np.zeros((8, 16, 16), np.float32)], "yolov8_seg", 3, {}),
    ("yolov10", [pixels(300, 6, 4)], "yolov10", 0, {}),
    ("nanodet-joined", [np.concatenate([table(CELLS, 3, 0), SPREAD], axis=1)], "nanodet", 3, {}),
    (
        "nanodet-split-logits",
        [LOGITS[:1].repeat(n, 0) for n in (64, 16, 4)] + [SPREAD[:n] for n in (64, 16, 4)],
        "nanodet",
        5,
        {"logits": True},
    ),
    ("detr", [LOGITS, CENTRES], "detr", 5, {}),
    ("rt-detr-deployed", [np.zeros(40, np.int64), CORNERS, CENTRES[:, 0]], "detr", 0, {}),
    ("yolov8-one-class-not-transposed", [pixels(CELLS, 4 + 1, 4)], "yolov8", 1, {"transposed": False}),
    ("ssd-deployed", [CORNERS, np.ones(40, np.int64), CENTRES[:, 0]], "ssd", 0, {"normalised": True}),
    (
        "ssd-tensorflow",
        [CORNERS, np.ones(40, np.float32), CENTRES[:, 0], np.array([40], np.float32)],
        "ssd",
        0,
        {"normalised": True, "order": "yxyx"},
    ),
    ("ssd", [softmaxed(40, 4 + 1), CORNERS], "ssd", 4, {"background": True, "normalised": True}),
    ("classifier", [np.array([[1.0, 9.0, -3.0]], np.float32)], "classifier", 3, {}),
    ("classifier-softmax", [np.array([0.2, 0.7, 0.1], np.float32)], "classifier", 3, {"activation": "none"}),
    ("segmenter", [RANDOM.normal(0, 1, (5, 16, 16)).astype(np.float32)], "segmenter", 5, {}),
    (
        "instance-masks",
        [CORNERS, np.ones(40, np.int64), CENTRES[:, 0], MASKS],
        "instance_masks",
        0,
        {},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_recognised(case: tuple[str, list[NDArray[Any]], str, int, dict[str, Any]]) -> None:
    """Decoder, class count and options are those of the family's own code, and the decoder accepts the outputs."""
    name, outputs, decoder, count, options = case
    found = recognise(outputs, SIZE, has_size_input=name == "rt-detr-deployed")
    assert (found.decoder, found.class_count) == (decoder, count)
    assert dict(found.options) == options
    entry = DECODERS.load(found.decoder)
    made = entry(
        entry.Options(**{key: tuple(v) if isinstance(v, list) else v for key, v in options.items()}), input_size=SIZE
    )
    if name != "classifier":
        assert made.class_count([np.squeeze(output) if output.ndim < 3 else output for output in outputs]) in (count, 0)


def test_an_ambiguous_layout_is_said() -> None:
    """Boxes in pixels with one row for each cell are YOLOX or an untransposed YOLOv8: a person must know which."""
    assert "untransposed YOLOv8" in recognise([pixels(CELLS, 5 + 3, 4)], SIZE).doubts[0]


READINGS: list[tuple[list[NDArray[Any]], int, str, dict[str, Any]]] = [
    ([pixels(CELLS, 4 + 4, 4)], 3, "yolox", {"decoded": True}),
    ([pixels(CELLS, 4 + 4, 4)], 4, "yolov8", {"transposed": False}),
    ([LOGITS, CENTRES], 5, "detr", {}),
    ([LOGITS, CENTRES], 4, "detr", {"activation": "softmax", "background": "last"}),
]


@pytest.mark.parametrize(("outputs", "named", "decoder", "options"), READINGS)
def test_the_number_of_names_decides_between_two_readings(
    outputs: list[NDArray[Any]], named: int, decoder: str, options: dict[str, Any]
) -> None:
    """A transposed output and a "no object" class are told by the number of classes that somebody named."""
    found = recognise(outputs, SIZE, named=named)
    assert (found.decoder, found.class_count, dict(found.options)) == (decoder, named, options)


def test_unknown_outputs_show_their_shapes() -> None:
    """A model of no known kind is one line with its shapes and the way out."""
    with pytest.raises(ModelMismatchError, match=r"\(7, 9\).*name one with --decoder"):
        recognise([np.zeros((7, 9), np.float32)], SIZE)


@pytest.mark.parametrize(
    ("metadata", "names"),
    [
        ({"names": "{0: 'cat', 1: 'dog'}"}, ("cat", "dog")),
        ({"names": "['a', 'b']"}, ("a", "b")),
        ({"names": "__import__('os')"}, ()),
        ({}, ()),
    ],
)
def test_names_in_the_file(metadata: dict[str, str], names: tuple[str, ...]) -> None:
    """Exporters write names as Python text; it is read as data, never run."""
    assert names_in(metadata) == names
