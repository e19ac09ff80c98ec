"""A fixed camera's golden template as an ONNX graph: align, match the light, difference against the good spread.

The graph takes one RGB picture of the template's size and returns (1, 2, H, W): the chance that a pixel is good, and
that it is not. It finds the picture's shift by normalised cross-correlation with the template (coarse at a quarter of
the size, then fine), shifts it back, matches mean and contrast to the template's, and divides the difference by the
spread that good pictures have at that pixel. `spreads / (spreads + threshold)` is the chance: the threshold is 0.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framelabel.core.errors import UsageError
from framelabel.inference.onnx_graph import GraphBuilder, need_onnx

REACH = 16
"""Largest shift that is found, in pixels on each axis."""
COARSE = 4
"""Pixels of the picture to one of the coarse search."""
FINE = 3
"""Pixels around the coarse shift that the fine search looks at."""
SMOOTHING = 3
"""Side of the square over which spreads are averaged, in pixels."""
FIXED_VIEW = "fixed_view"
"""Key of the model's notes that says "true": it knows one view, so a picture's mirror image is nothing to it."""
_AXES = (2, 3)


@dataclass(frozen=True, slots=True, eq=False)
class GoldenTemplate:
    """What good pictures look like, and how far they stray."""

    middle: NDArray[np.uint8]
    """(H, W, 3) RGB: the median of the aligned good pictures."""
    spread: NDArray[np.float32]
    """(H, W, 3) one deviation of good pixels, in grey levels; above 0."""
    threshold: float
    """Spreads from which a pixel is not good any more."""


def build_graph(golden: GoldenTemplate) -> bytes:
    """Return the ONNX file of a template.

    Raises:
        UsageError: the `onnx` package is not installed, or the template is smaller than the search.
    """
    need_onnx()
    height, width = golden.middle.shape[:2]
    if min(height, width) < 4 * REACH:
        msg = f"the pictures are {width}x{height} pixels; at least {4 * REACH} on each side are needed"
        raise UsageError(msg)
    return _Graph(golden).serialise()


class _Graph:
    """The computation, step by step."""

    def __init__(self, golden: GoldenTemplate) -> None:
        self._golden = golden
        self._build = GraphBuilder()
        self._node, self._constant = self._build.node, self._build.constant

    def serialise(self) -> bytes:
        """Return the whole file."""
        from onnx import helper

        height, width = self._golden.middle.shape[:2]
        output = self._compute("picture")
        model = self._build.model(
            "golden_template", ("picture", [1, 3, height, width]), (output, [1, 2, height, width])
        )
        helper.set_model_props(model, {FIXED_VIEW: "true"})
        return bytes(model.SerializeToString())

    def _compute(self, picture: str) -> str:
        middle = self._golden.middle.astype(np.float32).transpose(2, 0, 1)[None]
        height, width = middle.shape[2:]
        grey = middle.mean(axis=1, keepdims=True)
        padded = self._node("Pad", picture, self._constant([0, 0, REACH, REACH] * 2), mode="edge")
        seen = self._node("ReduceMean", padded, axes=[1], keepdims=1)
        small = self._node("AveragePool", seen, kernel_shape=[COARSE] * 2, strides=[COARSE] * 2)
        trimmed = grey[:, :, : height // COARSE * COARSE, : width // COARSE * COARSE]
        blocks = trimmed.reshape(1, 1, height // COARSE, COARSE, width // COARSE, COARSE).mean(axis=(3, 5))
        coarse = self._times(self._best(small, blocks), COARSE)
        lowest = self._node("Sub", coarse, self._constant([FINE, FINE]))
        start = self._clip(lowest, 2 * REACH - 2 * FINE)
        window = self._cut(seen, start, (height + 2 * FINE, width + 2 * FINE))
        shift = self._node("Add", start, self._best(window, grey))
        aligned = self._cut(padded, shift, (height, width))
        mean = self._node("ReduceMean", aligned, axes=[2, 3], keepdims=1)
        centred = self._node("Sub", aligned, mean)
        power = self._node("ReduceMean", self._node("Mul", centred, centred), axes=[2, 3], keepdims=1)
        deviation = self._node("Sqrt", self._node("Add", power, self._constant(1.0)))
        contrast = np.sqrt(middle.var(axis=_AXES, keepdims=True) + 1.0)
        matched = self._node("Mul", self._node("Div", centred, deviation), self._constant(contrast))
        usual = self._wide(self._golden.middle, np.uint8)
        level = self._node("Sub", usual, self._constant(middle.mean(axis=_AXES, keepdims=True)))
        away = self._node("Abs", self._node("Sub", matched, level))
        spreads = self._node("Div", away, self._wide(self._golden.spread, np.float16))
        worst = self._node("ReduceMax", spreads, axes=[1], keepdims=1)
        smooth = self._node(
            "AveragePool", worst, kernel_shape=[SMOOTHING] * 2, pads=[SMOOTHING // 2] * 4, count_include_pad=0
        )
        whole = self._node("Add", smooth, self._constant(self._golden.threshold))
        bad = self._node("Div", smooth, whole)
        good = self._node("Sub", self._constant(1.0), bad)
        # The shift is a whole number of pixels, so the map goes back to the picture's own place by padding and cutting.
        chances = self._node("Concat", good, bad, axis=1)
        room = self._node("Pad", chances, self._constant([0, 0, REACH, REACH] * 2), self._constant(0.0))
        back = self._node("Sub", self._constant([2 * REACH] * 2), shift)
        return self._cut(room, back, (height, width))

    def _best(self, image: str, kernel: NDArray[np.float32]) -> str:
        """Return (2,) where in a (1, 1, h, w) image the kernel correlates best: first row and column."""
        centred = kernel - kernel.mean()
        size = kernel.size
        shape = list(kernel.shape[2:])
        products = self._node("Conv", image, self._constant(centred), kernel_shape=shape)
        means = self._node("AveragePool", image, kernel_shape=shape)
        squares = self._node("AveragePool", self._node("Mul", image, image), kernel_shape=shape)
        variance = self._node("Sub", squares, self._node("Mul", means, means))
        bounded = self._node("Max", variance, self._constant(1.0))
        alike = self._node("Div", products, self._times(self._node("Sqrt", bounded), float(size)))
        columns = self._node("Cast", self._node("Gather", self._node("Shape", alike), self._constant(3), axis=0), to=7)
        flat = self._node("Reshape", alike, self._constant([-1]))
        place = self._node("ArgMax", flat, axis=0, keepdims=1)
        row, column = self._node("Div", place, columns), self._node("Mod", place, columns)
        return self._node("Concat", row, column, axis=0)

    def _cut(self, image: str, start: str, size: tuple[int, int]) -> str:
        stop = self._node("Add", start, self._constant(list(size)))
        return self._node("Slice", image, start, stop, self._constant(list(_AXES)))

    def _clip(self, values: str, most: int) -> str:
        return self._node("Min", self._node("Max", values, self._constant([0])), self._constant([most]))

    def _times(self, values: str, factor: float) -> str:
        return self._node("Mul", values, self._constant([factor] if isinstance(factor, int) else factor))

    def _wide(self, image: NDArray[Any], stored: type[np.generic]) -> str:
        """Return an (H, W, 3) image as a float (1, 3, H, W) constant, kept small in the file."""
        name = self._constant(np.ascontiguousarray(image.transpose(2, 0, 1)[None]).astype(stored))
        return self._node("Cast", name, to=1)
