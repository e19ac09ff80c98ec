"""One video (or folder of images) as the project knows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from framelabel.core.frames import VideoId


@dataclass(frozen=True, slots=True)
class Video:
    """Facts about one video, all measured by decoding it."""

    id: VideoId
    name: str
    """Unique in its project; names exported files and folders."""
    path: str
    """Where the footage lies (it is used in place, never copied); "" for labels without footage."""
    width: int
    """Pixels, after rotation."""
    height: int
    frame_count: int
    """Decoded pictures, not the header's claim."""
    time_base: Fraction
    """Seconds per unit of pts."""
    fps: Fraction
    """Mean picture rate, for display and for formats that store one; 0 when unknown."""
    reader: str = field(default="auto", repr=False)
    """Which reader makes pictures of the footage; "auto" goes by what the file is. Not part of the text form, from
    which imports know content that they have seen before."""

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.width, self.height
