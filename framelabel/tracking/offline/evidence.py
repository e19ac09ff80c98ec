"""The detections of a whole clip as columns, cleaned and sorted by frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import Boxes
from framelabel.core.errors import UsageError
from framelabel.tracking.offline.time_axis import TimeAxis

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """N detections, sorted by frame, then class and sides."""

    frame: Rows
    """(N,) position of the frame on its `TimeAxis`."""
    xyxy: Floats
    """(N, 4) pixels."""
    score: Floats
    """(N,) in [0, 1]."""
    class_id: NDArray[np.int32]
    source: Rows
    """(N,) row in the concatenation of all boxes given."""

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def size(self) -> Floats:
        """(N,) geometric mean of width and height in pixels: the unit of all distances."""
        return np.sqrt((self.xyxy[:, 2] - self.xyxy[:, 0]) * (self.xyxy[:, 3] - self.xyxy[:, 1]))

    def select(self, rows: NDArray[np.bool_] | Rows | slice) -> Evidence:
        """Return these detections only."""
        return Evidence(self.frame[rows], self.xyxy[rows], self.score[rows], self.class_id[rows], self.source[rows])

    def between(self, low: int, high: int) -> slice:
        """Return the rows of positions from `low` to before `high`."""
        return slice(*np.searchsorted(self.frame, [low, high]).tolist())

    @staticmethod
    def concatenate(parts: Sequence[Evidence]) -> Evidence:
        """Return consecutive parts as one."""
        return Evidence(
            *(
                np.concatenate([getattr(part, name) for part in parts])
                for name in ("frame", "xyxy", "score", "class_id", "source")
            )
        )

    def moved(self, path: Floats) -> Evidence:
        """Return the detections of each frame moved together; `path` (frames, 2) pixels."""
        return Evidence(self.frame, self.xyxy + np.tile(path[self.frame], 2), self.score, self.class_id, self.source)


def gather(axis: TimeAxis, frames: Sequence[int], boxes: Sequence[Boxes], first_row: int = 0) -> Evidence:
    """Put the boxes of some frames of a time axis in order.

    Boxes without a finite, positive area or without a score, and exact repetitions within a frame, are left out.

    Args:
        axis: of the whole clip.
        frames: ordinals on it, in any order.
        boxes: of each of them.
        first_row: number of boxes in the clip before those given.

    Raises:
        UsageError: the two sequences differ in length.
    """
    if len(frames) != len(boxes):
        msg = f"{len(frames)} frames but boxes of {len(boxes)}; give one Boxes per frame"
        raise UsageError(msg)
    every = Boxes.concatenate(boxes)
    frame = axis.positions_of(np.repeat(np.array(frames, np.int64), [len(part) for part in boxes]))
    width, height = every.xyxy[:, 2] - every.xyxy[:, 0], every.xyxy[:, 3] - every.xyxy[:, 1]
    # NaN compares false with everything
    good = (width > 0) & (height > 0) & (width * height < np.inf) & ~np.isnan(every.score)
    rows = np.flatnonzero(good)
    # a canonical order, so that the result does not hang on the order in which boxes were given
    keys = np.column_stack([frame[rows], every.class_id[rows], every.xyxy[rows]])
    order = np.lexsort((-every.score[rows], *keys.T[::-1]))
    rows, keys = rows[order], keys[order]
    is_new = np.ones(len(rows), np.bool_)
    is_new[1:] = np.any(keys[1:] != keys[:-1], axis=1)
    rows = rows[is_new]
    return Evidence(frame[rows], every.xyxy[rows], every.score[rows], every.class_id[rows], rows + first_row)
