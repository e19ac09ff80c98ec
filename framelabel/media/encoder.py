"""Pictures out: an H.264 file whose frame times are the source's own."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray


def write_video(
    path: Path,
    pictures: Iterable[tuple[int, NDArray[np.uint8]]],
    time_base: Fraction,
    fps: Fraction,
    *,
    quality: int = 20,
) -> int:
    """Encode (pts, (H, W, 3) RGB picture) pairs; return how many were written.

    The file appears under its name only when it is complete. An odd width or height loses its last column or row,
    which H.264 with 4:2:0 colour cannot hold.

    Args:
        path: target; its ending chooses the container.
        pictures: in presentation order, pts in units of `time_base`.
        time_base: seconds per unit of pts.
        fps: the nominal rate that the header states.
        quality: constant rate factor of x264, 0 (lossless) to 51.
    """
    partial = path.with_name(f".{path.stem}.partial{path.suffix}")
    count = 0
    try:
        with av.open(str(partial), "w") as container:
            stream = container.add_stream("libx264", rate=fps or Fraction(25), options={"crf": str(quality)})
            stream.pix_fmt = "yuv420p"
            stream.codec_context.time_base = time_base
            first = None
            for pts, picture in pictures:
                if first is None:
                    first = pts
                    stream.height, stream.width = (side - side % 2 for side in picture.shape[:2])
                even = np.ascontiguousarray(picture[: stream.height, : stream.width])
                frame = av.VideoFrame.from_ndarray(even, format="rgb24")
                frame.pts, frame.time_base = pts - first, time_base
                container.mux(stream.encode(frame))
                count += 1
            container.mux(stream.encode(None))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return count
