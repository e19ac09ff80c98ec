"""What every output decoder owes, whoever writes the next one. It runs over the whole catalog."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from framelabel.core.catalog import options_of
from framelabel.core.config import build
from framelabel.core.errors import ModelMismatchError, UsageError
from framelabel.inference.decoders.catalog import DECODERS

SIZE = (64, 64)
CELLS = 64 + 16 + 4

OUTPUTS: dict[str, list[NDArray[Any]]] = {
    "yolox": [np.full((CELLS, 5 + 3), 0.9, np.float32)],
    "yolov5": [np.full((CELLS, 5 + 3), 0.9, np.float32)],
    "yolov8": [np.full((4 + 3, CELLS), 0.9, np.float32)],
    "yolov8_seg": [np.full((4 + 3 + 2, CELLS), 0.9, np.float32), np.ones((2, 16, 16), np.float32)],
    "yolov8_obb": [np.full((4 + 3 + 1, CELLS), 0.9, np.float32)],
    "yolov10": [np.array([[1, 2, 30, 40, 0.9, 2]], np.float32)],
    "nanodet": [np.full((CELLS, 3 + 32), 0.9, np.float32)],
    "yunet": [np.full((cells, width), 0.9, np.float32) for width in (1, 1, 4, 10) for cells in (64, 16, 4)],
    "detr": [np.full((9, 3), 0.9, np.float32), np.full((9, 4), 0.5, np.float32)],
    "ssd": [np.full((9, 4), 0.5, np.float32), np.full((9, 3 + 1), 0.9, np.float32)],
    "classifier": [np.array([0.1, 0.2, 5.0], np.float32)],
    "segmenter": [np.stack([np.zeros((16, 16)), np.ones((16, 16)), np.full((16, 16), 9)]).astype(np.float32)],
    "instance_masks": [
        np.array([[1, 2, 30, 40]], np.float32),
        np.array([2]),
        np.array([0.9], np.float32),
        np.ones((1, 1, 28, 28), np.float32),
    ],
}
"""An example of each decoder's outputs with three classes (or its only one); a new decoder adds its own here."""

names = pytest.mark.parametrize("name", list(DECODERS))


def make(name: str) -> Any:
    """Return a decoder with its default options."""
    entry = DECODERS.load(name)
    return entry(entry.Options(), input_size=SIZE)


@names
def test_options_are_a_frozen_dataclass_with_defaults_and_words(name: str) -> None:
    """Manifests are checked against `Options`; one that can change or needs a value would break a run half way."""
    options = options_of(DECODERS.load(name))
    assert dataclasses.is_dataclass(options)
    assert options.__doc__
    made = options()
    for field in dataclasses.fields(options):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(made, field.name, None)


@names
def test_an_unknown_option_is_refused(name: str) -> None:
    """A misspelt option never passes silently."""
    with pytest.raises(UsageError, match="unknown key 'no_such_option'"):
        build(options_of(DECODERS.load(name)), {"no_such_option": 1}, name)


@names
def test_candidates_are_well_formed(name: str) -> None:
    """Shapes agree, scores lie in [0, 1], classes in the table, and something is found in the example."""
    decoder, outputs = make(name), OUTPUTS[name]
    assert decoder.class_count(outputs) in ((1,) if name == "yunet" else (0, 3))
    found = decoder(outputs, np.full(3, 0.05, np.float32))
    assert len(found.xyxy) + len(found.tags) > 0
    assert found.xyxy.shape == (len(found.score), 4)
    assert found.class_id.shape == found.score.shape
    assert ((found.score >= 0) & (found.score <= 1 + 1e-6)).all()
    assert ((found.class_id >= 0) & (found.class_id < 3)).all()


@names
def test_nothing_wanted_is_nothing_found(name: str) -> None:
    """An infinite threshold leaves a class out altogether."""
    found = make(name)(OUTPUTS[name], np.full(3, np.inf, np.float32))
    assert len(found.xyxy) == 0
    assert not found.tags


@names
def test_outputs_are_left_as_they_are(name: str) -> None:
    """Decoding twice gives the same: outputs may be inspected afterwards."""
    outputs = [output.copy() for output in OUTPUTS[name]]
    decoder = make(name)
    first = decoder(outputs, np.full(3, 0.05, np.float32))
    second = decoder(outputs, np.full(3, 0.05, np.float32))
    assert all(np.array_equal(mine, given) for mine, given in zip(outputs, OUTPUTS[name], strict=True))
    assert np.array_equal(first.xyxy, second.xyxy)


@names
def test_foreign_outputs_are_named(name: str) -> None:
    """A model of another kind is refused with the shapes expected and found, before any frame is labelled."""
    with pytest.raises(ModelMismatchError, match=rf"decoder '{name}' expects .*; the model gives .*\(2, 3, 4, 5\)"):
        make(name).class_count([np.zeros((2, 3, 4, 5), np.float32)])
