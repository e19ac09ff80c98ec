"""Start from published YOLOX-nano weights: its ONNX initialisers are read into the network.

An exported file has its batch normalisation folded into the convolutions. Training needs it back, so each
normalisation is set to reproduce the folded network exactly on a calibration batch: its running statistics are those of
the batch, and its scale and shift undo them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from framelabel.core.errors import ModelMismatchError
from framelabel.training.network import CompactDetector, ConvUnit

_SMALLEST_VARIANCE = 1e-6


def convolutions(path: Path) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Return weight (O, I, K, K) and bias (O,) of every convolution of an ONNX file, in graph order.

    Raises:
        ModelMismatchError: the file has a convolution without stored weights and bias.
    """
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(str(path)).graph
    stored = {tensor.name: numpy_helper.to_array(tensor).astype(np.float32) for tensor in graph.initializer}
    for node in graph.node:  # weights that are stored as half floats pass through a Cast
        if node.op_type == "Cast" and node.input[0] in stored:
            stored[node.output[0]] = stored[node.input[0]]
    found = []
    for node in graph.node:
        if node.op_type == "Conv":
            if len(node.input) != 3 or node.input[1] not in stored or node.input[2] not in stored:
                msg = f"{path}: convolution '{node.name or node.output[0]}' has no stored weight and bias"
                raise ModelMismatchError(msg)
            found.append((stored[node.input[1]], stored[node.input[2]]))
    return found


def in_order_of_execution(network: CompactDetector) -> list[tuple[Any, Any]]:
    """Return every convolution with its normalisation (None for the three predictions), as a picture passes them."""
    norms = {id(unit.conv): unit.norm for unit in network.modules() if isinstance(unit, ConvUnit)}
    order: list[tuple[Any, Any]] = []

    def note(module: Any, *_: Any) -> None:
        order.append((module, norms.get(id(module))))

    hooks = [m.register_forward_hook(note) for m in network.modules() if isinstance(m, nn.Conv2d)]
    training = network.training
    network.eval()
    with torch.no_grad():
        network(torch.zeros(1, 3, 64, 64))
    network.train(training)
    for hook in hooks:
        hook.remove()
    return order


def read_weights(network: CompactDetector, path: Path, calibration: Any, classes: dict[int, int] | None = None) -> int:
    """Fill the network from an ONNX file of the same architecture; return how many convolutions were filled.

    Args:
        network: receives the weights.
        path: a YOLOX-nano file, or one that this package exported.
        calibration: (B, 3, H, W) pictures, BGR 0..255, from the data to be trained on.
        classes: which class row of the file starts which class row of the network; others start anew.

    Raises:
        ModelMismatchError: the file's convolutions are not those of this architecture.
    """
    source = convolutions(path)
    target = in_order_of_execution(network)
    if len(source) != len(target):
        msg = f"{path}: {len(source)} convolutions, but a compact detector has {len(target)}; give a YOLOX-nano file"
        raise ModelMismatchError(msg)
    predictions = {id(head.classes) for head in network.heads}
    shifts: dict[int, Any] = {}
    filled = 0
    with torch.no_grad():
        for place, ((weight, bias), (conv, norm)) in enumerate(zip(source, target, strict=True)):
            if id(conv) in predictions:
                same = weight.shape[0] == network.class_count
                rows = classes if classes is not None else ({k: k for k in range(len(weight))} if same else {})
                for row, kept in rows.items():
                    conv.weight[kept] = torch.from_numpy(weight[row])
                    conv.bias[kept] = float(bias[row])
                filled += bool(rows)
                continue
            if tuple(conv.weight.shape) != weight.shape:
                expected = tuple(conv.weight.shape)
                msg = f"{path}: convolution {place} is {weight.shape}, a compact detector has {expected} there"
                raise ModelMismatchError(msg)
            conv.weight.copy_(torch.from_numpy(weight))
            if norm is None:
                conv.bias.copy_(torch.from_numpy(bias))
            else:
                shifts[id(norm)] = torch.from_numpy(bias)
            filled += 1
    _restore_normalisation(network, shifts, calibration)
    return filled


def _restore_normalisation(network: CompactDetector, shifts: dict[int, Any], calibration: Any) -> None:
    """Set every normalisation so that the network in evaluation mode is the folded one."""

    def calibrate(norm: Any, inputs: tuple[Any, ...]) -> None:
        x = inputs[0].float()
        mean, variance = x.mean(dim=(0, 2, 3)), x.var(dim=(0, 2, 3), unbiased=False).clamp(min=_SMALLEST_VARIANCE)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_(torch.sqrt(variance + norm.eps))
        norm.bias.copy_(shifts[id(norm)] + mean)

    norms = [module for module in network.modules() if id(module) in shifts]
    hooks = [norm.register_forward_pre_hook(calibrate) for norm in norms]
    training = network.training
    network.eval()
    with torch.no_grad():
        network(calibration)
    network.train(training)
    for hook in hooks:
        hook.remove()
