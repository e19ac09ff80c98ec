"""Labels in bulk: what a file of any format holds, as columns.

`Labels` is the meeting point of formats, store, metrics and workflows. One million boxes are about 80 MB of arrays,
never a million objects: common facts are columns with sentinels, rare ones are sparse.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntFlag
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import NO_TRACK, Boxes
from framelabel.core.events import Event
from framelabel.core.ontology import AttributeValue, Ontology
from framelabel.core.shapes import Shape
from framelabel.core.videos import Video


class Flag(IntFlag):
    """Yes/no facts of a label, as bits of `Labels.flags`."""

    NONE = 0
    OCCLUDED = 1
    TRUNCATED = 2
    CROWD = 4
    """Stands for a group; ignored in scores."""
    IGNORED = 8
    """Not to be scored at all (MOT conf 0, KITTI DontCare, BDD ignored)."""
    KEYFRAME = 16
    """Drawn or confirmed by a person."""
    PREDICTED = 32
    """Filled in by propagation or interpolation."""
    DIFFICULT = 64


@dataclass(frozen=True, slots=True, eq=False)
class FrameTable:
    """The frames that labels refer to, also those without any label, grouped by video in order."""

    video: NDArray[np.int32]
    """(F,) row of `Labels.videos`."""
    index: NDArray[np.int64]
    """(F,) frame ordinal in its video, increasing within a video."""
    name: tuple[str, ...] = ()
    """(F,) picture file name relative to the data set; () when the formats' own rule names them."""
    size: NDArray[np.int32] | None = None
    """(F, 2) width, height where pictures of one video differ in size; None: the video's."""

    def __len__(self) -> int:
        return len(self.index)


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """A set of labels in columns. Rows are sorted by frame row; within one frame they keep their order."""

    ontology: Ontology
    videos: tuple[Video, ...]
    frames: FrameTable
    frame: NDArray[np.int64]
    """(N,) row of `frames`, non-decreasing."""
    xyxy: NDArray[np.float64]
    """(N, 4) box or hull in pixels, continuous, x2/y2 exclusive."""
    class_id: NDArray[np.int32]
    """(N,) row of `ontology`."""
    track_id: NDArray[np.int64]
    """(N,) unique in its video; NO_TRACK for none."""
    score: NDArray[np.float64]
    """(N,) in [0, 1]; NaN where the source states none (ground truth)."""
    flags: NDArray[np.uint16]
    """(N,) bits of `Flag`."""
    visible: NDArray[np.float64]
    """(N,) visible share in [0, 1]; NaN where not stated."""
    shapes: Mapping[int, Shape] = field(default_factory=lambda: MappingProxyType({}))
    """Exact geometry by row, for labels that are more than their box."""
    attributes: Mapping[int, Mapping[str, AttributeValue]] = field(default_factory=lambda: MappingProxyType({}))
    """Free attributes by row."""
    frame_attributes: Mapping[int, Mapping[str, AttributeValue]] = field(default_factory=lambda: MappingProxyType({}))
    """Whole-frame tags by row of `frames`."""
    events: tuple[Event, ...] = ()
    """What rules found; here an event's `video_id` is its row of `videos`."""

    def __post_init__(self) -> None:
        count = len(self.frame)
        if self.xyxy.shape != (count, 4):
            msg = f"xyxy must have shape ({count}, 4) to match frame, got {self.xyxy.shape}"
            raise ValueError(msg)
        for name in ("class_id", "track_id", "score", "flags", "visible"):
            array = getattr(self, name)
            if array.shape != (count,):
                msg = f"{name} must have shape ({count},) to match frame, got {array.shape}"
                raise ValueError(msg)
        if count > 1 and bool(np.any(np.diff(self.frame) < 0)):
            msg = "rows must be sorted by frame"
            raise ValueError(msg)

    def __len__(self) -> int:
        return len(self.frame)

    @staticmethod
    def of(
        ontology: Ontology,
        videos: tuple[Video, ...],
        frames: FrameTable,
        frame: NDArray[np.int64],
        xyxy: NDArray[np.float64],
        **columns: object,
    ) -> Labels:
        """Make labels from unsorted rows; missing columns are class 0, NO_TRACK, score NaN, no flags, visible NaN.

        Columns of rows that are sorted already are kept as they are, not copied.
        Sparse mappings (`shapes`, `attributes`) are keyed by the row given; they follow the sort.
        """
        count = len(frame)
        is_sorted = count < 2 or bool((np.diff(frame) >= 0).all())
        order: NDArray[np.int64] | slice = slice(None) if is_sorted else np.argsort(frame, kind="stable")
        defaults: dict[str, tuple[type[np.generic], float]] = {
            "class_id": (np.int32, 0),
            "track_id": (np.int64, NO_TRACK),
            "score": (np.float64, np.nan),
            "flags": (np.uint16, 0),
            "visible": (np.float64, np.nan),
        }
        filled: dict[str, NDArray[np.generic]] = {}
        for name, (kind, missing) in defaults.items():
            given = columns.pop(name, None)
            filled[name] = (np.full(count, missing, kind) if given is None else np.asarray(given, kind))[order]
        rank = np.empty(0 if is_sorted else count, np.int64)
        rank[order] = np.arange(len(rank))
        for name in ("shapes", "attributes"):
            given = columns.get(name)
            if isinstance(given, Mapping) and not is_sorted:
                columns[name] = {int(rank[row]): value for row, value in given.items()}
        return Labels(
            ontology,
            videos,
            frames,
            np.asarray(frame, np.int64)[order],
            np.asarray(xyxy, np.float64).reshape(count, 4)[order],
            **filled,  # type: ignore[arg-type]
            **columns,  # type: ignore[arg-type]
        )

    def rows_of_frame(self, frame_row: int) -> slice:
        """Return the rows of one frame (by its row in `frames`)."""
        start, stop = np.searchsorted(self.frame, [frame_row, frame_row + 1])
        return slice(int(start), int(stop))

    def boxes(self, frame_row: int) -> Boxes:
        """Return the labels of one frame as boxes; a score that is not stated is 1."""
        rows = self.rows_of_frame(frame_row)
        return Boxes(
            self.xyxy[rows].copy(),
            np.nan_to_num(self.score[rows], nan=1.0),
            self.class_id[rows].copy(),
            self.track_id[rows].copy(),
        )

    def select(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Labels:
        """Return these labels only (a mask or ascending row numbers), with all videos and frames."""
        kept = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        position = {int(row): new for new, row in enumerate(kept)} if self.shapes or self.attributes else {}
        return Labels(
            self.ontology,
            self.videos,
            self.frames,
            self.frame[kept],
            self.xyxy[kept],
            self.class_id[kept],
            self.track_id[kept],
            self.score[kept],
            self.flags[kept],
            self.visible[kept],
            {position[row]: shape for row, shape in self.shapes.items() if row in position},
            {position[row]: values for row, values in self.attributes.items() if row in position},
            self.frame_attributes,
            self.events,
        )
