"""Any file as a grey picture of its bytes, one pixel a byte, as the literature on malicious software draws it.

The width goes by the file's size after Nataraj, Karthikeyan, Jacob and Manjunath, "Malware images: visualization and
automatic classification" (VizSec 2011), so that files of one kind get pictures of one texture.
"""

from __future__ import annotations

import glob
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framelabel.core.errors import UnreadableVideoError
from framelabel.media.images import ImagesReader, natural_order

WIDTHS = ((10, 32), (30, 64), (60, 128), (100, 256), (200, 384), (500, 512), (1000, 768))
"""Files below so many kB (1,000 bytes) get a picture of so many pixels across; larger ones `WIDEST`."""
WIDEST = 1024
MOST_BYTES = 16 << 20
"""What is drawn of a file: its first 16 MiB, a picture of 1024 x 16384."""


def width_of(byte_count: int) -> int:
    """Return the width in pixels of a file's picture.

    >>> width_of(9_999), width_of(10_000), width_of(5_000_000)
    (32, 64, 1024)
    """
    return next((width for below, width in WIDTHS if byte_count < below * 1000), WIDEST)


def picture_of(content: bytes) -> NDArray[np.uint8]:
    """Return the (H, W, 3) grey picture of bytes, row by row, the last row filled with 0; a row of 0 for none.

    >>> picture_of(bytes(range(40)))[1, 7].tolist()
    [39, 39, 39]
    """
    width = width_of(len(content))
    height = max(1, -(-len(content) // width))
    grey = np.zeros(height * width, np.uint8)
    grey[: len(content)] = np.frombuffer(content, np.uint8)
    return np.repeat(grey.reshape(height, width)[:, :, None], 3, axis=2)


class BytesReader(ImagesReader):
    """Reads every file of a folder or glob (or one file) as a frame; nothing in it is ever executed or unpacked."""

    def _find(self, path: str | Path) -> list[Path]:
        place = Path(path)
        if place.is_dir():
            found = [file for file in place.iterdir() if file.is_file() and not file.name.startswith(".")]
        elif place.is_file():
            found = [place]
        else:
            found = [Path(name) for name in glob.glob(str(path)) if Path(name).is_file()]  # noqa: PTH207
        if not found:
            msg = f"{path}: no files there to draw as byte pictures"
            raise UnreadableVideoError(msg)
        return sorted(found, key=lambda file: natural_order(str(file)))

    def _decode(self, path: Path) -> NDArray[np.uint8]:
        try:
            with path.open("rb") as file:
                return picture_of(file.read(MOST_BYTES))
        except OSError as error:
            msg = f"{path}: cannot be read ({error.strerror})"
            raise UnreadableVideoError(msg) from error
