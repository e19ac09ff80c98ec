"""A plugin's self-test passes on what it promised and fails on anything else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from framelabel import plugins
from framelabel.core.errors import FramelabelError, UnknownNameError
from framelabel.plugins.samples import try_samples, write_expected
from tests.assets import discs

Make = Callable[..., Path]

CAT = {"label": "cat", "xyxy": [8, 8, 24, 24], "min_score": 0.7}
DOG = {"label": "dog", "xyxy": [2, 2, 6, 6]}


def folder_with(make_plugin: Make, expected: dict[str, Any]) -> Path:
    """Make a plugin with one bright picture as its sample."""
    folder = make_plugin(("review:", "samples: [{media: bright.png, expected: bright.json}]\nreview:"))
    cv2.imwrite(str(folder / "bright.png"), np.full((32, 32, 3), 204, np.uint8))
    (folder / "bright.json").write_text(json.dumps(expected))
    return folder


@pytest.mark.parametrize(
    ("expected", "found", "problem"),
    [
        pytest.param({"frames": {"0": [CAT, DOG]}}, 2, "", id="as-promised"),
        pytest.param({"frames": {"0": [CAT]}}, 1, "", id="weak-extra-is-fine"),
        pytest.param({"frames": {"0": [DOG]}}, 1, "unexpected cat 0.80 at (8, 8, 24, 24)", id="strong-extra"),
        pytest.param({"frames": {"0": [DOG]}, "allowed_extra": 1}, 1, "", id="allowed-extra"),
        pytest.param(
            {"frames": {"0": [CAT | {"xyxy": [20, 8, 36, 24]}]}}, 0, "cat at (20, 8, 36, 24) not found", id="moved"
        ),
        pytest.param({"frames": {"0": [CAT | {"min_score": 0.9}]}}, 0, "cat scores 0.80, expected 0.90", id="weaker"),
        pytest.param(
            {"frames": {"0": [CAT | {"label": "dog"}]}}, 0, "dog at (8, 8, 24, 24) not found", id="other-class"
        ),
    ],
)
def test_compared(make_plugin: Make, expected: dict[str, Any], found: int, problem: str) -> None:
    """Each promised box needs its own found one of the same class, place and strength."""
    plugin = plugins.build(plugins.load(folder_with(make_plugin, expected)), device="cpu")
    result = try_samples(plugin)[0]
    assert result.found == found
    assert any(problem in text for text in result.problems) if problem else not result.problems


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        pytest.param({"frames": {"0": [CAT | {"label": "cta"}]}}, "Did you mean 'cat'", id="class"),
        pytest.param({"frames": {"0": [CAT | {"xyxy": [1, 2, 3]}]}}, "xyxy needs 4 numbers", id="corners"),
        pytest.param({"frames": {"first": [CAT]}}, "'first' is not a frame number", id="frame"),
        pytest.param({"frame": {"0": [CAT]}}, "unknown key 'frame'. Did you mean 'frames'", id="key"),
    ],
)
def test_a_promise_that_makes_no_sense(make_plugin: Make, expected: dict[str, Any], message: str) -> None:
    """A wrong file of expected boxes is one line, not a pass."""
    plugin = plugins.build(plugins.load(folder_with(make_plugin, expected)), device="cpu")
    with pytest.raises(FramelabelError, match=message):
        try_samples(plugin)


def test_accepted_boxes_pass(make_plugin: Make) -> None:
    """What is written by accepting is what passes afterwards."""
    folder = folder_with(make_plugin, {"frames": {}})
    plugin = plugins.build(plugins.load(folder), device="cpu")
    picture = np.full((32, 32, 3), 204, np.uint8)
    write_expected(folder / "bright.json", {0: plugin.detector.find([picture])[0]}, plugin.ontology)
    result = try_samples(plugin)[0]
    assert (result.expected, result.found, result.problems) == (2, 2, ())


def test_a_classifier_promises_tags(tmp_path: Path) -> None:
    """The self-test of a classifier is the tag of its sample; another tag, or one that it does not know, is named."""
    folder = discs.write_classifier(tmp_path / "daylight")
    discs.write_picture(folder / "noon.png", discs.picture(0, 0, 200))
    manifest = folder / "plugin.yaml"
    manifest.write_text(manifest.read_text("utf-8") + "samples: [{media: noon.png, expected: noon.json}]\n", "utf-8")
    plugin = plugins.build(plugins.load(folder), device="cpu")
    found = plugin.detector.find([discs.picture(0, 0, 200)])[0]
    write_expected(folder / "noon.json", {0: found}, plugin.ontology)
    assert json.loads((folder / "noon.json").read_text("utf-8")) == {"frames": {"0": []}, "tags": {"0": ["day"]}}
    assert try_samples(plugin)[0].problems == ()
    (folder / "noon.json").write_text('{"frames": {"0": []}, "tags": {"0": ["night"]}}', "utf-8")
    assert try_samples(plugin)[0].problems == ("frame 0: not tagged as night, but as day",)
    (folder / "noon.json").write_text('{"frames": {"0": []}, "tags": {"0": ["nigth"]}}', "utf-8")
    with pytest.raises(UnknownNameError, match="Did you mean 'night'"):
        try_samples(plugin)
