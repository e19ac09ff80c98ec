"""Readers of video and picture folders, the frame index, and facts about files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from framelabel.core.frames import FrameIndex, VideoId
from framelabel.core.videos import Video

if TYPE_CHECKING:
    from framelabel.core.protocols import Reporter
    from framelabel.media.facts import ContentFacts, HeaderFacts
    from framelabel.media.reading import Reader


NO_VIDEO = VideoId(0)
"""The id of a video that belongs to no project yet."""


def open_reader(
    path: str | Path, *, video_id: VideoId = NO_VIDEO, index: FrameIndex | None = None, reader: str = "auto"
) -> Reader:
    """Open a video file, a folder of pictures, or a glob of pictures.

    Args:
        path: the file, folder or glob.
        video_id: goes into every frame's identity.
        index: the stored identity of every picture; without one it is built by the first pass (`read_all`) or, when
            something else needs it, by decoding the file once.
        reader: a name of `framelabel.media.catalog.READERS`, or "auto".

    Raises:
        UnreadableVideoError: nothing there can be decoded; the message says why.
        UnknownNameError: no such reader.
    """
    from framelabel.media.reading import open_named

    return open_named(path, video_id=video_id, index=index, reader=reader)


def open_video(video: Video, index: FrameIndex | None = None) -> Reader:
    """Open the footage of a project's video, through the reader that it was added with.

    Raises:
        UnreadableVideoError: nothing there can be decoded any more.
    """
    return open_reader(video.path, video_id=video.id, index=index, reader=video.reader)


def describe(path: str | Path) -> HeaderFacts:
    """Return what the header and the first picture say; decodes that picture only.

    Raises:
        UnreadableVideoError: nothing there can be decoded.
    """
    opened = open_reader(path)
    try:
        return opened.header
    finally:
        opened.close()


def scan(path: str | Path, reporter: Reporter | None = None) -> tuple[HeaderFacts, ContentFacts]:
    """Decode everything once and return all facts; `facts[1].index` is the frame index.

    Raises:
        UnreadableVideoError: nothing there can be decoded.
    """
    from framelabel.core.protocols import SILENT
    from framelabel.media.reading import scan as scan_all

    return scan_all(path, SILENT if reporter is None else reporter)


def verify_index(
    path: str | Path, index: FrameIndex, reporter: Reporter | None = None, reader: str = "auto"
) -> list[int]:
    """Decode again and return the ordinals whose time or content is not the one in `index`.

    Raises:
        UnreadableVideoError: nothing there can be decoded any more.
    """
    from framelabel.core.protocols import SILENT
    from framelabel.media.reading import verify_index as verify

    return verify(path, index, SILENT if reporter is None else reporter, reader)
