"""The seams between layers: small protocols, one or two methods each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import Boxes
from framelabel.core.frames import Frame, FrameIndex, FrameRef
from framelabel.core.tracks import Track


class FrameReader(Protocol):
    """Decodes one video. Frames come with their identity; two readers of one file agree on every one."""

    @property
    def index(self) -> FrameIndex:
        """The identity of every picture."""

    def read(self, frames: Iterable[int]) -> Iterator[Frame]:
        """Yield these pictures, in the order asked; ascending requests never decode a picture twice.

        Raises:
            FrameNotFoundError: the video has no such frame.
        """

    def frame(self, index: int) -> Frame:
        """Return one picture."""

    def close(self) -> None:
        """Release the file; calling it again does nothing."""


class Detector(Protocol):
    """Finds boxes in pictures."""

    def __call__(self, images: Sequence[NDArray[np.uint8]]) -> list[Boxes]:
        """Return the boxes of each (H, W, 3) RGB picture, in picture pixels, best score first."""


class OnlineTracker(Protocol):
    """Gives identity frame by frame. One instance serves one video and owns its id counter."""

    def update(self, boxes: Boxes, ref: FrameRef) -> Boxes:
        """Return the same rows in the same order, with only `track_id` filled (NO_TRACK where unconfirmed)."""


class OfflineTracker(Protocol):
    """Links the detections of a whole span into tracks, looking both ways."""

    def link(self, frames: Sequence[int], boxes: Sequence[Boxes], fps: float) -> list[Track]:
        """Return the tracks through `boxes[k]` of frame ordinal `frames[k]` (ascending)."""


class Reporter(Protocol):
    """Hears how long work goes on. The command line shows it; the default says nothing."""

    def start(self, name: str, total: int | None) -> None:
        """Begin a stage of `total` units (None when unknown)."""

    def advance(self, count: int = 1, **facts: object) -> None:
        """Count units done; facts are shown beside (`device="cpu"`)."""

    def note(self, message: str) -> None:
        """Tell the person one line that matters and does not stop the work."""


class SilentReporter:
    """A reporter that says nothing."""

    def start(self, name: str, total: int | None) -> None:
        """Ignore."""

    def advance(self, count: int = 1, **facts: object) -> None:
        """Ignore."""

    def note(self, message: str) -> None:
        """Ignore."""


SILENT = SilentReporter()
