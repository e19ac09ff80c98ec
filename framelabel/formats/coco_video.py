"""CocoVID and TAO: COCO for clips, with identities that are unique over the whole file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from framelabel.core.labels import Labels
from framelabel.formats.coco import Coco, CocoOptions, coco_events, coco_keys
from framelabel.formats.coco_writing import Dialect, render
from framelabel.formats.events import in_head
from framelabel.formats.protocol import Piece
from framelabel.formats.report import LossReport
from framelabel.formats.track_ids import with_global_tracks


@dataclass(frozen=True)
class CocoVideoOptions(CocoOptions):
    """CocoVID and TAO have no choices."""


class CocoVid(Coco):
    """`videos`, `frame_id` from 0, and `instance_id` unique over all videos, from 1 (as mmtracking reads it)."""

    name: ClassVar[str] = "cocovid"
    title: ClassVar[str] = "CocoVID"
    Options: ClassVar[type[CocoOptions]] = CocoVideoOptions
    dialect: ClassVar[Dialect] = Dialect(track_field="instance_id")

    @classmethod
    def detect(cls, path: Path) -> bool:
        """Recognise COCO whose annotations have `instance_id`."""
        return "instance_id" in coco_keys(path).get("annotations", frozenset())

    def fit(self, labels: Labels, loss: LossReport) -> Labels:
        """Also make track ids unique over all videos."""
        return with_global_tracks(super().fit(labels, loss), loss)

    def render(self, labels: Labels) -> Iterator[Piece]:
        """Write one file."""
        return (("", piece) for piece in in_head(render(labels, self.dialect), coco_events(labels)))


class Tao(CocoVid):
    """A `tracks` table, `frame_index`, `track_id` unique over all videos, and lists of what is not exhaustive."""

    name: ClassVar[str] = "tao"
    title: ClassVar[str] = "TAO"
    dialect: ClassVar[Dialect] = Dialect(frame_field="frame_index", has_tracks_table=True)

    @classmethod
    def detect(cls, path: Path) -> bool:
        """Recognise COCO with `tracks` and pictures with `frame_index`."""
        keys = coco_keys(path)
        return ("tracks" in keys and "images" in keys) or "frame_index" in keys.get("images", frozenset())
