"""The trained network: pretrained weights, loss, exact resume, faithful export (needs PyTorch, the extra `train`)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from framelabel.core.boxes import Boxes
from framelabel.core.errors import ModelMismatchError
from framelabel.core.geometry import iou
from framelabel.training.samples import Sample

torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra: train)")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

from framelabel.training.export import check, export, raw_grid  # noqa: E402 - after the check for torch
from framelabel.training.loss import assign_cells, detection_loss, overlap  # noqa: E402
from framelabel.training.network import STRIDES, CompactDetector, cells_of, decoded_boxes, flat  # noqa: E402
from framelabel.training.pretrained import read_weights  # noqa: E402
from framelabel.training.recipe import Recipe  # noqa: E402
from framelabel.training.trainer import Trainer  # noqa: E402

YOLOX = "models/yolox_nano/yolox_nano_416x416.onnx"


def _run(path: Path, batch: Any) -> Any:
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, {"images": batch})[0]


def _pictures(count: int, size: int) -> Any:
    rng = np.random.default_rng(3)
    small = rng.integers(0, 255, (count, 8, 8, 3), dtype=np.uint8)
    images = np.stack([cv2.resize(image, (size, size), interpolation=cv2.INTER_CUBIC) for image in small])
    return images.transpose(0, 3, 1, 2).astype(np.float32)


def _maps_that_say(boxes: Any, classes: list[int], size: int, class_count: int) -> tuple[Any, ...]:
    """Return maps where the stride-8 cell at each box's centre says exactly that box, and all else says nothing."""
    maps = [torch.full((1, 5 + class_count, size // s, size // s), -9.0) for s in STRIDES]
    for level in maps:
        level[:, :4] = torch.tensor([0.0, 0.0, -5.0, -5.0])[None, :, None, None]
    for (x1, y1, x2, y2), kind in zip(boxes, classes, strict=True):
        column, row = int((x1 + x2) / 16), int((y1 + y2) / 16)
        sides = [np.log((x2 - x1) / 8), np.log((y2 - y1) / 8)]
        maps[0][0, :4, row, column] = torch.tensor([(x1 + x2) / 16 - column, (y1 + y2) / 16 - row, *sides])
        maps[0][0, 4, row, column] = 9.0
        maps[0][0, 5 + kind, row, column] = 9.0
    return tuple(maps)


def test_parameters_stay_below_the_promise() -> None:
    """A detector of 80 classes has fewer than 1.5 million parameters."""
    assert sum(weight.numel() for weight in CompactDetector(80).parameters()) < 1_500_000


def test_published_weights_give_the_published_answers(shared: Callable[[str], Path]) -> None:
    """Read into the network, YOLOX-nano's weights answer as its own ONNX file does, to 1e-3 of a cell."""
    path = shared(YOLOX)
    batch = _pictures(2, 416)
    network = CompactDetector(80).eval()
    assert read_weights(network, path, torch.from_numpy(batch)) == 113
    with torch.no_grad():
        own = raw_grid(network, torch.from_numpy(batch[:1])).numpy()
    np.testing.assert_allclose(own, _run(path, batch[:1]), atol=1e-3)


def test_a_file_of_another_architecture_is_refused(tmp_path: Path) -> None:
    """An ONNX file with one convolution is not a YOLOX-nano; the message says how many it should have."""
    import onnx

    weight = onnx.numpy_helper.from_array(np.zeros((4, 3, 1, 1), np.float32), "w")
    bias = onnx.numpy_helper.from_array(np.zeros(4, np.float32), "b")
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Conv", ["x", "w", "b"], ["y"])],
        "one",
        [value("x", 1, [1, 3, 8, 8])],
        [value("y", 1, [1, 4, 8, 8])],
        [weight, bias],
    )
    path = tmp_path / "one.onnx"
    onnx.save(onnx.helper.make_model(graph), str(path))
    with pytest.raises(ModelMismatchError, match="1 convolutions"):
        read_weights(CompactDetector(2), path, torch.zeros(1, 3, 64, 64))


@pytest.mark.parametrize("half", [False, True], ids=["float32", "stored as half"])
def test_exported_file_agrees(tmp_path: Path, half: bool) -> None:
    """ONNX Runtime and PyTorch agree to 1e-4 after training statistics have moved away from the start."""
    torch.manual_seed(0)
    network = CompactDetector(3).train()
    network(torch.from_numpy(_pictures(4, 96)))
    plain = export(network, tmp_path / "m.onnx", (96, 96), half=half)
    batch = _pictures(2, 96)
    assert check(plain, [_run(tmp_path / "m.onnx", batch)], [batch]) < 1e-4


def test_a_wrong_answer_fails_the_check(tmp_path: Path) -> None:
    """The check raises when one probability is off by 0.001."""
    plain = export(CompactDetector(2), tmp_path / "m.onnx", (64, 64))
    batch = _pictures(1, 64)
    answer = _run(tmp_path / "m.onnx", batch)
    answer[0, 5, 5] += 1e-3
    with pytest.raises(ModelMismatchError, match="differs"):
        check(plain, [answer], [batch])


def test_exported_weights_can_be_trained_further(tmp_path: Path) -> None:
    """A file stored as half floats is read back into an equal network, class by class."""
    batch = _pictures(2, 96)
    plain = export(CompactDetector(2), tmp_path / "m.onnx", (96, 96))
    again = CompactDetector(2).eval()
    read_weights(again, tmp_path / "m.onnx", torch.from_numpy(batch))
    with torch.no_grad():
        torch.testing.assert_close(
            raw_grid(again, torch.from_numpy(batch)), raw_grid(plain, torch.from_numpy(batch)), atol=1e-3, rtol=1e-3
        )


def test_overlap_is_core_iou() -> None:
    """The loss measures overlap as the rest of the project does."""
    rng = np.random.default_rng(0)
    a, b = (np.concatenate([p := rng.uniform(0, 50, (n, 2)), p + rng.uniform(1, 40, (n, 2))], 1) for n in (5, 7))
    np.testing.assert_allclose(overlap(torch.from_numpy(a), torch.from_numpy(b)).numpy(), iou(a, b), atol=1e-6)


def test_every_object_gets_a_cell_and_no_cell_two_objects() -> None:
    """SimOTA gives each of three objects, two of them overlapping, at least one cell of its own near its centre."""
    truth = torch.tensor([[10.0, 10, 60, 60], [30, 20, 80, 70], [90, 90, 120, 110]])
    classes = torch.tensor([0, 1, 0])
    maps = _maps_that_say(truth.tolist(), classes.tolist(), 128, 2)
    raw, cells = flat(maps)[0], cells_of(maps)
    chosen, owner, quality = assign_cells(raw, decoded_boxes(raw, cells), cells, truth, classes)
    assert set(owner.tolist()) == {0, 1, 2}
    assert len(set(chosen.tolist())) == len(chosen)
    for k in range(3):
        assert float(quality[owner == k].max()) == pytest.approx(1.0, abs=1e-4)


def test_loss_prefers_the_truth() -> None:
    """Maps that say the truth lose less than maps that say it four pixels aside, and much less than silence."""
    boxes, classes = [[20.0, 24.0, 60.0, 72.0]], [1]
    truth, kinds = [torch.tensor(boxes)], [torch.tensor(classes)]

    def total(said: list[list[float]]) -> float:
        return float(detection_loss(_maps_that_say(said, classes * len(said), 128, 2), truth, kinds).total)

    exact, aside, silent = total(boxes), total([[24.0, 24.0, 64.0, 72.0]]), total([])
    assert exact < aside < silent
    assert exact < 0.2


def test_a_picture_without_objects_only_teaches_silence() -> None:
    """No object: the loss is objectness alone and finite."""
    parts = detection_loss(_maps_that_say([], [], 64, 2), [torch.zeros(0, 4)], [torch.zeros(0, dtype=torch.long)])
    assert parts.positives == 0
    assert parts.box == parts.classes == 0.0
    assert float(parts.total) == pytest.approx(parts.objectness)


def _trainer(folder: Path, epochs: int) -> Trainer:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    samples = []
    for number in range(6):
        image = np.full((64, 64, 3), 60 + number, np.uint8)
        image[16:40, 20:50] = 220
        path = folder / f"{number}.png"
        cv2.imwrite(str(path), image)
        samples.append(Sample(path, Boxes.of([[20, 16, 50, 40]]), str(number)))
    return Trainer(CompactDetector(1), samples, Recipe(epochs=epochs, batch=3, size=64, seed=4), device="cpu")


def test_resume_is_exact(tmp_path: Path) -> None:
    """Two epochs, a checkpoint and a new process's trainer give bit for bit what three epochs in one go give."""
    whole = _trainer(tmp_path, 3)
    losses = [facts.loss for facts in whole.fit()]
    first = _trainer(tmp_path, 3)
    run = first.fit()
    next(run)
    next(run)
    first.save(tmp_path / "checkpoint.pt")
    second = _trainer(tmp_path, 3)
    second.resume(tmp_path / "checkpoint.pt")
    assert [facts.loss for facts in second.fit()] == losses[2:]
    for name, value in whole.average.state_dict().items():
        assert torch.equal(value, second.average.state_dict()[name]), name
