"""Display matrices turn pictures upright as the ffmpeg command does."""

from __future__ import annotations

import numpy as np
import pytest

from framelabel.media.orientation import orientation_of_matrix

ONE = 1 << 16
PICTURE = np.arange(6, dtype=np.uint8).reshape(2, 3, 1)


@pytest.mark.parametrize(
    ("matrix", "degrees", "expected"),
    [
        pytest.param((ONE, 0, 0, ONE), 0, PICTURE, id="upright"),
        pytest.param((0, ONE, -ONE, 0), -90, np.rot90(PICTURE, -1), id="clockwise"),
        pytest.param((0, -ONE, ONE, 0), 90, np.rot90(PICTURE, 1), id="counter-clockwise"),
        pytest.param((-ONE, 0, 0, -ONE), 180, np.rot90(PICTURE, 2), id="half-turn"),
        pytest.param((-ONE, 0, 0, ONE), 0, PICTURE[:, ::-1], id="mirrored"),
        pytest.param((ONE, 0, 0, -ONE), 0, PICTURE[::-1], id="upside-down"),
        pytest.param((0, ONE, ONE, 0), 90, PICTURE.transpose(1, 0, 2), id="transposed"),
        pytest.param((46341, 46341, -46341, 46341), 0, PICTURE, id="45-degrees-counts-as-upright"),
    ],
)
def test_eight_orientations(matrix: tuple[int, int, int, int], degrees: int, expected: np.ndarray) -> None:
    """The picture is turned, its size follows, and the turn reads as ffprobe prints it."""
    a, b, c, d = matrix
    orientation = orientation_of_matrix((a, b, 0, c, d, 0, 0, 0, 1 << 30))
    turned = orientation.apply(PICTURE).reshape(*expected.shape)
    assert np.array_equal(turned, expected)
    assert orientation.size_after(3, 2) == (expected.shape[1], expected.shape[0])
    assert orientation.degrees == degrees
