"""A folder or glob of pictures as a video: one frame each, in natural order of the names."""

from __future__ import annotations

import glob
import re
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import xxhash
from numpy.typing import NDArray

from framelabel.core.errors import UnreadableVideoError
from framelabel.core.frames import Frame, FrameIndex, FrameRef, VideoId
from framelabel.core.protocols import SILENT, Reporter
from framelabel.media.facts import ContentFacts, HeaderFacts
from framelabel.media.index import IndexBuilder
from framelabel.media.orientation import Orientation

NO_VIDEO = VideoId(0)
SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".bmp", ".tif", ".tiff", ".webp", ".avif", ".ppm", ".pgm", ".jp2")
"""Names that count as pictures in a folder."""


def natural_order(name: str) -> list[tuple[int, str]]:
    """Return a sort key that puts "frame9" before "frame10".

    >>> sorted(["f10.png", "f9.png", "f1.png"], key=natural_order)
    ['f1.png', 'f9.png', 'f10.png']
    """
    return [(int(part), "") if part.isdigit() else (-1, part.casefold()) for part in re.split(r"(\d+)", name)]


def picture_paths(path: str | Path) -> list[Path]:
    """Return the pictures of a folder, a glob, or one picture file, in natural order.

    Raises:
        UnreadableVideoError: there is none.
    """
    place = Path(path)
    if place.is_dir():
        found = [file for file in place.iterdir() if file.suffix.lower() in SUFFIXES and not file.name.startswith(".")]
    elif place.is_file():
        found = [place]
    else:
        found = [Path(name) for name in glob.glob(str(path))]  # noqa: PTH207 - a pattern may be absolute
        found = [file for file in found if file.suffix.lower() in SUFFIXES and file.is_file()]
    if not found:
        msg = f"{path}: no pictures there ({', '.join(SUFFIXES[:4])}, ...)"
        raise UnreadableVideoError(msg)
    return sorted(found, key=lambda file: natural_order(str(file)))


class ImagesReader:
    """Reads pictures as frames; pts is the ordinal, in a time base of one second. Sizes may differ between pictures."""

    def __init__(self, path: str | Path, *, video_id: VideoId = NO_VIDEO, index: FrameIndex | None = None) -> None:
        self.path = str(path)
        self.video_id = video_id
        self.paths = self._find(path)
        """The picture files, one a frame."""
        self._index = index
        self._content: ContentFacts | None = None

    @property
    def header(self) -> HeaderFacts:
        """Facts of the first picture; the frame count is the number of files."""
        image = self._image(0)
        height, width = image.shape[:2]
        return HeaderFacts(
            path=self.path,
            container="images",
            codec=self.paths[0].suffix.lower().lstrip("."),
            profile="",
            pixel_format="rgb24",
            bit_depth=8,
            has_alpha=False,
            coded_width=width,
            coded_height=height,
            orientation=Orientation(),
            sample_aspect_ratio=Fraction(1),
            colour_range="full",
            colour_space="rgb",
            time_base=Fraction(1),
            start_pts_from_header=0,
            frame_count_from_header=len(self.paths),
            fps_from_header=Fraction(0),
            duration_s_from_header=0.0,
            audio_streams=0,
            byte_size=sum(path.stat().st_size for path in self.paths),
        )

    @property
    def content(self) -> ContentFacts:
        """Facts with the digest of every picture; decodes them all when that was not done yet."""
        if self._content is None:
            for _ in self.read_all(lambda _: False):
                pass
        assert self._content is not None  # noqa: S101 - read_all fills it or raises
        return self._content

    @property
    def index(self) -> FrameIndex:
        """The identity of every picture; without a pass over all of them, their digests are 0 (not computed)."""
        if self._index is None:
            if self._content is not None:
                return self._content.index
            count = len(self.paths)
            self._index = FrameIndex(
                Fraction(1), np.arange(count), np.ones(count, np.bool_), np.zeros(count, np.uint64)
            )
        return self._index

    def read_all(
        self, wanted: Callable[[FrameRef], bool] = lambda _: True, reporter: Reporter = SILENT
    ) -> Iterator[Frame]:
        """Decode every picture once, yield the wanted ones, and complete `index` and `content` on the way."""
        builder = IndexBuilder(Fraction(1))
        for ordinal in range(len(self.paths)):
            ref = FrameRef(self.video_id, ordinal, ordinal)
            image = self._image(ordinal)
            builder.add(ordinal, is_sync=True, digest=xxhash.xxh3_64_intdigest(image.tobytes()))
            if wanted(ref):
                yield Frame(ref, image)
            reporter.advance()
        self._content = ContentFacts(builder.build())
        self._index = self._content.index

    def read(self, frames: Iterable[int]) -> Iterator[Frame]:
        """Yield these pictures in the order asked."""
        for ordinal in frames:
            yield self.frame(ordinal)

    def frame(self, index: int) -> Frame:
        """Return one picture."""
        ref = self.index.ref(self.video_id, index)
        return Frame(ref, self._image(index))

    def thumbnails(self, frames: Iterable[int], size: tuple[int, int]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Yield (ordinal, (H, W) grey picture of `size`)."""
        for ordinal in frames:
            grey = cv2.cvtColor(self.frame(ordinal).image, cv2.COLOR_RGB2GRAY)
            yield ordinal, np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)

    def close(self) -> None:
        """Hold nothing, so release nothing."""

    def _image(self, ordinal: int) -> NDArray[np.uint8]:
        """Return the (H, W, 3) RGB picture of one file."""
        return self._decode(self.paths[ordinal])

    def _find(self, path: str | Path) -> list[Path]:
        """Return the files that are frames, in order."""
        return picture_paths(path)

    def _decode(self, path: Path) -> NDArray[np.uint8]:
        """Return a file's picture: 16-bit scaled to 8, grey repeated, alpha dropped, EXIF rotation applied."""
        stored = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR) if path.stat().st_size else None
        if stored is None:
            msg = f"{path}: not a picture, or a damaged one"
            raise UnreadableVideoError(msg)
        return np.asarray(cv2.cvtColor(stored, cv2.COLOR_BGR2RGB), dtype=np.uint8)
