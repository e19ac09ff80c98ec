"""Eight bits say almost what 32 said, at a quarter of the size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from framelabel.inference.session import Session
from framelabel.training.quantise import instrumented, observed_tensors, quantised, widened

onnx = pytest.importorskip("onnx")


def _model(*, half: bool) -> Any:
    """Return two gated convolutions and a plain one (the prediction), on (1, 3, 16, 16) pictures."""
    rng = np.random.default_rng(0)
    nodes, stored, source = [], [], "images"
    for number, (inputs, outputs) in enumerate([(3, 24), (24, 24), (24, 5)]):
        weight = (rng.normal(0, 1, (outputs, inputs, 3, 3)) / np.sqrt(inputs * 9)).astype(np.float32)
        name = f"w{number}"
        if half:
            stored.append(onnx.numpy_helper.from_array(weight.astype(np.float16), f"{name}.half"))
            nodes.append(onnx.helper.make_node("Cast", [f"{name}.half"], [name], to=1))
        else:
            stored.append(onnx.numpy_helper.from_array(weight, name))
        bias = rng.normal(0, 0.1, outputs).astype(np.float32)
        stored.append(onnx.numpy_helper.from_array(bias, f"b{number}"))
        nodes.append(onnx.helper.make_node("Conv", [source, name, f"b{number}"], [f"c{number}"], pads=[1, 1, 1, 1]))
        if number < 2:
            nodes.append(onnx.helper.make_node("Sigmoid", [f"c{number}"], [f"s{number}"]))
            nodes.append(onnx.helper.make_node("Mul", [f"c{number}", f"s{number}"], [f"a{number}"]))
        source = f"a{number}"
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes, "g", [value("images", 1, ["batch", 3, 16, 16])], [value("c2", 1, ["batch", 5, 16, 16])], stored
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)])
    model.ir_version = 8
    return model


def _run(model: Any, path: Path, batch: Any) -> list[Any]:
    onnx.save(model, str(path))
    return list(Session(path, device="cpu").run(batch)[0])


@pytest.mark.parametrize("half", [False, True], ids=["float32", "stored as half"])
def test_quantised_answers_are_near(tmp_path: Path, half: bool) -> None:
    """With ranges from one picture, another one is answered to a twentieth of the output's spread nearly everywhere.

    Kernels of older runtimes saturate a few sums that newer ones do not, so the rare outlier is not what is judged.
    """
    model = _model(half=half)
    rng = np.random.default_rng(1)
    seen, other = (rng.uniform(0, 1, (1, 3, 16, 16)).astype(np.float32) for _ in range(2))
    names = observed_tensors(model)
    assert names == ["images", "c0", "a0", "c1"]
    ranges = {"images": (0.0, 1.0)}
    values = _run(instrumented(model, names), tmp_path / "i.onnx", seen)[1:]
    for name, array in zip(names[1:], values, strict=True):
        ranges[name] = widened(ranges.get(name), array)
    small = quantised(model, ranges)
    exact, near = (_run(m, tmp_path / "m.onnx", other)[0] for m in (model, small))
    spread = exact.max() - exact.min()
    assert np.quantile(np.abs(exact - near), 0.9) < 0.05 * spread
    assert np.abs(exact - near).mean() < 0.02 * spread
    assert np.abs(exact - near).max() > 0
    kinds = {tensor.name: tensor.data_type for tensor in small.graph.initializer}
    assert kinds["w0.int"] == kinds["w1.int"] == onnx.TensorProto.INT8
    assert not any(name.startswith("w0") and kind in (1, 10) and "step" not in name for name, kind in kinds.items())


def test_ranges_always_hold_zero() -> None:
    """A tensor that was only seen positive still has zero in its range."""
    assert widened(None, np.array([2.0, 3.0], np.float32)) == (0.0, 3.0)
    assert widened((-1.0, 3.0), np.array([-4.0, 1.0], np.float32)) == (-4.0, 3.0)
