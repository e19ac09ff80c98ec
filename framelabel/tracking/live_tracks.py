"""What every online tracker keeps of its live tracks, and the checks of what it is fed."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import Boxes
from framelabel.core.errors import UsageError
from framelabel.core.frames import FrameRef

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

TENTATIVE: Final = 0
"""Seen once or too few times; has no public id yet."""
CONFIRMED: Final = 1
LOST: Final = 2
"""Confirmed before, not seen in the last frame."""


class LiveTracks:
    """Parallel arrays of the tracks of one video. Ids are handed out by this instance, once, and never again."""

    def __init__(self, moments_shape: tuple[int, int] = (5, 4)) -> None:
        self.moments: Floats = np.zeros((0, *moments_shape))
        """(N, 5, 4) motion, see `kalman`."""
        self.id: Rows = np.zeros(0, np.int64)
        """(N,) public id; -1 while tentative."""
        self.class_id: NDArray[np.int32] = np.zeros(0, np.int32)
        self.state: NDArray[np.int8] = np.zeros(0, np.int8)
        self.first: Rows = np.zeros(0, np.int64)
        """(N,) frame ordinal of the first box."""
        self.last: Rows = np.zeros(0, np.int64)
        """(N,) frame ordinal of the latest box."""
        self.hits: Rows = np.zeros(0, np.int64)
        """(N,) boxes in a row, up to the latest."""
        self._next_id = 1

    def __len__(self) -> int:
        return len(self.id)

    def add(self, moments: Floats, class_id: NDArray[np.int32], frame: int, state: int) -> None:
        """Append tracks first seen at `frame`; confirmed ones get their ids now."""
        count = len(moments)
        self.moments = np.concatenate([self.moments, moments])
        self.id = np.concatenate([self.id, np.full(count, -1)])
        self.class_id = np.concatenate([self.class_id, class_id])
        self.state = np.concatenate([self.state, np.full(count, TENTATIVE, np.int8)])
        self.first = np.concatenate([self.first, np.full(count, frame)])
        self.last = np.concatenate([self.last, np.full(count, frame)])
        self.hits = np.concatenate([self.hits, np.ones(count, np.int64)])
        if state == CONFIRMED:
            self.confirm(np.arange(len(self) - count, len(self)))

    def confirm(self, rows: Rows) -> None:
        """Mark these tracks as seen now and sure; those without a public id get the next ones, in row order."""
        self.state[rows] = CONFIRMED
        fresh = rows[self.id[rows] < 0]
        if len(fresh):
            self.id[fresh] = np.arange(self._next_id, self._next_id + len(fresh))
            self._next_id += len(fresh)

    def keep(self, mask: NDArray[np.bool_]) -> None:
        """Forget the tracks outside `mask`."""
        for name in ("moments", "id", "class_id", "state", "first", "last", "hits"):
            setattr(self, name, getattr(self, name)[mask])


class FrameOrder:
    """Checks that one tracker sees one video, in ascending order."""

    def __init__(self) -> None:
        self._last: FrameRef | None = None

    def steps(self, ref: FrameRef) -> int:
        """Return how many frames passed since the previous call (1 on the first).

        Raises:
            UsageError: the frame belongs to another video or does not come after the previous one.
        """
        last = self._last
        if last is None:
            self._last = ref
            return 1
        if ref.video_id != last.video_id:
            msg = f"tracker of video {last.video_id} got a frame of video {ref.video_id}; build a new tracker for it"
            raise UsageError(msg)
        if ref.index <= last.index:
            msg = f"frame {ref.index} came after frame {last.index}; feed frames in ascending order"
            raise UsageError(msg)
        self._last = ref
        return ref.index - last.index


def usable(boxes: Boxes) -> Rows:
    """Return the rows whose box has a finite, positive area and a score; the others can never be tracked."""
    xyxy = boxes.xyxy
    width, height = xyxy[:, 2] - xyxy[:, 0], xyxy[:, 3] - xyxy[:, 1]
    # NaN compares false with everything, itself included
    extent = width * height
    good = (width > 0) & (height > 0) & (extent < np.inf) & (boxes.score == boxes.score)
    return np.asarray(good.nonzero()[0], np.int64)
