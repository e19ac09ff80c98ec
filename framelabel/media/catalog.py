"""Every reader of pictures. OpenCV is there to be compared with; it is never chosen by itself, nor is `bytes`."""

from __future__ import annotations

from typing import Any

from framelabel.core.catalog import Catalog

READERS: Catalog[Any] = Catalog(
    "reader",
    {
        "pyav": "framelabel.media.pyav_reader:PyAVReader",
        "decord": "framelabel.media.decord:DecordReader",
        "opencv": "framelabel.media.opencv:OpenCVReader",
        "images": "framelabel.media.images:ImagesReader",
        "bytes": "framelabel.media.bytes:BytesReader",
    },
)
