"""What one sequence holds for scoring: boxes with frame, identity and class, in columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from framelabel.core.labels import Labels


@dataclass(frozen=True, slots=True, eq=False)
class Observations:
    """The boxes of one sequence, sorted by frame; rows of one frame keep their order."""

    frame: NDArray[np.int64]
    """(N,) frame number, non-decreasing; any origin, the same for truth and prediction."""
    track_id: NDArray[np.int64]
    """(N,) identity within the sequence."""
    xyxy: NDArray[np.float64]
    """(N, 4) pixels, continuous, x2/y2 exclusive."""
    class_id: NDArray[np.int32]
    """(N,) row of whatever list of classes both sides share."""
    score: NDArray[np.float64]
    """(N,) in [0, 1]; 1 where none is stated."""

    def __len__(self) -> int:
        return len(self.frame)

    @staticmethod
    def of(
        frame: ArrayLike,
        track_id: ArrayLike,
        xyxy: ArrayLike,
        class_id: ArrayLike | None = None,
        score: ArrayLike | None = None,
    ) -> Observations:
        """Make observations from unsorted rows; missing columns are class 0 and score 1.

        Raises:
            ValueError: a column's length does not match.
        """
        frames = np.asarray(frame, np.int64).reshape(-1)
        count = len(frames)
        order = np.argsort(frames, kind="stable")
        tracks = np.asarray(track_id, np.int64).reshape(-1)
        boxes = np.asarray(xyxy, np.float64).reshape(-1, 4)
        classes = np.zeros(count, np.int32) if class_id is None else np.asarray(class_id, np.int32).reshape(-1)
        scores = np.ones(count) if score is None else np.asarray(score, np.float64).reshape(-1)
        lengths = {"track_id": len(tracks), "xyxy": len(boxes), "class_id": len(classes), "score": len(scores)}
        for name, length in lengths.items():
            if length != count:
                msg = f"{name} must have {count} rows to match frame, got {length}"
                raise ValueError(msg)
        return Observations(frames[order], tracks[order], boxes[order], classes[order], scores[order])

    @staticmethod
    def of_video(labels: Labels, video: int) -> Observations:
        """Return the labels of one video (a row of `labels.videos`); frames are its ordinals, unstated scores 1."""
        rows = np.flatnonzero(labels.frames.video[labels.frame] == video)
        return Observations.of(
            labels.frames.index[labels.frame[rows]],
            labels.track_id[rows],
            labels.xyxy[rows],
            labels.class_id[rows],
            np.nan_to_num(labels.score[rows], nan=1.0),
        )

    def select(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Observations:
        """Return these rows only (a mask or ascending row numbers)."""
        return Observations(
            self.frame[rows], self.track_id[rows], self.xyxy[rows], self.class_id[rows], self.score[rows]
        )
