"""Building ONNX files node by node. Needs the `onnx` package; running what was built does not."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Any

import numpy as np

from framelabel.core.errors import UsageError

OPSET, IR_VERSION = 17, 8


def need_onnx() -> None:
    """Say how to get the `onnx` package where it is missing.

    Raises:
        UsageError: it is not installed.
    """
    if importlib.util.find_spec("onnx") is None:
        msg = "making a model needs the onnx package: pip install onnx"
        raise UsageError(msg)


class GraphBuilder:
    """Collects nodes and constants in the order of the computation."""

    def __init__(self, prefix: str = "") -> None:
        """Begin an empty graph.

        Args:
            prefix: in front of every name, where nodes are added to somebody else's graph.
        """
        need_onnx()
        from onnx import helper, numpy_helper

        self._helper, self._numpy_helper, self._prefix = helper, numpy_helper, prefix
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Append a node of one output; return the output's name. "" leaves an optional input out."""
        name = f"{self._prefix}{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(self._helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def constant(self, value: Any) -> str:
        """Append a constant (float64 becomes float32); return its name."""
        array = np.asarray(value)
        if array.dtype == np.float64:
            array = array.astype(np.float32)
        name = f"{self._prefix}constant_{len(self.constants)}"
        self.constants.append(self._numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name))
        return name

    def resized(self, image: str, shape: Sequence[int]) -> str:
        """Append a bilinear resize of a map to a (1, C, H, W) shape, as every operator set from 11 on knows it."""
        nothing = self.constant(np.zeros(0, np.float32))
        return self.node("Resize", image, nothing, nothing, self.constant(np.array(shape, np.int64)), mode="linear")

    def model(self, name: str, picture: tuple[str, list[int]], output: tuple[str, list[int] | None]) -> Any:
        """Return the model of everything that was appended, from one float picture to one float output."""
        from onnx import TensorProto

        graph = self._helper.make_graph(
            self.nodes,
            name,
            [self._helper.make_tensor_value_info(picture[0], TensorProto.FLOAT, picture[1])],
            [self._helper.make_tensor_value_info(output[0], TensorProto.FLOAT, output[1])],
            self.constants,
        )
        return self._helper.make_model(
            graph, opset_imports=[self._helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
        )
