"""A picture beside its golden template: what differs by fault is seen, what differs by place or light is not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from framelabel.core.errors import UsageError
from framelabel.inference.pairs import compared
from framelabel.inference.preprocess import InputOptions, Preprocessor

FAULT = (slice(70, 82), slice(100, 112))


def board() -> NDArray[np.uint8]:
    """Return a soft (160, 200, 3) pattern of tracks and pads."""
    image = np.full((160, 200), 60, np.uint8)
    for x in range(20, 200, 40):
        cv2.rectangle(image, (x, 10), (x + 8, 150), 170, -1)
        cv2.circle(image, (x + 4, 30 + x // 2), 9, 170, -1)
    return np.repeat(cv2.GaussianBlur(image, (0, 0), 1.5)[:, :, None], 3, axis=2)


def moved(image: NDArray[np.uint8], right: float, down: float) -> NDArray[np.uint8]:
    """Return the picture shifted by a share of a pixel."""
    matrix = np.array([[1, 0, right], [0, 1, down]], np.float64)
    size = (image.shape[1], image.shape[0])
    return np.asarray(cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)


CHANGES = [
    pytest.param(board(), id="the-same"),
    pytest.param(moved(board(), 2.4, -1.7), id="shifted"),
    pytest.param((board() * 0.7 + 30).astype(np.uint8), id="other-light"),
    pytest.param(cv2.resize(board(), (300, 240)), id="larger-picture"),
]


@pytest.mark.parametrize("picture", CHANGES)
def test_a_good_picture_differs_nowhere(picture: NDArray[np.uint8]) -> None:
    """Shift, light and size are matched before the difference is taken; borders that came into view are left out."""
    pair = compared(picture, board())
    assert pair.shape == picture.shape
    assert pair[8:-8, 8:-8, 2].max() <= 0.12 * 255


@pytest.mark.parametrize("picture", CHANGES[:3])
def test_a_fault_stands_out_where_it_is(picture: NDArray[np.uint8]) -> None:
    """The difference is large on the fault, in the picture's own pixels, and small elsewhere."""
    faulty = picture.copy()
    faulty[FAULT] = 250
    difference = compared(faulty, board())[:, :, 2]
    inside: NDArray[np.bool_] = np.zeros(difference.shape, np.bool_)
    inside[FAULT] = True
    assert difference[inside].mean() > 100
    assert np.percentile(difference[8:-8, 8:-8][~inside[8:-8, 8:-8]], 99) < 45


@pytest.mark.parametrize("gain", [0.4, 0.7])
def test_dull_pictures_show_faults_as_strongly_as_crisp_ones(gain: float) -> None:
    """The template's own dark and bright parts become black and white: two grey levels of rounding are what is left."""
    faulty = board()
    faulty[FAULT] = 115
    crisp = compared(faulty, board())
    dull = compared((faulty * gain + 40).astype(np.uint8), (board() * gain + 40).astype(np.uint8))
    assert crisp[FAULT][:, :, 2].mean() > 100
    assert np.abs(crisp.astype(int) - dull).max() <= 2 * 255 / (110 * gain)


def test_a_flat_template_is_not_stretched() -> None:
    """Noise of an all but even surface stays as small as it is."""
    surface = np.full((40, 60, 3), 120, np.uint8)
    surface[::2, ::3] = 126
    pair = compared(surface[:, ::-1], surface)
    np.testing.assert_array_equal(pair[:, :, 0], surface[:, ::-1, 0])


def test_two_views_cannot_be_compared() -> None:
    """A template of another shape is refused with both sizes."""
    with pytest.raises(UsageError, match="template is 160x200, the picture 200x160"):
        compared(board(), board().transpose(1, 0, 2))


def test_fed_difference_first_with_nothing_in_the_padding() -> None:
    """The model's channels are difference, template, picture; the padding of a letterboxed pair differs nowhere."""
    pair = np.dstack([np.full((16, 32), level, np.uint8) for level in (10, 20, 30)])
    preprocessor = Preprocessor(InputOptions((32, 32), colour="pair"))
    canvas = preprocessor.canvas(1)
    preprocessor.write(pair, canvas, 0)
    assert canvas.batch[0, :, 0, 0].tolist() == [30, 20, 10]
    assert canvas.batch[0, :, 31, 0].tolist() == [0, 114, 114]
