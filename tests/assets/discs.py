"""A world whose masks are known: one red disc on grey, and two plugins that see it: one in pixels, one as a whole.

The segmenter is a 1 x 1 convolution that scores redness, the classifier a mean over the picture: both are real models
whose answers can be computed by hand.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from framelabel.media.encoder import write_video

SIZE = (96, 64)
"""(width, height) of pictures and of the models' inputs."""

SEGMENTER = """\
schema_version: 1
name: discs
title: Red discs
classes:
  - {name: car, model_index: 1, attributes: {severity: {values: [small, large], by_area: [0.05]}}}
model:
  file: model.onnx
  input: {size: [96, 64], resize: stretch, colour: rgb}
  decoder: segmenter
  score_threshold: 0.3
tracker: {name: bytetrack}
review: {accept_at: 0.8, drop_below: 0.3}
"""
CLASSIFIER = """\
schema_version: 1
name: daylight
title: Day or night
classes: [{name: night}, {name: day}]
frame_attributes: {time: {values: [night, day]}}
model:
  file: model.onnx
  input: {size: [96, 64], resize: stretch, colour: rgb}
  decoder: classifier
  score_threshold: 0.1
"""


def inside(frame: int, radius: int = 12) -> NDArray[np.bool_]:
    """Return the (64, 96) pixels of the disc in a frame."""
    rows, columns = np.mgrid[: SIZE[1], : SIZE[0]]
    return np.asarray((columns - 16 - 2 * frame) ** 2 + (rows - 30) ** 2 <= radius**2)


def picture(frame: int, radius: int = 12, grey: int = 90) -> NDArray[np.uint8]:
    """Return the (64, 96, 3) RGB picture of a frame."""
    image = np.full((SIZE[1], SIZE[0], 3), grey, np.uint8)
    image[inside(frame, radius)] = (230, 20, 20)
    return image


def write_clip(path: Path, frame_count: int) -> Path:
    """Write a clip of the moving disc; return its path."""
    pictures = ((frame, picture(frame)) for frame in range(frame_count))
    write_video(path, pictures, Fraction(1, 25), Fraction(25), quality=0)
    return path


def write_picture(path: Path, image: NDArray[np.uint8]) -> Path:
    """Write one picture without loss; return its path."""
    cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    return path


def write_segmenter(folder: Path) -> Path:
    """Write the plugin that gives a mask; return its folder."""
    weights = np.zeros((2, 3, 1, 1), np.float32)
    weights[1, :, 0, 0] = 0.1, -0.05, -0.05
    bias = np.array([0.0, -4.0], np.float32)
    nodes = [helper.make_node("Conv", ["images", "weights", "bias"], ["scores"])]
    constants = {"weights": weights, "bias": bias}
    return _write(folder, SEGMENTER, nodes, constants, ("scores", [1, 2, SIZE[1], SIZE[0]]))


def write_classifier(folder: Path) -> Path:
    """Write the plugin that tags the picture; return its folder."""
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["light"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Sub", ["light", "middle"], ["above"]),
        helper.make_node("Unsqueeze", ["above", "axis"], ["column"]),
        helper.make_node("MatMul", ["column", "gain"], ["scores"]),
    ]
    constants = {
        "middle": np.array(100.0, np.float32),
        "axis": np.array([1]),
        "gain": np.array([[-0.05, 0.05]], np.float32),
    }
    return _write(folder, CLASSIFIER, nodes, constants, ("scores", [1, 2]))


def _write(
    folder: Path,
    manifest: str,
    nodes: list[onnx.NodeProto],
    constants: dict[str, NDArray[np.generic]],
    output: tuple[str, list[int]],
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plugin.yaml").write_text(manifest, "utf-8")
    graph = helper.make_graph(
        nodes,
        "discs",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, SIZE[1], SIZE[0]])],
        [helper.make_tensor_value_info(output[0], TensorProto.FLOAT, output[1])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, folder / "model.onnx")
    return folder
