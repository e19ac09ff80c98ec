"""A world whose truth is known: two coloured squares on grey, a clip of them, and a plugin that really finds them.

The model is an ONNX graph that thresholds one colour channel against the others and takes the first and last bright
row and column, so labels can be compared with the positions that the clip was drawn from.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from framelabel.media.encoder import write_video

SIZE = (96, 64)
"""(width, height) of the clip and of the model's input."""
SIDE = 16

PLUGIN = """\
schema_version: 1
name: squares
title: Red and green squares
classes: [{name: red}, {name: green}]
model:
  file: model.onnx
  input: {size: [96, 64], resize: stretch, colour: rgb, scale: 0.00392156862745098}
  decoder: ssd
  decoder_options: {normalised: false, background: false}
  score_threshold: 0.5
"""


def truth(frame: int) -> NDArray[np.float64]:
    """Return the (2, 4) xyxy of the red and the green square in a frame; they turn at the borders."""
    red = abs((4 + 2 * frame) % 160 - 80)
    green = abs((40 + 2 * frame) % 160 - 80)
    return np.array([[red, 8, red + SIDE, 8 + SIDE], [green, 40, green + SIDE, 40 + SIDE]], dtype=np.float64)


def picture(frame: int) -> NDArray[np.uint8]:
    """Return the (64, 96, 3) RGB picture of a frame."""
    image = np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)
    for box, colour in zip(truth(frame).astype(int), ((230, 30, 30), (30, 230, 30)), strict=True):
        image[box[1] : box[3], box[0] : box[2]] = colour
    return image


def write_clip(path: Path, frame_count: int, fps: int = 25) -> Path:
    """Write the clip, losslessly up to colour subsampling; return its path."""
    pictures = ((frame, picture(frame)) for frame in range(frame_count))
    write_video(path, pictures, Fraction(1, fps), Fraction(fps), quality=0)
    return path


def write_plugin(folder: Path) -> Path:
    """Write the plugin's folder; return it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plugin.yaml").write_text(PLUGIN, "utf-8")
    onnx.save(_model(), folder / "model.onnx")
    return folder


def _model() -> onnx.ModelProto:
    """Build the graph: per colour, the extent of the pixels whose channel beats the two others by 0.25."""
    nodes: list[onnx.NodeProto] = [
        helper.make_node("Split", ["images", "parts"], ["r", "g", "b"], axis=1),
    ]
    boxes = []
    for name, others in (("r", ("g", "b")), ("g", ("r", "b"))):
        nodes += [
            helper.make_node("Max", list(others), [f"{name}_rival"]),
            helper.make_node("Sub", [name, f"{name}_rival"], [f"{name}_lead"]),
            helper.make_node("Greater", [f"{name}_lead", "least"], [f"{name}_is"]),
            helper.make_node("Cast", [f"{name}_is"], [f"{name}_mask"], to=TensorProto.FLOAT),
            helper.make_node("ReduceMax", [f"{name}_mask", "rows_axis"], [f"{name}_columns"], keepdims=0),
            helper.make_node("ReduceMax", [f"{name}_mask", "columns_axis"], [f"{name}_rows"], keepdims=0),
            helper.make_node("ReduceMax", [f"{name}_columns", "last_axis"], [f"{name}_score"], keepdims=1),
        ]
        for side, source, last in (("x1", "columns", 0), ("y1", "rows", 0), ("x2", "columns", 1), ("y2", "rows", 1)):
            nodes += [
                helper.make_node(
                    "ArgMax", [f"{name}_{source}"], [f"{name}_{side}_i"], axis=2, keepdims=1, select_last_index=last
                ),
                helper.make_node("Cast", [f"{name}_{side}_i"], [f"{name}_{side}_f"], to=TensorProto.FLOAT),
                helper.make_node("Add", [f"{name}_{side}_f", "one" if last else "nought"], [f"{name}_{side}"]),
            ]
        sides = [f"{name}_{side}" for side in ("x1", "y1", "x2", "y2")]
        nodes.append(helper.make_node("Concat", sides, [f"{name}_box"], axis=2))
        boxes.append(f"{name}_box")
    nodes += [
        helper.make_node("Concat", boxes, ["boxes"], axis=1),
        helper.make_node("Mul", ["r_score", "first"], ["r_table"]),
        helper.make_node("Mul", ["g_score", "second"], ["g_table"]),
        helper.make_node("Concat", ["r_table", "g_table"], ["scores"], axis=1),
    ]
    constants = {
        "parts": np.array([1, 1, 1]),
        "least": np.array([0.25], np.float32),
        "rows_axis": np.array([2]),
        "columns_axis": np.array([3]),
        "last_axis": np.array([2]),
        "one": np.array([1], np.float32),
        "nought": np.array([0], np.float32),
        "first": np.array([[[0.9, 0.0]]], np.float32),
        "second": np.array([[[0.0, 0.8]]], np.float32),
    }
    initialisers = [onnx.numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = helper.make_graph(
        nodes,
        "squares",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, SIZE[1], SIZE[0]])],
        [
            helper.make_tensor_value_info("boxes", TensorProto.FLOAT, [1, 2, 4]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 2, 2]),
        ],
        initialisers,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
