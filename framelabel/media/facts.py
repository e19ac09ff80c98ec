"""What is known about one video, by origin: the header's claims, and what decoding it shows."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from framelabel.core.frames import FrameIndex, VideoId
from framelabel.core.videos import Video
from framelabel.media.orientation import Orientation


@dataclass(frozen=True, slots=True)
class HeaderFacts:
    """What the container and the first decoded picture say; nothing here is proved by decoding the rest."""

    path: str
    container: str
    """Container format as FFmpeg names it, for example "mov,mp4,m4a,3gp,3g2,mj2"."""
    codec: str
    profile: str
    pixel_format: str
    """Of the decoded pictures, before conversion to RGB."""
    bit_depth: int
    """Bits of the first component."""
    has_alpha: bool
    coded_width: int
    """Pixels, before rotation."""
    coded_height: int
    orientation: Orientation
    sample_aspect_ratio: Fraction
    """Width to height of one pixel on a player's screen; 1 where square or unknown. Pictures are not resampled."""
    colour_range: str
    """"limited", "full" or "unspecified"."""
    colour_space: str
    """Matrix that turns YUV into RGB, "rgb" for none; "unspecified" is taken as BT.601, as FFmpeg does."""
    time_base: Fraction
    """Seconds per unit of pts."""
    start_pts_from_header: int | None
    frame_count_from_header: int
    """0 where the header does not say."""
    fps_from_header: Fraction
    """0 where the header does not say."""
    duration_s_from_header: float
    """0 where the header does not say."""
    audio_streams: int
    byte_size: int
    """Of the file."""

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels after rotation."""
        return self.orientation.size_after(self.coded_width, self.coded_height)

    def video(self, video_id: VideoId, name: str, index: FrameIndex) -> Video:
        """Return the project's record of this file, with counts and rate taken from the decoded index."""
        width, height = self.size
        rate = index.average_fps() or self.fps_from_header
        return Video(video_id, name, self.path, width, height, len(index), index.time_base, rate)


@dataclass(frozen=True, slots=True)
class ContentFacts:
    """What one pass over all pictures showed."""

    index: FrameIndex
    interlaced_count: int = 0
    """Pictures that hold two fields of different times."""
    corrupt_count: int = 0
    """Pictures that the codec had to repair."""
    repaired_pts_count: int = 0
    """Pictures whose stored time was missing, repeated or earlier than the one before, and was moved forward."""
    failed_packets: int = 0
    """Compressed packets that gave no picture."""
    first_damage: int = -1
    """Ordinal of the first picture missing or repaired (may equal the frame count); -1 when the file is whole."""
    end_error: str = ""
    """Why reading stopped before the end of the file; "" when it did not."""

    @property
    def frame_count(self) -> int:
        """Decoded pictures."""
        return len(self.index)

    @property
    def is_vfr(self) -> bool:
        """Whether the time between pictures varies by more than the rounding of the time base."""
        steps = self.index.pts[1:] - self.index.pts[:-1]
        return bool(len(steps)) and int(steps.max()) - int(steps.min()) > 1

    @property
    def readable(self) -> tuple[int, int]:
        """(start, stop) of the pictures before the first damage, half-open."""
        return 0, self.frame_count if self.first_damage < 0 else self.first_damage

    def damage(self, frame_count_from_header: int) -> str:
        """Return one sentence on what is broken, or "" for a whole file.

        A header that promises more pictures than there are counts as damage only when reading failed too: edit lists
        and dropped pictures make headers promise too much in whole files.
        """
        if self.first_damage < 0:
            return ""
        start, stop = self.readable
        claim = f" of {frame_count_from_header} claimed" if frame_count_from_header > self.frame_count else ""
        clean = f"frames {start} to {stop - 1} are whole" if stop > start else "no frame is whole"
        return f"damaged: {self.frame_count} frames decode{claim}; {clean}"
