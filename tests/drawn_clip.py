"""A clip drawn by code, whose truth is known exactly: for tests that carry boxes by pixels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray

from framelabel.core.frames import Frame, FrameIndex, VideoId
from framelabel.core.tracks import Track
from framelabel.tracking.propagation.evidence import Evidence
from framelabel.tracking.propagation.protocol import SiameseNetwork

SIZE = (160, 120)
COUNT = 40


class DrawnClip:
    """A textured square on a textured ground, moving along a curve; hidden in the frames of `away`."""

    def __init__(self, away: range = range(0)) -> None:
        noise = np.random.default_rng(7)
        ground = cv2.resize(noise.integers(60, 140, (15, 20, 3), dtype=np.uint8), SIZE)
        thing = cv2.resize(noise.integers(0, 256, (6, 6, 3), dtype=np.uint8), (24, 24))
        self.truth = np.array([self._place(frame) for frame in range(COUNT)])
        self.reads = 0
        self._images: list[NDArray[np.uint8]] = []
        for frame in range(COUNT):
            image = np.asarray(ground.copy(), dtype=np.uint8)
            if frame not in away:
                left, top = self.truth[frame, :2].astype(int)
                image[top : top + 24, left : left + 24] = thing
            self._images.append(image)
        pts = np.arange(COUNT, dtype=np.int64)
        self._index = FrameIndex(Fraction(1, 25), pts, np.ones(COUNT, np.bool_), np.zeros(COUNT, np.uint64))

    @staticmethod
    def _place(frame: int) -> tuple[float, float, float, float]:
        left, top = float(10 + 3 * frame), float(round(45 + 35 * np.sin(frame / 6)))
        return left, top, left + 24, top + 24

    @property
    def index(self) -> FrameIndex:
        """The identity of every picture."""
        return self._index

    def read(self, frames: Iterable[int]) -> Iterator[Frame]:
        """Yield these pictures."""
        for frame in frames:
            yield self.frame(frame)

    def frame(self, index: int) -> Frame:
        """Return one picture and count it."""
        self.reads += 1
        return Frame(self._index.ref(VideoId(0), index), self._images[index])

    def close(self) -> None:
        """Do nothing."""

    def evidence(self, network: SiameseNetwork | None = None) -> Evidence:
        """Return this clip as evidence, without weights unless a network is given."""
        return Evidence(SIZE, 25.0, COUNT, reader=self, network=network)

    def keys(self, *frames: int) -> Track:
        """Return exact human boxes at these frames."""
        frame = np.array(frames, np.int64)
        return Track.of(1, frame, self.truth[frame], is_keyframe=np.ones(len(frames), np.bool_))
