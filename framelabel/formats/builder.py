"""Gathers what a reader finds, in any order, into columnar `Labels`; refuses impossible boxes with a line each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from framelabel.core.boxes import NO_TRACK
from framelabel.core.frames import VideoId
from framelabel.core.labels import FrameTable, Labels
from framelabel.core.ontology import AttributeValue, ClassSpec, Ontology
from framelabel.core.shapes import Shape
from framelabel.core.videos import Video
from framelabel.formats.report import Report

FARTHEST = 1e7
"""Pixels; a coordinate beyond is a fault of the file, not a picture."""
MOST_FRAMES = 100_000_000
"""Ordinals from here on are faults."""
LONGEST = 10_000_000
"""Frames; a stated length beyond (four days at 25 a second) is not believed."""
_FLUSH = 20_000

_COLUMNS: tuple[tuple[str, type[np.generic]], ...] = (
    ("frame", np.int64),
    ("xyxy", np.float64),
    ("class_id", np.int32),
    ("track_id", np.int64),
    ("score", np.float64),
    ("flags", np.uint16),
    ("visible", np.float64),
)


def make_video(
    name: str,
    size: tuple[int, int] = (0, 0),
    frame_count: int = 0,
    fps: Fraction = Fraction(0),
    path: str = "",
) -> Video:
    """Return a video as a label file knows it; one tick of its time base is one picture. Unknown facts are 0."""
    size = size if min(size) >= 0 and max(size) < FARTHEST else (0, 0)
    frame_count = frame_count if 0 <= frame_count <= LONGEST else 0
    return Video(VideoId(0), name, path, size[0], size[1], frame_count, 1 / fps if fps else Fraction(1), fps)


class LabelsBuilder:
    """Collects videos, frames and rows. Rows name frames by the number that `frame` returned."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.videos: list[Video] = []
        self.classes: list[ClassSpec] = []
        self._class_of: dict[str, int] = {}
        self._frame_video: list[int] = []
        self._frame_index: list[int] = []
        self._frame_name: list[str] = []
        self._frame_size: list[tuple[int, int]] = []
        self._frame_of: dict[tuple[int, int], int] = {}
        self._unlisted: list[tuple[Iterable[int], Iterable[int], range]] = []
        self._runs: dict[int, tuple[range, int]] = {}
        self._last: dict[int, int] = {}
        self._blocks: dict[str, list[NDArray[Any]]] = {name: [] for name, _ in _COLUMNS}
        self._rows: list[tuple[Any, ...]] = []
        self._stored = 0
        self._interned: dict[tuple[tuple[str, AttributeValue], ...], Mapping[str, AttributeValue]] = {}
        self.shapes: dict[int, Shape] = {}
        self.attributes: dict[int, Mapping[str, AttributeValue]] = {}
        self.frame_attributes: dict[int, Mapping[str, AttributeValue]] = {}

    def video(self, video: Video) -> int:
        """Add a video; return its row."""
        self.videos.append(video)
        return len(self.videos) - 1

    def frame(self, video: int, index: int, name: str = "", size: tuple[int, int] = (0, 0)) -> int:
        """Return the number of a frame, adding it when it is new.

        Raises:
            ValueError: the ordinal is negative or absurd.
        """
        frame_of = self._listed() if self._unlisted else self._frame_of
        known = frame_of.get((video, index))
        if known is not None:
            return known
        if not 0 <= index < MOST_FRAMES:
            msg = f"frame {index} is outside 0 to {MOST_FRAMES - 1}"
            raise ValueError(msg)
        number = len(self._frame_index)
        frame_of[video, index] = number
        self._frame_video.append(video)
        self._frame_index.append(index)
        self._frame_name.append(name)
        self._frame_size.append(size if min(size) >= 0 and max(size) < FARTHEST else (0, 0))
        self._last[video] = max(index, self._last.get(video, -1))
        return number

    def frames(self, video: int, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the numbers of several frames of one video (ascending ordinals), adding those that are new.

        Raises:
            ValueError: an ordinal is negative or absurd.
        """
        if not len(indices):
            return np.zeros(0, np.int64)
        start, stop = int(indices[0]), int(indices[-1]) + 1
        run, number = self._runs.get(video, (range(0), 0))
        if start in run and stop - 1 in run:
            place, remainder = np.divmod(indices - run.start, run.step)
            if run.step == 1 or not bool(remainder.any()):
                return number + place
        frame_of = self._listed()
        first, last = frame_of.get((video, start), -1), frame_of.get((video, stop - 1), -1)
        if first >= 0 and last - first == stop - 1 - start:
            part = slice(first, last + 1)
            is_run = self._frame_index[part] == list(range(start, stop))
            if is_run and self._frame_video[part].count(video) == stop - start:
                return first + indices - start
        return np.array([self.frame(video, index) for index in indices.tolist()], np.int64)

    def add_run(self, video: int, frames: range) -> int:
        """Add many frames of a video at once; none of them may be there already. Returns the number of the first.

        Raises:
            ValueError: an ordinal is negative or absurd.
        """
        number, count = len(self._frame_index), len(frames)
        if not frames:
            return number
        if frames[0] < 0 or frames[-1] >= MOST_FRAMES:
            msg = f"frames {frames[0]} to {frames[-1]} are outside 0 to {MOST_FRAMES - 1}"
            raise ValueError(msg)
        self._unlisted.append((repeat(video), frames, range(number, number + count)))
        self._runs[video] = (frames, number)
        self._frame_video.extend([video] * count)
        self._frame_index.extend(frames)
        self._frame_name.extend([""] * count)
        self._frame_size.extend([(0, 0)] * count)
        self._last[video] = frames[-1]
        return number

    def add_frames(
        self, videos: list[int], indices: list[int], names: list[str] | None, sizes: list[tuple[int, int]]
    ) -> range:
        """Add many frames at once and return their numbers; the caller has made sure that all are new and possible."""
        number, count = len(self._frame_index), len(indices)
        numbers = range(number, number + count)
        self._unlisted.append((videos, indices, numbers))
        self._frame_video.extend(videos)
        self._frame_index.extend(indices)
        self._frame_name.extend(names if names is not None else [""] * count)
        self._frame_size.extend(sizes)
        highest = np.full(len(self.videos), -1, np.int64)
        np.maximum.at(highest, videos, indices)
        for video in np.flatnonzero(highest >= 0).tolist():
            self._last[video] = max(int(highest[video]), self._last.get(video, -1))
        return numbers

    def _listed(self) -> dict[tuple[int, int], int]:
        """Return the number of each frame; frames added in bulk get their entries when the first one is looked up."""
        for videos, indices, numbers in self._unlisted:
            self._frame_of.update(zip(zip(videos, indices), numbers))  # noqa: B905 - one video may stand for all
        self._unlisted.clear()
        return self._frame_of

    def has_frame(self, video: int, index: int) -> bool:
        """Return whether this frame was added before."""
        return (video, index) in self._listed()

    def frame_count(self) -> int:
        """Return how many frames were added."""
        return len(self._frame_index)

    def last_of(self, video: int) -> int:
        """Return the highest ordinal of a video's frames; -1 when it has none."""
        return self._last.get(video, -1)

    def video_of_frames(self) -> NDArray[np.int32]:
        """Return the video row of every frame by its number."""
        return np.array(self._frame_video, np.int32)

    def forget_names(self) -> None:
        """Drop picture names that only repeat a format's own rule."""
        self._frame_name = [""] * len(self._frame_name)

    def class_id(self, name: str, supercategory: str = "") -> int:
        """Return the id of a class, adding it when it is new."""
        known = self._class_of.get(name)
        if known is None:
            known = self._class_of[name] = len(self.classes)
            self.classes.append(ClassSpec(name, supercategory))
        return known

    def name_joints(
        self, class_id: int, keypoints: tuple[str, ...], skeleton: tuple[tuple[int, int], ...] = ()
    ) -> None:
        """Name the joints of a class and the pairs of them (from 0) that lines connect."""
        self.classes[class_id] = replace(self.classes[class_id], keypoints=keypoints, skeleton=skeleton)

    def add(
        self,
        frame: int,
        xyxy: Sequence[float] | NDArray[np.float64],
        class_id: int,
        where: str,
        *,
        track_id: int = NO_TRACK,
        score: float = np.nan,
        flags: int = 0,
        visible: float = np.nan,
        shape: Shape | None = None,
        attributes: Mapping[str, AttributeValue] | None = None,
    ) -> bool:
        """Add one label; an impossible box is skipped with a line. Returns whether it was added."""
        x1, y1, x2, y2 = (float(value) for value in xyxy)
        problem = _box_problem(x1, y1, x2, y2) or _shape_problem(shape)
        if not problem and not -(2**62) < track_id < 2**62:
            problem = f"track id {track_id} is too large"
        if problem:
            self.report.skip(where, problem, "correct or remove this label")
            return False
        row = self._stored + len(self._rows)
        self._rows.append((frame, (x1, y1, x2, y2), class_id, track_id, score, flags, visible))
        if shape is not None:
            self.shapes[row] = shape
        if attributes:
            self.attributes[row] = self.interned(attributes)
        if len(self._rows) >= _FLUSH:
            self._flush()
        return True

    def extend(
        self,
        frame: ArrayLike,
        xyxy: NDArray[np.float64],
        class_id: ArrayLike,
        where: Callable[[int], str],
        *,
        track_id: ArrayLike = NO_TRACK,
        score: ArrayLike = np.nan,
        flags: ArrayLike = 0,
        visible: ArrayLike = np.nan,
    ) -> NDArray[np.int64]:
        """Add many plain boxes; `where(k)` names row k in messages. Returns the (K,) positions that were accepted."""
        self._flush()
        good = possible(xyxy)
        for position in np.flatnonzero(~good)[:1000]:
            problem = _box_problem(*xyxy[position].tolist())
            self.report.skip(where(int(position)), problem, "correct or remove this label")
        hidden = int((~good).sum()) - 1000
        if hidden > 0:
            self.report.skip("", f"{hidden} more labels with impossible boxes", count=hidden)
        kept = np.flatnonzero(good)
        given = (frame, xyxy, class_id, track_id, score, flags, visible)
        for (name, kind), values in zip(_COLUMNS, given, strict=True):
            array = np.asarray(values, dtype=kind)
            column = array if array.ndim else np.full(len(xyxy), array)
            self._blocks[name].append(column if len(kept) == len(xyxy) else column[kept])
        self._stored += len(kept)
        return kept

    def set_tracks(self, rows: NDArray[np.int64], track_id: NDArray[np.int64]) -> None:
        """Give rows their track after they were added (ids that could be numbered only at the end)."""
        self._flush()
        column = _joined(self._blocks["track_id"], np.int64)
        column[rows] = track_id
        self._blocks["track_id"].append(column)

    @property
    def row_count(self) -> int:
        """Return how many labels were accepted so far; the next one has this row."""
        return self._stored + len(self._rows)

    def interned(self, attributes: Mapping[str, AttributeValue]) -> Mapping[str, AttributeValue]:
        """Return one shared mapping for equal attributes, so that a million equal ones cost one."""
        items = tuple((key, value) for key, value in attributes.items())
        typed = tuple((key, f"{type(value).__name__}:{value}") for key, value in items)
        return self._interned.setdefault(typed, dict(items))

    def build(self) -> Labels:
        """Return the labels with frames sorted by video and ordinal."""
        self._flush()
        video = np.array(self._frame_video, np.int32)
        index = np.array(self._frame_index, np.int64)
        order = np.lexsort((index, video))
        is_sorted = bool((np.diff(order) > 0).all())
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        shown = self._frame_name
        table = FrameTable(
            video[order],
            index[order],
            (tuple(shown) if is_sorted else tuple(shown[row] for row in order)) if any(shown) else (),
            self._sizes(order, video),
        )
        columns = {name: _joined(self._blocks[name], kind, 4 if name == "xyxy" else 0) for name, kind in _COLUMNS}
        return Labels.of(
            Ontology(tuple(self.classes)),
            self._counted_videos(video, index),
            table,
            columns["frame"] if is_sorted else rank[columns["frame"]],
            columns["xyxy"],
            class_id=columns["class_id"],
            track_id=columns["track_id"],
            score=columns["score"],
            flags=columns["flags"],
            visible=columns["visible"],
            shapes=self.shapes,
            attributes=self.attributes,
            frame_attributes={int(rank[row]): values for row, values in self.frame_attributes.items()},
        )

    def _sizes(self, order: NDArray[np.int64], video: NDArray[np.int32]) -> NDArray[np.int32] | None:
        """Give a video the one size of its pictures; return a column only where pictures differ."""
        if not self._frame_size:
            return None
        distinct, size_of = _distinct(self._frame_size)
        if not bool(distinct.any()):
            return None
        differs = False
        for row, known in enumerate(self.videos):
            of_video = distinct[np.unique(size_of[video == row])]
            stated = of_video[of_video.any(axis=1)]
            if len(stated) == 1 and len(of_video) == 1 and known.width == 0:
                self.videos[row] = replace(known, width=int(stated[0, 0]), height=int(stated[0, 1]))
            elif len(stated) and not (stated == [self.videos[row].width, self.videos[row].height]).all():
                differs = True
        if not differs:
            return None
        sizes = distinct[size_of]
        fallback = np.array([known.size for known in self.videos], np.int64)[video]
        return np.where(sizes > 0, sizes, fallback)[order].astype(np.int32)

    def _counted_videos(self, video: NDArray[np.int32], index: NDArray[np.int64]) -> tuple[Video, ...]:
        last = np.full(len(self.videos), -1, np.int64)
        np.maximum.at(last, video, index)
        return tuple(
            replace(known, id=VideoId(row), frame_count=max(known.frame_count, int(last[row]) + 1))
            for row, known in enumerate(self.videos)
        )

    def _flush(self) -> None:
        if not self._rows:
            return
        for (name, kind), values in zip(_COLUMNS, zip(*self._rows, strict=True), strict=True):
            self._blocks[name].append(np.array(values, dtype=kind))
        self._stored += len(self._rows)
        self._rows.clear()


def _joined(blocks: list[NDArray[Any]], kind: type[np.generic], width: int = 0) -> NDArray[Any]:
    if not blocks:
        return np.zeros((0, width) if width else 0, kind)
    result = blocks[0] if len(blocks) == 1 else np.concatenate(blocks)
    blocks.clear()
    return result


def _distinct(sizes: list[tuple[int, int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the (K, 2) different sizes and the (F,) row of each picture's."""
    rows = {size: row for row, size in enumerate(dict.fromkeys(sizes))}
    return np.array(list(rows), np.int64), np.fromiter(map(rows.__getitem__, sizes), np.int64, len(sizes))


def possible(xyxy: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which of (N, 4) boxes can be: finite, within reach, not inside out."""
    with np.errstate(invalid="ignore"):
        can_be = (xyxy[:, 2] >= xyxy[:, 0]) & (xyxy[:, 3] >= xyxy[:, 1])
        if not (xyxy.min(initial=0) >= -FARTHEST and xyxy.max(initial=0) <= FARTHEST):
            can_be &= np.all(np.abs(xyxy) <= FARTHEST, axis=1)
    return np.asarray(can_be, dtype=np.bool_)


def _box_problem(x1: float, y1: float, x2: float, y2: float) -> str:
    if not (abs(x1) < np.inf and abs(y1) < np.inf and abs(x2) < np.inf and abs(y2) < np.inf):
        return "a coordinate is not a finite number"
    if max(abs(x1), abs(y1), abs(x2), abs(y2)) > FARTHEST:
        return f"a coordinate lies more than {FARTHEST:.0f} pixels out"
    if x2 < x1 or y2 < y1:
        return f"width {x2 - x1:g} or height {y2 - y1:g} is negative"
    return ""


def _shape_problem(shape: Shape | None) -> str:
    if shape is None:
        return ""
    arrays = getattr(shape, "rings", None) or [getattr(shape, "points", np.zeros((0, 2)))]
    for array in arrays:
        if array.size and not np.abs(array).max() <= FARTHEST:
            return "a point is not a finite number within reach"
    return ""
