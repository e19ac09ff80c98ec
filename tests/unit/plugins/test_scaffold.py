"""A plugin made from an ONNX file loads, builds, and says what its maker should confirm."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from framelabel import plugins
from framelabel.core.errors import ModelMismatchError, UsageError
from framelabel.plugins.scaffold import manifest_text, propose, write_folder

Make = Callable[..., Path]
CELLS = 64 + 16 + 4


@pytest.fixture
def model(constant_model: Make) -> Path:
    """Return a YOLOv8-like file for 64 x 64 pictures with two classes that it names itself."""
    table, glow = np.full((6, CELLS), 0.01, np.float32), np.zeros((6, CELLS), np.float32)
    table[:, 0] = [32, 32, 20, 20, 0.1, 0.0]
    glow[4, 0] = 0.9
    path = constant_model({"out": table}, shape=(1, 3, 64, 64), glow={"out": glow}, name="my model.onnx")
    loaded = onnx.load(path)
    loaded.metadata_props.add(key="names", value="{0: 'bolt', 1: 'nut'}")
    onnx.save(loaded, path)
    return path


def test_names_family_and_feeding_are_found(model: Path, tmp_path: Path) -> None:
    """The folder that is written loads and builds as it stands."""
    proposal = propose(model, pictures=[np.full((64, 64, 3), 200, np.uint8)])
    assert (proposal.family.decoder, proposal.classes) == ("yolov8", ("bolt", "nut"))
    assert proposal.input.size == (64, 64)
    assert proposal.input.resize == "letterbox_centred"
    write_folder(tmp_path / "made", "made", model, proposal, licence="MIT")
    plugin = plugins.build(plugins.load(tmp_path / "made"), device="cpu")
    assert plugin.ontology.names == ("bolt", "nut")
    assert plugin.manifest.model.licence == "MIT"
    with pytest.raises(UsageError, match="exists already"):
        write_folder(tmp_path / "made", "made", model, proposal)


def planted(layout: str) -> dict[str, NDArray[np.float32]]:
    """Return a model's outputs, in the layout that its family's own code reads, for one `b` at (16, 16, 48, 48)."""
    cell, scores = 4 * 8 + 4, np.array([0.0, 0.9, 0.0], np.float32)  # row of the cell in the picture's middle, stride 8
    box = np.array([32, 32, 32, 32], np.float32)
    if layout == "yolox":
        table = np.zeros((CELLS, 8), np.float32)
        table[cell] = [0, 0, np.log(4), np.log(4), 1.0, *scores]
        return {"out": table}
    if layout == "yolov5":
        table = np.full((3 * CELLS, 8), 0.01, np.float32)
        table[cell] = [*box, 1.0, *scores]
        return {"out": table}
    if layout.startswith("yolov8"):
        table = np.full((CELLS, 7), 0.01, np.float32)
        table[:, :2] = 200.0  # other cells lie outside the picture
        table[cell] = [*box, *scores]
        return {"out": table if layout == "yolov8-turned" else table.T}
    if layout.startswith("detr"):
        logits = np.full((20, 3 + layout.endswith("no-object")), -8.0, np.float32)
        logits[:, 3:] = 8.0
        logits[7] = [-8, 2.2, -8, 0][: logits.shape[1]]  # the score is 0.9 by sigmoid and by softmax
        return {"logits": logits, "boxes": np.tile(np.array([0.5, 0.5, 0.5, 0.5], np.float32), (20, 1))}
    if layout == "ssd":
        softmaxed = np.tile(np.array([1, 0, 0, 0], np.float32), (40, 1))
        softmaxed[7] = [0.1, 0, 0.9, 0]
        return {"scores": softmaxed, "boxes": np.tile(np.array([0.25, 0.25, 0.75, 0.75], np.float32), (40, 1))}
    return {"out": np.array([-4, 4, -4], np.float32)}


LAYOUTS = ["yolox", "yolov5", "yolov8", "yolov8-turned", "detr", "detr-no-object", "ssd", "classifier"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_labels_as_it_was_made(constant_model: Make, tmp_path: Path, layout: str) -> None:
    """From the file and three names to a plugin that finds the one object: place, class, score."""
    model = constant_model(planted(layout), shape=(1, 3, 64, 64))
    proposal = propose(model, classes=("a", "b", "c"))
    write_folder(tmp_path / "made", "made", model, proposal)
    plugin = plugins.build(plugins.load(tmp_path / "made"), device="cpu")
    [found] = plugin.detector.find([np.full((64, 64, 3), 200, np.uint8)])
    if layout == "classifier":
        assert max(found.tags, key=lambda tag: found.tags[tag]) == 1
        return
    assert found.boxes.class_id.tolist() == [1]
    assert found.boxes.xyxy[0].tolist() == pytest.approx([16, 16, 48, 48], abs=1e-3)
    assert found.boxes.score[0] == pytest.approx(0.9, abs=0.01)


def test_doubts_are_written_into_the_file(model: Path) -> None:
    """Without a picture nothing could be tried; the manifest says so where its maker looks."""
    proposal = propose(model)
    assert any("not tried" in doubt for doubt in proposal.doubts)
    assert "# To confirm: no sample was given" in manifest_text("made", model, proposal)


@pytest.mark.parametrize(("height", "said"), [(32, True), (64, False)], ids=["wide", "square"])
def test_a_shape_that_stretching_spoils_is_said(constant_model: Make, height: int, said: bool) -> None:
    """The model is sure of what the grey padding brightens, so only a wide dark picture agrees better letterboxed."""
    outputs = planted("ssd")
    outputs["scores"][7] = [0.9, 0.0, 0.1, 0.0]
    glow = np.zeros_like(outputs["scores"])
    glow[7] = [-800, 0, 800, 0]  # the padding is a fifth of white at 0..1, and the model divides by 255
    model = constant_model(outputs, shape=(1, 3, 64, 64), glow={"scores": glow})
    proposal = propose(model, pictures=[np.zeros((height, 64, 3), np.uint8)], classes=("a", "b", "c"))
    assert proposal.input.resize == "stretch"
    assert any("'resize: letterbox' agrees clearly better" in doubt for doubt in proposal.doubts) == said


def test_wrong_class_count_is_refused(model: Path) -> None:
    """Three names for two classes would shift every label."""
    with pytest.raises(ModelMismatchError, match="3 names are given for 2 classes"):
        propose(model, classes=("a", "b", "c"))


def test_the_decoder_can_be_told(model: Path) -> None:
    """A told decoder that does not fit is refused with the shapes."""
    assert propose(model, decoder="yolov8").family.evidence == "as told by --decoder"
    with pytest.raises(ModelMismatchError, match="decoder 'nanodet' expects"):
        propose(model, decoder="nanodet")


def test_unnamed_classes_are_numbered(constant_model: Make) -> None:
    """A file without names gets class_0, class_1 and a doubt; eighty are taken for COCO's and that is said."""
    for count, first in ((2, "class_0"), (80, "person")):
        table = np.full((4 + count, 144 + 36 + 9), 0.01, np.float32)
        proposal = propose(constant_model({"out": table}, shape=(1, 3, 96, 96)))
        assert proposal.classes[0] == first
        assert any("does not name its" in doubt for doubt in proposal.doubts)


def test_a_model_that_takes_no_pictures(constant_model: Make, tmp_path: Path) -> None:
    """A model of vectors is one line."""
    node = onnx.helper.make_node("Identity", ["x"], ["y"])
    ends = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 7]) for name in ("x", "y")]
    graph = onnx.helper.make_graph([node], "vectors", ends[:1], ends[1:])
    path = tmp_path / "vectors.onnx"
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8), path)
    with pytest.raises(ModelMismatchError, match="not a batch of pictures"):
        propose(path)
