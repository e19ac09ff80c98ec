"""Post-training quantisation of an ONNX detector to 8 bits. No torch here, and no runtime: the caller runs the model.

Weights become int8, one scale per output channel; inputs and outputs of convolutions become uint8 with the range seen
on calibration pictures (Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference"). The prediction layers stay in floating point: they cost little and decide much.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Range = tuple[float, float]


def observed_tensors(model: Any) -> list[str]:
    """Return the tensors whose ranges are needed: inputs and outputs of all convolutions but the predictions."""
    names: dict[str, None] = {}
    for node in _convolutions(model):
        names[node.input[0]] = None
        names[node.output[0]] = None
    return list(names)


def instrumented(model: Any, names: list[str]) -> Any:
    """Return the model with these tensors as further outputs, in this order, behind its own."""
    import onnx

    result = copy.deepcopy(model)
    inputs = {value.name for value in result.graph.input}
    for name in names:
        if name in inputs:
            continue
        result.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    return result


def widened(known: Range | None, values: NDArray[np.float32]) -> Range:
    """Return a range that also holds these values and zero (padding must be exact)."""
    low, high = known if known is not None else (0.0, 0.0)
    return min(low, float(values.min())), max(high, float(values.max()))


def quantised(model: Any, ranges: Mapping[str, Range]) -> Any:
    """Return the model with quantised convolutions.

    Args:
        model: an ONNX model with weights stored as float32, or as half floats behind a Cast.
        ranges: of every tensor that `observed_tensors` names.
    """
    import onnx

    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    graph = model.graph
    stored = {tensor.name: numpy_helper.to_array(tensor).astype(np.float32) for tensor in graph.initializer}
    casts = {node.output[0]: node for node in graph.node if node.op_type == "Cast" and node.input[0] in stored}
    stored.update({name: stored[node.input[0]] for name, node in casts.items()})
    chosen = {node.output[0] for node in _convolutions(model)}
    nodes: list[Any] = []
    extra: list[Any] = []
    replaced: set[str] = set()
    twins: dict[str, str] = {}

    def keep(array: NDArray[Any], name: str) -> str:
        extra.append(numpy_helper.from_array(array, name))
        return name

    def twin(name: str) -> str:
        """Return the quantised and widened copy of an activation."""
        if name not in twins:
            scale, zero = _activation_grid(ranges[name])
            parts = [keep(np.array(scale, np.float32), f"{name}.scale"), keep(np.array(zero, np.uint8), f"{name}.zero")]
            nodes.append(helper.make_node("QuantizeLinear", [name, *parts], [f"{name}.q"]))
            nodes.append(helper.make_node("DequantizeLinear", [f"{name}.q", *parts], [f"{name}.dq"]))
            twins[name] = f"{name}.dq"
        return twins[name]

    for node in graph.node:
        inputs = [twins.get(name, name) if name in chosen else name for name in node.input]
        if node.op_type == "Conv" and node.output[0] in chosen:
            source, weight, bias = node.input
            scale = np.maximum(np.abs(stored[weight]).max(axis=(1, 2, 3)), 1e-12) / 127.0
            whole = np.clip(np.round(stored[weight] / scale[:, None, None, None]), -127, 127).astype(np.int8)
            total = scale * _activation_grid(ranges[source])[0]
            whole_bias = np.clip(np.round(stored[bias] / total), -(2**31), 2**31 - 1).astype(np.int32)
            names = []
            for name, values, step in ((weight, whole, scale), (bias, whole_bias, total)):
                parts = [
                    keep(values, f"{name}.int"),
                    keep(step.astype(np.float32), f"{name}.step"),
                    keep(np.zeros(len(step), values.dtype), f"{name}.none"),
                ]
                nodes.append(helper.make_node("DequantizeLinear", parts, [f"{name}.dq"], axis=0))
                names.append(f"{name}.dq")
            replaced |= {weight, bias}
            fresh = copy.deepcopy(node)
            del fresh.input[:]
            fresh.input.extend([twin(source), *names])
            nodes.append(fresh)
            twin(node.output[0])
            continue
        fresh = copy.deepcopy(node)
        del fresh.input[:]
        fresh.input.extend(inputs)
        nodes.append(fresh)
    result = copy.deepcopy(model)
    del result.graph.node[:]
    result.graph.node.extend(node for node in nodes if not (node.op_type == "Cast" and node.output[0] in replaced))
    unused = replaced | {casts[name].input[0] for name in replaced if name in casts}
    kept = [tensor for tensor in graph.initializer if tensor.name not in unused]
    del result.graph.initializer[:]
    result.graph.initializer.extend([*kept, *extra])
    onnx.checker.check_model(result)
    return result


def _convolutions(model: Any) -> list[Any]:
    """Return the convolutions that an activation follows; those without one are the predictions."""
    gated = {name for node in model.graph.node if node.op_type == "Mul" for name in node.input}
    return [node for node in model.graph.node if node.op_type == "Conv" and node.output[0] in gated]


def _activation_grid(seen: Range) -> tuple[float, int]:
    """Return scale and zero point of a uint8 grid over a range that holds zero."""
    low, high = seen
    scale = max((high - low) / 255.0, 1e-12)
    return scale, int(np.clip(round(-low / scale), 0, 255))
