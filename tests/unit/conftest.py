"""Tiny ONNX models, built where they are used."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Build = Callable[..., Path]


@pytest.fixture
def constant_model(tmp_path: Path) -> Build:
    """Return a builder of models whose outputs are constants, plus (mean of the input / 255) where a mask says so."""

    def build(
        outputs: Mapping[str, NDArray[Any]],
        *,
        shape: Sequence[int | str] = (1, 3, 32, 32),
        glow: Mapping[str, NDArray[np.float32]] | None = None,
        name: str = "model.onnx",
        dtype: int = TensorProto.FLOAT,
    ) -> Path:
        """Build `name`; each output gets a batch axis in front, `glow` marks the values that follow brightness."""
        nodes = [
            helper.make_node("Cast", ["images"], ["as_float"], to=TensorProto.FLOAT),
            helper.make_node("ReduceMean", ["as_float"], ["mean"], axes=[1, 2, 3], keepdims=0),
            helper.make_node("Div", ["mean", "white"], ["light"]),
        ]
        weights = [numpy_helper.from_array(np.array(255.0, np.float32), "white")]
        results = []
        for key, value in outputs.items():
            rank = value.ndim + 1
            mask = (glow or {}).get(key, np.zeros(value.shape, np.float32)).astype(np.float32)
            weights += [
                numpy_helper.from_array(value.astype(np.float32)[None], f"{key}_value"),
                numpy_helper.from_array(mask[None], f"{key}_mask"),
                numpy_helper.from_array(np.array([-1] + [1] * (rank - 1), np.int64), f"{key}_rank"),
            ]
            whole = np.issubdtype(value.dtype, np.integer)
            nodes += [
                helper.make_node("Reshape", ["light", f"{key}_rank"], [f"{key}_light"]),
                helper.make_node("Mul", [f"{key}_light", f"{key}_mask"], [f"{key}_glow"]),
                helper.make_node("Add", [f"{key}_glow", f"{key}_value"], [f"{key}_sum" if whole else key]),
            ]
            if whole:
                nodes.append(helper.make_node("Cast", [f"{key}_sum"], [key], to=TensorProto.INT64))
            kind = TensorProto.INT64 if whole else TensorProto.FLOAT
            results.append(helper.make_tensor_value_info(key, kind, [shape[0], *value.shape]))
        graph = helper.make_graph(
            nodes, "constants", [helper.make_tensor_value_info("images", dtype, list(shape))], results, weights
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        path = tmp_path / name
        onnx.save(model, path)
        return path

    return build
