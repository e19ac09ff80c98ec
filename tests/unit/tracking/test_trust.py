"""How far a path can be trusted: history from left-out human boxes, and the network that reads it."""

from __future__ import annotations

import json
from importlib import resources

import numpy as np
import pytest

from framelabel.core.boxes import Boxes
from framelabel.tracking.propagation.association import ClipDetections
from framelabel.tracking.propagation.clip_paths import ClipPaths, turns
from framelabel.tracking.propagation.gaps import FEATURES, METHODS
from framelabel.tracking.propagation.trust import HISTORY, Network, Trials, fitted, history, parse


def document() -> dict[str, object]:
    """Return the network that ships."""
    text = resources.files("framelabel.tracking.propagation").joinpath("trust.json").read_text(encoding="utf-8")
    found: dict[str, object] = json.loads(text)
    return found


def test_shipped_network_matches_what_is_computed_and_names_its_command() -> None:
    """The coefficients belong to this version's inputs, and anyone can make them again."""
    stored = document()
    assert stored["inputs"] == [*FEATURES, *HISTORY, *METHODS]
    assert str(stored["command"]).startswith("python tests/benchmarks/fit_trust.py")
    assert isinstance(fitted(), Network)


def test_a_network_for_other_inputs_is_refused() -> None:
    """Silent misreading of coefficients is impossible."""
    with pytest.raises(ValueError, match=r"run tests/benchmarks/fit_trust\.py"):
        parse({**document(), "inputs": ["something else"]})


def test_history_of_an_object_moves_its_error_from_the_clip_towards_its_own() -> None:
    """A method that failed on this object is distrusted here, although the clip speaks for it."""
    good = np.full((10, len(METHODS)), 0.05)
    clip = Trials(good, np.full(10, 0.1))
    failed = np.full((4, len(METHODS)), 0.05)
    failed[:, 3] = 0.7
    own = Trials(failed, np.full(4, 0.1))
    before = history(Trials.none(), clip, 2, (0.0, 0.0))
    after = history(own, clip, 6, (0.0, 0.0))
    error, wrong = HISTORY.index("object_error"), HISTORY.index("object_wrong")
    assert after[3, error] > before[3, error] + 1
    assert after[3, wrong] > 0.6
    assert after[0, error] <= before[0, error]


def test_detections_that_fail_at_human_boxes_are_left_for_interpolation() -> None:
    """Where the detector follows something else, interpolation is chosen once people have drawn boxes."""
    frames = np.arange(81)
    left = 100 + 3.0 * frames
    truth = np.stack([left, np.full(81, 100.0), left + 40, np.full(81, 180.0)], axis=1)
    # The detections start and end on the object and swing away between human boxes.
    swing = truth + np.abs(np.sin(frames / 20 * np.pi))[:, None] * np.array([0.0, 35.0, 0.0, 35.0])
    clip = ClipDetections.of((int(frame), Boxes.of(swing[frame][None], [0.9])) for frame in frames)
    keys = np.array([0, 10, 20, 30, 40, 50, 60, 70, 80])
    found = ClipPaths(clip).stretches(keys, truth[keys], Trials.none())
    assert {METHODS[stretch.method] for stretch in found} <= {"linear", "perspective", "steadied"}


def test_turns_measure_the_change_of_velocity_at_both_ends() -> None:
    """An object that turns at a keyframe is less predictable there; one that goes straight is not."""
    frame = np.array([0, 10, 20, 30])
    centre = np.array([[0.0, 0.0], [50.0, 0.0], [100.0, 0.0], [100.0, 50.0]])
    boxes = np.concatenate([centre - 10, centre + 10], axis=1)
    assert turns(frame, boxes, 0) == (0.0, 0.0)
    before, after = turns(frame, boxes, 1)
    assert before == 0.0
    assert after == pytest.approx(np.log1p(np.hypot(5, 5) * 10 / 20))


def test_without_trials_the_typical_error_stands() -> None:
    """A first object in a new clip is judged by what is typical."""
    values = history(Trials.none(), Trials.none(), 2, (0.0, 0.0))
    assert values.shape == (len(METHODS), len(HISTORY))
    assert np.isfinite(values).all()
