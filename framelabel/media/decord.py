"""decord: a second decoder, used on a file only after it has proved exact and faster there (`choice`)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framelabel.core.errors import MissingExtraError, UnreadableVideoError
from framelabel.core.frames import FrameIndex, VideoId
from framelabel.media.foreign import NO_VIDEO, ForeignReader


class DecordReader(ForeignReader):
    """Reads with `decord.VideoReader`, in this process.

    Raises:
        MissingExtraError: decord is not installed (it has wheels for Linux and Windows on x86-64 only).
        UnreadableVideoError: decord cannot open the file.
    """

    def __init__(self, path: str | Path, *, video_id: VideoId = NO_VIDEO, index: FrameIndex | None = None) -> None:
        super().__init__(path, video_id=video_id, index=index)
        try:
            import decord
        except ImportError:
            msg = "the decord reader needs decord; install it with: pip install 'framelabel[decord]'"
            raise MissingExtraError(msg) from None
        try:
            self._video = decord.VideoReader(self.path)
        except RuntimeError as error:  # DECORDError is one
            msg = f"{Path(path).name}: decord cannot open it ({str(error).splitlines()[-1]})"
            raise UnreadableVideoError(msg) from None

    def picture(self, ordinal: int) -> NDArray[np.uint8]:
        """Return what decord takes for number `ordinal`."""
        try:
            return np.asarray(self._video[ordinal].asnumpy(), dtype=np.uint8)
        except (RuntimeError, IndexError) as error:
            msg = f"{Path(self.path).name}: decord cannot read frame {ordinal} ({str(error).splitlines()[-1]})"
            raise UnreadableVideoError(msg) from None
