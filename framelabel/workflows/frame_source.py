"""Which frames a run works on, and how they are decoded: in one pass that builds the index, or by ordinal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from framelabel.core.errors import FrameNotFoundError, UsageError
from framelabel.core.frames import Frame, FrameIndex, FrameRef, Span
from framelabel.core.videos import Video
from framelabel.media import NO_VIDEO, open_reader
from framelabel.media.reading import Reader, is_pictures
from framelabel.store.project import Project


@dataclass(frozen=True, slots=True)
class Selection:
    """A choice of frames, as the flags say it."""

    span: str = ""
    """"A:B", half-open; "" for all."""
    every: int = 1
    fps: float = 0.0
    """Frames a second; 0 for all."""

    def __post_init__(self) -> None:
        if self.every < 1 or self.fps < 0:
            raise UsageError(f"--every must be at least 1 and --fps positive, got {self.every} and {self.fps}")
        if self.every > 1 and self.fps > 0:
            raise UsageError("give --every or --fps, not both")

    @property
    def needs_index(self) -> bool:
        """Whether the frames can be known only once the whole clip was decoded."""
        return bool(self.span) or self.fps > 0

    def ordinals(self, index: FrameIndex) -> NDArray[np.int64]:
        """Return the chosen frame ordinals, ascending.

        At a rate, the first frame of each time slot of 1/fps seconds is taken, counted from the first frame chosen.
        """
        span = Span.parse(self.span, len(index)) if self.span else Span(0, len(index))
        chosen = np.arange(span.start, span.stop)
        if self.fps > 0 and len(chosen):
            seconds = index.seconds()[chosen]
            slot = np.floor((seconds - seconds[0]) * self.fps + 1e-6)
            return chosen[np.flatnonzero(np.diff(slot, prepend=-1.0) > 0)]
        return chosen[:: self.every]


class FrameSource(Protocol):
    """Frames of one video for a run that may have been interrupted."""

    def total(self) -> int | None:
        """Return how many frames there are to do; None when only the end of the file will tell."""

    def frames(self, done: int) -> Iterator[Frame]:
        """Yield the frames to do, from number `done` on."""

    def ordinals(self) -> NDArray[np.int64]:
        """Return the ordinals of all frames to do; known at the latest when `frames` is exhausted."""


class SelectedFrames:
    """Frames of a video whose index is known."""

    def __init__(self, reader: Reader, ordinals: NDArray[np.int64]) -> None:
        self._reader = reader
        self._ordinals = ordinals

    def total(self) -> int | None:
        """Return their number."""
        return len(self._ordinals)

    def frames(self, done: int) -> Iterator[Frame]:
        """Decode them, seeking past what is done."""
        return self._reader.read(self._ordinals[done:].tolist())

    def ordinals(self) -> NDArray[np.int64]:
        """Return them."""
        return self._ordinals


class WholePass:
    """Every Nth frame of a video that was never decoded: labelling and the index come from one and the same pass."""

    def __init__(self, reader: Reader, every: int) -> None:
        self._reader = reader
        self._every = every

    def total(self) -> int | None:
        """Return the header's claim, for the progress bar only."""
        return self._reader.header.frame_count_from_header // self._every or None

    def frames(self, done: int) -> Iterator[Frame]:
        """Decode the whole file; pictures that are done or skipped are hashed, not converted."""

        def wanted(ref: FrameRef) -> bool:
            return ref.index % self._every == 0 and ref.index >= done * self._every

        return self._reader.read_all(wanted)

    def ordinals(self) -> NDArray[np.int64]:
        """Return every Nth ordinal of the index that the pass has built."""
        return np.arange(0, len(self._reader.index), self._every)


def video_of(project: Project, path: Path, reader: str = "auto") -> Video:
    """Return the project's record of a video; a new one is made with the header's facts until it is decoded.

    The same file seen through another reader (`--reader bytes`) is another video.

    Raises:
        UnreadableVideoError: nothing there can be decoded.
    """
    where = str(path.absolute())
    for video in project.videos():
        if video.path == where and reader in ("auto", video.reader):
            return video
    with closing(open_reader(path, reader=reader)) as opened:
        header = opened.header
    width, height = header.size
    count = header.frame_count_from_header
    name = path.name if is_pictures(path) else path.stem
    rate = header.fps_from_header
    return project.add_video(Video(NO_VIDEO, name, where, width, height, count, header.time_base, rate, reader))


def with_index(project: Project, video: Video, reader: Reader) -> Video:
    """Store the index that a reader has built, and the facts measured with it; return the corrected record."""
    index = reader.index
    measured = replace(
        video,
        frame_count=len(index),
        time_base=index.time_base,
        fps=index.average_fps() or video.fps,
    )
    project.set_frame_index(measured, index)
    return measured


def stored_index(project: Project, video: Video) -> FrameIndex | None:
    """Return the index of a video, or None when it was never decoded to its end."""
    try:
        return project.frame_index(video.id)
    except FrameNotFoundError:
        return None
