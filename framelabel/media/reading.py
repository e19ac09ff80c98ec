"""Which reader opens a path, and what a reader of this package offers beyond the `FrameReader` protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from framelabel.core.frames import Frame, FrameIndex, FrameRef, VideoId
from framelabel.core.protocols import SILENT, FrameReader, Reporter
from framelabel.media.catalog import READERS
from framelabel.media.facts import ContentFacts, HeaderFacts

_PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".avif"}


class Reader(FrameReader, Protocol):
    """A `FrameReader` that also tells facts, and can read everything and build the index in one pass."""

    @property
    def header(self) -> HeaderFacts:
        """What the header and the first picture say."""

    @property
    def content(self) -> ContentFacts:
        """What a pass over all pictures showed; makes that pass when none was made yet."""

    def read_all(self, wanted: Callable[[FrameRef], bool] = ..., reporter: Reporter = SILENT) -> Iterator[Frame]:
        """Decode everything once, yield the wanted pictures, and complete `index` and `content` on the way."""


def is_pictures(path: str | Path) -> bool:
    """Whether a path means pictures, one frame each: a folder, a glob, or a still picture."""
    return Path(path).is_dir() or any(sign in str(path) for sign in "*?[") or Path(path).suffix.lower() in _PICTURES


def open_named(path: str | Path, *, video_id: VideoId, index: FrameIndex | None, reader: str) -> Reader:
    """Open `path` with the named reader; "auto" takes pictures for folders and globs, PyAV for files."""
    if reader == "auto":
        reader = "images" if is_pictures(path) and not Path(path).is_file() else "pyav"
    opened: Reader = READERS.load(reader)(path, video_id=video_id, index=index)
    return opened
