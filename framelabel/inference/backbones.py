"""What turns a picture into patch features: the early layers of an ONNX model, or a bank of filters of our own.

Features that a network learnt on other pictures tell textures apart well; the filter bank (derivatives of Gaussians at
three scales, as in Varma and Zisserman, "A statistical approach to texture classification from single images", 2005)
needs no file at all. Both are given as an ONNX graph from an NCHW picture of fixed size to one map of features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framelabel.core.errors import ModelMismatchError, UsageError
from framelabel.inference.onnx_graph import GraphBuilder, need_onnx
from framelabel.inference.preprocess import InputOptions

_SCALES = (1.0, 2.0, 4.0)
_ORDERS = ((0, 0), (1, 0), (0, 1), (2, 0), (0, 2), (1, 1))
"""Derivatives across and down; the first is the blurred picture itself."""
_STRIDES = (8, 16)
"""Of the layers taken from a network: deep enough to know texture, shallow enough to say where."""
_LEAST_CHANNELS = 8
_POOL = 3
"""Cells whose features are averaged, so that a shift by less than a cell changes little (Roth et al. 2022)."""


@dataclass(frozen=True, slots=True, eq=False)
class Backbone:
    """A graph from a picture to a map of features."""

    model: bytes
    """ONNX: (1, channels, height, width) float to (1, C, h, w) float, output name `features`."""
    input: InputOptions
    """How it is fed; its size is that of the graph."""
    source: str
    """In words, for the model card."""


def filters(size: tuple[int, int]) -> Backbone:
    """Return the filter bank for pictures of `size` (width, height): 35 features on a grid of 4 pixels.

    Raises:
        UsageError: the `onnx` package is not installed.
    """
    build = GraphBuilder()
    grey = build.node("ReduceMean", "picture", axes=[1], keepdims=1)
    parts = []
    for scale in _SCALES:
        kernels = np.stack([_derivative(scale, across, down) for across, down in _ORDERS])[:, None]
        reach = kernels.shape[-1] // 2
        padded = build.node("Pad", grey, build.constant([0, 0, reach, reach] * 2), mode="reflect")
        answers = build.node("Conv", padded, build.constant(kernels))
        changes = build.node("Slice", answers, *(build.constant([value]) for value in (1, len(_ORDERS), 1)))
        parts += [answers, build.node("Abs", changes)]
    red_green = np.array([[1, -1, 0], [0.5, 0.5, -1]], np.float32)[:, :, None, None]
    parts.append(build.node("Conv", "picture", build.constant(red_green)))
    everything = build.node("Concat", *parts, axis=1)
    pooled = build.node("AveragePool", everything, kernel_shape=[8, 8], strides=[4, 4], pads=[2, 2, 2, 2])
    features = build.node("Identity", pooled)
    build.nodes[-1].output[0] = "features"
    del features
    model = build.model("filters", ("picture", [1, 3, size[1], size[0]]), ("features", None))
    feed = InputOptions(size=size, resize="stretch", colour="rgb")
    return Backbone(bytes(model.SerializeToString()), feed, "filter bank (derivatives of Gaussians at three scales)")


def cut(path: Path, feed: InputOptions, layers: Sequence[str] = ()) -> Backbone:
    """Return the early layers of an ONNX model, at the input size of `feed`.

    Args:
        path: any convolutional network of one picture input (a detector, a classifier).
        feed: how it is fed, and the size it shall take from now on.
        layers: names of inner tensors, finest first; the last ones at strides 8 and 16 before the network goes on to
            the next stride, when not given.

    Raises:
        UsageError: the `onnx` package is not installed.
        ModelMismatchError: the file is no such network, or has no such layer.
    """
    need_onnx()
    import onnx

    try:
        model = onnx.load(str(path))
        sized = _resized(model, feed.size)
    except Exception as error:
        reason = " ".join(str(error).split())[:160]
        raise ModelMismatchError(f"{path}: cannot be cut at {feed.size[0]}x{feed.size[1]}: {reason}") from error
    shapes = _shapes(sized)
    chosen = list(layers) or _layers_at(sized, shapes, feed.size)
    for name in chosen:
        if len(shapes.get(name, ())) != 4:
            raise ModelMismatchError(f"{path.name}: no inner map of features called '{name}'; choose other --layers")
    if not chosen:
        raise ModelMismatchError(f"{path.name}: no map of features at strides {_STRIDES}; choose --layers by name")
    _join(sized, chosen, shapes)
    source = f"{path.name}, layers {', '.join(chosen)}"
    return Backbone(bytes(sized.SerializeToString()), feed, source)


def _derivative(scale: float, across: int, down: int) -> NDArray[np.float32]:
    """Return the kernel of a Gaussian's derivative, times the scale to its order, so that answers are comparable."""
    reach = int(np.ceil(3 * scale))
    place = np.arange(-reach, reach + 1, dtype=np.float64)
    bell = np.exp(-(place**2) / (2 * scale**2))
    bell /= bell.sum()
    steps = (bell, place / scale * bell, (place**2 / scale**2 - 1) * bell)
    return np.outer(steps[down], steps[across]).astype(np.float32)


def _resized(model: Any, size: tuple[int, int]) -> Any:
    """Return the model with its declared picture size set, and everything inferred from it declared anew."""
    from onnx import shape_inference

    del model.graph.value_info[:]
    axes = model.graph.input[0].type.tensor_type.shape.dim
    for axis, value in zip(axes, (1, axes[1].dim_value, size[1], size[0]), strict=True):
        axis.dim_value = value
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    return shape_inference.infer_shapes(model)


def _shapes(model: Any) -> dict[str, tuple[int, ...]]:
    return {
        value.name: tuple(axis.dim_value for axis in value.type.tensor_type.shape.dim)
        for value in model.graph.value_info
    }


def _layers_at(model: Any, shapes: dict[str, tuple[int, ...]], size: tuple[int, int]) -> list[str]:
    """Return the last tensor at each stride before the first one at twice the stride."""
    wanted: dict[int, str] = {}
    deepest = 1
    for node in model.graph.node:
        shape = shapes.get(node.output[0], ())
        if len(shape) != 4 or shape[0] != 1 or shape[1] < _LEAST_CHANNELS or min(shape[2:]) < 2:
            continue
        stride = size[1] // shape[2]
        fits = (stride * shape[3], stride * shape[2]) == size
        if fits and stride >= deepest and node.op_type not in ("Conv", "Sigmoid", "Pad"):
            deepest = stride
            wanted[stride] = node.output[0]
    return [wanted[stride] for stride in _STRIDES if stride in wanted]


def _join(model: Any, layers: Sequence[str], shapes: dict[str, tuple[int, ...]]) -> None:
    """Keep what leads to these layers, average each over its neighbours, and stack them on the finest grid."""
    from onnx import TensorProto, helper

    graph = model.graph
    needed, kept = set(layers), []
    for node in reversed(graph.node):
        if needed & set(node.output):
            kept.append(node)
            needed |= set(node.input)
    build = GraphBuilder("features_")
    height, width = shapes[layers[0]][2:]
    parts = []
    for name in layers:
        pooled = build.node("AveragePool", name, kernel_shape=[_POOL] * 2, pads=[_POOL // 2] * 4, strides=[1, 1])
        if shapes[name][2:] != (height, width):
            pooled = build.resized(pooled, (1, shapes[name][1], height, width))
        parts.append(pooled)
    build.node("Concat", *parts, axis=1)
    build.nodes[-1].output[0] = "features"
    constants = [item for item in graph.initializer if item.name in needed]
    del graph.node[:], graph.initializer[:], graph.output[:], graph.value_info[:]
    graph.node.extend([*reversed(kept), *build.nodes])
    graph.initializer.extend([*constants, *build.constants])
    graph.output.append(helper.make_tensor_value_info("features", TensorProto.FLOAT, None))
    older = [item for item in model.opset_import if item.domain in ("", "ai.onnx") and item.version < 11]
    if older:
        raise UsageError(f"the network's operator set {older[0].version} is too old; 11 or newer is needed")
