"""The camera's path is found from boxes alone, and nothing is found where objects share no motion."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from framelabel.core.boxes import Boxes
from framelabel.tracking.offline.camera import Shifts, medians
from framelabel.tracking.offline.chains import Chains
from framelabel.tracking.offline.linker import OfflineLinker

Floats = NDArray[np.float64]
FRAMES, PEOPLE = 200, 8


def _crowd(shake: float) -> tuple[list[Floats], Floats]:
    """Return the boxes per frame of people who walk at speeds of their own, and the camera's path that moved them."""
    random = np.random.default_rng(4)
    camera = np.cumsum(random.normal(0, shake, (FRAMES, 2)), axis=0)
    left = np.linspace(100, 1500, PEOPLE) + np.outer(np.arange(FRAMES), random.normal(0, 1, PEOPLE))
    top = np.tile(np.linspace(100, 500, PEOPLE), (FRAMES, 1))
    left, top = left + camera[:, :1], top + camera[:, 1:]
    boxes = np.stack([left, top, left + 40, top + 100], axis=2) + random.normal(0, 0.8, (FRAMES, PEOPLE, 4))
    return list(boxes), camera


def _path(boxes: list[Floats]) -> Floats:
    chains = Chains(FRAMES * PEOPLE)
    row = np.arange(FRAMES * PEOPLE)
    chains.link(row[:-PEOPLE], row[PEOPLE:])
    shifts = Shifts(FRAMES)
    shifts.add(np.concatenate(boxes), np.repeat(np.arange(FRAMES), PEOPLE), chains)
    return shifts.path()


def test_a_shake_is_found() -> None:
    """Of the camera's steps nine tenths are explained."""
    boxes, camera = _crowd(shake=5.0)
    left_over = np.diff(_path(boxes) - camera, axis=0)
    assert left_over.std() < 0.3 * np.diff(camera, axis=0).std()


def test_a_camera_that_stands_still_stays_still() -> None:
    """Where only people move, next to nothing is taken for the camera."""
    steps = np.diff(_path(_crowd(shake=0.0)[0]), axis=0)
    assert np.abs(steps).max() < 0.5


def test_people_keep_their_ids_under_a_shaking_camera() -> None:
    """Each person stays one track across a second of missing boxes, while the camera shakes."""
    boxes, camera = _crowd(shake=8.0)
    given = [Boxes.of(part, np.full(PEOPLE, 0.9)) for part in boxes]
    for hidden, start in ((2, 60), (5, 120)):
        for frame in range(start, start + 12):
            given[frame] = given[frame].select(np.arange(PEOPLE) != hidden)
    tracks = OfflineLinker(fps=25.0).link(range(FRAMES), given, 25.0)
    assert [len(track) for track in tracks] == [FRAMES] * PEOPLE
    filled = next(track for track in tracks if np.any(track.score[60:72] == 0))
    truth = np.stack(boxes)[60:72, 2]
    assert np.abs(filled.xyxy[60:72] - truth).mean() < 8.0
    assert np.abs(np.diff(camera[60:72], axis=0)).mean() > 4.0


@pytest.mark.parametrize(
    ("values", "weights", "expected"),
    [
        pytest.param([5.0], [1.0], 5.0, id="one"),
        pytest.param([1.0, 3.0], [1.0, 1.0], 2.0, id="two"),
        pytest.param([9.0, 1.0, 2.0], [1.0, 1.0, 1.0], 2.0, id="three"),
        pytest.param([0.0, 8.0], [9.0, 1.0], 0.8, id="weights"),
    ],
)
def test_weighted_medians(values: list[float], weights: list[float], expected: float) -> None:
    """The median of a frame follows the weights; frames without values have none."""
    found = medians(np.full(len(values), 1), np.array(values), np.array(weights), 3)
    assert np.isnan(found[[0, 2]]).all()
    assert found[1] == pytest.approx(expected, abs=1e-9)
