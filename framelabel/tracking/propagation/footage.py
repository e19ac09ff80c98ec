"""Pictures of one video by ordinal, decoded once for all objects and kept within a memory bound."""

from __future__ import annotations

from collections import OrderedDict

import cv2
import numpy as np
from numpy.typing import NDArray

from framelabel.core.errors import FramelabelError
from framelabel.core.protocols import FrameReader

CHUNK = 16
"""Pictures decoded together: walking backwards then costs one decode a picture, as walking forwards does."""


class MissingFootageError(FramelabelError, ValueError):
    """A method that looks at pixels was asked about a project that has none."""


class Footage:
    """Decoded pictures; the least recently used chunk of frames goes first."""

    def __init__(self, reader: FrameReader | None, *, memory_bytes: int = 384_000_000) -> None:
        """Read through `reader`, keeping at most about `memory_bytes` of pictures (at least two chunks)."""
        if reader is None:
            msg = (
                "this method looks at pixels and the video's footage is not at hand; use --method detections or linear"
            )
            raise MissingFootageError(msg)
        self._reader = reader
        self._memory = memory_bytes
        self._chunks: OrderedDict[int, list[NDArray[np.uint8]]] = OrderedDict()
        self._means: dict[int, tuple[float, ...]] = {}

    def __len__(self) -> int:
        return len(self._reader.index)

    def image(self, frame: int) -> NDArray[np.uint8]:
        """Return picture `frame` as (H, W, 3) RGB.

        Raises:
            FrameNotFoundError: the video has no such frame.
        """
        number = frame // CHUNK
        chunk = self._chunks.get(number)
        if chunk is None or not 0 <= frame < len(self):
            start = number * CHUNK
            stop = max(min(start + CHUNK, len(self)), frame + 1)
            chunk = [picture.image for picture in self._reader.read(range(start, stop))]
            self._chunks[number] = chunk
            held = sum(image.nbytes for part in self._chunks.values() for image in part)
            while held > self._memory and len(self._chunks) > 2:
                _, dropped = self._chunks.popitem(last=False)
                held -= sum(image.nbytes for image in dropped)
        self._chunks.move_to_end(number)
        return chunk[frame - number * CHUNK]

    def mean_colour(self, frame: int) -> tuple[float, ...]:
        """Return the mean red, green and blue of picture `frame`."""
        found = self._means.get(frame)
        if found is None:
            found = tuple(cv2.mean(self.image(frame)))
            self._means[frame] = found
        return found

    def grey(self, frame: int, width: int) -> NDArray[np.uint8]:
        """Return picture `frame` in grey, at most `width` pixels wide, (h, w)."""
        grey = cv2.cvtColor(self.image(frame), cv2.COLOR_RGB2GRAY)
        if grey.shape[1] > width:
            height = max(round(grey.shape[0] * width / grey.shape[1]), 1)
            grey = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
        return np.asarray(grey, dtype=np.uint8)
