"""Everything about a model that its file does not say, and whether the two agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framelabel.core.errors import ModelMismatchError
from framelabel.inference.preprocess import InputOptions
from framelabel.inference.session import Session, read_shapes
from framelabel.inference.tiling import TileOptions


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to feed one model and how to read it."""

    input: InputOptions
    """A size of (0, 0) takes the model's own."""
    decoder: str
    """A name of `framelabel.inference.decoders.catalog.DECODERS`."""
    class_count: int
    """Classes of the ontology."""
    model_index: tuple[tuple[int, ...], ...] = ()
    """For each ontology class the model classes that mean it; () when both are numbered alike."""
    score_threshold: tuple[float, ...] = ()
    """By ontology class; () is 0.1 for all."""
    decoder_options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    nms_iou: float | None = None
    """None takes the decoder's own."""
    nms_cross_class_iou: float = 1.0
    """Overlap from which boxes of different classes are one object, the better one kept; 1 for never."""
    tiles: TileOptions | None = None
    views: tuple[str, ...] = ()
    """Names of `framelabel.inference.thorough.VIEWS` in which each picture is seen besides the plain one."""
    max_boxes: int = 300
    """Most boxes of one picture."""


def input_size(session: Session, options: InputOptions) -> tuple[int, int]:
    """Return the (width, height) to feed, from the recipe or the model; they must agree where both say one.

    Raises:
        ModelMismatchError: they disagree, or neither says one.
    """
    spec, name = session.inputs[0], session.path.name
    if len(spec.shape) != 4:
        msg = f"{name}: the first input must be a batch of pictures, got {read_shapes([spec])}"
        raise ModelMismatchError(msg)
    height, width = spec.shape[2:] if options.layout == "nchw" else spec.shape[1:3]
    channels = spec.shape[1] if options.layout == "nchw" else spec.shape[3]
    wanted = 1 if options.colour == "grey" else 3
    if isinstance(channels, int) and channels != wanted:
        msg = (
            f"{name}: layout {options.layout} with colour {options.colour} needs {wanted} channels; "
            f"the model's input is {read_shapes([spec])}"
        )
        raise ModelMismatchError(msg)
    own = (width if isinstance(width, int) else 0, height if isinstance(height, int) else 0)
    size = (options.size[0] or own[0], options.size[1] or own[1])
    if (own[0] and size[0] != own[0]) or (own[1] and size[1] != own[1]):
        msg = f"{name}: the model takes {own[0]}x{own[1]} pictures, the manifest says {size[0]}x{size[1]}"
        raise ModelMismatchError(msg)
    if not all(size):
        msg = f"{name}: the model's input size is free ({read_shapes([spec])}); give model.input.size"
        raise ModelMismatchError(msg)
    return size


def class_table(recipe: Recipe, count: int, name: str) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return, by model class, the ontology row (-1 unwanted) and the score threshold (infinite where unwanted).

    Args:
        recipe: the classes wanted.
        count: how many classes the model's outputs hold; 0 when they do not say.
        name: the model file, for messages.

    Raises:
        ModelMismatchError: the model has other classes than the recipe counts on.
    """
    rows = recipe.class_count
    index = recipe.model_index or tuple((row,) for row in range(rows))
    if count and not recipe.model_index and rows != count:
        msg = (
            f"{name}: the model has {count} classes, the manifest names {rows}: name all of them in the model's order, "
            "or give each class its model_index"
        )
        raise ModelMismatchError(msg)
    highest = max((number for numbers in index for number in numbers), default=0)
    if count and highest >= count:
        msg = f"{name}: model_index {highest} does not exist; the model has {count} classes (0 to {count - 1})"
        raise ModelMismatchError(msg)
    total = count or highest + 1
    row_of, limit = np.full(total, -1, np.int32), np.full(total, np.inf, np.float32)
    thresholds = recipe.score_threshold or (0.1,) * rows
    for row, numbers in enumerate(index):
        for number in numbers:
            row_of[number] = row
            limit[number] = thresholds[row]
    return row_of, limit
