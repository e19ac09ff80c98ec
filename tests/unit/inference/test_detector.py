"""A model and its recipe become a detector: the parts agree, results do not depend on how frames were grouped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto

from framelabel.core.boxes import Boxes
from framelabel.core.errors import ModelMismatchError, UsageError
from framelabel.core.frames import Frame, FrameRef, VideoId
from framelabel.core.geometry import iou
from framelabel.core.shapes import Mask
from framelabel.inference.detector import OnnxDetector
from framelabel.inference.preprocess import InputOptions
from framelabel.inference.recipe import Recipe
from framelabel.inference.tiling import TileOptions
from framelabel.media import open_reader

Build = Callable[..., Path]
YOLOX_INPUT = InputOptions((416, 416), colour="bgr")
YOLOX = Recipe(YOLOX_INPUT, "yolox", 80, score_threshold=(0.3,) * 80)
NANODET = Recipe(
    InputOptions((416, 416), colour="bgr", mean=(103.53, 116.28, 123.675), std=(57.375, 57.12, 58.395), pad=0),
    "nanodet",
    80,
    score_threshold=(0.35,) * 80,
)
PERSON, BOTTLE = 0, 39


def v8_model(build: Build, shape: tuple[int | str, ...] = (1, 3, 32, 32), **keywords: object) -> Path:
    """Build a model that sees one box (8, 8, 24, 24) whose score is the picture's brightness, and a fixed weak one."""
    table, glow = np.zeros((4 + 2, 21), np.float32), np.zeros((4 + 2, 21), np.float32)
    table[:, 0] = [16, 16, 16, 16, 0, 0]
    glow[4, 0] = 1.0
    table[:, 5] = [4, 4, 4, 4, 0.2, 0.3]
    return build({"out": table}, shape=shape, glow={"out": glow}, **keywords)


V8 = Recipe(InputOptions((0, 0)), "yolov8", 2, score_threshold=(0.25, 0.25))


def grey(level: int, size: tuple[int, int] = (32, 32)) -> NDArray[np.uint8]:
    """Return an even picture of `size` (width, height)."""
    return np.full((size[1], size[0], 3), level, np.uint8)


def same(first: Boxes, second: Boxes) -> bool:
    """Tell whether two sets of boxes are equal to the last bit."""
    pairs = ((first.xyxy, second.xyxy), (first.score, second.score), (first.class_id, second.class_id))
    return all(one.tobytes() == other.tobytes() for one, other in pairs)


def test_boxes_come_in_picture_pixels_best_first(constant_model: Build) -> None:
    """A 64 x 64 picture in a 32 x 32 model: boxes are doubled; per-class thresholds and order hold."""
    detector = OnnxDetector(v8_model(constant_model), V8)
    boxes = detector([grey(204, (64, 64))])[0]
    assert boxes.xyxy.tolist() == [[16, 16, 48, 48], [4, 4, 12, 12]]
    assert boxes.score == pytest.approx([0.8, 0.3])
    assert boxes.class_id.tolist() == [0, 1]
    strict = OnnxDetector(v8_model(constant_model), replace(V8, score_threshold=(0.25, 0.31)))
    assert strict([grey(204)])[0].class_id.tolist() == [0]


@pytest.mark.parametrize("first", [1, 4, "batch"])
@pytest.mark.parametrize(("workers", "batch"), [(1, 1), (2, 0), (4, 3)])
def test_a_stream_gives_the_same_bytes_for_any_workers_and_batch(
    constant_model: Build, first: int | str, workers: int, batch: int
) -> None:
    """Every frame keeps its own boxes, in order, whatever runs at the same time."""
    path = v8_model(constant_model, (first, 3, 32, 32))
    frames = [Frame(FrameRef(VideoId(1), at, at * 10), grey(70 + 4 * at)) for at in range(23)]
    alone = OnnxDetector(path, V8, workers=1, batch=1)
    expected = [alone([frame.image])[0] for frame in frames]
    streamed = list(OnnxDetector(path, V8, workers=workers, batch=batch).detect_stream(iter(frames)))
    assert [frame.ref.index for frame, _ in streamed] == list(range(23))
    assert all(same(boxes, wanted) for (_, boxes), wanted in zip(streamed, expected, strict=True))


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        pytest.param(replace(V8, class_count=3, score_threshold=()), "has 2 classes, the manifest names 3", id="count"),
        pytest.param(replace(V8, model_index=((0,), (5,))), "model_index 5 does not exist", id="index"),
        pytest.param(replace(V8, input=InputOptions((64, 64))), "takes 32x32 .* says 64x64", id="size"),
        pytest.param(replace(V8, input=InputOptions((0, 0), colour="grey")), "needs 1 channels", id="colour"),
        pytest.param(replace(V8, input=InputOptions((0, 0), layout="nhwc")), "needs 3 channels", id="layout"),
        pytest.param(replace(V8, decoder="yolox"), "decoder 'yolox' expects", id="decoder"),
    ],
)
def test_a_recipe_that_does_not_fit_is_refused_before_any_frame(
    constant_model: Build, recipe: Recipe, message: str
) -> None:
    """One line names the model file or decoder, what was expected and what was found."""
    with pytest.raises(ModelMismatchError, match=message):
        OnnxDetector(v8_model(constant_model), recipe)


def test_free_size_needs_a_size(constant_model: Build) -> None:
    """A model that takes any size must be told which."""
    path = v8_model(constant_model, (1, 3, "height", "width"))
    with pytest.raises(ModelMismatchError, match=r"give model\.input\.size"):
        OnnxDetector(path, V8)
    assert OnnxDetector(path, replace(V8, input=InputOptions((32, 32))))([grey(204)])[0].class_id.tolist() == [0, 1]


def test_a_model_that_takes_bytes_with_channels_last(constant_model: Build) -> None:
    """uint8 NHWC inputs are fed as they are; scores follow the brightness of the picture."""
    path = v8_model(constant_model, (1, 32, 32, 3), dtype=TensorProto.UINT8)
    detector = OnnxDetector(path, replace(V8, input=InputOptions((0, 0), layout="nhwc")))
    assert detector([grey(204)])[0].score == pytest.approx([0.8, 0.3])


def test_unknown_decoder_option(constant_model: Build) -> None:
    """Options are checked against the decoder's own, with the nearest name."""
    with pytest.raises(UsageError, match=r"unknown key 'transpose'\. Did you mean 'transposed'"):
        OnnxDetector(v8_model(constant_model), replace(V8, decoder_options={"transpose": True}))


def test_some_model_classes_and_several_for_one(constant_model: Build) -> None:
    """model_index picks classes; two model classes given one name become one class."""
    path, single = v8_model(constant_model), replace(V8, class_count=1, score_threshold=(0.25,))
    assert OnnxDetector(path, replace(single, model_index=((1,),)))([grey(204)])[0].class_id.tolist() == [0]
    assert OnnxDetector(path, replace(single, model_index=((0, 1),)))([grey(204)])[0].class_id.tolist() == [0, 0]


def test_tiles_find_what_the_whole_picture_hides(constant_model: Build) -> None:
    """Each tile's boxes land at the tile's place; without tiles there is one box for the whole picture."""
    recipe = replace(V8, tiles=TileOptions(size=32, overlap=0.0, whole=False))
    boxes = OnnxDetector(v8_model(constant_model), recipe)([grey(204, (64, 32))])[0]
    assert sorted(map(tuple, boxes.xyxy.tolist())) == [(2, 2, 6, 6), (8, 8, 24, 24), (34, 2, 38, 6), (40, 8, 56, 24)]


def test_masks_and_tags_travel_with_the_boxes(constant_model: Build) -> None:
    """A segmenter's shapes are keyed by box row; a classifier's tags by class."""
    scores = np.full((2, 8, 8), -9.0, np.float32)
    scores[1, 2:6, 2:6] = 9.0
    segment = replace(V8, decoder="segmenter", decoder_options={"activation": "sigmoid"})
    found = OnnxDetector(constant_model({"out": scores}), segment).find([grey(0, (64, 64))])[0]
    assert found.boxes.xyxy.tolist() == [[16, 16, 48, 48]]
    assert isinstance(found.shapes[0], Mask)
    classify = replace(V8, decoder="classifier", model_index=((1,), (0,)))
    tagged = OnnxDetector(constant_model({"out": np.array([5.0, 0.0], np.float32)}), classify).find([grey(0)])[0]
    assert list(tagged.tags) == [1]
    assert len(tagged.boxes) == 0


def frames_of(path: Path, numbers: list[int]) -> Iterator[Frame]:
    """Yield frames of a clip."""
    reader = open_reader(path)
    yield from reader.read(numbers)
    reader.close()


@pytest.mark.parametrize(
    ("model", "recipe", "least"),
    [
        pytest.param("yolox_nano/yolox_nano_416x416.onnx", YOLOX, 0.85, id="yolox"),
        pytest.param("nanodet_m/nanodet_m_416.onnx", NANODET, 0.6, id="nanodet"),
    ],
)
def test_real_models_see_bottles_and_the_person(
    shared: Callable[[str], Path], model: str, recipe: Recipe, least: float
) -> None:
    """Three bottles stand in frame 200 of the shop counter, one person in frame 150 of the corridor."""
    detector = OnnxDetector(shared(f"models/{model}"), recipe, device="cpu")
    expected = {
        ("bottle-detection.mp4", 200, BOTTLE): [[287, 110, 344, 316], [509, 106, 570, 318], [58, 99, 123, 307]],
        ("one-by-one-person-detection.mp4", 150, PERSON): [[383, 16, 517, 405]],
    }
    for (clip, number, wanted), truth in expected.items():
        frame = next(frames_of(shared(f"data/clips/intel/{clip}"), [number]))
        boxes = detector([frame.image])[0]
        strong = boxes.select((boxes.class_id == wanted) & (boxes.score > least * 0.9))
        assert len(strong) == len(truth)
        assert (iou(np.array(truth, np.float64), strong.xyxy).max(axis=1) > 0.85).all()


def test_least_padding_sees_the_same_with_less_work(shared: Callable[[str], Path]) -> None:
    """Leaving out padding changes a box by less than a person would notice; a model that cannot do it keeps its own."""
    path = shared("models/yolox_nano/yolox_nano_416x416.onnx")
    full = OnnxDetector(path, YOLOX, device="cpu")
    least = OnnxDetector(path, replace(YOLOX, input=replace(YOLOX_INPUT, padding="least")), device="cpu")
    assert (full.trims_padding, least.trims_padding) == (False, True)
    clip = shared("data/clips/intel/one-by-one-person-detection.mp4")
    for frame in frames_of(clip, [100, 150, 600, 1000]):
        wide, trimmed = full([frame.image])[0], least([frame.image])[0]
        sure = wide.select(wide.score > 0.5)
        assert len(sure) == 0 or (iou(sure.xyxy, trimmed.xyxy).max(axis=1) > 0.9).all()
    fixed = replace(NANODET, input=replace(NANODET.input, padding="least"))
    assert not OnnxDetector(shared("models/nanodet_m/nanodet_m_416.onnx"), fixed, device="cpu").trims_padding


def test_real_stream_is_byte_identical_for_any_workers(shared: Callable[[str], Path]) -> None:
    """Labels of a run do not depend on the number of cores of the machine that made them."""
    path = shared("models/yolox_nano/yolox_nano_416x416.onnx")
    recipe = replace(YOLOX, input=replace(YOLOX_INPUT, padding="least"), score_threshold=(0.1,) * 80)
    frames = list(frames_of(shared("data/clips/intel/bottle-detection.mp4"), list(range(180, 210, 2))))
    runs = [
        [boxes for _, boxes in OnnxDetector(path, recipe, device="cpu", workers=workers).detect_stream(frames)]
        for workers in (1, 3)
    ]
    assert sum(map(len, runs[0])) > 30
    assert all(same(first, second) for first, second in zip(*runs, strict=True))


def test_views_vote_before_classes_compete(constant_model: Build) -> None:
    """Each view's boxes of both classes count; of two classes at one place only the better fused one is kept.

    The box at the left edge is class 1 at 0.6 and class 0 at 0.4 in every view; seen mirrored it lies elsewhere.
    """
    table = np.zeros((6, 21), np.float32)
    table[:, 0] = [16, 16, 16, 16, 0.4, 0.6]
    table[:, 5] = [4, 4, 8, 8, 0.0, 0.5]
    recipe = replace(V8, nms_cross_class_iou=0.6, views=("mirror",))
    found = OnnxDetector(constant_model({"out": table}), recipe, device="cpu").find([grey(100)])[0].boxes
    assert found.class_id.tolist() == [1, 1, 1]
    assert found.xyxy.tolist() == [[8, 8, 24, 24], [0, 0, 8, 8], [24, 0, 32, 8]]
    assert found.score == pytest.approx([0.6, 0.25, 0.25])
    plain = OnnxDetector(constant_model({"out": table}), recipe, device="cpu").find([grey(100)], views=())[0].boxes
    assert plain.score == pytest.approx([0.6, 0.5])


def test_a_model_of_pairs_needs_its_template(constant_model: Build) -> None:
    """Without a golden picture nothing is guessed; with one the picture is judged against it, by each copy its own."""
    pairs = replace(V8, input=InputOptions((0, 0), colour="pair"))
    detector = OnnxDetector(v8_model(constant_model), pairs, device="cpu")
    assert detector.lacks_template
    with pytest.raises(UsageError, match="compares pictures with a golden template, and none is given"):
        detector([grey(204)])
    same_view = detector.against(grey(204))
    assert not same_view.lacks_template
    assert detector.lacks_template
    assert len(same_view([grey(204)])[0]) == 2
