"""OpenCV, for comparison only: it seeks by guess, and some files abort its process, so it decodes in a child.

No other file of the project opens a video with it.
"""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray

from framelabel.core.errors import UnreadableVideoError
from framelabel.core.frames import FrameIndex, VideoId
from framelabel.media.foreign import NO_VIDEO, ForeignReader

_SHAPE = struct.Struct("<II")
"""Height and width before each picture that the child sends; 0, 0 for none."""


class OpenCVReader(ForeignReader):
    """Reads with `cv2.VideoCapture` in a child process, seeking with CAP_PROP_POS_FRAMES as its users do."""

    def __init__(self, path: str | Path, *, video_id: VideoId = NO_VIDEO, index: FrameIndex | None = None) -> None:
        super().__init__(path, video_id=video_id, index=index)
        command = [sys.executable, "-m", "framelabel.media.opencv", self.path]
        self._child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def picture(self, ordinal: int) -> NDArray[np.uint8]:
        """Return what OpenCV takes for number `ordinal`.

        Raises:
            UnreadableVideoError: OpenCV has no such picture, or its process died.
        """
        requests, answers = self._child.stdin, self._child.stdout
        assert requests is not None  # noqa: S101 - both are pipes
        assert answers is not None  # noqa: S101
        try:
            requests.write(struct.pack("<I", ordinal))
            requests.flush()
        except BrokenPipeError:
            raise self._died() from None
        shape = answers.read(_SHAPE.size)
        if len(shape) < _SHAPE.size:
            raise self._died()
        height, width = _SHAPE.unpack(shape)
        if not height:
            msg = f"{Path(self.path).name}: OpenCV cannot read frame {ordinal}"
            raise UnreadableVideoError(msg)
        return np.frombuffer(answers.read(height * width * 3), np.uint8).reshape(height, width, 3)

    def close(self) -> None:
        """Stop the child; calling it again does nothing."""
        super().close()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None and not pipe.closed:
                pipe.close()
        self._child.wait()

    def _died(self) -> UnreadableVideoError:
        code = self._child.wait()
        return UnreadableVideoError(f"{Path(self.path).name}: OpenCV's process died (exit code {code})")


def serve(path: str, requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer frame numbers with pictures until the requests end; runs in the child."""
    capture = cv2.VideoCapture(path)
    position = 0
    while len(request := requests.read(4)) == 4:
        (ordinal,) = struct.unpack("<I", request)
        if ordinal != position:
            capture.set(cv2.CAP_PROP_POS_FRAMES, ordinal)
        is_read, image = capture.read()
        position = ordinal + 1
        if is_read:
            answers.write(_SHAPE.pack(*image.shape[:2]) + cv2.cvtColor(image, cv2.COLOR_BGR2RGB).tobytes())
        else:
            answers.write(_SHAPE.pack(0, 0))
        answers.flush()


if __name__ == "__main__":
    serve(sys.argv[1], sys.stdin.buffer, sys.stdout.buffer)
