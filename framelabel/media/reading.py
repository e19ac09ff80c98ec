"""Which reader opens a path, and what a reader of this package offers beyond the `FrameReader` protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from framelabel.core.frames import Frame, FrameIndex, FrameRef, VideoId
from framelabel.core.protocols import SILENT, FrameReader, Reporter
from framelabel.media.catalog import READERS
from framelabel.media.choice import choose_reader
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

    def thumbnails(self, frames: Iterable[int], size: tuple[int, int]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Yield (ordinal, (H, W) grey picture of about `size`) without making the full picture."""

    def read_all(self, wanted: Callable[[FrameRef], bool] = ..., reporter: Reporter = SILENT) -> Iterator[Frame]:
        """Decode everything once, yield the wanted pictures, and complete `index` and `content` on the way."""


def is_pictures(path: str | Path) -> bool:
    """Whether a path means pictures, one frame each: a folder, a glob, or a still picture."""
    return Path(path).is_dir() or any(sign in str(path) for sign in "*?[") or Path(path).suffix.lower() in _PICTURES


def open_named(path: str | Path, *, video_id: VideoId, index: FrameIndex | None, reader: str) -> Reader:
    """Open `path` with the named reader; "auto" takes what `choice` found, or pictures."""
    if reader == "auto":
        is_file = Path(path).is_file()
        reader = "images" if is_pictures(path) else choose_reader(path, index) if is_file else "pyav"
    opened: Reader = READERS.load(reader)(path, video_id=video_id, index=index)
    return opened


def scan(path: str | Path, reporter: Reporter = SILENT, reader: str = "auto") -> tuple[HeaderFacts, ContentFacts]:
    """Decode everything once and return all facts, the frame index among them; damage is reported once.

    Raises:
        UnreadableVideoError: nothing there can be decoded.
    """
    opened = open_named(path, video_id=VideoId(0), index=None, reader=reader)
    try:
        header = opened.header
        reporter.start(f"index {Path(path).name}", header.frame_count_from_header or None)
        for _ in opened.read_all(lambda _: False, reporter):
            pass
        content = opened.content
    finally:
        opened.close()
    damage = content.damage(header.frame_count_from_header)
    if damage:
        reporter.note(f"{Path(path).name}: {damage}")
    return header, content


def verify_index(path: str | Path, index: FrameIndex, reporter: Reporter = SILENT, reader: str = "auto") -> list[int]:
    """Decode the file again and return the ordinals whose time or content is not the one in `index`, ascending.

    Pictures that only one of the two has count as mismatches; digests that were never computed (0) are not compared.

    Raises:
        UnreadableVideoError: nothing there can be decoded any more.
    """
    found = scan(path, reporter, reader)[1].index
    shared = min(len(found), len(index))
    differs = found.pts[:shared] * found.time_base.numerator * index.time_base.denominator != (
        index.pts[:shared] * index.time_base.numerator * found.time_base.denominator
    )
    stored = index.digest[:shared]
    differs |= (stored != 0) & (stored != found.digest[:shared])
    ordinals: list[int] = np.flatnonzero(differs).tolist()
    return ordinals + list(range(shared, max(len(found), len(index))))
