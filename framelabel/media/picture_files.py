"""Encode a frame as PNG or JPEG that says in its own metadata which picture of which video it is."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np
from numpy.typing import NDArray

from framelabel.core.errors import UsageError

PICTURE_FORMATS = ("png", "jpg")
_PNG_HEADER_END = 33
"""8 bytes of signature and 25 of the IHDR chunk."""
_FAST_COMPRESSION = 3


def encode(image: NDArray[np.uint8], picture_format: str, *, comment: str = "", quality: int = 95) -> bytes:
    """Return the file content of an (H, W, 3) RGB picture.

    PNG is lossless: reading it back gives the array that models saw. `comment` goes into a PNG tEXt chunk or a JPEG
    COM segment.

    Raises:
        UsageError: a format other than "png" and "jpg".
    """
    if picture_format not in PICTURE_FORMATS:
        msg = f"pictures can be written as {' or '.join(PICTURE_FORMATS)}, not '{picture_format}'"
        raise UsageError(msg)
    flags = [cv2.IMWRITE_PNG_COMPRESSION, _FAST_COMPRESSION]
    if picture_format == "jpg":
        flags = [cv2.IMWRITE_JPEG_QUALITY, quality]
    _, encoded = cv2.imencode(f".{picture_format}", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), flags)
    content = encoded.tobytes()
    if not comment:
        return content
    text = comment.encode("latin-1", "replace")
    if picture_format == "jpg":
        segment = b"\xff\xfe" + struct.pack(">H", len(text) + 2) + text
        return content[:2] + segment + content[2:]
    body = b"tEXtComment\0" + text
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return content[:_PNG_HEADER_END] + chunk + content[_PNG_HEADER_END:]
