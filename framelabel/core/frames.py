"""Which picture is meant: frame identity without pixels, spans of frames, and the index of one video."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import NewType

import numpy as np
from numpy.typing import NDArray

from framelabel.core.errors import FrameNotFoundError, UsageError

VideoId = NewType("VideoId", int)


@dataclass(frozen=True, slots=True, order=True)
class FrameRef:
    """One decoded picture of one video; the key of everything.

    Frames are named by ordinal, never by seconds: seconds are a display of `pts * time_base`.
    """

    video_id: VideoId
    index: int
    """0-based ordinal of the decoded picture in presentation order."""
    pts: int
    """Presentation time in units of the video's `time_base`, exact."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One decoded picture with its identity."""

    ref: FrameRef
    image: NDArray[np.uint8]
    """(H, W, 3) RGB, rotation applied, full range."""


@dataclass(frozen=True, slots=True)
class Span:
    """Half-open range of frame ordinals `[start, stop)`."""

    start: int
    stop: int

    def __post_init__(self) -> None:
        if self.start < 0 or self.stop < self.start:
            msg = f"span {self.start}:{self.stop} must satisfy 0 <= start <= stop"
            raise UsageError(msg)

    def __len__(self) -> int:
        return self.stop - self.start

    def __contains__(self, index: int) -> bool:
        return self.start <= index < self.stop

    @staticmethod
    def parse(text: str, frame_count: int) -> Span:
        """Read "A:B", "A:", ":B" (half-open) against a video of `frame_count` frames.

        >>> Span.parse("10:", 25)
        Span(start=10, stop=25)
        """
        first, colon, last = text.partition(":")
        try:
            if not colon:
                raise ValueError  # noqa: TRY301 - one message for all malformed texts
            start, stop = int(first or 0), min(int(last or frame_count), frame_count)
        except ValueError:
            msg = f"'{text}' is not a span of frames; write START:STOP, for example 0:250"
            raise UsageError(msg) from None
        return Span(min(start, stop), stop)


@dataclass(frozen=True, slots=True, eq=False)
class FrameIndex:
    """Every picture of one video, in presentation order; built once by decoding, then the only truth."""

    time_base: Fraction
    pts: NDArray[np.int64]
    """(N,) strictly increasing presentation times in `time_base` units."""
    is_sync: NDArray[np.bool_]
    """(N,) true where decoding can start (the codec's sync frames, not keyframes of a person)."""
    digest: NDArray[np.uint64]
    """(N,) hash of the decoded picture's planes (xxh3-64); 0 where it was not computed."""

    def __post_init__(self) -> None:
        for name, array in (("is_sync", self.is_sync), ("digest", self.digest)):
            if array.shape != self.pts.shape:
                msg = f"{name} must have shape {self.pts.shape} to match pts, got {array.shape}"
                raise ValueError(msg)
        if len(self.pts) > 1 and not bool(np.all(np.diff(self.pts) > 0)):
            msg = "pts must be strictly increasing"
            raise ValueError(msg)
        self.pts.setflags(write=False)
        self.is_sync.setflags(write=False)
        self.digest.setflags(write=False)

    def __reduce__(self) -> tuple[type[FrameIndex], tuple[object, ...]]:
        return FrameIndex, (self.time_base, self.pts, self.is_sync, self.digest)

    def __len__(self) -> int:
        return len(self.pts)

    def ref(self, video_id: VideoId, index: int) -> FrameRef:
        """Return the identity of picture `index`.

        Raises:
            FrameNotFoundError: the video has fewer pictures.
        """
        if not 0 <= index < len(self):
            msg = f"frame {index} does not exist; the video has frames 0 to {len(self) - 1}"
            raise FrameNotFoundError(msg)
        return FrameRef(video_id, index, int(self.pts[index]))

    def sync_before(self, index: int) -> int:
        """Return the ordinal of the nearest sync frame at or before `index` (0 when none is flagged)."""
        found = np.flatnonzero(self.is_sync[: index + 1])
        return int(found[-1]) if len(found) else 0

    def ordinal_of_pts(self, pts: int) -> int:
        """Return the ordinal of the picture with exactly this presentation time.

        Raises:
            FrameNotFoundError: no picture has it.
        """
        position = int(np.searchsorted(self.pts, pts))
        if position == len(self) or int(self.pts[position]) != pts:
            msg = f"no frame has pts {pts}"
            raise FrameNotFoundError(msg)
        return position

    def seconds(self) -> NDArray[np.float64]:
        """Return the (N,) times from the first picture in seconds; for display and for rules, not for identity."""
        return np.asarray((self.pts - self.pts[:1]) * float(self.time_base), dtype=np.float64)

    def average_fps(self) -> Fraction:
        """Return the mean picture rate over the clip; 0 for a clip of fewer than two pictures."""
        if len(self) < 2:
            return Fraction(0)
        return (len(self) - 1) / ((int(self.pts[-1]) - int(self.pts[0])) * self.time_base)
