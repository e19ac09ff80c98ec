"""Short clips drawn by code in which carrying a box by pixels is hard, each for one reason; the truth is exact."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray

from framelabel.core.frames import Frame, FrameIndex, VideoId

Picture = NDArray[np.uint8]
Floats = NDArray[np.float64]

SIZE = 320, 200
COUNT = 61


@dataclass(frozen=True, slots=True, eq=False)
class HardClip:
    """A clip in memory behind the `FrameReader` protocol, with the object's true boxes."""

    images: tuple[Picture, ...]
    """(H, W, 3) RGB by frame."""
    truth: Floats
    """(N, 4) xyxy."""

    @property
    def index(self) -> FrameIndex:
        """The identity of every picture."""
        count = len(self.images)
        return FrameIndex(Fraction(1, 25), np.arange(count), np.ones(count, np.bool_), np.zeros(count, np.uint64))

    def read(self, frames: Iterable[int]) -> Iterator[Frame]:
        """Yield these pictures."""
        for index in frames:
            yield self.frame(index)

    def frame(self, index: int) -> Frame:
        """Return one picture."""
        return Frame(self.index.ref(VideoId(0), index), self.images[index])

    def close(self) -> None:
        """Do nothing."""


def twins() -> HardClip:
    """Two that look alike pass behind a pillar, meet again, and are back where they began: both ends fit a swap."""
    ground, cloth = _ground(1), _cloth(2, (7, 4))
    time = np.arange(COUNT) / (COUNT - 1)
    swing = 105 * np.cos(2 * np.pi * time)
    centre = np.stack([160 - swing, np.full(COUNT, 120.0)], axis=1)
    other = np.stack([160 + swing, np.full(COUNT, 116.0)], axis=1)
    extent = np.tile([26.0, 60.0], (COUNT, 1))
    images = []
    for frame in range(COUNT):
        image = ground.copy()
        _paste(image, cloth, other[frame], extent[frame])
        _paste(image, cloth, centre[frame], extent[frame])
        cv2.rectangle(image, (138, 30), (182, 199), (92, 88, 84), -1)
        images.append(_finished(image, frame))
    return HardClip(tuple(images), _boxes(centre, extent))


def jumper() -> HardClip:
    """A figure spreads its limbs and draws them in within a few frames, so that its box doubles its width."""
    ground = _ground(3)
    spread = (1 - np.cos(2 * np.pi * np.arange(COUNT) / 12)) / 2
    centre = np.stack([90 + 2.2 * np.arange(COUNT), 105 - 14 * spread], axis=1)
    reach = 12 + 34 * spread
    extent = np.stack([2 * reach + 8, 78 - 14 * spread], axis=1)
    images = []
    for frame in range(COUNT):
        image = ground.copy()
        (x, y), half = centre[frame], extent[frame, 1] / 2
        for side in (-1, 1):
            away = x + side * reach[frame]
            hand, foot = (away, y - half + 26 - 20 * spread[frame]), (away, y + half - 4)
            for start, stop in (((x, y - half + 24), hand), ((x, y + 6), foot)):
                cv2.line(image, _pixel(start), _pixel(stop), (176, 72, 60), 8, cv2.LINE_AA)
        cv2.ellipse(image, _pixel((x, y - 4)), (9, 22), 0, 0, 360, (60, 84, 160), -1, cv2.LINE_AA)
        cv2.circle(image, _pixel((x, y - half + 9)), 9, (214, 170, 140), -1, cv2.LINE_AA)
        images.append(_finished(image, frame))
    return HardClip(tuple(images), _boxes(centre, extent))


def panel() -> HardClip:
    """A panel turns about its upright axis: edge-on it is a stroke, and then it shows its other side."""
    ground, front, back = _ground(5), _cloth(6, (6, 6)), _cloth(7, (6, 6))
    angle = 2 * np.pi * np.arange(COUNT) / (COUNT - 1)
    centre = np.stack([110 + 1.6 * np.arange(COUNT), np.full(COUNT, 100.0)], axis=1)
    extent = np.stack([np.maximum(76 * np.abs(np.cos(angle)), 7), np.full(COUNT, 70.0)], axis=1)
    images = []
    for frame in range(COUNT):
        image = ground.copy()
        _paste(image, front if np.cos(angle[frame]) > 0 else back, centre[frame], extent[frame])
        images.append(_finished(image, frame))
    return HardClip(tuple(images), _boxes(centre, extent))


HARD_CLIPS: dict[str, Callable[[], HardClip]] = {"twins": twins, "jumper": jumper, "panel": panel}


def _ground(seed: int) -> Picture:
    noise = np.random.default_rng(seed).integers(110, 170, (10, 16, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(noise, SIZE, interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def _cloth(seed: int, cells: tuple[int, int]) -> Picture:
    """Return a pattern of (rows, columns) coloured cells."""
    return np.random.default_rng(seed).integers(20, 236, (*cells, 3), dtype=np.uint8)


def _paste(image: Picture, cloth: Picture, centre: Floats, extent: Floats) -> None:
    left, top = (centre - extent / 2).round().astype(int)
    width, height = np.maximum(extent.round().astype(int), 1)
    image[top : top + height, left : left + width] = cv2.resize(cloth, (width, height), interpolation=cv2.INTER_LINEAR)


def _pixel(point: tuple[float, float]) -> tuple[int, int]:
    return round(point[0]), round(point[1])


def _finished(image: Picture, frame: int) -> Picture:
    """Return the picture with a camera's blur and noise."""
    soft = cv2.GaussianBlur(image, (0, 0), 0.8).astype(np.float64)
    return np.asarray(np.clip(soft + np.random.default_rng(frame).normal(0, 4, soft.shape), 0, 255), dtype=np.uint8)


def _boxes(centre: Floats, extent: Floats) -> Floats:
    return np.concatenate([centre - extent / 2, centre + extent / 2], axis=1)
