"""Pictures to model inputs: resize, colour order, scale, normalise; and the exact way back for boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from framelabel.core.golden_pair import PAIR

Floats = NDArray[np.float64]

PADDINGS = ("full", "least")
RESIZES = ("letterbox", "letterbox_centred", "stretch", "crop")
COLOURS = ("rgb", "bgr", "grey", PAIR)
LAYOUTS = ("nchw", "nhwc")


@dataclass(frozen=True, slots=True)
class InputOptions:
    """What a model wants to see. A value fed to it is `(pixel * scale - mean) / std`."""

    size: tuple[int, int]
    """(width, height) of the model input."""
    resize: str = "letterbox"
    """One of `RESIZES`: keep the aspect and pad right and below; or pad on both sides; stretch; or cut the middle."""
    colour: str = "rgb"
    """One of `COLOURS`. A pair is fed difference first, then template, then picture."""
    scale: float = 1.0
    """1 for models that take 0..255, 0.00392157 (1/255) for 0..1."""
    mean: tuple[float, ...] = ()
    """By channel in the order of `colour`; () for none."""
    std: tuple[float, ...] = ()
    pad: float = 114.0
    """Grey of the padding in 0..255."""
    layout: str = "nchw"
    """One of `LAYOUTS`."""
    padding: str = "full"
    """One of `PADDINGS`: letterbox to `size`; or leave out the padding that a wide or tall picture does not need."""
    multiple: int = 32
    """The least padding rounds up to this many pixels (the model's coarsest stride)."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a picture lies in the model input: `input = picture * scale + offset`, on each axis."""

    scale: tuple[float, float]
    """Input pixels per picture pixel, (x, y)."""
    offset: tuple[float, float]
    """Input coordinates of the picture's corner, (x, y)."""
    size: tuple[int, int]
    """(width, height) of the picture."""

    def to_picture(self, xyxy: Floats) -> Floats:
        """Return (N, 4) boxes of the model input as boxes of the picture."""
        scale_x, scale_y = self.scale
        left, top = self.offset
        return np.asarray((xyxy - [left, top, left, top]) / [scale_x, scale_y, scale_x, scale_y], dtype=np.float64)

    def points_to_picture(self, points: Floats) -> Floats:
        """Return (K, 2) points of the model input as points of the picture."""
        return np.asarray((points - self.offset) / self.scale, dtype=np.float64)


@dataclass(slots=True, eq=False)
class Canvas:
    """A reusable input batch. The padding is written once and again only when the picture's place changes."""

    batch: NDArray[Any]
    """(N, C, H, W) or (N, H, W, C), ready for the session."""
    regions: list[tuple[int, int, int, int]] = field(default_factory=list)
    """For each row: left, top, width, height of the picture region last written; zeros at first."""
    resized: NDArray[np.uint8] = field(default_factory=lambda: np.zeros((0, 0, 3), np.uint8))
    """(h, w, 3) the last picture after resizing; kept because a fresh array costs more than the resizing itself."""
    planes: list[NDArray[np.uint8]] = field(default_factory=list)
    """Its three channels, (h, w) each."""

    def fit(self, width: int, height: int) -> None:
        """Make the intermediate arrays fit a resized picture."""
        if self.resized.shape[:2] != (height, width):
            self.resized = np.empty((height, width, 3), np.uint8)
            self.planes = [np.empty((height, width), np.uint8) for _ in range(3)]


def least_size(options: InputOptions, picture: tuple[int, int]) -> tuple[int, int]:
    """Return the smallest input (width, height) that shows a picture at the scale that `options.size` would.

    >>> least_size(InputOptions((416, 416)), (1920, 1080))
    (416, 256)
    """
    scale = min(options.size[0] / picture[0], options.size[1] / picture[1])
    sides = (max(1, round(side * scale)) for side in picture)
    width, height = (-(-side // options.multiple) * options.multiple for side in sides)
    return min(width, options.size[0]), min(height, options.size[1])


class Preprocessor:
    """Writes pictures into canvases for one model."""

    def __init__(self, options: InputOptions, dtype: type[np.generic] = np.float32) -> None:
        self.options = options
        self.dtype = dtype
        channels = 1 if options.colour == "grey" else 3
        self.channels = channels
        mean = np.array(options.mean or (0.0,) * channels, np.float64)
        std = np.array(options.std or (1.0,) * channels, np.float64)
        if mean.shape != (channels,) or std.shape != (channels,):
            msg = f"mean and std need {channels} values for colour '{options.colour}', got {len(mean)} and {len(std)}"
            raise ValueError(msg)
        self._gain = (options.scale / std).astype(np.float32)
        self._bias = (-mean / std).astype(np.float32)
        self._is_plain = bool(np.all(self._gain == 1.0) and np.all(self._bias == 0.0))
        padding = [0.0, options.pad, options.pad] if options.colour == PAIR else [options.pad] * channels
        self._pad = np.array(padding, np.float32) * self._gain + self._bias

    def canvas(self, count: int) -> Canvas:
        """Return an empty canvas for `count` pictures."""
        width, height = self.options.size
        shape = (
            (count, self.channels, height, width)
            if self.options.layout == "nchw"
            else (count, height, width, self.channels)
        )
        return Canvas(np.zeros(shape, self.dtype), [(0, 0, 0, 0)] * count)

    def place(self, size: tuple[int, int]) -> tuple[Placement, tuple[int, int, int, int]]:
        """Return the map for a picture of `size` and the input region that it fills (left, top, width, height).

        The map holds the scale of the rounded region, not the ideal one, so boxes come back exact.
        """
        (width, height), (to_width, to_height) = size, self.options.size
        if self.options.resize in ("letterbox", "letterbox_centred"):
            ideal = min(to_width / width, to_height / height)
            new_width = min(to_width, max(1, round(width * ideal)))
            new_height = min(to_height, max(1, round(height * ideal)))
            centred = self.options.resize == "letterbox_centred"
            left = (to_width - new_width) // 2 if centred else 0
            top = (to_height - new_height) // 2 if centred else 0
            placement = Placement((new_width / width, new_height / height), (left, top), size)
            return placement, (left, top, new_width, new_height)
        if self.options.resize == "stretch":
            return Placement((to_width / width, to_height / height), (0.0, 0.0), size), (0, 0, to_width, to_height)
        x, y, cut_width, cut_height = self._cut(size)
        scale = (to_width / cut_width, to_height / cut_height)
        return Placement(scale, (-x * scale[0], -y * scale[1]), size), (0, 0, to_width, to_height)

    def write(self, image: NDArray[np.uint8], canvas: Canvas, row: int) -> Placement:
        """Put an (H, W, 3) RGB picture into one row of a canvas; return where it lies."""
        height, width = image.shape[:2]
        placement, region = self.place((width, height))
        left, top, new_width, new_height = region
        target = canvas.batch[row]
        planes = target if self.options.layout == "nchw" else target.transpose(2, 0, 1)
        if canvas.regions[row] != region:
            canvas.regions[row] = region
            if (new_width, new_height) != self.options.size:
                planes[:] = self._pad[:, None, None]
        if self.options.resize == "crop":
            x, y, cut_width, cut_height = self._cut((width, height))
            image = image[y : y + cut_height, x : x + cut_width]
        canvas.fit(new_width, new_height)
        if (image.shape[1], image.shape[0]) != (new_width, new_height):
            image = cv2.resize(image, (new_width, new_height), canvas.resized, interpolation=cv2.INTER_LINEAR)
        spot = planes[:, top : top + new_height, left : left + new_width]
        for channel, plane in enumerate(self._split(image, canvas.planes)):
            # One contiguous plane after the other: several times faster than one transposed copy.
            if self._is_plain:
                spot[channel] = plane
            else:
                spot[channel] = plane * self._gain[channel] + self._bias[channel]
        return placement

    def _split(self, image: NDArray[np.uint8], planes: list[NDArray[np.uint8]]) -> Sequence[NDArray[np.uint8]]:
        """Return an RGB picture as planes in the order of the model's channels."""
        if self.options.colour == "grey":
            return (cv2.cvtColor(image, cv2.COLOR_RGB2GRAY, planes[0]),)
        red_green_blue: Sequence[NDArray[np.uint8]] = cv2.split(image, planes)
        return red_green_blue[::-1] if self.options.colour in ("bgr", PAIR) else red_green_blue

    def _cut(self, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Return the middle region of a picture with the input's aspect: x, y, width, height."""
        (width, height), (to_width, to_height) = size, self.options.size
        scale = max(to_width / width, to_height / height)
        cut_width = min(width, max(1, round(to_width / scale)))
        cut_height = min(height, max(1, round(to_height / scale)))
        return (width - cut_width) // 2, (height - cut_height) // 2, cut_width, cut_height
