"""The camera's motion is read off what all detections do together."""

from __future__ import annotations

import numpy as np

from framelabel.core.boxes import Boxes
from framelabel.tracking.propagation.association import ClipDetections
from framelabel.tracking.propagation.camera_steps import camera_path, unevenness


def shaken(objects: int, frames: int = 40) -> tuple[ClipDetections, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    """Return detections of still objects under a shaking camera, and the shake (frames, 2)."""
    random = np.random.default_rng(1)
    shake = np.cumsum(random.normal(0, 3.0, (frames, 2)), axis=0)
    corner = np.stack([np.arange(objects) * 150.0, np.arange(objects) * 40.0], axis=1)
    box = np.concatenate([corner, corner + np.array([60, 90])], axis=1)
    found = {
        frame: Boxes.of(box + np.tile(shake[frame], 2) + random.normal(0, 0.3, box.shape)) for frame in range(frames)
    }
    return ClipDetections.of(found), shake


def test_a_shaking_camera_is_found() -> None:
    """Between two frames the uneven part of the shake is met within a pixel or two."""
    clip, shake = shaken(9)
    share = np.linspace(0, 1, 21)[:, None]
    expected = shake[5:26] - (1 - share) * shake[5] - share * shake[25]
    assert np.abs(expected).max() > 5
    assert np.abs(unevenness(camera_path(clip), 5, 25) - expected).max() < 0.3 * np.abs(expected).max()


def test_two_objects_say_nothing_of_the_camera() -> None:
    """Few objects may move by themselves: the camera is taken to stand still."""
    clip, _ = shaken(2)
    assert not camera_path(clip).any()


def test_beyond_the_last_detection_the_camera_stands_still() -> None:
    """Frames after the last detection are answered, evenly."""
    clip, _ = shaken(9)
    assert unevenness(camera_path(clip), 60, 70).shape == (11, 2)
    np.testing.assert_allclose(unevenness(camera_path(clip), 60, 70), 0, atol=1e-9)


def test_no_detections_no_camera() -> None:
    """A clip without detections has a still camera."""
    clip = ClipDetections.of({})
    assert not unevenness(camera_path(clip), 0, 10).any()
