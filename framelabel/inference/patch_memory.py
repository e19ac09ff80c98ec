"""Patches of good pictures as a memory, and a picture judged by how far its patches are from it, as one ONNX graph.

After Roth, Pemula, Zepeda, Schölkopf, Brox and Gehler, "Towards total recall in industrial anomaly detection"
(PatchCore, CVPR 2022): features of patches, a greedily thinned memory of good ones, and the distance to the nearest.
The graph returns (1, 2, H, W): the chance that a pixel is good, and that it is not. The latter is
`distance / (distance + threshold)`, so the threshold is 0.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framelabel.inference.backbones import Backbone
from framelabel.inference.golden_template import FIXED_VIEW
from framelabel.inference.onnx_graph import GraphBuilder

_PROJECTED = 64
_SMOOTHING = 0.5
"""Deviation of the final blur, in cells of the feature grid."""
_TINY = 1e-4

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class PatchMemory:
    """What good patches look like."""

    backbone: Backbone
    mean: Floats
    """(C,) of good features."""
    deviation: Floats
    """(C,) of good features, above 0."""
    bank: Floats
    """(M, C) good patches, in deviations from the mean."""
    threshold: float
    """Distance from which a pixel is not good any more."""


def thinned(patches: Floats, count: int, seed: int = 0) -> NDArray[np.int64]:
    """Return rows of at most `count` patches such that no patch is far from one of them.

    Greedy k-centre (Gonzalez 1985): each next row is the one farthest from all before, measured after a random
    projection to 64 dimensions, which keeps distances nearly as they are (Johnson and Lindenstrauss).
    """
    if len(patches) <= count:
        return np.arange(len(patches))
    random = np.random.default_rng(seed)
    dimensions = patches.shape[1]
    if dimensions > _PROJECTED:
        patches = patches @ random.normal(size=(dimensions, _PROJECTED)).astype(np.float32)
    rows = [int(random.integers(len(patches)))]
    nearest = np.square(patches - patches[rows[0]]).sum(axis=1)
    while len(rows) < count:
        rows.append(int(np.argmax(nearest)))
        np.minimum(nearest, np.square(patches - patches[rows[-1]]).sum(axis=1), out=nearest)
    return np.array(rows, np.int64)


def build_graph(memory: PatchMemory, *, is_fixed_view: bool = False) -> bytes:
    """Return the ONNX file of a memory: the backbone, the distances, and the map at the picture's size.

    Args:
        memory: what good patches look like.
        is_fixed_view: write into the file's notes that a picture's mirror image is nothing to it.

    Raises:
        UsageError: the `onnx` package is not installed.
    """
    import onnx
    from onnx import TensorProto, helper

    model = onnx.load_model_from_string(memory.backbone.model)
    graph = model.graph
    width, height = memory.backbone.input.size
    rows, columns, channels = grid_of(memory)
    build = GraphBuilder("memory_")
    centred = build.node("Sub", "features", build.constant(memory.mean[None, :, None, None]))
    scaled = build.node("Div", centred, build.constant(memory.deviation[None, :, None, None]))
    flat = build.node("Reshape", scaled, build.constant(np.array([channels, rows * columns], np.int64)))
    patches = build.node("Transpose", flat, perm=[1, 0])
    bank = build.node("Cast", build.constant(memory.bank.astype(np.float16)), to=TensorProto.FLOAT)
    stored = memory.bank.astype(np.float16).astype(np.float32)
    products = build.node("MatMul", patches, build.node("Transpose", bank, perm=[1, 0]))
    # |p - b|^2 = |p|^2 - 2 p.b + |b|^2; the largest of p.b - |b|^2 / 2 belongs to the nearest b.
    nearness = build.node("Sub", products, build.constant(np.square(stored).sum(axis=1)[None, :] / 2))
    best, _ = _largest(build, nearness)
    own = (
        build.node("ReduceSumSquare", patches, axes=[1], keepdims=1) if _opset(model) < 18 else _squares(build, patches)
    )
    squared = build.node("Sub", own, build.node("Mul", best, build.constant(2.0)))
    distance = build.node("Sqrt", build.node("Max", squared, build.constant(_TINY)))
    grid = build.node("Reshape", distance, build.constant(np.array([1, 1, rows, columns], np.int64)))
    smooth = _blurred(
        build, build.resized(grid, (1, 1, height, width)), max(1.0, _SMOOTHING * height / rows), min(width, height)
    )
    bad = build.node("Div", smooth, build.node("Add", smooth, build.constant(memory.threshold)))
    good = build.node("Sub", build.constant(1.0), bad)
    build.node("Concat", good, bad, axis=1)
    build.nodes[-1].output[0] = "chances"
    graph.node.extend(build.nodes)
    graph.initializer.extend(build.constants)
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info("chances", TensorProto.FLOAT, [1, 2, height, width]))
    helper.set_model_props(model, {FIXED_VIEW: "true"} if is_fixed_view else {})
    return bytes(model.SerializeToString())


def grid_of(memory: PatchMemory) -> tuple[int, int, int]:
    """Return rows, columns and channels of the backbone's map of features."""
    import onnx
    from onnx import shape_inference

    model = shape_inference.infer_shapes(onnx.load_model_from_string(memory.backbone.model))
    axes = [axis.dim_value for axis in model.graph.output[0].type.tensor_type.shape.dim]
    return axes[2], axes[3], axes[1]


def _opset(model: Any) -> int:
    return max(int(item.version) for item in model.opset_import if item.domain in ("", "ai.onnx"))


def _squares(build: GraphBuilder, patches: str) -> str:
    return build.node("ReduceSumSquare", patches, build.constant(np.array([1], np.int64)), keepdims=1)


def _largest(build: GraphBuilder, values: str) -> tuple[str, str]:
    """Return the largest of each row as a column (the same node in every operator set), and where it is."""
    name = build.node("TopK", values, build.constant(np.array([1], np.int64)), axis=1)
    place = f"{name}_place"
    build.nodes[-1].output.append(place)
    return name, place


def _blurred(build: GraphBuilder, image: str, deviation: float, side: int) -> str:
    """Return a (1, 1, H, W) map blurred by a Gaussian, borders repeated."""
    reach = min(int(np.ceil(2.5 * deviation)), side - 1)
    bell = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * deviation**2))
    bell /= bell.sum()
    padded = build.node("Pad", image, build.constant(np.array([0, 0, reach, reach] * 2, np.int64)), mode="edge")
    down = build.node("Conv", padded, build.constant(bell[None, None, :, None].astype(np.float32)))
    return build.node("Conv", down, build.constant(bell[None, None, None, :].astype(np.float32)))
