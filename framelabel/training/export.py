"""Write a trained network as ONNX and prove that the file says what the network says."""

from __future__ import annotations

import copy
import operator
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from framelabel.core.errors import ModelMismatchError
from framelabel.training.network import CompactDetector, ConvUnit, cells_of, decoded_boxes

_OPSET = 13
_IR_VERSION = 8
TOLERANCE = 1e-4
_END = 2**31 - 1
"""Beyond every axis."""


def folded(network: CompactDetector, *, half: bool = False) -> CompactDetector:
    """Return a copy for inference: every normalisation folded into its convolution.

    With `half`, weights are rounded to half precision first, so that a file that stores them so loses nothing more.
    """
    result: CompactDetector = copy.deepcopy(network).eval().float()
    for unit in result.modules():
        if isinstance(unit, ConvUnit) and not isinstance(unit.norm, nn.Identity):
            unit.conv = nn.utils.fuse_conv_bn_eval(unit.conv, unit.norm)
            unit.norm = nn.Identity()
    if half:
        with torch.no_grad():
            for weight in result.parameters():
                if weight.dim() > 1:
                    weight.copy_(weight.half().float())
    return result


def raw_grid(network: CompactDetector, batch: Any) -> Any:
    """Return what the ONNX file returns: (B, cells, 5 + C); boxes raw, objectness and classes as probabilities."""
    parts = [torch.cat([level[:, :4], level[:, 4:].sigmoid()], dim=1).flatten(2) for level in network(batch)]
    return torch.cat(parts, dim=2).transpose(1, 2)


def export(network: CompactDetector, path: Path, size: tuple[int, int], *, half: bool = True) -> CompactDetector:
    """Write the network as ONNX for inputs of `size` (width, height); return the folded network that it equals.

    The layout is YOLOX's: input "images" (B, 3, H, W) BGR 0..255, output (B, cells, 5 + C) on the raw grid. With `half`
    the weights are stored as half floats and widened when the file is loaded: half the bytes, computation in float32.
    """
    import onnx

    plain: CompactDetector = folded(network, half=half).cpu()
    graph = _Graph(half=half)
    last = graph.trace(plain)
    values = 5 + network.class_count
    cells = sum((size[0] // stride) * (size[1] // stride) for stride in (8, 16, 32))
    output = graph.assemble(last)
    helper = onnx.helper
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "compact_detector",
            [helper.make_tensor_value_info("images", onnx.TensorProto.FLOAT, ["batch", 3, size[1], size[0]])],
            [helper.make_tensor_value_info(output, onnx.TensorProto.FLOAT, ["batch", cells, values])],
            graph.stored,
        ),
        opset_imports=[helper.make_opsetid("", _OPSET)],
        producer_name="framelabel",
    )
    model.ir_version = _IR_VERSION
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(path))
    return plain


def check(
    plain: CompactDetector,
    answers: Sequence[NDArray[np.float32]],
    batches: Sequence[NDArray[np.float32]],
) -> float:
    """Return the largest difference between the exported file's answers and the network's.

    Probabilities are compared as they are, boxes decoded and as shares of the input side, so that one limit suits both.

    Args:
        plain: what `export` returned.
        answers: what the ONNX file answered to each batch.
        batches: (B, 3, H, W) real pictures.

    Raises:
        ModelMismatchError: they differ by more than 1e-4.
    """
    worst = 0.0
    for answer, batch in zip(answers, batches, strict=True):
        with torch.no_grad():
            pictures = torch.from_numpy(batch)
            own = raw_grid(plain, pictures)
            cells = cells_of(plain(pictures))
        given = torch.from_numpy(answer)
        boxes = [decoded_boxes(raw, cells) / max(batch.shape[2:]) for raw in (own, given)]
        worst = max(worst, float((boxes[0] - boxes[1]).abs().max()), float((own - given)[..., 4:].abs().max()))
    if worst > TOLERANCE:
        msg = f"the exported model differs from the trained network by {worst:.2g}, more than {TOLERANCE}"
        raise ModelMismatchError(msg)
    return worst


class _Graph:
    """ONNX nodes for the operations that a compact detector is made of, found by tracing it symbolically."""

    def __init__(self, *, half: bool) -> None:
        self.nodes: list[Any] = []
        self.stored: list[Any] = []
        self._half = half
        self._constants: dict[tuple[int, ...], str] = {}

    def trace(self, network: CompactDetector) -> list[str]:
        """Append the network's nodes; return the names of its outputs."""
        traced = torch.fx.symbolic_trace(network)
        modules = dict(traced.named_modules())
        names: dict[Any, Any] = {}
        for node in traced.graph.nodes:
            if node.op == "placeholder":
                names[node] = "images"
            elif node.op == "call_module":
                names[node] = self._module(modules[node.target], names[node.args[0]], node.name)
            elif node.op == "call_function" and node.target is torch.cat:
                joined = [names[part] for part in node.args[0]]
                names[node] = self._add("Concat", joined, node.name, axis=1)
            elif node.op == "call_function" and node.target is operator.add:
                names[node] = self._add("Add", [names[part] for part in node.args], node.name)
            elif node.op == "call_function" and node.target is operator.getitem:
                names[node] = self._corner(names[node.args[0]], node.args[1], node.name)
            elif node.op == "output":
                return [names[part] for part in node.args[0]]
            else:
                msg = f"cannot export operation {node.op} {node.target}"
                raise ModelMismatchError(msg)
        msg = "the network has no output"
        raise ModelMismatchError(msg)

    def assemble(self, levels: list[str]) -> str:
        """Append probabilities, flattening and the final transposition; return the output's name."""
        parts = []
        for number, level in enumerate(levels):
            box = self._slice(level, [(1, 0, 4, 1)], f"box{number}")
            logits = self._slice(level, [(1, 4, _END, 1)], f"logits{number}")
            joined = self._add("Concat", [box, self._add("Sigmoid", [logits], f"p{number}")], f"level{number}", axis=1)
            parts.append(self._add("Reshape", [joined, self._integers([0, 0, -1])], f"flat{number}"))
        return self._add("Transpose", [self._add("Concat", parts, "cells", axis=2)], "output", perm=[0, 2, 1])

    def _module(self, module: Any, source: str, name: str) -> str:
        if isinstance(module, nn.Identity):
            return source
        if isinstance(module, nn.Conv2d):
            weight = self._weights(module.weight, f"{name}.weight")
            bias = self._weights(module.bias, f"{name}.bias")
            pad = list(module.padding) * 2
            attributes = {"kernel_shape": list(module.kernel_size), "strides": list(module.stride), "pads": pad}
            return self._add("Conv", [source, weight, bias], name, group=module.groups, **attributes)
        if isinstance(module, nn.SiLU):
            return self._add("Mul", [source, self._add("Sigmoid", [source], f"{name}.gate")], name)
        if isinstance(module, nn.MaxPool2d):
            pads = [module.padding] * 4
            return self._add(
                "MaxPool", [source], name, kernel_shape=[module.kernel_size] * 2, strides=[1, 1], pads=pads
            )
        if isinstance(module, nn.Upsample):
            scales = self._floats([1.0, 1.0, float(module.scale_factor), float(module.scale_factor)], f"{name}.scales")
            modes = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
            return self._add("Resize", [source, "", scales], name, mode="nearest", **modes)
        msg = f"cannot export a layer of type {type(module).__name__}"
        raise ModelMismatchError(msg)

    def _corner(self, source: str, index: tuple[Any, ...], name: str) -> str:
        window = [(axis, part.start or 0, _END, part.step) for axis, part in enumerate(index) if part.step]
        return self._slice(source, window, name)

    def _slice(self, source: str, window: list[tuple[int, int, int, int]], name: str) -> str:
        """Cut; each of `window` is an axis with its start, stop and step."""
        columns = [list(column) for column in zip(*window, strict=True)]
        axes, starts, stops, steps = (self._integers(column) for column in columns)
        return self._add("Slice", [source, starts, stops, axes, steps], name)

    def _add(self, kind: str, inputs: list[str], name: str, **attributes: Any) -> str:
        import onnx

        self.nodes.append(onnx.helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def _integers(self, values: list[int]) -> str:
        import onnx

        key = tuple(values)
        if key not in self._constants:
            self._constants[key] = f"int64_{len(self._constants)}"
            self.stored.append(onnx.numpy_helper.from_array(np.array(values, np.int64), self._constants[key]))
        return self._constants[key]

    def _floats(self, values: list[float], name: str) -> str:
        import onnx

        self.stored.append(onnx.numpy_helper.from_array(np.array(values, np.float32), name))
        return name

    def _weights(self, tensor: Any, name: str) -> str:
        """Store one parameter; weights as half floats behind a Cast where asked, biases always as float32."""
        import onnx

        values = tensor.detach().numpy()
        if not self._half or values.ndim == 1:
            self.stored.append(onnx.numpy_helper.from_array(values.astype(np.float32), name))
            return name
        self.stored.append(onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        return self._add("Cast", [f"{name}.half"], name, to=onnx.TensorProto.FLOAT)
