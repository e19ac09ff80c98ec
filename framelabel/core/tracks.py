"""One object over time, as parallel arrays over the frames where something is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray


class Visibility(IntEnum):
    """What is known of an object in one frame."""

    VISIBLE = 0
    OCCLUDED = 1
    """Present behind something; its box is where it must be."""
    ABSENT = 2
    """Not in the picture; its box row carries no meaning and is never exported."""
    LOST = 3
    """The evidence does not say; a person should look."""


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One object. A track has explicit frames: there is no "until the end" (frames not listed are unknown)."""

    id: int
    """Public id, stable for ever, unique in its video."""
    class_id: int
    frame: NDArray[np.int64]
    """(N,) frame ordinals, strictly increasing."""
    xyxy: NDArray[np.float64]
    """(N, 4) pixels, continuous, x2/y2 exclusive."""
    is_keyframe: NDArray[np.bool_]
    """(N,) true where a person drew or confirmed the box."""
    uncertainty: NDArray[np.float64]
    """(N,) 1 - expected IoU with the true box, in [0, 1]; 0 at keyframes."""
    visibility: NDArray[np.int8]
    """(N,) a `Visibility`."""
    score: NDArray[np.float64]
    """(N,) in [0, 1]: detection confidence; 1 at keyframes, 0 where a gap was filled."""

    def __post_init__(self) -> None:
        count = len(self.frame)
        shapes = (
            ("xyxy", self.xyxy, (count, 4)),
            ("is_keyframe", self.is_keyframe, (count,)),
            ("uncertainty", self.uncertainty, (count,)),
            ("visibility", self.visibility, (count,)),
            ("score", self.score, (count,)),
        )
        for name, array, shape in shapes:
            if array.shape != shape:
                msg = f"{name} must have shape {shape} to match frame, got {array.shape}"
                raise ValueError(msg)
            array.setflags(write=False)
        if count > 1 and not bool(np.all(np.diff(self.frame) > 0)):
            msg = "frame must be strictly increasing"
            raise ValueError(msg)
        self.frame.setflags(write=False)

    def __reduce__(self) -> tuple[type[Track], tuple[object, ...]]:
        columns = (self.frame, self.xyxy, self.is_keyframe, self.uncertainty, self.visibility, self.score)
        return Track, (self.id, self.class_id, *columns)

    def __len__(self) -> int:
        return len(self.frame)

    @staticmethod
    def of(
        id: int,  # noqa: A002 - the field's name
        frame: NDArray[np.int64],
        xyxy: NDArray[np.float64],
        *,
        class_id: int = 0,
        is_keyframe: NDArray[np.bool_] | None = None,
        uncertainty: NDArray[np.float64] | None = None,
        visibility: NDArray[np.int8] | None = None,
        score: NDArray[np.float64] | None = None,
    ) -> Track:
        """Make a track; missing columns are: no keyframes, certain, visible, score 1."""
        count = len(frame)
        return Track(
            id,
            class_id,
            np.array(frame, dtype=np.int64),
            np.array(xyxy, dtype=np.float64).reshape(count, 4),
            np.zeros(count, np.bool_) if is_keyframe is None else np.array(is_keyframe, dtype=np.bool_),
            np.zeros(count) if uncertainty is None else np.array(uncertainty, dtype=np.float64),
            np.zeros(count, np.int8) if visibility is None else np.array(visibility, dtype=np.int8),
            np.ones(count) if score is None else np.array(score, dtype=np.float64),
        )

    def select(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Track:
        """Return the same object at these rows only."""
        return Track(
            self.id,
            self.class_id,
            self.frame[rows],
            self.xyxy[rows],
            self.is_keyframe[rows],
            self.uncertainty[rows],
            self.visibility[rows],
            self.score[rows],
        )

    def numbered(self, id: int) -> Track:  # noqa: A002 - the field's name
        """Return the same object under another id."""
        columns = (self.frame, self.xyxy, self.is_keyframe, self.uncertainty, self.visibility, self.score)
        return Track(id, self.class_id, *columns)

    @property
    def is_present(self) -> NDArray[np.bool_]:
        """(N,) true where the object has a box (visible or occluded)."""
        return np.asarray(self.visibility <= Visibility.OCCLUDED, dtype=np.bool_)
