"""Every decoder against outputs worked out by hand: which boxes, which classes, which scores."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from framelabel.core.shapes import Keypoints, Mask, Polygon
from framelabel.inference.decoders.candidates import Candidates
from framelabel.inference.decoders.catalog import DECODERS
from framelabel.inference.detector import OnnxDetector
from framelabel.inference.masks import pixels
from framelabel.inference.preprocess import InputOptions, Placement
from framelabel.inference.recipe import Recipe
from framelabel.media import open_reader

SIZE = (64, 32)
PLAIN = Placement((1.0, 1.0), (0.0, 0.0), SIZE)


def decode(
    name: str, outputs: list[NDArray[Any]], thresholds: list[float], input_size: tuple[int, int] = SIZE, **options: Any
) -> Candidates:
    """Decode outputs of a 64 x 32 input."""
    entry = DECODERS.load(name)
    decoder = entry(entry.Options(**options), input_size=input_size)
    decoder.class_count(outputs)
    found: Candidates = decoder(outputs, np.array(thresholds, np.float32))
    return found


def check(found: Candidates, expected: list[tuple[list[float], float, int]]) -> None:
    """Compare boxes, scores and classes, in order."""
    assert found.class_id.tolist() == [row[2] for row in expected]
    assert found.score == pytest.approx([row[1] for row in expected], abs=1e-5)
    assert found.xyxy.reshape(-1) == pytest.approx([side for row in expected for side in row[0]], abs=1e-3)


def yolox_table(classes: int = 2) -> NDArray[np.float32]:
    """Return an empty table: 8 x 4 cells of stride 8, 4 x 2 of 16, 2 x 1 of 32."""
    return np.zeros((32 + 8 + 2, 5 + classes), np.float32)


def test_yolox() -> None:
    """Cell 10 of stride 8 is column 2, row 1; cell 5 of stride 16 is column 1, row 1; sizes are exponentials."""
    table = yolox_table()
    table[10] = [0.5, 0.25, math.log(2), math.log(1), 0.9, 0.8, 0.1]
    table[32 + 5] = [0.0, 0.0, 0.0, 0.0, 0.5, 0.2, 0.9]
    table[3] = [0.0, 0.0, 0.0, 0.0, 0.9, 0.05, 0.1]  # sure that there is something, not of what
    found = decode("yolox", [table], [0.3, 0.3])
    check(found, [([12.0, 6.0, 28.0, 14.0], 0.72, 0), ([8.0, 8.0, 24.0, 24.0], 0.45, 1)])


def test_yolox_best_class_that_is_not_wanted_takes_its_box_with_it() -> None:
    """A skateboard is not turned into its second-best guess, a person, when skateboards are left out."""
    table = yolox_table()
    table[0] = [0, 0, 0, 0, 1.0, 0.6, 0.7]
    check(decode("yolox", [table], [0.3, math.inf]), [])


def test_yolox_decoded_export() -> None:
    """An export with decoded boxes is read as pixels."""
    table = yolox_table()
    table[0] = [10, 20, 4, 6, 1.0, 0.6, 0.1]
    check(decode("yolox", [table], [0.3, 0.3], decoded=True), [([8, 17, 12, 23], 0.6, 0)])


@pytest.mark.parametrize(("normalised", "box"), [(False, [10, 20, 4, 6]), (True, [10 / 64, 20 / 32, 4 / 64, 6 / 32])])
def test_yolov5(normalised: bool, box: list[float]) -> None:
    """Objectness times class score; boxes in pixels or fractions."""
    table = np.zeros((40, 7), np.float32)
    table[7] = [*box, 0.5, 0.2, 0.8]
    table[8] = [*box, 0.3, 0.9, 0.9]
    check(decode("yolov5", [table], [0.3, 0.35], normalised=normalised), [([8, 17, 12, 23], 0.4, 1)])


@pytest.mark.parametrize("transposed", [True, False])
def test_yolov8(transposed: bool) -> None:
    """No objectness; each class has its own threshold."""
    table = np.zeros((7, 40), np.float32)
    table[:, 7] = [10, 20, 4, 6, 0.2, 0.8, 0.1]
    table[:, 9] = [30, 10, 8, 8, 0.35, 0.1, 0.2]
    table[:, 11] = [30, 10, 8, 8, 0.1, 0.1, 0.5]
    found = decode("yolov8", [table if transposed else table.T], [0.3, 0.3, 0.6], transposed=transposed)
    check(found, [([8, 17, 12, 23], 0.8, 1), ([26, 6, 34, 14], 0.35, 0)])


def test_yolov8_obb() -> None:
    """A 10 x 4 box turned by 90 degrees has a 4 x 10 hull; its polygon holds the corners."""
    table = np.zeros((4 + 1 + 1, 40), np.float32)
    table[:, 3] = [32, 16, 10, 4, 0.9, math.pi / 2]
    found = decode("yolov8_obb", [table], [0.3])
    check(found, [([30, 11, 34, 21], 0.9, 0)])
    assert found.outline is not None
    shape = found.outline(0, PLAIN)
    assert isinstance(shape, Polygon)
    corners = {(round(float(x)), round(float(y))) for x, y in shape.rings[0]}
    assert corners == {(30, 11), (34, 11), (34, 21), (30, 21)}


def test_yolov8_seg() -> None:
    """A mask is the sum of prototypes, cut at the box: prototype 1 covers the left half of the input."""
    table = np.zeros((4 + 2 + 2, 40), np.float32)
    table[:, 3] = [32, 16, 32, 16, 0.1, 0.9, 0.0, 5.0]
    prototypes = np.full((2, 8, 16), -1.0, np.float32)
    prototypes[1, :, :8] = 1.0
    found = decode("yolov8_seg", [table, prototypes], [0.3, 0.3])
    check(found, [([16, 8, 48, 24], 0.9, 1)])
    assert found.outline is not None
    shape = found.outline(0, PLAIN)
    assert isinstance(shape, Mask)
    inside = pixels(shape)
    assert inside[8:24, 16:31].all()
    assert int(inside.sum()) == 16 * 16


@pytest.mark.parametrize("class_column", [5, 4])
def test_yolov10(class_column: int) -> None:
    """A suppressed list: score and class columns in either order, class numbers beyond the table dropped."""
    rows = np.array([[1, 2, 3, 4, 0.9, 1], [1, 2, 3, 4, 0.2, 0], [5, 6, 7, 8, 0.8, 7]], np.float32)
    if class_column == 4:
        rows = rows[:, [0, 1, 2, 3, 5, 4]]
    check(decode("yolov10", [rows], [0.3, 0.3], class_column=class_column), [([1, 2, 3, 4], 0.9, 1)])


def spread(*bins: int) -> list[float]:
    """Return distribution logits that put all weight on one bin for each side."""
    return [20.0 if at == chosen else -20.0 for chosen in bins for at in range(8)]


@pytest.mark.parametrize("joined", [False, True])
@pytest.mark.parametrize("logits", [False, True])
def test_nanodet(joined: bool, logits: bool) -> None:
    """Cell 10 of stride 8 has its centre at (20, 12); sides lie 1, 0, 2, 1 strides away."""
    cells = (32, 8, 2)
    low = -9.0 if logits else 0.0
    scores = [np.full((count, 3), low, np.float32) for count in cells]
    sides = [np.zeros((count, 32), np.float32) for count in cells]
    scores[0][10] = [low, math.log(4) if logits else 0.8, low]
    sides[0][10] = spread(1, 0, 2, 1)
    outputs = [np.concatenate([np.concatenate(scores), np.concatenate(sides)], axis=1)] if joined else [*scores, *sides]
    check(decode("nanodet", outputs, [0.3] * 3, logits=logits), [([12, 12, 36, 20], 0.8, 1)])


def test_nanodet_plus_counts_centres_from_the_corner() -> None:
    """NanoDet-Plus puts a cell's centre at its corner and adds stride 64."""
    table = np.zeros((32 + 8 + 2 + 1, 1 + 32), np.float32)
    table[10] = [0.8, *spread(1, 0, 2, 1)]
    found = decode("nanodet", [table], [0.3], strides=(8, 16, 32, 64), centre_offset=0.0)
    check(found, [([8, 8, 32, 16], 0.8, 0)])


BOX = [0.5, 0.5, 0.25, 0.5]
BOX_PX = [24.0, 8.0, 40.0, 24.0]


@pytest.mark.parametrize(
    ("options", "logits", "expected"),
    [
        pytest.param({}, [0.0, math.log(4)], (0.8, 1), id="rt-detr-sigmoid"),
        pytest.param({"background": "first"}, [9.0, math.log(4), 0.0], (0.8, 0), id="rf-detr-ids-from-one"),
        pytest.param(
            {"activation": "softmax", "background": "last"},
            [math.log(6), math.log(1), math.log(3)],
            (0.6, 0),
            id="detr-softmax",
        ),
        pytest.param({"activation": "none"}, [0.4, 0.7], (0.7, 1), id="probabilities"),
    ],
)
@pytest.mark.parametrize("boxes_first", [True, False])
def test_detr(options: dict[str, Any], logits: list[float], expected: tuple[float, int], boxes_first: bool) -> None:
    """Each family's activation and background, with boxes and scores in either order."""
    boxes = np.array([BOX, [0.1, 0.1, 0.1, 0.1]], np.float32)
    nothing = [
        9.0 if options.get("background") == "last" and at == len(logits) - 1 else -9.0 for at in range(len(logits))
    ]
    scores = np.array([logits, nothing], np.float32)
    outputs = [boxes, scores] if boxes_first else [scores, boxes]
    wanted = len(logits) - ("background" in options)
    check(decode("detr", outputs, [0.3] * wanted, **options), [(BOX_PX, expected[0], expected[1])])


def test_detr_deployed() -> None:
    """Labels, boxes in pixels and scores; a label outside the table is dropped."""
    outputs = [
        np.array([1, 0, 9]),
        np.array([BOX_PX, BOX_PX, BOX_PX], np.float32),
        np.array([0.9, 0.1, 0.8], np.float32),
    ]
    check(decode("detr", outputs, [0.3, 0.3]), [(BOX_PX, 0.9, 1)])


def test_ssd_tables() -> None:
    """Class 0 is nothing; fractions become pixels."""
    boxes = np.array([[0.25, 0.25, 0.5, 0.5], [0, 0, 1, 1]], np.float32)
    scores = np.array([[0.1, 0.2, 0.7], [0.9, 0.05, 0.05]], np.float32)
    check(decode("ssd", [scores, boxes], [0.3, 0.3]), [([16, 8, 32, 16], 0.7, 1)])


def test_ssd_lists() -> None:
    """TensorFlow's lists: y before x, labels as floats counted from one."""
    outputs = [
        np.array([[0.25, 0.25, 0.5, 0.75], [0, 0, 1, 1]], np.float32),
        np.array([2.0, 1.0], np.float32),
        np.array([0.7, 0.2], np.float32),
    ]
    check(decode("ssd", outputs, [0.3, 0.3], order="yxyx"), [([16, 8, 48, 16], 0.7, 1)])


@pytest.mark.parametrize(
    ("options", "logits", "tags"),
    [
        pytest.param({}, [math.log(1), math.log(3), math.log(6)], {2: 0.6}, id="softmax"),
        pytest.param(
            {"activation": "sigmoid", "top": 2}, [math.log(4), -9, math.log(9)], {2: 0.9, 0: 0.8}, id="sigmoid"
        ),
        pytest.param({"activation": "none"}, [0.2, 0.1, 0.25], {}, id="below-threshold"),
    ],
)
def test_classifier(options: dict[str, Any], logits: list[float], tags: dict[int, float]) -> None:
    """Tags of the whole picture, best first; no box unless asked for."""
    found = decode("classifier", [np.array(logits, np.float32)], [0.3] * 3, **options)
    assert dict(found.tags) == pytest.approx(tags)
    assert list(found.tags) == list(tags)
    assert len(found.xyxy) == 0


def test_classifier_as_box() -> None:
    """A box around the picture, so that trackers and box-only formats can hold it."""
    found = decode("classifier", [np.array([5.0, 0.0], np.float32)], [0.3, 0.3], as_box=True)
    check(found, [([0, 0, 64, 32], 1 / (1 + math.exp(-5)), 0)])


@pytest.mark.parametrize(
    "output",
    [
        pytest.param("scores", id="scores"),
        pytest.param("numbers", id="class-numbers"),
    ],
)
def test_segmenter(output: str) -> None:
    """Two separate areas of class 1 give two masks; class 0 is the background; specks are dropped."""
    numbers = np.zeros((16, 32), np.int64)
    numbers[2:6, 4:12] = 1
    numbers[10:14, 20:30] = 1
    numbers[0, 31] = 1
    scores = np.stack([numbers == 0, numbers == 1]).astype(np.float32) * 20
    outputs = [scores if output == "scores" else numbers]
    found = decode("segmenter", outputs, [0.5, 0.5], min_area=0.01)
    check(found, [([8, 4, 24, 12], 1.0, 1), ([40, 20, 60, 28], 1.0, 1)])
    assert found.outline is not None
    shape = found.outline(1, PLAIN)
    assert isinstance(shape, Mask)
    rows, columns = np.nonzero(pixels(shape))
    assert [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1] == [40, 20, 60, 28]


def test_segmenter_one_mask_for_each_class() -> None:
    """With split off, both areas are one mask with one hull."""
    numbers = np.zeros((16, 32), np.int64)
    numbers[2:6, 4:12] = 1
    numbers[10:14, 20:30] = 1
    check(decode("segmenter", [numbers], [0.5, 0.5], split=False), [([8, 4, 60, 28], 1.0, 1)])


def test_segmenter_sigmoid_defects() -> None:
    """A one-class defect map without background: the score is the mean probability of the area."""
    chance = np.full((1, 16, 32), -9.0, np.float32)
    chance[0, 4:8, 8:16] = math.log(4)
    found = decode("segmenter", [chance], [0.5], activation="sigmoid", background=-1)
    check(found, [([16, 8, 32, 16], 0.8, 0)])


def test_instance_masks() -> None:
    """Mask R-CNN: label 0 is nothing; a 28 x 28 mask covers its box."""
    mask = np.zeros((2, 1, 28, 28), np.float32)
    mask[:, :, :, :14] = 1.0
    outputs = [
        np.array([[10, 4, 30, 24], [0, 0, 9, 9]], np.float32),
        np.array([2, 1]),
        np.array([0.9, 0.1], np.float32),
        mask,
    ]
    found = decode("instance_masks", outputs, [0.3, 0.3])
    check(found, [([10, 4, 30, 24], 0.9, 1)])
    assert found.outline is not None
    shape = found.outline(0, PLAIN)
    assert isinstance(shape, Mask)
    inside = pixels(shape)
    assert inside[4:24, 10:20].all()
    assert int(inside.sum()) == 200


def test_yunet_agrees_with_opencv(shared: Callable[[str], Path]) -> None:
    """On a real face OpenCV's own code and this decoder give the same box, score and landmarks."""
    model = shared("models/yunet/face_detection_yunet_2026may.onnx")
    reader = open_reader(shared("data/sot/TLD_david/david.mpg"))
    image = np.ascontiguousarray(reader.frame(300).image[:224])
    reader.close()
    feed = InputOptions((320, 224), colour="bgr", pad=0.0)
    recipe = Recipe(feed, "yunet", 1, score_threshold=(0.6,), decoder_options={"landmarks": True})
    found = OnnxDetector(model, recipe, device="cpu", workers=1).find([image])[0]
    oracle = cv2.FaceDetectorYN.create(str(model), "", (320, 224), 0.6, 0.3)
    _, [[x, y, width, height, *points, score]] = oracle.detect(image[:, :, ::-1].copy())
    assert found.boxes.xyxy[0] == pytest.approx([x, y, x + width, y + height], abs=0.05)
    assert found.boxes.score[0] == pytest.approx(score, abs=1e-4)
    landmarks = found.shapes[0]
    assert isinstance(landmarks, Keypoints)
    assert landmarks.points.reshape(-1) == pytest.approx(points, abs=0.05)
