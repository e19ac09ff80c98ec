"""The boxes of one frame as parallel, read-only arrays without optional columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

NO_TRACK = -1
"""The track id of a box that belongs to no track."""


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """N boxes of one frame. float64, because labels must survive import -> store -> export digit for digit."""

    xyxy: NDArray[np.float64]
    """(N, 4) pixels, continuous, x2/y2 exclusive."""
    score: NDArray[np.float64]
    """(N,) in [0, 1]; 1 for boxes drawn by people."""
    class_id: NDArray[np.int32]
    """(N,) row of the ontology."""
    track_id: NDArray[np.int64]
    """(N,) NO_TRACK where the box has no identity."""

    def __post_init__(self) -> None:
        count = len(self.xyxy)
        if self.xyxy.shape != (count, 4):
            msg = f"xyxy must have shape (N, 4), got {self.xyxy.shape}"
            raise ValueError(msg)
        for name, array in (("score", self.score), ("class_id", self.class_id), ("track_id", self.track_id)):
            if array.shape != (count,):
                msg = f"{name} must have shape ({count},) to match xyxy, got {array.shape}"
                raise ValueError(msg)
        for array in (self.xyxy, self.score, self.class_id, self.track_id):
            array.setflags(write=False)

    def __reduce__(self) -> tuple[type[Boxes], tuple[object, ...]]:
        return Boxes, (self.xyxy, self.score, self.class_id, self.track_id)

    def __len__(self) -> int:
        return len(self.xyxy)

    @staticmethod
    def of(
        xyxy: ArrayLike,
        score: ArrayLike | None = None,
        class_id: ArrayLike | None = None,
        track_id: ArrayLike | None = None,
    ) -> Boxes:
        """Make boxes from anything array-like; missing columns are score 1, class 0, NO_TRACK.

        >>> len(Boxes.of([[0, 0, 4, 2]]))
        1
        """
        box = np.array(xyxy, dtype=np.float64).reshape(-1, 4)
        count = len(box)
        return Boxes(
            box,
            np.ones(count) if score is None else np.array(score, dtype=np.float64),
            np.zeros(count, np.int32) if class_id is None else np.array(class_id, dtype=np.int32),
            np.full(count, NO_TRACK, np.int64) if track_id is None else np.array(track_id, dtype=np.int64),
        )

    @staticmethod
    def empty() -> Boxes:
        """Return no boxes."""
        return Boxes.of(np.zeros((0, 4)))

    @staticmethod
    def concatenate(parts: Sequence[Boxes]) -> Boxes:
        """Join the boxes of several parts of one frame, in order."""
        if not parts:
            return Boxes.empty()
        return Boxes(
            np.concatenate([part.xyxy for part in parts]),
            np.concatenate([part.score for part in parts]),
            np.concatenate([part.class_id for part in parts]),
            np.concatenate([part.track_id for part in parts]),
        )

    def select(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Boxes:
        """Return the boxes at these rows (a mask or row numbers), in that order."""
        return Boxes(self.xyxy[rows], self.score[rows], self.class_id[rows], self.track_id[rows])

    def with_tracks(self, track_id: NDArray[np.int64]) -> Boxes:
        """Return the same boxes, in the same order, with these track ids."""
        return Boxes(self.xyxy, self.score, self.class_id, track_id)
