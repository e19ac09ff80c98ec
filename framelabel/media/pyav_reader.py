"""The default reader: any picture of a video file by ordinal, exact in every order of access.

A random read seeks to the nearest sync frame before the picture, decodes forward, and compares every presentation
time with the index on the way; after a seek, each picture handed out must also have the digest that the index holds
(in a run from the start of the file, which repeats the indexing pass, every 16th).
Where a container seeks badly or a sync frame is none, the read falls back to earlier sync frames and in the end to
the start of the file. Only when decoding from there gives the right times and yet another picture (a changed file, or
another decoder of a codec that leaves rounding open) is it handed out, with a warning.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framelabel.core.errors import UnreadableVideoError
from framelabel.core.frames import Frame, FrameIndex, FrameRef, VideoId
from framelabel.core.protocols import SILENT, Reporter
from framelabel.media.facts import ContentFacts, HeaderFacts
from framelabel.media.index import IndexBuilder, PresentationClock
from framelabel.media.pyav import DamagedError, Picture, PyAVFile, Step, byte_size, deinterlaced, digest

NO_VIDEO = VideoId(0)
_WORTH_A_SEEK = 12
"""Pictures that decode in about the time that a seek and the refilling of the decoder take."""
_EARLIER_TRIES = 3
"""Sync frames tried before a random read starts at the beginning of the file."""
_SPOT_CHECK = 16
"""In a run from the start of the file, which repeats the indexing pass, each such picture has its digest compared."""
_KEPT_BEHIND = 8
"""Pictures before a single one asked for that are decoded in full, for stepping back."""
_KEPT_BYTES = 64 << 20
"""Decoded pictures kept for near-by random reads, such as stepping backwards."""
_REPORT_EVERY = 32


class _LostError(Exception):
    """The pictures decoded are not the ones that the index describes at this place."""


@dataclass(frozen=True, slots=True)
class PyAVOptions:
    """How to decode."""

    threads: int = 0
    """Decoder threads; 0 chooses by the number of cores."""
    deinterlace: bool = False
    """Filter pictures that are flagged as interlaced (yadif). Identity and digests stay those of the stored picture."""


def every_picture(_: FrameRef) -> bool:
    """Want everything."""
    return True


class PyAVReader:
    """Reads one video file. Not for use by several threads at once; open one reader in each."""

    Options = PyAVOptions

    def __init__(
        self,
        path: str | Path,
        *,
        video_id: VideoId = NO_VIDEO,
        index: FrameIndex | None = None,
        options: PyAVOptions = PyAVOptions(),
    ) -> None:
        self.path = str(path)
        self.video_id = video_id
        self._options = options
        self._threads = options.threads
        self._header: HeaderFacts | None = None
        self._content: ContentFacts | None = None
        self._index = index
        self._syncs = np.zeros(0, np.int64) if index is None else np.flatnonzero(index.is_sync)
        self._file = PyAVFile(path, self._threads)
        self._is_fresh = True
        """Whether `_file` still stands at its first picture."""
        self._steps: Iterator[Step] | None = None
        self._next = 0
        """Ordinal that `_steps` yields next, or less where pictures are skipped."""
        self._skips = False
        """Whether the present run leaves out pictures that nobody wants and no other picture needs."""
        self._is_from_start = True
        """Whether the present run of pictures began at the start of the file, as the index did."""
        self._kept: OrderedDict[int, Step] = OrderedDict()
        self._kept_bytes = 0
        self._compares_digests = True

    @property
    def header(self) -> HeaderFacts:
        """What the header and the first picture say."""
        if self._header is None:
            file = PyAVFile(self.path, threads=1)
            try:
                self._header = file.header()
            finally:
                file.close()
        return self._header

    @property
    def content(self) -> ContentFacts:
        """What a pass over all pictures showed; decodes the file when no pass was made yet."""
        if self._content is None:
            for _ in self.read_all(lambda _: False):
                pass
        assert self._content is not None  # noqa: S101 - read_all fills it or raises
        return self._content

    @property
    def index(self) -> FrameIndex:
        """The identity of every picture; decodes the file once when it was not given and no pass was made yet."""
        if self._index is None:
            self._index = self.content.index
            self._syncs = np.flatnonzero(self._index.is_sync)
        return self._index

    def read_all(
        self, wanted: Callable[[FrameRef], bool] = every_picture, reporter: Reporter = SILENT
    ) -> Iterator[Frame]:
        """Decode the whole file once; yield the wanted pictures and build the index on the way.

        `wanted` is asked about every picture in order, so it can start late (resume), skip, or sample; only wanted
        pictures are converted. When the iterator is exhausted, `index` and `content` are there without another pass.

        Raises:
            UnreadableVideoError: the file holds no picture that can be decoded.
        """
        done = 0
        while True:
            try:
                for frame in self._pass(wanted, done, reporter):
                    done += 1
                    if frame is not None:
                        yield frame
            except DamagedError:
                self._threads = 1
            else:
                return

    def read(self, frames: Iterable[int]) -> Iterator[Frame]:
        """Yield these pictures, in the order asked; ascending requests never decode a picture twice.

        Raises:
            FrameNotFoundError: the video has no such frame.
        """
        previous = -1
        for ordinal in frames:
            yield self._frame(ordinal, keep=ordinal < previous)
            previous = ordinal

    def frame(self, index: int) -> Frame:
        """Return one picture; the pictures around it stay decoded for a while, so stepping back is cheap.

        Raises:
            FrameNotFoundError: the video has no such frame.
        """
        return self._frame(index, keep=True)

    def thumbnails(self, frames: Iterable[int], size: tuple[int, int]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Yield (ordinal, (H, W) grey picture of `size` before rotation) without making the full picture."""
        for ordinal in frames:
            self.index.ref(self.video_id, ordinal)
            yield ordinal, self._file.grey(self._decoded(ordinal, keep=False), size)

    def close(self) -> None:
        """Release the file; calling it again does nothing."""
        self._steps = None
        self._kept.clear()
        self._kept_bytes = 0
        self._file.close()

    def __enter__(self) -> PyAVReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _pass(self, wanted: Callable[[FrameRef], bool], done: int, reporter: Reporter) -> Iterator[Frame | None]:
        """Yield each picture from ordinal `done` on, None where it is not wanted."""
        file = self._take_fresh_file()
        try:
            builder = IndexBuilder(file.time_base)
            clock = PresentationClock(file.step, file.second)
            interlaced = corrupt = 0
            damage = -1
            for ordinal, picture, shown in self._shown(enumerate(file.pictures())):
                pts = clock.next(file.stored_pts(picture))
                builder.add(pts, is_sync=picture.key_frame and clock.is_anchor, digest=digest(picture))
                interlaced += picture.interlaced_frame
                corrupt += picture.is_corrupt
                if damage < 0 and (picture.is_corrupt or file.failed_packets):
                    damage = ordinal
                if ordinal < done:
                    continue
                ref = FrameRef(self.video_id, ordinal, pts)
                yield Frame(ref, file.rgb(shown)) if wanted(ref) else None
                if ordinal % _REPORT_EVERY == _REPORT_EVERY - 1:
                    reporter.advance(_REPORT_EVERY)
            count = len(builder)
            if count == 0:
                msg = f"{file.name}: no picture can be decoded"
                raise UnreadableVideoError(msg)
            reporter.advance(count % _REPORT_EVERY)
            if damage < 0 and (file.failed_packets or file.end_error):
                damage = count
            self._content = ContentFacts(
                builder.build(), interlaced, corrupt, clock.repaired, file.failed_packets, damage, file.end_error
            )
        finally:
            file.close()

    def _frame(self, ordinal: int, *, keep: bool) -> Frame:
        ref = self.index.ref(self.video_id, ordinal)
        kept = self._kept.get(ordinal)
        is_kept = kept is not None and self._is_as_indexed(kept)
        shown = kept.shown if kept is not None and is_kept else self._decoded(ordinal, keep=keep)
        if self._file.size is None:
            self._file.size = self.header.coded_width, self.header.coded_height
        return Frame(ref, self._file.rgb(shown))

    def _decoded(self, ordinal: int, *, keep: bool) -> Picture:
        """Return picture `ordinal`, proved to be the one that the index describes."""
        reason = ""
        for attempt in range(_EARLIER_TRIES + 2):
            try:
                self._approach(ordinal, attempt)
                if self._skips:
                    self._file.skip_before = int(self.index.pts[max(0, ordinal - _KEPT_BEHIND * keep)])
                return self._advance(ordinal, keep=keep)
            except DamagedError:
                self._use_one_thread()
            except _LostError as error:
                reason = str(error)
                self._steps = None
                if attempt >= _EARLIER_TRIES:
                    self._use_one_thread()
        msg = f"{self._file.name}: frame {ordinal} is not the picture that was indexed; has the file changed? {reason}"
        raise UnreadableVideoError(msg)

    def _approach(self, ordinal: int, attempt: int) -> None:
        """Stand at or before `ordinal`: stay, seek to a sync frame (an earlier one at each attempt), or start over."""
        if self._steps is not None and self._next == ordinal:
            return
        start = max(0, ordinal - self._options.deinterlace)
        position = int(np.searchsorted(self._syncs, start, side="right")) - 1 - attempt
        sync = int(self._syncs[position]) if position >= 0 else 0
        if self._steps is not None and self._next <= ordinal and sync - self._next < _WORTH_A_SEEK:
            return
        is_from_start = position < 0 or attempt >= _EARLIER_TRIES or (sync == 0 and self._is_fresh)
        if not is_from_start:  # also back to frame 0: a reopened file would hold its own pool of picture buffers
            is_from_start = not self._file.seek(int(self.index.pts[sync]))
        if is_from_start and not self._is_fresh:
            self._reopen()
        self._skips = attempt == 0 and self._file.can_skip and not self._options.deinterlace
        self._is_from_start = is_from_start
        self._steps = self._shown(self._numbered(None if is_from_start else start))
        self._is_fresh = False
        self._next = 0

    def _advance(self, ordinal: int, *, keep: bool) -> Picture:
        is_in_sequence = self._next == ordinal
        for step in self._steps or ():
            self._next = step.ordinal + 1
            if step.ordinal > ordinal:
                break
            if keep:
                self._keep(step)
            if step.ordinal == ordinal:
                is_spared = self._is_from_start and is_in_sequence and ordinal % _SPOT_CHECK
                if not is_spared and not self._is_as_indexed(step):
                    self._accept_other_picture(ordinal)
                return step.shown
        raise _LostError("decoding ended before it")

    def _accept_other_picture(self, ordinal: int) -> None:
        """Warn about a picture with the right time and another content, when all else was tried."""
        if not self._is_from_start or self._skips or self._threads != 1:
            raise _LostError("its content differs")
        self._compares_digests = False
        warnings.warn(
            f"{self._file.name}: frame {ordinal} decodes to another picture than when it was indexed: a changed file, "
            "or another decoder; run `framelabel verify`",
            stacklevel=2,
        )

    def _is_as_indexed(self, step: Step) -> bool:
        """Whether a picture has the digest that the index holds; yes where there is none, or after a warning."""
        expected = int(self.index.digest[step.ordinal])
        return not (expected and self._compares_digests) or digest(step.picture) == expected

    def _numbered(self, start: int | None) -> Iterator[tuple[int, Picture]]:
        """Number the pictures from here on, comparing every presentation time with the index.

        `start` is None at the beginning of the file. After a seek, numbering begins at the first sync frame that the
        index knows, which must not lie behind `start`.
        """
        index, file = self.index, self._file
        clock = PresentationClock(file.step, file.second)
        ordinal = -1
        is_anchored = start is None
        for picture in file.pictures():
            stored = file.stored_pts(picture)
            place = ordinal + 1
            is_next = place < len(index) and index.pts[place] == stored
            if stored is not None and not (is_anchored and (is_next or not self._skips)):
                place = int(np.searchsorted(index.pts, stored))
            if not is_anchored:
                if not picture.key_frame or not 0 <= place < len(index) or index.pts[place] != stored:
                    continue  # a picture before the sync frame, whose references were not decoded
                if not index.is_sync[place]:
                    continue
                if start is not None and place > start:
                    raise _LostError("the container's seek went too far")
                ordinal, is_anchored = place - 1, True
            ordinal = max(place, ordinal + 1) if self._skips else ordinal + 1
            if ordinal >= len(index) or (stored if self._skips else clock.next(stored)) != index.pts[ordinal]:
                raise _LostError(f"the presentation time of frame {ordinal} differs")
            yield ordinal, picture

    def _shown(self, numbered: Iterable[tuple[int, Picture]]) -> Iterator[Step]:
        if self._options.deinterlace:
            return deinterlaced(numbered)
        return (Step(ordinal, picture, picture) for ordinal, picture in numbered)

    def _keep(self, step: Step) -> None:
        if step.ordinal not in self._kept:
            self._kept[step.ordinal] = step
            self._kept_bytes += byte_size(step.picture)
        while self._kept_bytes > _KEPT_BYTES and len(self._kept) > 1:
            self._kept_bytes -= byte_size(self._kept.popitem(last=False)[1].picture)

    def _use_one_thread(self) -> None:
        """Decode as the index pass decodes damaged files: the same picture every time."""
        self._threads = 1
        self._reopen()

    def _take_fresh_file(self) -> PyAVFile:
        """Return a file at its first picture, which the caller owns and closes."""
        if not self._is_fresh or self._threads != self._options.threads:
            return PyAVFile(self.path, self._threads)
        file, self._file = self._file, PyAVFile(self.path, self._threads)
        return file

    def _reopen(self) -> None:
        self._file.close()
        self._file = PyAVFile(self.path, self._threads)
        self._is_fresh = True
        self._steps = None
