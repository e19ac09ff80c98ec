"""Where the picture ends, sides of boxes stand still while the object moves on."""

from __future__ import annotations

import numpy as np
import pytest

from framelabel.core.boxes import Boxes
from framelabel.tracking.offline.borders import Borders
from framelabel.tracking.offline.linker import OfflineLinker

SIZE = (640, 480)


def _leaving() -> np.ndarray:
    """Return (40, 4) boxes of a car that drives out of the picture on the right, cut off there."""
    left = 440.0 + 6.0 * np.arange(40)
    boxes = np.stack([left, np.full(40, 200.0), left + 90, np.full(40, 260.0)], axis=1)
    boxes[:, 2] = np.minimum(boxes[:, 2], SIZE[0])
    return boxes[boxes[:, 0] < SIZE[0] - 4]


@pytest.mark.parametrize(
    ("boxes", "size", "expected"),
    [
        ([[600, 0, 640, 50]], SIZE, [False, True, True, False]),
        ([[600, 9, 640, 50], [-20, 9, 50, 50]], SIZE, [False, False, True, False]),
        ([[600, 9, 640, 50]], (0, 0), [False, False, False, False]),
    ],
    ids=["upper-and-right", "passed-on-the-left", "size-unknown"],
)
def test_sides_at_edges_that_no_box_passes(
    boxes: list[list[float]], size: tuple[int, int], expected: list[bool]
) -> None:
    """Only edges that cut off all boxes count, and only where the picture's size is known."""
    xyxy = np.array(boxes, np.float64)
    assert Borders.of(xyxy, size).cut(xyxy)[0].tolist() == expected


def test_what_leaves_the_picture_keeps_its_boxes() -> None:
    """The side at the edge stays at the edge; before it gets there it is not drawn towards it."""
    boxes = _leaving()
    given = [Boxes.of(box[None], [0.9]) for box in boxes]
    (track,) = OfflineLinker(fps=25.0, frame_size=SIZE).link(range(len(boxes)), given)
    assert np.abs(track.xyxy - boxes).max() < 0.3
    (blind,) = OfflineLinker(fps=25.0).link(range(len(boxes)), given)
    assert np.abs(blind.xyxy - boxes).max() > 1.0


def test_a_detector_that_draws_beyond_the_picture_is_left_alone() -> None:
    """Where boxes pass the edge, nothing is cut off there."""
    boxes = _leaving()
    boxes[:, 2] = boxes[:, 0] + 90
    (track,) = OfflineLinker(fps=25.0, frame_size=SIZE).link(
        range(len(boxes)), [Boxes.of(box[None], [0.9]) for box in boxes]
    )
    assert track.xyxy[-1, 2] > SIZE[0] + 50
