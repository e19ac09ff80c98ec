"""Camera motion is found from pictures and carried into boxes and filters."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from framelabel.core.boxes import Boxes
from framelabel.core.errors import UsageError
from framelabel.core.frames import FrameRef, VideoId
from framelabel.tracking import kalman
from framelabel.tracking.botsort import BotSort
from framelabel.tracking.box_motion import SizeMotion
from framelabel.tracking.camera_motion import STILL, CameraMotion, CameraMotionOptions, warp_boxes, warp_moments


def _scene() -> NDArray[np.uint8]:
    random = np.random.default_rng(0)
    small = random.integers(0, 255, (60, 80, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(small, (640, 480), interpolation=cv2.INTER_CUBIC), np.uint8)


@pytest.mark.parametrize("method", ["flow", "ecc"])
def test_a_known_move_is_found(method: str) -> None:
    """A picture shifted by a known amount gives that map within a fifth of a pixel, and the same one again."""
    true = np.array([[1.0, 0.0, 6.5], [0.0, 1.0, -4.25]])
    first = _scene()
    second = cv2.warpAffine(first, true, (640, 480), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    runs = []
    for _ in range(2):
        estimate = CameraMotion(CameraMotionOptions(method=method))
        assert np.array_equal(estimate(first), STILL)
        runs.append(estimate(second))
    assert np.array_equal(runs[0], runs[1])
    corner = np.array([[320.0, 240.0, 330.0, 250.0]])
    assert np.abs(warp_boxes(corner, runs[0]) - warp_boxes(corner, true)).max() < 0.2


def test_a_black_picture_says_nothing() -> None:
    """Without texture the camera is taken to stand still."""
    for method in ("flow", "ecc"):
        estimate = CameraMotion(CameraMotionOptions(method=method))
        estimate(np.zeros((48, 64, 3), np.uint8))
        assert np.array_equal(estimate(np.zeros((48, 64, 3), np.uint8)), STILL)


def test_an_unknown_method_is_named() -> None:
    """A wrong method is an error that lists the right ones."""
    with pytest.raises(UsageError, match="camera motion method 'sift' is unknown; use flow or ecc"):
        CameraMotion(CameraMotionOptions(method="sift"))


def test_a_zoom_moves_filters_as_it_moves_boxes() -> None:
    """Warped moments describe the warped box, with deviations scaled alike."""
    camera = np.array([[1.5, 0.0, 10.0], [0.0, 1.5, -20.0]])
    boxes = np.array([[10.0, 20, 50, 120], [200, 10, 260, 90]])
    moved = warp_moments(SizeMotion.start(boxes), camera)
    assert np.allclose(SizeMotion.corners(moved[:, kalman.POSITION]), warp_boxes(boxes, camera))
    assert np.allclose(moved[:, kalman.POSITION_VARIANCE], 2.25 * SizeMotion.start(boxes)[:, kalman.POSITION_VARIANCE])


def _ids(cameras: bool, looks: bool) -> list[list[int]]:
    """Two look-alike boxes swap places under a jumping camera; return the ids of each frame."""
    tracker = BotSort(fps=25.0, frame_size=(640, 480))
    out = []
    for k in range(12):
        jump = 70.0 * (k % 2)
        xyxy = np.array([[100.0, 100, 150, 200], [300, 100, 350, 200]]) + np.array([jump, 0, jump, 0])
        camera = np.array([[1.0, 0, 70.0 if k % 2 else -70.0], [0, 1, 0]]) if k else STILL
        look = np.eye(2, 8)
        boxes, ref = Boxes.of(xyxy, [0.9, 0.9]), FrameRef(VideoId(0), k, k)
        answer = tracker.update(boxes, ref, camera=camera if cameras else None, embeddings=look if looks else None)
        out.append(answer.track_id.tolist())
    return out


def test_camera_motion_keeps_identities_through_jumps() -> None:
    """With the camera's motion told, ids hold while the picture jumps by more than a box; without it they do not."""
    assert _ids(cameras=True, looks=True) == [[1, 2]] * 12
    assert _ids(cameras=False, looks=False) != [[1, 2]] * 12


def test_embeddings_must_match_the_boxes() -> None:
    """One embedding per box, or an error that counts them."""
    with pytest.raises(UsageError, match="frame 0: 1 embeddings for 2 boxes; give one per box"):
        BotSort(fps=25.0, frame_size=(9, 9)).update(
            Boxes.of([[0, 0, 4, 4], [5, 5, 8, 8]]), FrameRef(VideoId(0), 0, 0), embeddings=np.ones((1, 8))
        )
