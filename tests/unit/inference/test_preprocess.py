"""What a model is fed is exactly what its manifest says, and boxes come back to where they were."""

from __future__ import annotations

import numpy as np
import pytest

from framelabel.inference.preprocess import InputOptions, Preprocessor, least_size


@pytest.mark.parametrize("resize", ["letterbox", "letterbox_centred", "stretch", "crop"])
@pytest.mark.parametrize("size", [(768, 432), (432, 768), (33, 77), (416, 416), (1920, 1081)])
def test_a_dot_comes_back_to_its_pixel(resize: str, size: tuple[int, int]) -> None:
    """The way back is the inverse of what was drawn: a bright block's box returns within one input pixel."""
    width, height = size
    image = np.zeros((height, width, 3), np.uint8)
    left, top, right, bottom = width // 2 - 12, height // 2 - 12, width // 2 + 12, height // 2 + 12
    image[top:bottom, left:right] = 255
    preprocessor = Preprocessor(InputOptions((416, 416), resize=resize, pad=0))
    canvas = preprocessor.canvas(1)
    placement = preprocessor.write(image, canvas, 0)
    rows, columns = np.nonzero(canvas.batch[0, 0] > 127)
    found = np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]], np.float64)
    pixel = max(1 / placement.scale[0], 1 / placement.scale[1])
    assert placement.to_picture(found)[0] == pytest.approx([left, top, right, bottom], abs=pixel + 1e-9)


@pytest.mark.parametrize(
    ("options", "pixel", "expected"),
    [
        pytest.param(InputOptions((2, 2)), (10, 20, 30), (10, 20, 30), id="rgb-as-it-is"),
        pytest.param(InputOptions((2, 2), colour="bgr"), (10, 20, 30), (30, 20, 10), id="bgr"),
        pytest.param(InputOptions((2, 2), scale=1 / 255), (255, 51, 0), (1.0, 0.2, 0.0), id="zero-to-one"),
        pytest.param(
            InputOptions((2, 2), scale=1 / 255, mean=(0.5, 0.4, 0.3), std=(0.5, 0.2, 0.1)),
            (255, 51, 0),
            (1.0, -1.0, -3.0),
            id="imagenet-style",
        ),
        pytest.param(
            InputOptions((2, 2), colour="bgr", mean=(100, 50, 25), std=(10, 5, 1)),
            (26, 60, 110),
            (1.0, 2.0, 1.0),
            id="mean-in-order-of-colour",
        ),
        pytest.param(InputOptions((2, 2), colour="grey"), (100, 100, 100), (100,), id="grey"),
    ],
)
@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_values(options: InputOptions, pixel: tuple[int, ...], expected: tuple[float, ...], layout: str) -> None:
    """A fed value is (pixel * scale - mean) / std, channels in the order of `colour`."""
    fields = {name: getattr(options, name) for name in ("size", "colour", "scale", "mean", "std")}
    preprocessor = Preprocessor(InputOptions(**fields, layout=layout))
    canvas = preprocessor.canvas(1)
    preprocessor.write(np.full((2, 2, 3), pixel, np.uint8), canvas, 0)
    channels = canvas.batch[0, :, 0, 0] if layout == "nchw" else canvas.batch[0, 0, 0]
    assert channels == pytest.approx(expected, abs=1e-5)


def test_padding_is_normalised_grey() -> None:
    """Padding is the grey of `pad` through the same scale, mean and std as the picture."""
    options = InputOptions((8, 8), scale=1 / 255, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25), pad=127.5)
    preprocessor = Preprocessor(options)
    canvas = preprocessor.canvas(1)
    preprocessor.write(np.zeros((4, 8, 3), np.uint8), canvas, 0)
    assert canvas.batch[0, :, 4:] == pytest.approx(np.zeros((3, 4, 8)), abs=1e-6)
    assert canvas.batch[0, :, :4] == pytest.approx(np.full((3, 4, 8), -2.0), abs=1e-6)


def test_a_used_canvas_holds_nothing_of_the_picture_before() -> None:
    """A canvas is reused for speed; a wide picture after a tall one is fed as on a fresh canvas."""
    random = np.random.default_rng(3)
    preprocessor = Preprocessor(InputOptions((64, 64)))
    used = preprocessor.canvas(1)
    for size in [(90, 40), (40, 90), (90, 40), (64, 64), (50, 49)]:
        image = random.integers(0, 255, (size[1], size[0], 3), np.uint8)
        fresh = preprocessor.canvas(1)
        preprocessor.write(image, used, 0)
        preprocessor.write(image, fresh, 0)
        assert np.array_equal(used.batch, fresh.batch)


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        pytest.param((1920, 1080), (416, 256), id="wide"),
        pytest.param((1080, 1920), (256, 416), id="tall"),
        pytest.param((500, 500), (416, 416), id="square"),
        pytest.param((4000, 100), (416, 32), id="strip"),
    ],
)
def test_least_size(picture: tuple[int, int], expected: tuple[int, int]) -> None:
    """The least input is the letterboxed picture rounded up to the stride."""
    assert least_size(InputOptions((416, 416)), picture) == expected


def test_mean_of_the_wrong_length_is_refused() -> None:
    """Two means for three channels would silently broadcast or fail deep inside."""
    with pytest.raises(ValueError, match="need 3 values"):
        Preprocessor(InputOptions((8, 8), mean=(1.0, 2.0)))
