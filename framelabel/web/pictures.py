"""Frames as JPEG by ordinal: decoded on demand, fetched ahead of the playhead, kept within a bound of bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future

import cv2
import numpy as np
from numpy.typing import NDArray

from framelabel.core.protocols import FrameReader
from framelabel.web.priority import give_way

WIDTHS = (160, 640, 1280, 1920)
"""Widths that are served, so that the cache is not flooded with near-equal sizes; 0 is the picture's own."""

LOSSLESS = -1
"""As a width: the picture's own size, every pixel as decoded (PNG)."""

Key = tuple[int, int]
"""Frame ordinal, width."""


def nearest_width(wanted: int, own: int) -> int:
    """Return the served width that is at least `wanted`; 0 when that is not less than the picture's own."""
    fitting = [width for width in WIDTHS if width >= wanted and width < own]
    return fitting[0] if wanted > 0 and fitting else 0


def encode(image: NDArray[np.uint8], width: int) -> bytes:
    """Return an (H, W, 3) RGB picture as JPEG, scaled down to `width` (0: not scaled); or as PNG when `LOSSLESS`."""
    if width == LOSSLESS:
        _, data = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 1])
        return bytes(data)
    if width:
        height = max(1, round(image.shape[0] * width / image.shape[1]))
        image = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    _, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 88])
    return bytes(data)


class Pictures:
    """Serves one video's frames. One thread decodes: what was asked for first, then what will be asked for next."""

    def __init__(self, open_reader: Callable[[], FrameReader], *, max_bytes: int = 192 << 20, ahead: int = 12) -> None:
        """Serve the frames of the reader that `open_reader` opens in the decoding thread."""
        self._open = open_reader
        self._max_bytes = max_bytes
        self._ahead = ahead
        self._cache: OrderedDict[Key, bytes] = OrderedDict()
        self._bytes = 0
        self._asked: OrderedDict[Key, Future[bytes]] = OrderedDict()
        """What is waited for at a playhead, first come first served: nobody waits for ever, however many there are."""
        self._asked_aside: OrderedDict[Key, Future[bytes]] = OrderedDict()
        """Thumbnails and pictures ahead: when nobody waits at a playhead."""
        self._playhead: tuple[int, int, int] | None = None
        """Frame, direction, width of the last request that moves the playhead."""
        self._changed = threading.Condition()
        self._is_closed = False
        self._thread: threading.Thread | None = None

    def get(self, frame: int, width: int, *, playhead: bool = True) -> bytes:
        """Return one frame as JPEG; blocks while it is decoded.

        Raises:
            FrameNotFoundError: no such frame.
            UnreadableVideoError: the footage is not where it was.
        """
        return self.ask(frame, width, playhead=playhead).result()

    def ask(self, frame: int, width: int, *, playhead: bool = True) -> Future[bytes]:
        """Return the future of one frame as JPEG; its errors are those of `get`."""
        key = (frame, width)
        with self._changed:
            if playhead and width != LOSSLESS:
                before = self._playhead[0] if self._playhead else frame - 1
                self._playhead = (frame, -1 if frame < before else 1, width)
            if key in self._cache:
                self._cache.move_to_end(key)
                self._changed.notify()
                ready: Future[bytes] = Future()
                ready.set_result(self._cache[key])
                return ready
            waiting = self._asked.get(key) or self._asked_aside.pop(key, None) or Future()
            if playhead or key in self._asked:
                self._asked.setdefault(key, waiting)
            else:
                self._asked_aside[key] = waiting
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="pictures", daemon=True)
                self._thread.start()
            self._changed.notify()
        return waiting

    def close(self) -> None:
        """Stop decoding; calling it again does nothing."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        give_way()
        reader: FrameReader | None = None
        while True:
            with self._changed:
                key = self._next()
                while key is None and not self._is_closed:
                    self._changed.wait()
                    key = self._next()
                if self._is_closed or key is None:
                    break
            try:
                reader = reader or self._open()
                data = encode(reader.frame(key[0]).image, key[1])
            except Exception as error:  # noqa: BLE001 - handed to whoever asked
                self._answer(key, error)
            else:
                self._answer(key, data)
        if reader is not None:
            reader.close()
        with self._changed:
            for future in [*self._asked.values(), *self._asked_aside.values()]:
                future.cancel()

    def _next(self) -> Key | None:
        """Return what to decode now: what people wait for, else the nearest frame ahead that is not there yet."""
        for asked in (self._asked, self._asked_aside):
            if asked:
                return next(iter(asked))
        if self._playhead is None:
            return None
        frame, direction, width = self._playhead
        for step in range(1, self._ahead + 1):
            key = (frame + direction * step, width)
            if key[0] >= 0 and key not in self._cache:
                return key
        return None

    def _answer(self, key: Key, result: bytes | Exception) -> None:
        with self._changed:
            future = self._asked.pop(key, None) or self._asked_aside.pop(key, None)
            if isinstance(result, Exception):
                if future is not None:
                    future.set_exception(result)
                else:
                    self._playhead = None  # the end of the clip: nothing more ahead
                return
            self._cache[key] = result
            self._bytes += len(result)
            while self._bytes > self._max_bytes and len(self._cache) > 1:
                self._bytes -= len(self._cache.popitem(last=False)[1])
        if future is not None:
            future.set_result(result)
