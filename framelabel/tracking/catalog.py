"""The trackers, by name; a new one is one file and one line."""

from __future__ import annotations

from typing import Any

from framelabel.core.catalog import Catalog

ONLINE_TRACKERS: Catalog[Any] = Catalog(
    "tracker",
    {
        "bytetrack": "framelabel.tracking.bytetrack:ByteTrack",
        "sort": "framelabel.tracking.sort:Sort",
        "ocsort": "framelabel.tracking.ocsort:OcSort",
        "botsort": "framelabel.tracking.botsort:BotSort",
    },
)
"""Frame by frame: `Entry(Options(...), fps=..., frame_size=(width, height))`, then `update` per frame."""

OFFLINE_TRACKERS: Catalog[Any] = Catalog(
    "offline tracker",
    {
        "offline": "framelabel.tracking.offline.linker:OfflineLinker",
    },
)
"""Whole clips: `Entry(Options(...), fps=..., frame_size=(width, height))`, then `link` once."""

UNLINKED: Catalog[Any] = Catalog("tracker", {"none": "framelabel.tracking.unlinked:Unlinked"})
"""For single pictures: called like a whole-clip tracker, links nothing."""
