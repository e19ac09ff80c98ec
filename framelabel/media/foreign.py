"""Readers that decode with another library and take the identity of pictures from the default reader's index."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from framelabel.core.frames import Frame, FrameIndex, FrameRef, VideoId
from framelabel.core.protocols import SILENT, Reporter
from framelabel.media.facts import ContentFacts, HeaderFacts
from framelabel.media.pyav_reader import PyAVReader, every_picture

NO_VIDEO = VideoId(0)


class ForeignReader(ABC):
    """What readers of other libraries share. A subclass says which picture its library takes for number N.

    That picture is handed out under the identity that number N really has. Whether it is the right one is the
    library's affair; `framelabel.media.choice` finds out.
    """

    def __init__(self, path: str | Path, *, video_id: VideoId = NO_VIDEO, index: FrameIndex | None = None) -> None:
        self.path = str(path)
        self.video_id = video_id
        self._truth = PyAVReader(path, video_id=video_id, index=index)

    @abstractmethod
    def picture(self, ordinal: int) -> NDArray[np.uint8]:
        """Return the (H, W, 3) RGB picture that the library takes for number `ordinal`."""

    @property
    def header(self) -> HeaderFacts:
        """What the header and the first picture say, by the default reader."""
        return self._truth.header

    @property
    def content(self) -> ContentFacts:
        """What a pass over all pictures showed, by the default reader."""
        return self._truth.content

    @property
    def index(self) -> FrameIndex:
        """The identity of every picture, by the default reader."""
        return self._truth.index

    def read_all(
        self, wanted: Callable[[FrameRef], bool] = every_picture, reporter: Reporter = SILENT
    ) -> Iterator[Frame]:
        """Yield the wanted pictures in order."""
        for ordinal in range(len(self.index)):
            if wanted(self.index.ref(self.video_id, ordinal)):
                yield self.frame(ordinal)
            reporter.advance()

    def read(self, frames: Iterable[int]) -> Iterator[Frame]:
        """Yield these pictures in the order asked."""
        for ordinal in frames:
            yield self.frame(ordinal)

    def frame(self, index: int) -> Frame:
        """Return one picture."""
        ref = self.index.ref(self.video_id, index)
        return Frame(ref, self.picture(index))

    def thumbnails(self, frames: Iterable[int], size: tuple[int, int]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Yield (ordinal, (H, W) grey picture of `size`)."""
        for frame in self.read(frames):
            grey = cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY)
            yield frame.ref.index, np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)

    def close(self) -> None:
        """Release the file; calling it again does nothing."""
        self._truth.close()
