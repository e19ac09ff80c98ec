"""Freeing a model's picture size changes its declaration and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnx
import pytest

from framelabel.inference.free_size import free_picture_size


@pytest.mark.parametrize(
    ("file", "name"),
    [("yolox_nano/yolox_nano_416x416.onnx", "images"), ("nanodet_m/nanodet_m_416.onnx", "input.1")],
)
def test_only_declared_shapes_change(shared: Callable[[str], Path], file: str, name: str) -> None:
    """The onnx library reads the edited file: same nodes, same weights, free height and width, all else as it was."""
    before = onnx.load(shared(f"models/{file}"))
    after = onnx.load_from_string(free_picture_size(before.SerializeToString(), name, (2, 3)))
    onnx.checker.check_model(after)
    assert list(before.graph.node) == list(after.graph.node)
    assert list(before.graph.initializer) == list(after.graph.initializer)
    dims = [dim.dim_value or dim.dim_param for dim in after.graph.input[0].type.tensor_type.shape.dim]
    assert dims == [1, 3, "height", "width"]
    assert list(before.graph.input)[1:] == list(after.graph.input)[1:]
    assert [output.name for output in before.graph.output] == [output.name for output in after.graph.output]
    assert before.opset_import == after.opset_import


@pytest.mark.parametrize("junk", [b"\xff\xff", b"\x0f\x00", b"\x0a\x7fshort", b"\x0a" + b"\xff" * 11])
def test_junk_is_refused(junk: bytes) -> None:
    """Bytes that are no protocol buffer raise one clear error instead of a model that half loads."""
    with pytest.raises(ValueError, match="not a protocol buffer"):
        free_picture_size(junk, "images", (2, 3))
