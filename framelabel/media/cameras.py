"""A live source: a camera's stream (rtsp://, http://, udp://) or device (/dev/video0), read at its own pace.

A camera does not wait. When the consumer is slower, the oldest waiting picture is dropped and counted; ordinals count
the pictures that arrived, so a gap in them shows where something was dropped.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator

from framelabel.core.frames import Frame, FrameRef, VideoId
from framelabel.media.index import PresentationClock
from framelabel.media.pyav import Picture, PyAVFile

NO_VIDEO = VideoId(0)


class Camera:
    """Iterates over the frames of a live source until it ends or `close` is called.

    Args:
        source: address or device; a file works too and counts as a camera that never waits.
        video_id: goes into every frame's identity.
        depth: pictures that may wait for the consumer.

    Raises:
        UnreadableVideoError: nothing answers there, or it sends no video.
    """

    def __init__(self, source: str, *, video_id: VideoId = NO_VIDEO, depth: int = 4) -> None:
        self.video_id = video_id
        self.dropped = 0
        """Pictures dropped so far because the consumer was slower than the camera."""
        self._file = PyAVFile(source)
        self.time_base = self._file.time_base
        self._clock = PresentationClock(self._file.step, self._file.second)
        self._waiting: deque[tuple[FrameRef, Picture]] = deque(maxlen=depth)
        self._changed = threading.Condition()
        self._is_over = False
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._receive, name=f"camera {source}", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[Frame]:
        while True:
            with self._changed:
                while not self._waiting and not self._is_over:
                    self._changed.wait()
                if not self._waiting:
                    if self._error is not None:
                        raise self._error
                    return
                ref, picture = self._waiting.popleft()
            yield Frame(ref, self._file.rgb(picture))

    def close(self) -> None:
        """Stop receiving and release the source; calling it again does nothing."""
        with self._changed:
            self._is_over = True
            self._waiting.clear()
            self._changed.notify_all()
        self._thread.join()
        self._file.close()

    def _receive(self) -> None:
        try:
            for ordinal, picture in enumerate(self._file.pictures()):
                ref = FrameRef(self.video_id, ordinal, self._clock.next(self._file.stored_pts(picture)))
                with self._changed:
                    if self._is_over:
                        return
                    self.dropped += len(self._waiting) == self._waiting.maxlen
                    self._waiting.append((ref, picture))
                    self._changed.notify_all()
        except Exception as error:  # noqa: BLE001 - handed to the consumer, behind the good pictures
            self._error = error
        finally:
            with self._changed:
                self._is_over = True
                self._changed.notify_all()
