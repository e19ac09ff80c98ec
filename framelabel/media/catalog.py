"""Every reader of pictures."""

from __future__ import annotations

from typing import Any

from framelabel.core.catalog import Catalog

READERS: Catalog[Any] = Catalog(
    "reader",
    {
        "pyav": "framelabel.media.pyav_reader:PyAVReader",
        "images": "framelabel.media.images:ImagesReader",
    },
)
